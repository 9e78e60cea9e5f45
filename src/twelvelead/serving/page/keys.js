/** Which key does what; the help is made from the same table. */

import { element } from "./element.js";

/** [section, [[keys as shown, key values, action, words], …]] */
export const KEYS = [
  [
    "Cases",
    [
      ["O", ["o"], "open", "Open files"],
      ["N", ["n"], "next", "Next case"],
      ["P", ["p"], "previous", "Previous case"],
      ["Q", ["q"], "queue", "The run’s worst disagreements"],
    ],
  ],
  [
    "Picture",
    [
      ["+", ["+", "="], "zoomIn", "Zoom in"],
      ["−", ["-", "−"], "zoomOut", "Zoom out"],
      ["0", ["0"], "fit", "Whole page"],
      ["1", ["1"], "trueSize", "True size"],
      ["V", ["v"], "toolMove", "Dragging moves the page"],
      ["M", ["m"], "toolMeasure", "Dragging measures"],
      ["L", ["l"], "boxes", "Show or hide the leads’ boxes"],
      ["B", ["b"], "calibrate", "Calibrate by the grid"],
    ],
  ],
  [
    "Callipers",
    [
      ["C", ["c"], "lay", "Lay a calliper"],
      ["← ↑ → ↓", [], null, "Move the active end by 1 px, with Shift by 10; without one, the page"],
      ["X", ["x"], "switchEnd", "The other end"],
      ["T", ["t"], "cycle", "The next calliper"],
      ["Delete", ["Delete", "Backspace"], "remove", "Remove the active calliper"],
      ["Esc", ["Escape"], "release", "Let go of the calliper, or leave calibration"],
    ],
  ],
  [
    "Statements",
    [
      ["/", ["/"], "filter", "Filter"],
      ["J", ["j"], "rowDown", "Next statement"],
      ["K", ["k"], "rowUp", "Previous statement"],
      ["D", ["d"], "disagree", "Disagree with the statement, or no longer"],
      ["W", ["w"], "note", "Write a note"],
    ],
  ],
  ["Help", [["?", ["?"], "help", "These keys"]]],
];

const ACTIONS = new Map(KEYS.flatMap(([, rows]) => rows.flatMap(([, keys, action]) => keys.map((key) => [key, action]))));

/** @returns {string|null} what a key press asks for; null while text is typed or another key is held */
export function actionOf(event, allowed = true) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return null;
  if (typing(event.target)) return null;
  const action = ACTIONS.get(event.key.length === 1 ? event.key.toLowerCase() : event.key) ?? null;
  return allowed || action === "help" || event.key.length > 1 ? action : null;
}

export function drawKeys(place) {
  place.replaceChildren(
    ...KEYS.map(([title, rows]) =>
      element(
        "section",
        {},
        element("h3", {}, title),
        element("dl", {}, ...rows.flatMap(([shown, , , words]) => [
          element("dt", {}, element("kbd", {}, shown)),
          element("dd", {}, words),
        ])),
      ),
    ),
  );
}

function typing(target) {
  const field = target?.closest?.("input, textarea, select, [contenteditable]");
  return Boolean(field) && !["checkbox", "radio", "button"].includes(field.type);
}
