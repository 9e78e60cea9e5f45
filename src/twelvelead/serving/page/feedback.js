/** A reader's disagreement with a result: what is sent to the service, and the same as JSON lines. */

export class Opinion {
  constructor() {
    this.said = new Map(); // code → present, as the reader sees it
    this.note = "";
    this.sent = false;
  }

  /** Disagree with a statement, or no longer. */
  toggle(code, positive) {
    if (this.said.has(code)) this.said.delete(code);
    else this.said.set(code, !positive);
    this.sent = false;
  }

  write(note) {
    this.note = note;
    this.sent = false;
  }

  get empty() {
    return this.said.size === 0 && this.note.trim() === "";
  }

  /** The body of POST /v1/feedback. */
  body(id, sha256) {
    const statements = [...this.said].map(([code, present]) => ({ code, present }));
    statements.sort((one, other) => one.code.localeCompare(other.code));
    return { id, sha256, statements, note: this.note.trim() };
  }
}

/** Bodies as JSON lines; a body given again replaces the one before it. */
export class Lines {
  constructor() {
    this.bodies = new Map();
  }

  put(body) {
    this.bodies.set(body.id, body);
  }

  drop(id) {
    this.bodies.delete(id);
  }

  get text() {
    return [...this.bodies.values()].map((body) => `${JSON.stringify(body)}\n`).join("");
  }
}
