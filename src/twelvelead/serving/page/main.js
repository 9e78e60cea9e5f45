/** The review page put together: who is told what when something happens. */

import { drawOpened, drawQueue } from "./cases.js";
import { Desk } from "./desk.js";
import { setUpHelp, setUpScreen, setUpToken } from "./dialogs.js";
import { byId, element } from "./element.js";
import { asFault } from "./fault.js";
import { isShown } from "./intake.js";
import { actionOf } from "./keys.js";
import { drawBanner, drawModel, inputTold } from "./panel.js";
import { Reading } from "./reading.js";
import { Service } from "./service.js";
import { settings, token } from "./settings.js";
import { setUpTools } from "./tools.js";
import { Viewer } from "./viewer.js";
import { Waiting } from "./waiting.js";

const say = (text) => {
  byId("said").textContent = text;
};
const waiting = new Waiting({ banner: byId("waiting"), text: byId("waiting-text") }, say);
const service = new Service({ token, askToken: setUpToken(), wait: (...how) => waiting.last(...how) });
const desk = new Desk(service, changed);
const reading = new Reading(service, say);
const stage = { stage: byId("viewer"), image: byId("page"), layer: byId("overlay") };
const viewer = new Viewer(stage, () => tools.draw());
const tools = setUpTools(viewer, say);
const help = setUpHelp();
setUpScreen();
let localUrl = null;
let model = null; // which reads now
let modelShown = "";

/** First who reads, then what is to be reviewed; the second question is not asked where the first has no answer. */
async function load() {
  try {
    model = await service.model();
  } catch (error) {
    const again = element("button", { type: "button", onclick: load }, "Try again");
    byId("model").replaceChildren(
      element("p", { class: "no-model", role: "alert" }, `No model. ${asFault(error).sentences.join(" ")} `, again),
    );
    return;
  }
  showModel(desk.current?.result?.model ?? model);
  await loadQueue();
}

/** Name whose reading is looked at: a service may have taken another model since an earlier answer. */
function showModel(one) {
  const told = JSON.stringify([one.name, one.version, one.alias, one.adapter_sha256, one.decision, one.reasons]);
  if (told === modelShown) return;
  modelShown = told;
  drawModel(byId("model"), one);
  drawBanner(byId("banner"), one);
}

async function loadQueue() {
  try {
    await desk.loadQueue();
  } catch {
    return; // the model's strip tells why the service does not answer
  }
  byId("empty-queue").hidden = desk.queue.length === 0;
  byId("queue-run").textContent = desk.run ? `of run ${desk.run}` : "";
  drawCases();
}

/** Files from the chooser, a drop or a paste. */
async function accept(files) {
  if (!files?.length) return;
  const first = await desk.open(files);
  if (first) show(first);
}

