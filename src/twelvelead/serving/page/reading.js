/** The panel beside the picture: statements, the reader's own view of them, measurements, report. */

import { byId } from "./element.js";
import { asFault } from "./fault.js";
import { Lines } from "./feedback.js";
import { drawMeasurements, drawWarnings } from "./panel.js";
import { drawRows, word } from "./rows.js";
import { set, settings } from "./settings.js";
import { filtered, rowsOf } from "./statements.js";

export class Reading {
  /** @param {import("./service.js").Service} service  @param {(text: string) => void} say */
  constructor(service, say) {
    Object.assign(this, { service, say, one: null, rows: [], lines: new Lines() });
    byId("kind").value = settings().kind;
    byId("query").addEventListener("input", () => this.draw());
    byId("kind").addEventListener("change", () => {
      set({ kind: byId("kind").value });
      this.draw();
    });
    byId("grouped").addEventListener("click", () => {
      set({ grouped: !settings().grouped });
      this.draw();
    });
    byId("note").addEventListener("input", () => {
      this.one?.opinion.write(byId("note").value);
      this.drawOpinion();
    });
    byId("opinion-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    byId("download").addEventListener("click", () => this.download());
    byId("copy").addEventListener("click", () => this.copy());
  }

  /** Show the reading of a case, or nothing. */
  show(one) {
    const result = one?.result;
    byId("reading").hidden = !result;
    if (!result) {
      this.one = null;
      return;
    }
    if (this.one !== one) byId("opinion-state").textContent = "";
    this.one = one;
    this.rows = rowsOf(result.statements, result.cnn?.statements);
    byId("note").value = one.opinion.note;
    drawWarnings(byId("warnings"), byId("warnings-list"), result.warnings);
    drawMeasurements(byId("measurements"), byId("measurements-list"), result.measurements);
    byId("report").hidden = !result.report;
    byId("report-text").textContent = result.report ?? "";
    byId("legend").textContent = legend(this.rows);
    this.draw();
  }

  draw() {
    if (!this.one) return;
    const { kind, grouped } = settings();
    const shown = filtered(this.rows, byId("query").value, kind);
    const focused = document.activeElement?.closest?.(".row")?.dataset.code;
    byId("grouped").setAttribute("aria-pressed", String(grouped));
    drawRows(byId("rows"), shown, {
      byGroup: grouped,
      said: this.one.opinion.said,
      marked: this.one.item?.code ?? null,
      disagree: (row) => this.disagree(row),
    });
    if (focused) this.button(focused)?.focus({ preventScroll: true });
    const present = this.rows.filter((row) => row.positive).length;
    byId("statements-count").textContent = `${present} of ${this.rows.length} present${
      shown.length < this.rows.length ? `, ${shown.length} shown` : ""
    }`;
    this.drawOpinion();
  }

  drawOpinion() {
    const { opinion } = this.one;
    const said = [...opinion.said].map(([code, present]) => `${code} ${word(present)}`);
    byId("opinion-said").textContent = said.length
      ? `You say: ${said.join(", ")}.`
      : "Press Disagree beside a statement, or write a note.";
    byId("send").disabled = opinion.empty || opinion.sent;
    byId("send").textContent = opinion.sent ? "Sent" : isKept(this.one.result) ? "Send" : "Keep";
    byId("download").hidden = this.lines.bodies.size === 0;
  }

  disagree(row) {
    this.one.opinion.toggle(row.code, row.positive);
    byId("opinion-state").textContent = "";
    this.draw();
    const own = this.one.opinion.said.get(row.code);
    this.say(own === undefined ? `${row.code}: no disagreement` : `${row.code}: you say ${word(own)}`);
  }

  /** Disagree with the row that has the focus, or the one in question. */
  disagreeHere() {
    const code = document.activeElement?.closest?.(".row")?.dataset.code ?? this.one?.item?.code;
    const row = this.rows.find((each) => each.code === code);
    if (row) this.disagree(row);
    else this.step(1);
  }

  /** Move the focus among rows. */
  step(by) {
    const buttons = [...byId("rows").querySelectorAll("button.disagree")];
    const place = buttons.indexOf(document.activeElement);
    const next = place < 0 ? (by > 0 ? 0 : buttons.length - 1) : place + by;
    buttons[Math.min(Math.max(next, 0), buttons.length - 1)]?.focus();
  }

  /** Bring the row in question into sight. */
  reveal() {
    byId("rows").querySelector(".marked")?.scrollIntoView({ block: "center" });
  }

  button(code) {
    return byId("rows").querySelector(`.row[data-code="${CSS.escape(code)}"] button.disagree`);
  }

  async send() {
    const one = this.one;
    if (!one || one.opinion.empty) return;
    const { id, input } = one.result;
    byId("send").disabled = true;
    let told;
    if (isKept(one.result)) {
      told = await this.post(one, one.opinion.body(id, input.sha256));
    } else {
      this.lines.put(one.opinion.body(id ?? one.name, ""));
      told = "Without its page the service keeps nothing of a record. Download what you say as JSON lines.";
    }
    if (this.one === one) {
      byId("opinion-state").textContent = told;
      this.drawOpinion();
    }
  }

  /** @returns {Promise<string>} what became of it */
  async post(one, body) {
    try {
      await this.service.feedback(body);
      one.opinion.sent = true;
      this.lines.drop(body.id);
      return "Kept by the service.";
    } catch (error) {
      this.lines.put(body);
      const fault = asFault(error);
      if (fault.code === "not_kept") return "This service keeps no readings. Download yours as JSON lines.";
      return `Not kept. ${fault.sentences.join(" ")} You can download it as JSON lines.`;
    }
  }

  download() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.lines.text], { type: "application/x-ndjson" }));
    link.download = "twelvelead-feedback.jsonl";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async copy() {
    const text = byId("report-text");
    try {
      await navigator.clipboard.writeText(text.textContent);
      this.say("Report copied");
      byId("copy").textContent = "Copied";
      setTimeout(() => (byId("copy").textContent = "Copy"), 2000);
    } catch {
      getSelection().selectAllChildren(text); // browsers give no clipboard to pages without TLS
      byId("copy").textContent = "Selected: press Ctrl+C";
    }
  }
}

/** Whether the service takes feedback on it: it asks for an id and the picture's hash. */
function isKept({ id, input }) {
  return Boolean(id && input?.sha256);
}

function legend(rows) {
  const cnn = rows.some((row) => row.cnn) ? " Thin bar: the signal CNN." : "";
  const order = rows.some((row) => Number.isFinite(row.label))
    ? "Furthest from its label first."
    : "Furthest above its threshold first.";
  return `Bar: probability; upright line: threshold.${cnn} ${order}`;
}
