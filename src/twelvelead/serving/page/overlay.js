/** What is drawn over the picture, in pixels of the stage so that lines stay thin at every zoom. */

import { svg } from "./element.js";
import { reading, told } from "./scale.js";
import { toStage } from "./view.js";

const REACH = 14; // of a jaw beyond the points, px
const BARS_MM = [[1, 0.1], [2, 0.2], [5, 0.5], [10, 1], [25, 1], [50, 1]];
const LETTER = 7; // width of one in a label, px

/**
 * @param {SVGElement} layer
 * @param {object} scene  {view, stage, boxes, callipers, box, scale}; boxes and box may be null
 */
export function paint(layer, { view, stage, boxes, callipers, box, scale }) {
  layer.setAttribute("viewBox", `0 0 ${stage.width} ${stage.height}`);
  const parts = (boxes ?? []).map((lead) => leadBox(lead, view));
  for (const calliper of callipers.list) parts.push(drawn(calliper, callipers, view, scale, stage));
  if (box) parts.push(calibrating(box, view));
  if (scale?.pxPerMmX) parts.push(scaleBar(view, stage, scale));
  layer.replaceChildren(...parts);
}

function leadBox(lead, view) {
  const at = toStage(view, lead);
  const width = lead.width * view.scale;
  const height = lead.height * view.scale;
  const label = 8 + LETTER * 1.2 * lead.lead.length;
  return svg(
    "g",
    { class: "lead" },
    svg("rect", { x: at.x + 1, y: at.y + 1, width: Math.max(width - 2, 0), height: Math.max(height - 2, 0), rx: 2 }),
    svg("rect", { class: "tag", x: at.x + width - label - 3, y: at.y + 3, width: label, height: 17, rx: 2 }),
    svg("text", { x: at.x + width - label / 2 - 3, y: at.y + 15.5, "text-anchor": "middle" }, lead.lead),
  );
}

function drawn(calliper, callipers, view, scale, stage) {
  const a = toStage(view, calliper.a);
  const b = toStage(view, calliper.b);
  const active = calliper.id === callipers.active;
  const [top, bottom] = [Math.min(a.y, b.y), Math.max(a.y, b.y)];
  const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)];
  const lines = [
    [a.x, top - REACH, a.x, bottom + REACH],
    [b.x, top - REACH, b.x, bottom + REACH],
    [left, b.y, right, b.y],
  ];
  if (bottom - top > 3) lines.push([left - REACH, a.y, right + REACH, a.y], [left - REACH, b.y, right + REACH, b.y]);
  const text = `${calliper.id}: ${told(reading(calliper.a, calliper.b, scale)).join(" · ")}`;
  const path = lines.map(([x0, y0, x1, y1]) => `M${x0} ${y0}L${x1} ${y1}`).join("");
  return svg(
    "g",
    { class: active ? "calliper active" : "calliper" },
    svg("path", { class: "halo", d: path }),
    svg("path", { d: path }),
    ...["a", "b"].map((end) =>
      svg("circle", {
        class: active && callipers.end === end ? "end now" : "end",
        cx: end === "a" ? a.x : b.x,
        cy: end === "a" ? a.y : b.y,
        r: 6,
      }),
    ),
    ...label(text, (left + right) / 2, top - REACH - 8, stage),
  );
}

function label(text, x, y, stage) {
  const width = text.length * LETTER + 12;
  const middle = Math.min(Math.max(x, width / 2 + 4), Math.max(stage.width - width / 2 - 4, width / 2 + 4));
  const base = Math.min(Math.max(y, 20), stage.height - 8);
  return [
    svg("rect", { class: "tag", x: middle - width / 2, y: base - 15, width, height: 20, rx: 3 }),
    svg("text", { x: middle, y: base, "text-anchor": "middle" }, text),
  ];
}

function calibrating(box, view) {
  const a = toStage(view, box.a);
  const b = toStage(view, box.b);
  const size = { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
  return svg(
    "g",
    { class: "box" },
    svg("rect", { class: "halo", ...size }),
    svg("rect", size),
    svg("circle", { class: box.end === "a" ? "end now" : "end", cx: a.x, cy: a.y, r: 6 }),
    svg("circle", { class: box.end === "b" ? "end now" : "end", cx: b.x, cy: b.y, r: 6 }),
  );
}

/** An L in the corner: so many millimetres each way, and what they mean in time and voltage. */
function scaleBar(view, stage, scale) {
  const mm = { x: view.scale * scale.pxPerMmX, y: view.scale * scale.pxPerMmY };
  const [length] = BARS_MM.find(([bar]) => bar * mm.x >= 40) ?? BARS_MM.at(-1);
  const [right, foot] = [stage.width - 18, stage.height - 30];
  const left = right - length * mm.x;
  const top = foot - length * mm.y;
  const time = scale.speedMmS ? `${Number(((length / scale.speedMmS) * 1000).toFixed(0))} ms` : "";
  const volts = scale.gainMmMv ? `${Number((length / scale.gainMmMv).toFixed(2))} mV` : "";
  const text = [`${length} mm`, time, volts].filter(Boolean).join(" · ");
  const width = text.length * LETTER + 10;
  const path = `M${left} ${top}V${foot}H${right}M${left - 4} ${top}h8M${right} ${foot - 4}v8`;
  return svg(
    "g",
    { class: "bar" },
    svg("path", { class: "halo", d: path }),
    svg("path", { d: path }),
    svg("rect", { class: "tag", x: right - width + 8, y: foot + 7, width, height: 18, rx: 3 }),
    svg("text", { x: right + 8 - width / 2, y: foot + 20, "text-anchor": "middle" }, text),
  );
}
