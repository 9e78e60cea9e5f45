/** The list of cases at the side: files opened here, and the run's worst disagreements. */

import { element } from "./element.js";
import { probabilityTold } from "./statements.js";
import { word } from "./rows.js";

const STATES = { waiting: "waiting", busy: "being read", failed: "not read" };

export function drawOpened(list, cases, current, choose) {
  list.replaceChildren(...cases.map((one) => item(one, current, choose, one.name, [aboutFile(one)])));
}

export function drawQueue(list, cases, current, choose) {
  list.replaceChildren(...cases.map((one) => item(one, current, choose, one.item.record_id, aboutItem(one))));
}

function item(one, current, choose, title, about) {
  const attributes = {
    type: "button",
    class: one.state === "failed" ? "failed" : null,
    "aria-current": one === current ? "true" : null,
    onclick: () => choose(one),
  };
  const lines = about.map((line) => element("span", { class: "about" }, line));
  return element("li", {}, element("button", attributes, element("span", { class: "title" }, title), ...lines));
}

function aboutFile(one) {
  if (one.state !== "done") return STATES[one.state];
  if (one.kind === "archive") return `${one.members ?? 0} files in it`;
  const found = one.result.statements.filter((statement) => statement.positive).map((statement) => statement.code);
  return found.length ? found.slice(0, 4).join(", ") + (found.length > 4 ? ", …" : "") : "nothing above its threshold";
}

function aboutItem({ item: { code, label, probability, cnn_probability: cnn } }) {
  const beside = Number.isFinite(cnn) ? `, CNN ${probabilityTold(cnn)}` : "";
  return [`${code}: label ${word(label === 1)}`, `${probabilityTold(probability)}${beside}`];
}
