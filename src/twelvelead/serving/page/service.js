/** The service over HTTP: asks for a token when told to, waits when the service is busy, throws Faults. */

import { Fault, faultOf } from "./fault.js";

const TRIES = 8; // of a busy service
const TRIES_LOADING = 120; // of one whose model is being loaded: half an hour, and the user may stop it
const USUAL_WAIT_S = 2;
const LONGEST_USUAL_WAIT_S = 15;
const LONGEST_WAIT_S = 60;

export class Service {
  /**
   * @param {object} outside
   * @param {() => string} outside.token  the token known now, or ""
   * @param {(wrong: boolean) => Promise<boolean>} outside.askToken  false where the user gave none
   * @param {(seconds: number, signal?: AbortSignal, why?: string) => Promise<void>} outside.wait  shows the wait,
   *   and lasts it
   * @param {typeof fetch} [outside.fetch]
   */
  constructor({ token, askToken, wait, fetch = globalThis.fetch.bind(globalThis) }) {
    Object.assign(this, { token, askToken, wait, fetch });
    this.asking = null;
  }

  model() {
    return this.json("v1/model");
  }

  /** @param {File[]} files  one picture, or a record's header and signals */
  interpret(files, signal) {
    return this.json("v1/interpret?picture=true", { method: "POST", body: form(files), signal });
  }

  /** Interpret what is in a ZIP; `each` gets every line as it comes. */
  async batch(files, each, signal) {
    const response = await this.call("v1/batch?picture=true", { method: "POST", body: form(files), signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const lines = (rest + part.value).split("\n");
        rest = lines.pop();
        for (const line of lines) if (line.trim()) each(JSON.parse(line));
      }
      if (rest.trim()) each(JSON.parse(rest));
    } catch (error) {
      throw brokenOff(error, "v1/batch");
    }
  }

  feedback(body) {
    return this.json("v1/feedback", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  queue() {
    return this.json("v1/queue");
  }

  queued(recordId) {
    return this.json(`v1/queue/${encodeURIComponent(recordId)}`);
  }

  async json(path, options) {
    const response = await this.call(path, options);
    try {
      return await response.json();
    } catch (error) {
      throw brokenOff(error, path);
    }
  }

  /** @returns {Promise<Response>} a success; everything else is thrown */
  async call(path, options = {}) {
    for (let tries = 1; ; tries += 1) {
      const used = this.token();
      const response = await this.send(path, options, used);
      if (response.ok) return response;
      const fault = await faultOf(response);
      if (response.status === 401) {
        if (used === this.token() && !(await this.askOnce(Boolean(used)))) throw fault;
      } else if (tries < triesOf(response)) {
        const seconds = waitSeconds(response.headers.get("Retry-After"), Date.now(), tries);
        await this.wait(seconds, options.signal, response.status === 503 ? fault.what : "the service is busy");
      } else {
        throw fault;
      }
    }
  }

  async send(path, options, token) {
    const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    try {
      return await this.fetch(path, { cache: "no-store", ...options, headers });
    } catch (error) {
      if (error?.name === "AbortError") throw stopped();
      throw new Fault({
        what: "the service cannot be reached",
        expected: "Twelvelead's service at the address of this page",
        fix: "start it again, or wait until the network is back; what is open here stays open",
        code: "unreachable",
      });
    }
  }

  /** Two requests refused at once ask the user one question. */
  askOnce(wrong) {
    this.asking ??= this.askToken(wrong).finally(() => {
      this.asking = null;
    });
    return this.asking;
  }
}

/** An answer that began and did not end: the service went away, or the user stopped. */
function brokenOff(error, path) {
  if (error?.name === "AbortError") return stopped();
  return new Fault({ what: `the answer to ${path} broke off`, fix: "try again", code: "broken" });
}

/** What a user's "stop" throws. */
export function stopped() {
  return new Fault({ what: "you stopped it", code: "stopped", fix: "open the file again" });
}

/**
 * @returns {number} seconds to wait, of a Retry-After in seconds or as a date, at least half of one; longer from try to
 *   try where there is none
 */
export function waitSeconds(header, nowMs, tries = 1) {
  const text = (header ?? "").trim();
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (Date.parse(text) - nowMs) / 1000;
  if (!Number.isFinite(seconds)) return Math.min(USUAL_WAIT_S * 1.4 ** (tries - 1), LONGEST_USUAL_WAIT_S);
  return Math.min(Math.max(seconds, 0.5), LONGEST_WAIT_S);
}

function triesOf({ status }) {
  return { 429: TRIES, 503: TRIES_LOADING }[status] ?? 0;
}

function form(files) {
  const data = new FormData();
  for (const file of files) data.append("file", file, file.name);
  return data;
}
