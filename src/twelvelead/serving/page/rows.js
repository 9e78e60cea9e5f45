/** Statements as bars: probability against threshold, the CNN's below, and the reader's disagreement. */

import { element } from "./element.js";
import { grouped, probabilityTold } from "./statements.js";

/**
 * @param {HTMLElement} list
 * @param {object[]} rows  of `rowsOf`, filtered
 * @param {object} how
 * @param {boolean} how.byGroup
 * @param {Map<string, boolean>} how.said  code → present, where the reader disagrees
 * @param {string|null} how.marked  code of the row that is in question
 * @param {(row: object) => void} how.disagree
 */
export function drawRows(list, rows, how) {
  if (!rows.length) {
    list.replaceChildren(element("p", { class: "soft none" }, "No statement fits this filter."));
    return;
  }
  const drawn = (own, title) => element("ul", { "aria-label": title }, ...own.map((row) => drawRow(row, how)));
  if (!how.byGroup) {
    list.replaceChildren(drawn(rows, "Statements"));
    return;
  }
  const parts = grouped(rows).flatMap(({ group, rows: own }) => [element("h4", {}, group), drawn(own, group)]);
  list.replaceChildren(...parts);
}

function drawRow(row, { said, marked, disagree }) {
  const own = said.get(row.code);
  const names = ["row", row.positive ? "present" : "absent"];
  if (marked === row.code) names.push("marked");
  if (own !== undefined) names.push("disputed");
  return element(
    "li",
    { class: names.join(" "), "data-code": row.code },
    element(
      "div",
      { class: "what" },
      element("span", { class: "mark", "aria-hidden": "true" }, row.positive ? "●" : "○"),
      element("strong", {}, row.code),
      element("span", { class: "name" }, row.name),
      element("span", { class: "word" }, word(row.positive)),
    ),
    bar("model", row.probability, row.threshold),
    figures(row),
    ...(row.cnn ? [bar("cnn", row.cnn.probability, row.cnn.threshold), cnnFigures(row.cnn)] : []),
    labelOf(row),
    element(
      "button",
      {
        type: "button",
        class: "disagree",
        "aria-pressed": String(own !== undefined),
        "aria-label": own === undefined ? `Disagree: ${row.code} is ${word(!row.positive)}` : `You: ${word(own)}, ${row.code}`,
        title: "D on this row",
        onclick: () => disagree(row),
      },
      own === undefined ? "Disagree" : `You: ${word(own)}`,
    ),
  );
}

function bar(kind, probability, threshold) {
  const fill = element("span", { class: "fill" });
  fill.style.width = percent(probability);
  const whole = element("span", { class: `bar ${kind}`, "aria-hidden": "true" }, fill);
  if (Number.isFinite(threshold)) {
    const tick = element("span", { class: "tick" });
    tick.style.left = percent(threshold);
    whole.append(tick);
  }
  return whole;
}

function figures({ probability, positive, threshold }) {
  return element(
    "span",
    { class: "figures" },
    element("span", { class: "unseen" }, "Probability "),
    element("b", {}, probabilityTold(probability)),
    Number.isFinite(threshold) ? ` ${positive ? "≥" : "<"} ${probabilityTold(threshold)}` : " no threshold",
  );
}

function cnnFigures({ probability }) {
  return element("span", { class: "figures cnn" }, `CNN ${probabilityTold(probability)}`);
}

function labelOf(row) {
  if (!Number.isFinite(row.label)) return null;
  const differs = (row.label === 1) !== row.positive;
  const text = `Label: ${word(row.label === 1)}${differs ? ", differs" : ""}`;
  return element("span", { class: differs ? "label differs" : "label" }, text);
}

export function word(present) {
  return present ? "present" : "absent";
}

function percent(value) {
  return `${(Math.min(Math.max(value, 0), 1) * 100).toFixed(2)}%`;
}
