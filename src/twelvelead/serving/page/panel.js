/** What surrounds the statements: the model's strip and its banner, warnings, measurements. */

import { element } from "./element.js";
import { sentence } from "./fault.js";

const DECISIONS = {
  passed: "passed the gate",
  smoke: "smoke policy only",
  rejected: "refused by the gate",
  unjudged: "not judged",
};
const MEASURED = [
  ["rate_bpm", "Rate", "bpm"],
  ["pr_ms", "PR", "ms"],
  ["qrs_ms", "QRS", "ms"],
  ["qt_ms", "QT", "ms"],
  ["qtc_ms", "QTc", "ms"],
  ["axis_deg", "Axis", "°"],
];

/** Name, version and decision, and behind them all that is known. */
export function drawModel(place, model) {
  const version = model.version ? `version ${model.version}` : "";
  const alias = model.alias ? `@${model.alias}` : "";
  const facts = [
    ["Notice", model.notice],
    ["Source", model.source],
    ["Policy", model.policy ? `${model.policy.name} (${short(model.policy.sha256)})` : null],
    ["Adapter", short(model.adapter_sha256)],
    ["Base", model.base ? `${model.base} (${short(model.base_sha256)})` : null],
    ["Data", model.data_source],
    ...Object.entries(model.lineage ?? {}),
  ].filter(([, value]) => value);
  place.replaceChildren(
    element(
      "details",
      {},
      element(
        "summary",
        {},
        element("strong", {}, model.name),
        element("span", {}, [version, alias].filter(Boolean).join(" ")),
        element("span", { class: `decision ${known(model.decision)}` }, DECISIONS[model.decision] ?? model.decision),
      ),
      element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))])),
    ),
  );
}

/** A plain banner for every model that no gate has let through. */
export function drawBanner(place, model) {
  const reasons = (model.reasons ?? []).filter(Boolean);
  const text = {
    rejected: "The gate refused this model",
    smoke: "This model passed a smoke policy only, which says that the road works and nothing of quality",
    unjudged: "No gate has judged this model",
  }[model.decision];
  place.hidden = !text;
  place.className = `banner ${known(model.decision)}`;
  if (!text) return;
  const told = reasons.length ? reasons : model.decision === "rejected" ? ["it gave no reasons"] : [];
  place.replaceChildren(
    element("strong", {}, text + (told.length ? ":" : ".")),
    " ",
    told.length ? element("ul", {}, ...told.map((reason) => element("li", {}, reason))) : "",
  );
}

export function drawWarnings(section, list, warnings) {
  section.hidden = !warnings?.length;
  list.replaceChildren(...(warnings ?? []).map((warning) => element("li", {}, sentence(warning))));
}

export function drawMeasurements(section, list, measured) {
  section.hidden = !measured;
  if (!measured) return;
  list.replaceChildren(
    ...MEASURED.map(([key, name, unit]) => {
      const value = measured[key];
      const known = Number.isFinite(value);
      const told = known ? `${Math.round(value)}${unit === "°" ? "" : " "}${unit}`.replace("-", "−") : "not measured";
      return element("div", {}, element("dt", {}, name), element("dd", { class: known ? null : "none" }, told));
    }),
  );
}

/** @returns {string} what the service read, in one line */
export function inputTold(input) {
  const kind = { png: "PNG", jpeg: "JPEG", tiff: "TIFF", pdf: "PDF", dicom: "DICOM", wfdb: "WFDB record" }[input.kind];
  const pixels = input.width_px && input.height_px ? `${input.width_px} × ${input.height_px} px` : "";
  // Of a record, those of the page that was drawn for the reader; the picture shown is drawn for people.
  const size = pixels && ["wfdb", "dicom"].includes(input.kind) ? `read as a page of ${pixels}` : pixels;
  const page = input.page && input.kind === "pdf" ? `page ${input.page}` : "";
  return [kind ?? input.kind, size, page, `SHA-256 ${short(input.sha256)}`].filter(Boolean).join(" · ");
}

function known(decision) {
  return decision in DECISIONS ? decision : "unjudged";
}

function short(sha256) {
  return sha256 ? `${String(sha256).slice(0, 12)}…` : null;
}
