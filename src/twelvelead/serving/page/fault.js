/** What went wrong, as sentences: what, where, what was expected, how to mend it. */

export class Fault extends Error {
  /** @param {{what: string, code?: string, where?: string, expected?: string, fix?: string, status?: number}} said */
  constructor({ what, code = "", where = "", expected = "", fix = "", status = 0 }) {
    super(what);
    Object.assign(this, { what, code, where, expected, fix, status });
  }

  /** Whether the same may be read at another time: nothing was wrong with it. */
  get passing() {
    return ["unreachable", "stopped", "broken"].includes(this.code) || [401, 429].includes(this.status) || this.status >= 500;
  }

  /** @returns {string[]} one sentence a part, those that were not told left out */
  get sentences() {
    return [
      this.where ? `${this.where}: ${ended(this.what)}` : sentence(this.what),
      this.expected && sentence(`Expected: ${this.expected}`),
      this.fix && sentence(this.fix),
    ].filter(Boolean);
  }
}

/** @returns {Promise<Fault>} what an answer that is no success says */
export async function faultOf(response) {
  let said = null;
  try {
    said = (await response.json())?.error;
  } catch {
    // a proxy's HTML page, or nothing at all
  }
  if (typeof said?.what === "string") return new Fault({ ...said, status: response.status });
  return new Fault({
    what: `the service answered ${response.status} without saying why`,
    expected: "an answer of Twelvelead's service",
    fix: "try again; if it stays so, look into the service's log",
    status: response.status,
  });
}

/** @returns {Fault} any error as one of ours */
export function asFault(error) {
  if (error instanceof Fault) return error;
  return new Fault({
    what: `the page could not go on (${error?.message ?? error})`,
    fix: "reload the page; what was opened here has to be opened again",
  });
}

/** A text as a sentence: a capital in front, a stop behind. */
export function sentence(text) {
  const whole = ended(text);
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}

function ended(text) {
  const whole = String(text).trim();
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
