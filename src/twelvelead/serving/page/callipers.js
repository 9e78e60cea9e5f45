/** The callipers laid on a picture: pairs of points in its pixels, one of them active, one end of that too. */

export class Callipers {
  /** @param {{width: number, height: number}} size  of the picture; no end leaves it */
  constructor(size) {
    this.size = size;
    this.list = [];
    this.active = null;
    this.end = "b";
    this.next = 1;
  }

  /** Lay one from a to b and make its end b active. */
  add(a, b = a) {
    const calliper = { id: this.next++, a: this.inside(a), b: this.inside(b) };
    this.list.push(calliper);
    this.select(calliper.id, "b");
    return calliper;
  }

  find(id) {
    return this.list.find((calliper) => calliper.id === id) ?? null;
  }

  get current() {
    return this.find(this.active);
  }

  select(id, end = this.end) {
    this.active = this.find(id) ? id : null;
    this.end = end;
  }

  /** Put the active end somewhere. */
  place(point) {
    if (this.current) this.current[this.end] = this.inside(point);
  }

  /** Move the active end by pixels of the picture. */
  nudge(dx, dy) {
    const at = this.current?.[this.end];
    if (at) this.place({ x: at.x + dx, y: at.y + dy });
  }

  switchEnd() {
    this.end = this.end === "a" ? "b" : "a";
  }

  /** Take one away; its successor, or else the last, becomes active. */
  remove(id = this.active) {
    const place = this.list.findIndex((calliper) => calliper.id === id);
    if (place < 0) return;
    this.list.splice(place, 1);
    if (this.active === id) this.active = (this.list[place] ?? this.list.at(-1))?.id ?? null;
  }

  /** The next one in turn, around the list. */
  cycle() {
    if (!this.list.length) return;
    const place = this.list.findIndex((calliper) => calliper.id === this.active);
    this.active = this.list[(place + 1) % this.list.length].id;
  }

  /** @returns {{id: number, end: "a"|"b"}|null} the end nearest to a point within a radius, all in picture px */
  near(point, radius) {
    let found = null;
    let least = radius;
    for (const calliper of this.list) {
      for (const end of ["a", "b"]) {
        const far = Math.hypot(calliper[end].x - point.x, calliper[end].y - point.y);
        if (far <= least) {
          least = far;
          found = { id: calliper.id, end };
        }
      }
    }
    return found;
  }

  inside({ x, y }) {
    return { x: Math.min(Math.max(x, 0), this.size.width), y: Math.min(Math.max(y, 0), this.size.height) };
  }
}
