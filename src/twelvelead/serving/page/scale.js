/** Paper and time: how pixels of a picture become millimetres, milliseconds and millivolts. */

export const LARGE_BOX_MM = 5;
export const USUAL_SPEED_MM_S = 25;
export const USUAL_GAIN_MM_MV = 10;
const RR_MS = [200, 3000]; // 300 to 20 beats a minute: outside, two points are no R–R interval

/**
 * @typedef {object} Scale
 * @property {number|null} pxPerMmX  pixels of the picture a millimetre of paper, along time
 * @property {number|null} pxPerMmY  the same along voltage
 * @property {number|null} speedMmS
 * @property {number|null} gainMmMv
 * @property {"page"|"yours"|null} source  who says so; null where pixels a millimetre are not known
 */

/** @returns {Scale} what the service said about a picture; of square pixels one side is enough. */
export function scaleOf(picture) {
  const x = positive(picture?.px_per_mm_x) ?? positive(picture?.px_per_mm_y);
  const y = positive(picture?.px_per_mm_y) ?? x;
  return {
    pxPerMmX: x,
    pxPerMmY: y,
    speedMmS: positive(picture?.speed_mm_s),
    gainMmMv: positive(picture?.gain_mm_mv),
    source: x ? "page" : null,
  };
}

/** @returns {Scale|null} the scale that a box drawn over `across` × `down` large boxes tells; null for no area. */
export function scaleFromBox(a, b, across, down, before) {
  const width = Math.abs(b.x - a.x);
  const height = Math.abs(b.y - a.y);
  if (width < 1 || height < 1 || !(across > 0) || !(down > 0)) return null;
  return {
    pxPerMmX: width / (across * LARGE_BOX_MM),
    pxPerMmY: height / (down * LARGE_BOX_MM),
    speedMmS: before?.speedMmS ?? USUAL_SPEED_MM_S,
    gainMmMv: before?.gainMmMv ?? USUAL_GAIN_MM_MV,
    source: "yours",
  };
}

/**
 * What lies between two points of the picture.
 * @returns {{px: {x: number, y: number}, mm: {x: number, y: number}|null, ms: number|null, mv: number|null,
 *   bpm: number|null}} ms without sign; mv positive where b is above a; bpm only where ms may be an R–R interval
 */
export function reading(a, b, scale) {
  const px = { x: Math.abs(b.x - a.x), y: a.y - b.y };
  if (!scale?.pxPerMmX) return { px, mm: null, ms: null, mv: null, bpm: null };
  const mm = { x: px.x / scale.pxPerMmX, y: px.y / scale.pxPerMmY };
  const ms = scale.speedMmS ? (mm.x / scale.speedMmS) * 1000 : null;
  const mv = scale.gainMmMv ? mm.y / scale.gainMmMv : null;
  const bpm = ms !== null && ms >= RR_MS[0] && ms <= RR_MS[1] ? 60000 / ms : null;
  return { px, mm, ms, mv, bpm };
}

/** @returns {string[]} a reading as its parts, such as ["812 ms", "74 bpm", "+0.02 mV"]. */
export function told(read) {
  if (!read.mm) return [`${read.px.x.toFixed(0)} px`, `${signed(read.px.y, 0)} px`];
  const parts = [read.ms === null ? `${read.mm.x.toFixed(1)} mm` : `${read.ms.toFixed(0)} ms`];
  if (read.bpm !== null) parts.push(`${read.bpm.toFixed(0)} bpm`);
  parts.push(read.mv === null ? `${signed(read.mm.y, 1)} mm` : `${signed(read.mv, 2)} mV`);
  return parts;
}

/** @returns {string} the scale in one line. */
export function scaleTold(scale) {
  if (!scale.pxPerMmX) return "No scale known";
  const square = Math.abs(scale.pxPerMmX - scale.pxPerMmY) < 0.005;
  const px = square ? scale.pxPerMmX.toFixed(2) : `${scale.pxPerMmX.toFixed(2)} × ${scale.pxPerMmY.toFixed(2)}`;
  return `${px} px/mm, ${scale.source === "yours" ? "by you" : "from the page"}`;
}

function signed(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

function positive(value) {
  return Number.isFinite(value) && value > 0 ? value : null;
}
