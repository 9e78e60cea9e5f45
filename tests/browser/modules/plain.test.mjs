import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { filtered, grouped, probabilityTold, rowsOf } = await load("statements.js");
const { casesOf, signalNames } = await load("intake.js");
const { Lines, Opinion } = await load("feedback.js");
const { Fault, asFault, faultOf } = await load("fault.js");
const { Service, waitSeconds } = await load("service.js");
const { actionOf, KEYS } = await load("keys.js");

const statement = (code, probability, threshold, more = {}) => ({
  code, name: `${code} in words`, group: "CD", probability, threshold, positive: probability >= threshold, ...more,
});

test("statements go by margin, and those with a label by how far they are from it", () => {
  const plain = [statement("A", 0.5, 0.6), statement("B", 0.3, 0.1), statement("C", 0.9, 0.75)];
  assert.deepEqual(rowsOf(plain).map((row) => row.code), ["B", "C", "A"]);
  const labelled = [statement("A", 0.5, 0.6, { label: 1 }), statement("B", 0.1, 0.1, { label: 1 }), statement("C", 0.9, 0.75, { label: 1 })];
  assert.deepEqual(rowsOf(labelled).map((row) => row.code), ["B", "A", "C"]);
});

test("the CNN stands beside by code", () => {
  const [row] = rowsOf([statement("A", 0.5, 0.6)], [{ code: "A", probability: 0.7, threshold: 0.4, positive: true }]);
  assert.deepEqual(row.cnn, { probability: 0.7, threshold: 0.4, positive: true });
  assert.equal(rowsOf([statement("A", 0.5, 0.6)], [{ code: "B", probability: 1 }])[0].cnn, null);
  assert.equal(rowsOf([statement("A", 0.5, 0.6, { cnn_probability: 0.2 })])[0].cnn.probability, 0.2);
});

test("every word of a filter must be found; groups keep the order of rows", () => {
  const rows = [statement("LVH", 0.9, 0.5, { group: "HYP" }), statement("IVCD", 0.1, 0.5), statement("RVH", 0.1, 0.5, { group: "HYP" })];
  assert.deepEqual(filtered(rows, "hyp rv").map((row) => row.code), ["RVH"]);
  assert.deepEqual(filtered(rows, "", "present").map((row) => row.code), ["LVH"]);
  assert.deepEqual(grouped(rows).map(({ group, rows: own }) => [group, own.length]), [["HYP", 2], ["CD", 1]]);
});

test("no probability is told as certain that is not", () => {
  assert.deepEqual([0, 0.001, 0.5, 0.999, 1].map(probabilityTold), ["0.00", "<0.01", "0.50", ">0.99", "1.00"]);
});

test("a header takes the files it names, several of them, gaps and comments aside", async () => {
  const header = "# made by hand\nrec 3 500 10\nx.dat 16\nx.dat 16\ny.dat 16\n#Age: 60\n";
  assert.deepEqual(signalNames(header), ["x.dat", "y.dat"]);
  const files = [new File(["a"], "y.dat"), new File([header], "rec.hea"), new File(["b"], "x.dat"), new File(["c"], "z.dat")];
  const [record, orphan] = await casesOf(files);
  assert.deepEqual(record.files.map((file) => file.name), ["rec.hea", "x.dat", "y.dat"]);
  assert.equal(record.fault, null);
  assert.match(orphan.fault.what, /z\.dat has signals/);
});

test("files keep their order, and an empty one is refused", async () => {
  const cases = await casesOf([new File(["1"], "b.png"), new File([], "a.png"), new File(["1"], "c.zip")]);
  assert.deepEqual(cases.map((one) => [one.name, one.kind, Boolean(one.fault)]), [
    ["b.png", "picture", false], ["a.png", "picture", true], ["c.zip", "archive", false],
  ]);
});

test("an opinion is the contract's body; lines hold one of each id", () => {
  const opinion = new Opinion();
  opinion.toggle("LVH", true);
  opinion.toggle("AFIB", false);
  opinion.toggle("WPW", false);
  opinion.toggle("WPW", false);
  opinion.write("  why  ");
  const body = opinion.body("1", "ab");
  assert.deepEqual(body, {
    id: "1", sha256: "ab", note: "why", statements: [{ code: "AFIB", present: true }, { code: "LVH", present: false }],
  });
  const lines = new Lines();
  lines.put(body);
  lines.put({ ...body, note: "line\nbreak" });
  assert.equal(lines.text, `${JSON.stringify({ ...body, note: "line\nbreak" })}\n`);
});

