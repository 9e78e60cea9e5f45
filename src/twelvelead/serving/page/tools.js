/** The buttons above the picture, the list of callipers below it, and the keys that do the same. */

import { byId, element } from "./element.js";
import { reading, scaleTold, told } from "./scale.js";
import { set, settings } from "./settings.js";
import { STEP } from "./view.js";

const SPEEDS_MM_S = [12.5, 25, 50];
const GAINS_MM_MV = [2.5, 5, 10, 20];
const SAY_AFTER_MS = 400; // a held arrow key is told once, where it ends

/**
 * @param {import("./viewer.js").Viewer} viewer
 * @param {(text: string) => void} say
 */
export function setUpTools(viewer, say) {
  let saying = 0;

  function draw() {
    const shown = Boolean(viewer.size);
    byId("tools").hidden = !shown;
    byId("scale-set").hidden = !shown;
    byId("calibration").hidden = !viewer.box;
    byId("measured").hidden = !shown; // there before the first calliper, so that the stage keeps its size
    drawStage(shown);
    if (!shown) return;
    const { scale } = viewer;
    const known = Boolean(scale.pxPerMmX);
    const whole = known ? settings().screenPxPerMm / scale.pxPerMmX : 1;
    byId("zoom").textContent = `${Math.round((viewer.view.scale / whole) * 100)} %`;
    byId("zoom").title = known ? "of true size" : "of the picture’s pixels";
    byId("zoom-true").disabled = !known;
    byId("unscaled").hidden = known;
    press("tool-move", viewer.tool === "move");
    press("tool-measure", viewer.tool === "measure");
    press("boxes", viewer.boxesShown && viewer.leadBoxes.length > 0);
    byId("boxes").disabled = !viewer.leadBoxes.length;
    press("calibrate", Boolean(viewer.box));
    byId("scale").textContent = scaleTold(scale);
    choices(byId("speed"), SPEEDS_MM_S, scale.speedMmS, "mm/s");
    choices(byId("gain"), GAINS_MM_MV, scale.gainMmMv, "mm/mV");
    viewer.stage.dataset.tool = viewer.box ? "measure" : viewer.tool;
    drawList();
  }

  /** Without a picture the stage is a place to drop files, and keys do nothing on it. */
  function drawStage(shown) {
    viewer.stage.tabIndex = shown ? 0 : -1;
    viewer.stage.setAttribute("role", shown ? "application" : "group");
    if (shown) viewer.stage.setAttribute("aria-roledescription", "ECG picture with callipers");
    else viewer.stage.removeAttribute("aria-roledescription");
  }

  function drawList() {
    const { callipers } = viewer;
    const focused = document.activeElement?.closest?.("#measured li")?.dataset;
    byId("measured-hint").hidden = callipers.list.length > 0;
    byId("measured-list").replaceChildren(
      ...callipers.list.map((calliper) => {
        const active = calliper.id === callipers.active;
        const text = told(reading(calliper.a, calliper.b, viewer.scale)).join(" · ");
        return element(
          "li",
          { class: active ? "active" : null, "data-id": calliper.id },
          element(
            "button",
            { type: "button", class: "pick", "aria-pressed": String(active), onclick: () => pick(calliper.id) },
            `${calliper.id}: ${text}`,
          ),
          element(
            "button",
            { type: "button", class: "away", "aria-label": `Remove calliper ${calliper.id}`, onclick: () => remove(calliper.id) },
            "×",
          ),
        );
      }),
    );
    if (focused) byId("measured-list").querySelector(`[data-id="${focused.id}"] .pick`)?.focus({ preventScroll: true });
  }

  function pick(id) {
    viewer.callipers.select(id);
    viewer.redraw();
    viewer.stage.focus({ preventScroll: true });
    moved();
  }

  function remove(id = viewer.callipers.active) {
    if (id === null) return;
    viewer.callipers.remove(id);
    viewer.redraw();
    viewer.stage.focus({ preventScroll: true });
    say(`Calliper ${id} removed`);
  }

  /** Tell what the active calliper reads, once it rests. */
  function moved() {
    clearTimeout(saying);
    saying = setTimeout(() => {
      const { current } = viewer.callipers;
      if (current) say(`Calliper ${current.id}: ${told(reading(current.a, current.b, viewer.scale)).join(", ")}`);
    }, SAY_AFTER_MS);
  }

  function calibrate() {
    if (!viewer.size) return;
    if (viewer.box) {
      viewer.endBox();
      return;
    }
    viewer.startBox();
    viewer.stage.focus({ preventScroll: true });
    say("Calibrating: lay the box over large boxes of the grid");
  }

  function takeBox() {
    if (viewer.endBox(Number(byId("across").value), Number(byId("down").value))) {
      say(`Scale: ${scaleTold(viewer.scale)}`);
      viewer.stage.focus({ preventScroll: true });
    } else {
      say("The box has no area; drag it over at least one large box");
    }
  }

  function trueSize() {
    if (viewer.size && !viewer.trueSize(settings().screenPxPerMm)) say("No scale is known yet: calibrate first");
  }

  function boxes() {
    viewer.boxesShown = !viewer.boxesShown;
    set({ boxes: viewer.boxesShown });
    viewer.redraw();
  }

  function release() {
    if (viewer.box) viewer.endBox();
    else viewer.callipers.active = null;
    viewer.redraw();
  }

  function lay() {
    viewer.lay();
    viewer.stage.focus({ preventScroll: true });
    moved();
  }

  function opened() {
    const names = [...new Set(viewer.leadBoxes.map((lead) => lead.lead))];
    const options = names.map((name) => element("option", { value: name }, name));
    byId("lead").replaceChildren(element("option", { value: "" }, "Whole page"), ...options);
    byId("lead").hidden = !names.length;
    draw();
  }

  const actions = {
    zoomIn: () => viewer.zoom(STEP),
    zoomOut: () => viewer.zoom(1 / STEP),
    fit: () => viewer.fit(),
    trueSize,
    toolMove: () => viewer.setTool("move"),
    toolMeasure: () => viewer.setTool("measure"),
    boxes,
    calibrate,
    lay,
    switchEnd: () => viewer.switchEnd(),
    cycle: () => {
      viewer.callipers.cycle();
      viewer.redraw();
      moved();
    },
    remove: () => remove(),
    release,
  };
  const buttons = {
    "zoom-in": actions.zoomIn,
    "zoom-out": actions.zoomOut,
    "zoom-fit": actions.fit,
    "zoom-true": trueSize,
    "tool-move": actions.toolMove,
    "tool-measure": actions.toolMeasure,
    boxes,
    calibrate,
    "calibration-cancel": release,
  };
  for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener("click", action);
  byId("calibration").addEventListener("submit", (event) => {
    event.preventDefault();
    takeBox();
  });
  byId("lead").addEventListener("change", () => {
    if (byId("lead").value) viewer.showLead(byId("lead").value);
    else viewer.fit();
  });
  byId("speed").addEventListener("change", () => viewer.rescale({ speedMmS: Number(byId("speed").value) || null }));
  byId("gain").addEventListener("change", () => viewer.rescale({ gainMmMv: Number(byId("gain").value) || null }));
  viewer.stage.addEventListener("pointerup", moved);
  viewer.stage.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && viewer.box) takeBox();
  });
  byId("screen-size").addEventListener("close", draw);
  return { draw, opened, moved, actions };
}

function press(id, on) {
  byId(id).setAttribute("aria-pressed", String(on));
}

/** Fill a select with the usual values and the present one; nothing where it is not known. */
function choices(select, usual, value, unit) {
  const values = [...new Set([...usual, ...(value ? [value] : [])])].sort((one, other) => one - other);
  const wanted = values.join();
  if (select.dataset.values !== wanted) {
    select.dataset.values = wanted;
    const options = values.map((each) => element("option", { value: each }, `${each} ${unit}`));
    select.replaceChildren(element("option", { value: "" }, "unknown"), ...options);
  }
  select.value = value ? String(value) : "";
}

