import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { reading, scaleFromBox, scaleOf, scaleTold, told } = await load("scale.js");
const known = scaleOf({ px_per_mm_x: 4, px_per_mm_y: 8, speed_mm_s: 50, gain_mm_mv: 5 });

test("pixels become time and voltage, each along its own axis", () => {
  const read = reading({ x: 10, y: 100 }, { x: 90, y: 20 }, known);
  assert.deepEqual(read.mm, { x: 20, y: 10 });
  assert.equal(read.ms, 400);
  assert.equal(read.mv, 2);
  assert.equal(read.bpm, 150);
});

test("time has no sign, voltage has: up is positive", () => {
  const read = reading({ x: 90, y: 20 }, { x: 10, y: 100 }, known);
  assert.equal(read.ms, 400);
  assert.equal(read.mv, -2);
  assert.deepEqual(told(read), ["400 ms", "150 bpm", "−2.00 mV"]);
});

test("only what may be an R–R interval has a rate", () => {
  const bpm = (ms) => reading({ x: 0, y: 0 }, { x: (ms / 1000) * 50 * 4, y: 0 }, known).bpm;
  assert.equal(bpm(199), null);
  assert.equal(bpm(200), 300);
  assert.equal(bpm(3000), 20);
  assert.equal(bpm(3001), null);
});

test("without a scale there are pixels, without speed or gain millimetres", () => {
  const far = [{ x: 0, y: 40 }, { x: 80, y: 0 }];
  assert.deepEqual(told(reading(...far, scaleOf(null))), ["80 px", "+40 px"]);
  assert.deepEqual(told(reading(...far, scaleOf({ px_per_mm_x: 4 }))), ["20.0 mm", "+10.0 mm"]);
});

test("nonsense of a service is no scale", () => {
  for (const bad of [0, -1, Number.NaN, null, "4"]) {
    assert.equal(scaleOf({ px_per_mm_x: bad }).source, null);
  }
  assert.equal(scaleOf({ px_per_mm_x: null, px_per_mm_y: 3 }).pxPerMmX, 3);
});

test("a box over the grid tells the scale, whichever way it was drawn", () => {
  const found = scaleFromBox({ x: 120, y: 90 }, { x: 20, y: 10 }, 5, 4, scaleOf(null));
  assert.equal(found.pxPerMmX, 4);
  assert.equal(found.pxPerMmY, 4);
  assert.equal(found.speedMmS, 25);
  assert.equal(found.gainMmMv, 10);
  assert.equal(scaleTold(found), "4.00 px/mm, by you");
  assert.equal(scaleFromBox({ x: 0, y: 0 }, { x: 0, y: 50 }, 1, 1, null), null);
  assert.equal(scaleFromBox({ x: 0, y: 0 }, { x: 50, y: 50 }, 0, 1, null), null);
});

test("nothing reads as minus zero", () => {
  assert.equal(told(reading({ x: 0, y: 0 }, { x: 400, y: 0.001 }, known)).at(-1), "0.00 mV");
});
