/** The notice that a busy service is waited for, counting down, with a way to stop. */

import { sentence } from "./fault.js";
import { stopped } from "./service.js";

export class Waiting {
  /** @param {{banner: HTMLElement, text: HTMLElement}} parts  @param {(text: string) => void} say */
  constructor(parts, say) {
    Object.assign(this, parts, { say });
    this.waits = new Set();
  }

  /** Last so many seconds, and say why; throws where the user stops it. */
  last(seconds, signal, why) {
    this.why = sentence(why);
    this.say(`${this.why} Trying again in ${Math.ceil(seconds)} seconds.`);
    return new Promise((resolve, reject) => {
      const wait = { until: Date.now() + seconds * 1000, reject };
      const end = (settle, value) => {
        this.waits.delete(wait);
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
        this.draw();
        settle(value);
      };
      const stop = () => end(reject, stopped());
      const timer = setTimeout(() => end(resolve), seconds * 1000);
      wait.stop = stop;
      signal?.addEventListener("abort", stop);
      this.waits.add(wait);
      this.tick();
    });
  }

  stop() {
    for (const wait of [...this.waits]) wait.stop();
  }

  tick() {
    this.draw();
    clearTimeout(this.ticking);
    if (this.waits.size) this.ticking = setTimeout(() => this.tick(), 250);
  }

  draw() {
    this.banner.hidden = this.waits.size === 0;
    if (this.banner.hidden) return;
    const soonest = Math.min(...[...this.waits].map((wait) => wait.until));
    const seconds = Math.max(Math.ceil((soonest - Date.now()) / 1000), 0);
    this.text.textContent = `${this.why} Trying again in ${seconds} s.`;
  }
}
