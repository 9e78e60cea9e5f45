import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const views = await load("view.js");
const size = { width: 1000, height: 500 };
const stage = { width: 600, height: 400 };

test("the whole picture fits, in the middle", () => {
  const view = views.fit(size, stage, 0);
  assert.equal(view.scale, 0.6);
  assert.deepEqual([view.x, view.y], [0, 50]);
});

test("zooming leaves the point under the pointer where it is", () => {
  const at = { x: 123, y: 234 };
  const before = views.fit(size, stage);
  const point = views.toPicture(before, at);
  const after = views.toStage(views.zoomTo(before, before.scale * 7, at), point);
  assert.ok(Math.hypot(after.x - at.x, after.y - at.y) < 1e-9);
});

test("zoom has limits, and there too the point stays", () => {
  const at = { x: 10, y: 10 };
  const view = views.zoomTo(views.fit(size, stage), 1e9, at);
  assert.equal(view.scale, views.MOST);
  assert.equal(views.zoomTo(view, 0, at).scale, views.LEAST);
});

test("stage and picture are each other's way back", () => {
  const view = { scale: 3.7, x: -41, y: 17 };
  const there = views.toStage(view, views.toPicture(view, { x: 5, y: 6 }));
  assert.ok(Math.hypot(there.x - 5, there.y - 6) < 1e-9);
});

test("the picture cannot be lost beyond an edge", () => {
  for (const [dx, dy] of [[1e6, 0], [-1e6, 0], [0, 1e6], [0, -1e6]]) {
    const view = views.kept(views.pan(views.fit(size, stage), dx, dy), size, stage);
    const right = view.x + size.width * view.scale;
    const foot = view.y + size.height * view.scale;
    assert.ok(view.x < stage.width && right > 0 && view.y < stage.height && foot > 0, `${dx} ${dy}`);
  }
});

test("a lead is shown as large as it goes, in the middle", () => {
  const view = views.show({ x: 600, y: 200, width: 200, height: 100 }, size, stage);
  const middle = views.toStage(view, { x: 700, y: 250 });
  assert.ok(Math.abs(middle.x - 300) < 1e-9 && Math.abs(middle.y - 200) < 1e-9);
  assert.ok(view.scale > 2 && view.scale * 200 <= stage.width);
});

test("true size is the screen's millimetre over the picture's", () => {
  assert.equal(views.trueSize(8, 4), 0.5);
});
