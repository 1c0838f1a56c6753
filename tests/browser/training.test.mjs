// Training in the page against the command line: the same curve, the same model, a run that goes on there; what unlabelled points are
// worth; memory.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { leave, Visits } from "./visit.mjs";
import { inWorker, KEEP_MEMORY } from "./worker.mjs";

const run = promisify(execFile);
const gleaner = (...args) => run(process.env.GLEANER_PROGRAM, args, { maxBuffer: 1 << 26 });

let visits;
let folder;
before(async () => {
  visits = await new Visits().open();
  folder = await mkdtemp(path.join(tmpdir(), "gleaner-training-"));
});
after(async () => {
  await visits?.close();
  await rm(folder, { recursive: true, force: true });
});

// A page with the program that trains and nothing to be seen: `self.trainer(method, ...)` calls it.
async function program(options) {
  const page = await visits.page("third-party.txt", options);
  await page.evaluate(async () => {
    const { Engine } = await import(new URL("js/engine.js", location.href).href);
    const engine = new Engine(new URL("js/learn/worker.js", location.href));
    await engine.start();
    self.trainer = (key, method, ...args) => engine.call(key, method, ...args);
    const { settingsOf } = await import(new URL("js/learn/models.js", location.href).href);
    self.settingsOf = settingsOf;
  });
  // A text has no icon, and the browser asks for one.
  page.said.length = 0;
  return page;
}

// Seconds for a training that takes ten at most in the program as it is shipped: what is tested is built to be there soon.
const PATIENCE = 60;

// Trains on toy points in the page, for some seconds at most, or a share of all steps; what the page knows at the end.
const train = (page, { kind, model, seed, seconds, share = 1, settings = {} }) =>
  page.evaluate(
    async ({ kind, model, seed, seconds, share, settings }) => {
      const points = await trainer(null, "toy", { kind, count: 300, heldOut: 1000, labels: 6, noise: 0.1, seed });
      const { x, given, heldX, heldY } = points;
      const all = { ...settingsOf(model, kind), "train.seed": seed, ...settings };
      const { steps } = await trainer("run", "create", { data: { name: "points.csv", x, shape: [2], given, heldX, heldY }, settings: all });
      const lines = [];
      const started = performance.now();
      let told = { done: false, step: 0 };
      while (!told.done && told.step < share * steps && performance.now() - started < 1000 * seconds) {
        told = await trainer("run", "advance", share < 1 ? 0 : 50);
        lines.push(...told.lines);
      }
      const took = (performance.now() - started) / 1000;
      return { lines, told, took, all, score: await trainer("run", "score"), about: await trainer("run", "describe") };
    },
    { kind, model, seed, seconds, share, settings },
  );

// What the program in the page gives, as a file.
async function kept(page, method, name) {
  const text = await page.evaluate(async (method) => {
    const bytes = await trainer("run", method);
    let all = "";
    for (const byte of bytes.bytes ?? bytes) all += String.fromCharCode(byte);
    return btoa(all);
  }, method);
  const file = path.join(folder, name);
  await writeFile(file, Buffer.from(text, "base64"));
  return file;
}

const lines = async (dir) => (await readFile(path.join(dir, "metrics.jsonl"), "utf8")).trim().split("\n").map((line) => JSON.parse(line));

function sameCurve(ours, theirs) {
  assert.ok(ours.length > 3 && ours.length === theirs.length, `${ours.length} and ${theirs.length} epochs`);
  ours.forEach((line, epoch) => {
    for (const [name, value] of Object.entries(line)) {
      const native = theirs[epoch][name];
      assert.ok(Math.abs(value - native) <= 1e-4 * Math.max(1, Math.abs(native)), `${name} of epoch ${epoch}: ${value} in the page, ${native}`);
    }
  });
}

for (const model of ["m2", "mier", "latent-ebm"]) {
  test(`${model}: the curve, the accuracy and the rest of a run are the command line's`, async () => {
    const page = await program();
    const settings = { "train.epochs": 12, "train.baseline-steps": 80, "objective.kl-warm-up-epochs": 4 };
    const { lines: ours, score, all, about } = await train(page, { kind: "two-moons", model, seed: 3, seconds: 60, settings });
    const points = await kept(page, "data", "points.csv");
    const dir = path.join(folder, `${model}-native`);
    const set = Object.entries(all).map(([name, value]) => `--set=${name}=${JSON.stringify(value)}`);
    await gleaner("train", `--data=${points}`, `--out=${dir}`, ...set);
    sameCurve(ours, await lines(dir));
    const summary = JSON.parse(await readFile(path.join(dir, "summary.json"), "utf8"));
    assert.equal(score.model.accuracy, summary.test_accuracy, "right on the same held-out points");
    assert.equal(score.baseline.accuracy, summary.baseline_accuracy);

    // Half of it in the page, the other half on the command line.
    const half = await train(page, { kind: "two-moons", model, seed: 3, seconds: 60, share: 0.5, settings });
    assert.equal(half.told.step, Math.ceil(about.steps / 2));
    const zip = await kept(page, "run", `${model}.zip`);
    const there = path.join(folder, `${model}-unpacked`);
    await run("python3", ["-m", "zipfile", "-e", zip, there]);
    const [name] = await readdir(there);
    assert.equal(name, about.name);
    await gleaner("train", "--resume", path.join(there, name));
    sameCurve(ours, await lines(path.join(there, name)));
    await leave(page);
  });
}

test("two moons with six labels: the points without a label are worth eight points of accuracy and more", async (context) => {
  const page = await program();
  const gains = [];
  for (let seed = 0; seed < 10; seed += 1) {
    const { score, took, told } = await train(page, { kind: "two-moons", model: "m2", seed, seconds: PATIENCE });
    gains.push(100 * (score.model.accuracy - score.baseline.accuracy));
    context.diagnostic(
      `seed ${seed}: ${(100 * score.baseline.accuracy).toFixed(1)} % with the labels only, ${(100 * score.model.accuracy).toFixed(1)} % with all points, ` +
        `${told.step} steps in ${took.toFixed(1)} s`,
    );
  }
  const mean = gains.reduce((sum, gain) => sum + gain) / gains.length;
  context.diagnostic(`on average ${mean.toFixed(1)} points`);
  assert.ok(mean >= 8, `${mean} points`);
  await leave(page);
});

test("memory stays where it is over ten trainings", async (context) => {
  const page = await program({ before: (visit) => inWorker(visit, KEEP_MEMORY, "js/learn/worker.js") });
  const worker = page.workers().at(-1);
  const sizes = [];
  for (let turn = 0; turn < 10; turn += 1) {
    await train(page, { kind: "spirals", model: "m2", seed: turn, seconds: 0.5 });
    await page.evaluate(() => trainer("run", "close"));
    sizes.push(await worker.evaluate(() => self.memory.buffer.byteLength));
  }
  context.diagnostic(`bytes of the program's memory: ${sizes.join(", ")}`);
  // Pieces of a few hundred kilobytes are a matter of where things lie; one run has more than a megabyte of numbers.
  assert.ok(sizes.at(-1) <= sizes[0] + (1 << 19), "it grows");
  await leave(page);
});
