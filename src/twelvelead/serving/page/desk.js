/** The cases on the desk: those opened here and those of the run's queue, and the one being looked at. */

import { casesOf } from "./intake.js";
import { Fault, asFault } from "./fault.js";
import { Opinion } from "./feedback.js";

/**
 * @typedef {object} Case
 * @property {"picture"|"record"|"archive"|"member"|"queued"} kind  a member is one line of an archive's answer
 * @property {string} name
 * @property {File[]} files
 * @property {"waiting"|"busy"|"done"|"failed"} state
 * @property {object|null} result  of /v1/interpret, or of /v1/queue/{record_id}
 * @property {Fault|null} fault
 * @property {Opinion} opinion
 * @property {object|null} item  the line of the queue
 * @property {Case} [archive]  where a member came from
 * @property {{callipers?: object, scale?: object}} kept  what was laid over its picture
 */

export class Desk {
  /** @param {import("./service.js").Service} service  @param {(changed: Case) => void} changed */
  constructor(service, changed) {
    Object.assign(this, { service, changed, opened: [], queue: [], run: null, current: null, working: false });
    this.stopper = new AbortController();
  }

  /** Put files on the desk and read them one after the other. @returns {Promise<Case|null>} the first of them */
  async open(files) {
    const made = (await casesOf([...files])).map((found) =>
      blank({ ...found, state: found.fault ? "failed" : "waiting" }),
    );
    this.opened.push(...made);
    if (this.stopper.signal.aborted) this.stopper = new AbortController();
    this.work();
    return made[0] ?? null;
  }

  async work() {
    if (this.working) return;
    this.working = true;
    for (let next = this.waiting; next; next = this.waiting) await this.read(next);
    this.working = false;
  }

  get waiting() {
    return this.opened.find((each) => each.state === "waiting");
  }

  async read(one) {
    this.mark(one, "busy");
    const { signal } = this.stopper;
    try {
      if (one.kind === "archive") await this.unpack(one, signal);
      else one.result = await this.service.interpret(one.files, signal);
      this.mark(one, "done");
    } catch (error) {
      one.fault = asFault(error);
      this.mark(one, "failed");
    }
  }

  /** An archive's lines become cases of their own, behind it. */
  async unpack(archive, signal) {
    const before = this.opened.filter((each) => each.archive !== archive); // an earlier try's
    this.opened.splice(0, this.opened.length, ...before);
    archive.members = 0;
    let place = this.opened.indexOf(archive);
    await this.service.batch(archive.files, (line) => {
      const fault = line.error ? new Fault(line.error) : null;
      const state = fault ? "failed" : "done";
      const member = blank({ kind: "member", archive, name: line.file, fault, state, result: line.result ?? null });
      this.opened.splice((place += 1), 0, member);
      archive.members += 1;
      this.changed(member);
    }, signal);
  }

  /** Read a case again that failed for no fault of its own. */
  again(one) {
    if (one.state === "failed") this.mark(one, "waiting");
    if (one.kind === "queued") return this.fetch(one);
    return this.work();
  }

  /** Stop what is waiting or running. */
  stop() {
    this.stopper.abort();
    for (const each of this.opened) {
      if (each.state === "waiting") {
        each.fault = new Fault({ what: "it was not read, as you stopped", code: "stopped", fix: "open the file again" });
        this.mark(each, "failed");
      }
    }
    this.stopper = new AbortController();
  }

  async loadQueue() {
    const { run, items } = await this.service.queue();
    this.run = run;
    this.queue = items.map((item) =>
      blank({ kind: "queued", name: `${item.record_id} · ${item.code}`, item, state: "waiting" }),
    );
  }

  /** Fetch a case of the queue, once. */
  async fetch(one) {
    if (one.kind !== "queued" || one.state !== "waiting") return;
    this.mark(one, "busy");
    try {
      one.result = await this.service.queued(one.item.record_id);
      this.mark(one, "done");
    } catch (error) {
      one.fault = asFault(error);
      this.mark(one, "waiting"); // so that coming back tries again
    }
  }

  /** The neighbour of the current case in its own list, or the first of any. */
  beside(step) {
    const list = this.current?.kind === "queued" ? this.queue : this.opened.length ? this.opened : this.queue;
    const place = list.indexOf(this.current);
    if (place < 0) return list[0] ?? null;
    return list[place + step] ?? null;
  }

  mark(one, state) {
    one.state = state;
    if (state === "busy" || (state === "waiting" && one.kind !== "queued")) one.fault = null;
    this.changed(one);
  }
}

function blank(given) {
  return { files: [], fault: null, result: null, item: null, opinion: new Opinion(), kept: {}, ...given };
}
