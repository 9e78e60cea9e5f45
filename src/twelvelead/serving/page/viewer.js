/** The picture on its stage: zoom and pan, callipers, calibration, by pointer and by key. */

import { Callipers } from "./callipers.js";
import { paint } from "./overlay.js";
import * as paper from "./scale.js";
import * as views from "./view.js";

const GRASP = 14; // px of the stage around a calliper's end
const LAID_APART = 48; // px of the stage between callipers laid by key
const PAN_STEP = 40; // px a press of an arrow key
const SHARP_FROM = 4; // CSS px a pixel of the picture: show it as the square it is
const LEAST_DRAG = 3; // px; shorter is a click
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Viewer {
  /**
   * @param {{stage: HTMLElement, image: HTMLImageElement, layer: SVGElement}} parts
   * @param {() => void} changed  called after every change, to redraw what is around the stage
   */
  constructor(parts, changed) {
    Object.assign(this, parts, { changed: () => {} });
    this.tool = "move";
    this.boxesShown = true;
    this.pointers = new Map();
    this.turn = 0;
    this.clear();
    this.stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.stage.addEventListener("pointerdown", (event) => this.down(event));
    this.stage.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) this.stage.addEventListener(end, (event) => this.up(event));
    new ResizeObserver(() => this.resized()).observe(this.stage);
    this.changed = changed;
  }

  clear() {
    this.turn += 1;
    this.size = null;
    this.view = { scale: 1, x: 0, y: 0 };
    this.scale = paper.scaleOf(null);
    this.leadBoxes = [];
    this.callipers = new Callipers({ width: 0, height: 0 });
    this.box = null;
    this.drag = null;
    this.fitted = true;
    this.image.hidden = true;
    this.image.removeAttribute("src");
    this.redraw();
  }

  /**
   * Show a picture.
   * @param {string} source  URL
   * @param {object|null} picture  what the service says of it; null where it is only the user's file
   * @param {object} kept  of an earlier look at the same picture, by `keep`
   */
  async open(source, picture, kept = {}) {
    this.clear();
    const turn = (this.turn += 1); // not the source: the same picture may be opened again meanwhile
    this.image.src = source;
    try {
      await this.image.decode();
    } catch {
      if (this.turn === turn) this.clear();
      return false; // nothing this browser can show; the service may still read it
    }
    if (this.turn !== turn) return false; // another was opened meanwhile
    this.size = { width: this.image.naturalWidth, height: this.image.naturalHeight };
    this.leadBoxes = picture?.lead_boxes ?? [];
    const same = kept.size?.width === this.size.width && kept.size?.height === this.size.height;
    const mine = same && kept.scale.source === "yours";
    this.scale = mine ? kept.scale : paper.scaleOf(picture);
    this.callipers = same ? kept.callipers : new Callipers(this.size);
    this.image.hidden = false;
    if (same && !kept.fitted) this.look(kept.view);
    else this.fit();
    return true;
  }

  /** What was laid over the picture and how it was looked at, to come back to. */
  keep() {
    const { size, scale, callipers, view, fitted } = this;
    return size ? { size, scale, callipers, view, fitted } : {};
  }

  get room() {
    return { width: this.stage.clientWidth, height: this.stage.clientHeight };
  }

  get middle() {
    return { x: this.room.width / 2, y: this.room.height / 2 };
  }

  fit() {
    if (!this.size) return;
    this.look(views.fit(this.size, this.room));
    this.fitted = true;
  }

  zoom(factor, at = this.middle) {
    if (this.size) this.look(views.zoomTo(this.view, this.view.scale * factor, at));
  }

  /** @returns {boolean} whether the scale is known, so that there is a true size */
  trueSize(screenPxPerMm) {
    if (!this.size || !this.scale.pxPerMmX) return false;
    this.look(views.zoomTo(this.view, views.trueSize(this.scale.pxPerMmX, screenPxPerMm), this.middle));
    return true;
  }

  showLead(name) {
    const found = this.leadBoxes.find((lead) => lead.lead === name);
    if (found && this.size) this.look(views.show(found, this.size, this.room));
  }

  look(view) {
    this.fitted = false;
    this.view = views.kept(view, this.size, this.room);
    this.redraw();
  }

  resized() {
    if (!this.size) return this.redraw();
    return this.fitted && !this.drag ? this.fit() : this.look(this.view);
  }

  setTool(tool) {
    this.tool = tool;
    this.redraw();
  }

  rescale(changes) {
    this.scale = { ...this.scale, ...changes };
    this.redraw();
  }

  /** A calliper over a fifth of what is seen, its right end active. */
  lay() {
    if (!this.size) return;
    const { width, height } = this.room;
    const below = (this.callipers.list.length % 5) * LAID_APART; // not on top of the one before
    const at = (share) => views.toPicture(this.view, { x: width * share, y: height * 0.4 + below });
    this.callipers.add(at(0.4), at(0.6));
    this.redraw();
  }

  /** Start calibrating, with a box in the middle of what is seen. */
  startBox() {
    if (!this.size) return;
    const { x, y } = this.middle;
    const corner = (by) => this.callipers.inside(views.toPicture(this.view, { x: x + by, y: y + by }));
    this.box = { a: corner(-30), b: corner(30), end: "b" };
    this.callipers.active = null;
    this.redraw();
  }

  /** Leave calibration; with numbers of large boxes, take the scale the box tells. */
  endBox(across = 0, down = 0) {
    const found = this.box && across ? paper.scaleFromBox(this.box.a, this.box.b, across, down, this.scale) : null;
    if (across && !found) return false;
    if (found) this.scale = found;
    this.box = null;
    this.redraw();
    return true;
  }

  /** What a key does on the stage. @returns {boolean} whether it did anything */
  key(event) {
    const arrow = ARROWS[event.key];
    if (!this.size || !arrow) return false;
    const far = event.shiftKey ? 10 : 1;
    const [dx, dy] = [arrow[0] * far, arrow[1] * far];
    if (this.box) {
      const at = this.box[this.box.end];
      this.box[this.box.end] = this.callipers.inside({ x: at.x + dx, y: at.y + dy });
      this.redraw();
    } else if (this.callipers.current) {
      this.callipers.nudge(dx, dy);
      this.redraw();
    } else {
      this.look(views.pan(this.view, -dx * PAN_STEP, -dy * PAN_STEP));
    }
    return true;
  }

  switchEnd() {
    if (this.box) this.box.end = this.box.end === "a" ? "b" : "a";
    else this.callipers.switchEnd();
    this.redraw();
  }

  wheel(event) {
    if (!this.size) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.zoom(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) / 400), this.at(event));
  }

  down(event) {
    if (!this.size || event.button > 0) return;
    this.stage.setPointerCapture(event.pointerId);
    const at = this.at(event);
    this.pointers.set(event.pointerId, at);
    if (this.pointers.size > 1) {
      this.drag = null; // two fingers zoom
      return;
    }
    const point = views.toPicture(this.view, at);
    const held = this.box ? null : this.callipers.near(point, GRASP / this.view.scale);
    if (this.box) {
      this.drag = { kind: "box", from: point, at };
    } else if (held) {
      this.callipers.select(held.id, held.end);
      const end = this.callipers.current[held.end];
      this.drag = { kind: "end", grip: { x: end.x - point.x, y: end.y - point.y } };
    } else {
      this.drag = { kind: this.tool === "measure" ? "new" : "pan", from: point, at };
    }
    this.redraw();
  }

  move(event) {
    if (!this.pointers.has(event.pointerId)) return;
    const at = this.at(event);
    const before = this.pointers.get(event.pointerId);
    if (this.pointers.size === 2) this.pinch(event.pointerId, before, at);
    this.pointers.set(event.pointerId, at);
    if (this.drag) this.dragged(at, before);
  }

  dragged(at, before) {
    const point = views.toPicture(this.view, at);
    const { kind, from, grip } = this.drag;
    const moved = this.drag.at && Math.hypot(at.x - this.drag.at.x, at.y - this.drag.at.y) >= LEAST_DRAG;
    if (kind === "pan") {
      this.look(views.pan(this.view, at.x - before.x, at.y - before.y));
      return;
    }
    if (kind === "end") {
      this.callipers.place({ x: point.x + grip.x, y: point.y + grip.y });
    } else if (kind === "new" && moved) {
      this.callipers.add(from, point);
      this.drag = { kind: "end", grip: { x: 0, y: 0 } };
    } else if (kind === "box" && moved) {
      this.box = { a: this.callipers.inside(from), b: this.callipers.inside(point), end: "b" };
    }
    this.redraw();
  }

  pinch(id, before, at) {
    const [other] = [...this.pointers].filter(([own]) => own !== id).map(([, place]) => place);
    const apart = (one) => Math.max(Math.hypot(one.x - other.x, one.y - other.y), 1);
    this.zoom(apart(at) / apart(before), { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 });
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    if (this.drag?.kind === "new") this.callipers.active = null; // a click beside every calliper
    this.drag = null;
    this.redraw();
  }

  at(event) {
    const edge = this.stage.getBoundingClientRect();
    return { x: event.clientX - edge.left - this.stage.clientLeft, y: event.clientY - edge.top - this.stage.clientTop };
  }

  redraw() {
    const { scale, x, y } = this.view;
    this.image.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.image.style.imageRendering = scale >= SHARP_FROM ? "pixelated" : "auto";
    paint(this.layer, {
      view: this.view,
      stage: this.room,
      boxes: this.size && this.boxesShown ? this.leadBoxes : null,
      callipers: this.callipers,
      box: this.box,
      scale: this.size ? this.scale : null,
    });
    this.changed();
  }
}