test("faults are sentences", async () => {
  const fault = new Fault({ what: "this is no ECG", where: "a.png", expected: "an ECG.", fix: "crop it" });
  assert.deepEqual(fault.sentences, ["a.png: this is no ECG.", "Expected: an ECG.", "Crop it."]);
  assert.match((await faultOf(new Response("<html>", { status: 502 }))).what, /answered 502/);
  assert.match((await faultOf(Response.json({ detail: 1 }, { status: 500 }))).what, /answered 500/);
  assert.match(asFault(new TypeError("x is not a function")).sentences[0], /x is not a function/);
});

test("Retry-After is seconds or a date, within bounds", () => {
  const now = Date.parse("2026-11-25T12:00:00Z");
  assert.equal(waitSeconds("3", now), 3);
  assert.equal(waitSeconds("Wed, 25 Nov 2026 12:00:07 GMT", now), 7);
  assert.equal(waitSeconds("Wed, 25 Nov 2026 11:00:00 GMT", now), 0.5);
  assert.equal(waitSeconds("86400", now), 60);
  assert.equal(waitSeconds(null, now), 2);
  assert.equal(waitSeconds("soon", now), 2);
});

function serviceOf(answers, outside = {}) {
  const asked = [];
  const service = new Service({
    token: () => "",
    askToken: async () => false,
    wait: async () => {},
    fetch: async (path, options) => {
      asked.push([path, options]);
      return answers.length > 1 ? answers.shift() : answers[0].clone();
    },
    ...outside,
  });
  return { service, asked };
}

test("a busy service is asked again as often as is decent", async () => {
  const waits = [];
  const busy = new Response("", { status: 429, headers: { "Retry-After": "4" } });
  const { service, asked } = serviceOf([busy], { wait: async (seconds) => waits.push(seconds) });
  await assert.rejects(service.model(), /answered 429/);
  assert.equal(asked.length, 8);
  assert.deepEqual(waits, Array(7).fill(4));
});

test("a model that is being loaded is waited for, ever more patiently, and told", async () => {
  const waits = [];
  const loading = () => Response.json({ error: { what: "no model is loaded yet" } }, { status: 503 });
  const { service } = serviceOf([...Array.from({ length: 20 }, loading), Response.json({ name: "x" })], {
    wait: async (seconds, signal, why) => waits.push([seconds, why]),
  });
  assert.equal((await service.model()).name, "x");
  assert.equal(waits.length, 20);
  assert.deepEqual(waits[0], [2, "no model is loaded yet"]);
  assert.equal(waits.at(-1)[0], 15);
});

test("two refused requests ask for one token, and use it", async () => {
  let known = "";
  let questions = 0;
  const asked = [];
  const service = new Service({
    token: () => known,
    askToken: async () => {
      questions += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      known = "right";
      return true;
    },
    wait: async () => {},
    fetch: async (path, { headers }) => {
      asked.push(headers.Authorization);
      return headers.Authorization === "Bearer right" ? Response.json({}) : Response.json({}, { status: 401 });
    },
  });
  await Promise.all([service.model(), service.queue()]);
  assert.equal(questions, 1);
  assert.deepEqual(asked, [undefined, undefined, "Bearer right", "Bearer right"]);
});

test("lines of a batch come whole, however the bytes are cut", async () => {
  const bytes = new TextEncoder().encode('{"file":"ä.png"}\n{"file":"b.png"}');
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  const { service } = serviceOf([new Response(body), new Response("")]);
  const lines = [];
  await service.batch([new File(["z"], "z.zip")], (line) => lines.push(line.file));
  assert.deepEqual(lines, ["ä.png", "b.png"]);
});

test("a record's name cannot leave its path", async () => {
  const { service, asked } = serviceOf([Response.json({})]);
  await service.queued("../model?x=1#");
  assert.equal(asked[0][0], "v1/queue/..%2Fmodel%3Fx%3D1%23");
});

test("no key does two things, and none works while text is typed", () => {
  const keys = KEYS.flatMap(([, rows]) => rows.flatMap(([, own]) => own));
  assert.equal(new Set(keys).size, keys.length);
  const press = (key, more = {}) => ({ key, target: null, ...more });
  const field = { closest: () => ({ type: "text" }) };
  assert.equal(actionOf(press("N")), "next");
  assert.equal(actionOf(press("n", { target: field })), null);
  assert.equal(actionOf(press("n", { ctrlKey: true })), null);
  assert.equal(actionOf(press("n"), false), null);
  assert.equal(actionOf(press("?"), false), "help");
});
