/** What one tab remembers until it is closed: the token, and how the page is set. Nothing else is kept. */

const TOKEN = "twelvelead.token";
const SETTINGS = "twelvelead.settings";
const DEFAULTS = { boxes: false, grouped: false, kind: "all", keys: true, screenPxPerMm: 96 / 25.4 };

export function token() {
  return sessionStorage.getItem(TOKEN) ?? "";
}

export function keepToken(text) {
  if (text) sessionStorage.setItem(TOKEN, text);
  else sessionStorage.removeItem(TOKEN);
}

/** @returns {typeof DEFAULTS} the settings; what is missing or damaged is as by default */
export function settings() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(SETTINGS) ?? "{}");
    return { ...DEFAULTS, ...kept };
  } catch {
    return { ...DEFAULTS };
  }
}

export function set(changes) {
  sessionStorage.setItem(SETTINGS, JSON.stringify({ ...settings(), ...changes }));
}
