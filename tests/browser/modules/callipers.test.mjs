import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { Callipers } = await load("callipers.js");
const made = () => new Callipers({ width: 100, height: 50 });

test("no end leaves the picture", () => {
  const all = made();
  all.add({ x: -5, y: 10 }, { x: 50, y: 10 });
  assert.deepEqual(all.current.a, { x: 0, y: 10 });
  all.nudge(1000, -1000);
  assert.deepEqual(all.current.b, { x: 100, y: 0 });
});

test("the end taken is the nearest within reach", () => {
  const all = made();
  const first = all.add({ x: 10, y: 10 }, { x: 30, y: 10 });
  const second = all.add({ x: 33, y: 10 }, { x: 60, y: 10 });
  assert.deepEqual(all.near({ x: 31, y: 10 }, 5), { id: first.id, end: "b" });
  assert.deepEqual(all.near({ x: 32.5, y: 10 }, 5), { id: second.id, end: "a" });
  assert.equal(all.near({ x: 45, y: 30 }, 5), null);
});

test("after a removal the neighbour is active, and numbers are never given twice", () => {
  const all = made();
  const [one, two, three] = [1, 2, 3].map((x) => all.add({ x, y: 0 }));
  all.select(two.id);
  all.remove();
  assert.equal(all.active, three.id);
  all.remove();
  assert.equal(all.active, one.id);
  all.remove();
  assert.equal(all.active, null);
  all.remove();
  assert.equal(all.add({ x: 0, y: 0 }).id, 4);
});

test("removing another leaves the active one alone", () => {
  const all = made();
  const [one, two] = [1, 2].map((x) => all.add({ x, y: 0 }));
  all.remove(one.id);
  assert.equal(all.active, two.id);
});

test("ends and callipers take turns", () => {
  const all = made();
  const [one, two] = [1, 2].map((x) => all.add({ x, y: 0 }, { x: 50, y: 0 }));
  all.switchEnd();
  all.nudge(5, 5);
  assert.deepEqual(two.a, { x: 7, y: 5 });
  all.cycle();
  assert.equal(all.active, one.id);
  all.cycle();
  assert.equal(all.active, two.id);
});