/** Look at a case. */
function show(one) {
  if (!one) return;
  keepLook();
  desk.current = one;
  desk.fetch(one);
  drawCases();
  drawCase(true);
  byId("cases").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

function keepLook() {
  if (desk.current && viewer.size) desk.current.kept = viewer.keep();
}

function changed(one) {
  drawCases();
  if (one !== desk.current) return;
  keepLook();
  drawCase(false);
  if (one.state === "done" && one.result) say(outcome(one));
  if (one.fault) say(`${one.name} is not read.`);
}

function outcome({ name, result }) {
  const found = result.statements.filter((statement) => statement.positive).map((statement) => statement.name);
  const warned = result.warnings?.length ? ` ${result.warnings.length} warnings.` : "";
  return `${name} is read. ${found.length ? `Present: ${found.join(", ")}.` : "Nothing is above its threshold."}${warned}`;
}

function drawCases() {
  byId("cases").hidden = desk.opened.length < 2 && !desk.queue.length;
  byId("opened").hidden = !desk.opened.length;
  byId("queue").hidden = !desk.queue.length;
  document.body.classList.toggle("listed", !byId("cases").hidden);
  const focused = document.activeElement?.closest?.("#cases") ? desk.current : null;
  drawOpened(byId("opened-list"), desk.opened, desk.current, show);
  drawQueue(byId("queue-list"), desk.queue, desk.current, show);
  if (focused) byId("cases").querySelector("[aria-current]")?.focus({ preventScroll: true });
}

async function drawCase(fresh) {
  const one = desk.current;
  byId("case-name").textContent = one.name;
  byId("case-about").textContent = about(one);
  document.title = `${one.name} – Twelvelead review`;
  byId("fault").hidden = !one.fault;
  byId("fault").replaceChildren(
    ...(one.fault?.sentences ?? []).map((text) => element("p", {}, text)),
    ...(one.fault?.passing && one.files.length ? [element("button", { type: "button", onclick: again }, "Try again")] : []),
  );
  drawStand(one);
  reading.show(one);
  if (model) showModel(one.result?.model ?? model);
  if (one.kind === "queued" && one.result) reading.reveal();
  if (fresh) byId("reading").scrollTop = 0;
  const source = sourceOf(one);
  byId("empty").hidden = true;
  if (!source) {
    viewer.clear();
  } else if (fresh || viewer.image.getAttribute("src") !== source) {
    const opened = await viewer.open(source, one.result?.picture ?? null, one.kept);
    if (desk.current !== one) return;
    if (opened) tools.opened();
  }
  drawStand(one);
  byId("viewer").setAttribute("aria-label", viewer.size ? `ECG picture of ${one.name}` : "No picture");
}

/** What the stage says while there is no picture, or while one is being read. */
function drawStand(one) {
  const busy = one.state === "busy" || (one.kind !== "queued" && one.state === "waiting");
  byId("awaited").hidden = !busy || Boolean(one.result);
  byId("busy").hidden = !busy && Boolean(viewer.size);
  byId("busy").classList.toggle("over", Boolean(viewer.size));
  byId("busy").textContent = busy ? "Reading the ECG…" : one.kind === "archive" ? "The files are listed beside" : "No picture";
}

function about(one) {
  if (one.kind === "archive" && one.state === "done") return `${one.members ?? 0} files in it, listed beside`;
  if (one.item) return "Labels are those of the run’s data";
  if (one.result?.input) return inputTold(one.result.input);
  return one.kind === "record" ? one.files.map((file) => file.name).join(", ") : "";
}

/** The service's picture of a case, else the user's own file where the browser can show it. */
function sourceOf(one) {
  const picture = one.result?.picture;
  if (picture?.png_base64) return `data:image/png;base64,${picture.png_base64}`;
  const [file] = one.files;
  if (one.kind !== "picture" || !isShown(file)) return null;
  if (localUrl?.file !== file) {
    if (localUrl) URL.revokeObjectURL(localUrl.url);
    localUrl = { file, url: URL.createObjectURL(file) };
  }
  return localUrl.url;
}

function again() {
  desk.again(desk.current);
  byId("viewer").focus({ preventScroll: true });
}

function choose() {
  byId("files").click();
}

const ACTIONS = {
  open: choose,
  next: () => show(desk.beside(1)),
  previous: () => show(desk.beside(-1)),
  queue: () => show(desk.queue[0]),
  filter: () => byId("query").focus(),
  note: () => byId("note").focus(),
  rowDown: () => reading.step(1),
  rowUp: () => reading.step(-1),
  disagree: () => reading.disagreeHere(),
  help: () => help.open(),
  ...tools.actions,
};

function press(event) {
  if (document.querySelector("dialog[open]")) return;
  const free = event.target === document.body || byId("viewer").contains(event.target);
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const did = free && plain && viewer.key(event);
  if (did) tools.moved();
  const action = did ? null : actionOf(event, settings().keys);
  if (!did && !action) return;
  if (action === "remove" && !free && !event.target.closest("#measured")) return; // Backspace on a button is nothing
  event.preventDefault();
  if (action) ACTIONS[action]();
}

byId("choose").addEventListener("click", choose);
byId("choose-here").addEventListener("click", choose);
byId("start-queue").addEventListener("click", ACTIONS.queue);
byId("stop").addEventListener("click", () => {
  waiting.stop();
  desk.stop();
});
byId("files").addEventListener("change", async () => {
  const files = [...byId("files").files];
  byId("files").value = ""; // the same file may be chosen again
  await accept(files);
  byId("viewer").focus({ preventScroll: true });
});
document.addEventListener("keydown", press);
byId("model").addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && byId("model").querySelector("details[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
document.addEventListener("pointerdown", (event) => {
  if (!byId("model").contains(event.target)) byId("model").querySelector("details[open]")?.removeAttribute("open");
});
document.addEventListener("paste", (event) => {
  if (!event.clipboardData?.files.length) return;
  event.preventDefault();
  accept([...event.clipboardData.files]);
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  byId("drop").hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) byId("drop").hidden = true;
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  byId("drop").hidden = true;
  accept([...(event.dataTransfer?.files ?? [])]);
});
viewer.boxesShown = settings().boxes;
viewer.redraw();
load();
