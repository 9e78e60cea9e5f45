/** Where a picture stands on its stage: stage = picture * scale + (x, y), all in CSS pixels of the stage. */

export const LEAST = 0.05;
export const MOST = 40;
export const STEP = 1.25; // one press of + or −
const MARGIN = 10;
const KEPT = 60; // so many pixels of the picture always stay on the stage

/** The whole picture in the middle of the stage. Sizes are {width, height}. */
export function fit(size, stage, margin = MARGIN) {
  const room = { width: Math.max(stage.width - 2 * margin, 1), height: Math.max(stage.height - 2 * margin, 1) };
  const scale = limited(Math.min(room.width / size.width, room.height / size.height));
  return centred(size, stage, scale, { x: size.width / 2, y: size.height / 2 });
}

/** One part of the picture, {x, y, width, height} in its pixels, as large as it goes. */
export function show(box, size, stage) {
  const inner = fit(box, stage, 3 * MARGIN);
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  return kept(centred(size, stage, inner.scale, middle), size, stage);
}

/** The same view at another scale; `at`, a point of the stage, stays over the same point of the picture. */
export function zoomTo(view, scale, at) {
  const next = limited(scale);
  const ratio = next / view.scale;
  return { scale: next, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio };
}

/** Moved by stage pixels. */
export function pan(view, dx, dy) {
  return { ...view, x: view.x + dx, y: view.y + dy };
}

/** Moved back where the picture would leave the stage. */
export function kept(view, size, stage) {
  const inside = (start, length, room) =>
    Math.min(Math.max(start, Math.min(KEPT, room) - length), room - Math.min(KEPT, length));
  return {
    scale: view.scale,
    x: inside(view.x, size.width * view.scale, stage.width),
    y: inside(view.y, size.height * view.scale, stage.height),
  };
}

export function toPicture(view, point) {
  return { x: (point.x - view.x) / view.scale, y: (point.y - view.y) / view.scale };
}

export function toStage(view, point) {
  return { x: point.x * view.scale + view.x, y: point.y * view.scale + view.y };
}

/** Scale at which a millimetre of the paper is a millimetre of the screen. */
export function trueSize(pxPerMm, screenPxPerMm) {
  return limited(screenPxPerMm / pxPerMm);
}

function centred(size, stage, scale, middle) {
  return { scale, x: stage.width / 2 - middle.x * scale, y: stage.height / 2 - middle.y * scale };
}

function limited(scale) {
  return Math.min(Math.max(scale, LEAST), MOST);
}
