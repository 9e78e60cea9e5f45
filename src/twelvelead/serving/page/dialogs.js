/** The dialogs: keys, the token, and how large the screen's pixels are. */

import { byId } from "./element.js";
import { drawKeys } from "./keys.js";
import { keepToken, set, settings } from "./settings.js";

const CARD_MM = 85.6; // ISO/IEC 7810 ID-1: every bank card

export function setUpHelp() {
  const [dialog, keysOn] = [byId("help"), byId("keys-on")];
  drawKeys(byId("help-keys"));
  keysOn.checked = settings().keys;
  keysOn.addEventListener("change", () => set({ keys: keysOn.checked }));
  byId("help-button").addEventListener("click", () => dialog.showModal());
  return { open: () => dialog.showModal() };
}

/** @returns {(wrong: boolean) => Promise<boolean>} asks for a token and keeps it; false where none was given */
export function setUpToken() {
  const [dialog, text] = [byId("token"), byId("token-text")];
  let answer = () => {};
  byId("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    keepToken(text.value.trim());
    answer(true);
    dialog.close();
  });
  byId("token-cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    answer(false);
    text.value = "";
  });
  return (wrong) =>
    new Promise((resolve) => {
      answer = resolve; // a second call of it does nothing
      byId("token-wrong").hidden = !wrong;
      if (wrong) keepToken("");
      dialog.showModal();
      text.focus();
    });
}

export function setUpScreen() {
  const [dialog, card, slider] = [byId("screen-size"), byId("card"), byId("card-width")];
  const bar = card.querySelector("rect");
  const draw = () => {
    card.setAttribute("width", slider.value);
    bar.setAttribute("width", String(slider.value - 2));
  };
  slider.addEventListener("input", () => {
    draw();
    set({ screenPxPerMm: slider.value / CARD_MM });
  });
  byId("screen").addEventListener("click", () => {
    slider.value = String(Math.round(settings().screenPxPerMm * CARD_MM));
    draw();
    dialog.showModal();
  });
  return dialog;
}
