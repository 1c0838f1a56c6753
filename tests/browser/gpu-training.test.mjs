// Training on WebGPU against training on the CPU: the same terms step by step, and a run that goes from one to the other. The GPU is
// Chromium's software adapter: the same shaders, but slow, so everything is tiny, and of the models there is M2 alone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { leave, says, Visits } from "./visit.mjs";
import { inWorker, KEEP_DEVICE, workerOf } from "./worker.mjs";

let visits;
before(async () => {
  visits = await new Visits().open();
});
after(() => visits?.close());

const STEPS = 4;
const HALF = 2; // after so many, a run goes from the GPU to the CPU
const CLOSE = 1e-3; // sums in another order, and steps that carry the difference on

const GPU_WORKER = "js/learn/worker-gpu.js";

const SETTINGS = {
  "model.kind": "m2",
  "data.validation": 0,
  "model.activation": "relu",
  "model.latent": 4,
  "model.hidden": [16],
  "model.classifier-hidden": [16],
  "objective.alpha": 0.1,
  "objective.mier.beta": 1,
  "train.lr": 2e-3,
  "train.parts": 1,
  "train.baseline-steps": STEPS,
  "train.batch-size": 20,
  "train.labelled-batch-size": 20,
  "train.steps": STEPS,
  "train.seed": 5,
};

// A page with both programs that train and nothing to be seen: `self.large` and `self.small` call them, and `self.data` are 120 pictures
// of 8 x 8 pixels, of which 20 have a label.
async function programs() {
  const page = await visits.page("checkpoints/index.json");
  await page.evaluate(async () => {
    const { Engine } = await import(new URL("../js/engine.js", location.href).href);
    for (const [name, script] of [["small", "worker.js"], ["large", "worker-gpu.js"]]) {
      const engine = new Engine(new URL(`../js/learn/${script}`, location.href));
      await engine.start();
      self[name] = (key, method, ...args) => engine.call(key, method, ...args);
    }
    const { load } = await import(new URL("../js/learn/digit-data.js", location.href).href);
    const { x, y, heldX, heldY } = await load({ askProgram: (...asked) => small(null, ...asked) }, "8x8");
    const given = y.slice(0, 120).fill(-1);
    for (let number = 0; number < 10; number += 1) {
      let left = 2;
      given.forEach((_, row) => {
        if (y[row] !== number || left === 0) return;
        given[row] = number;
        left -= 1;
      });
    }
    self.data = { name: "few.npz", x: x.slice(0, 120 * 64), shape: [8, 8, 1], given, heldX: heldX.slice(0, 60 * 64), heldY: heldY.slice(0, 60) };
    // So many steps, each by itself: its terms.
    self.walk = async (program, key, steps) => {
      const all = [];
      for (let step = 0; step < steps; step += 1) all.push((await program(key, "advance", 0)).terms);
      return all;
    };
  });
  page.said.length = 0; // a list has no icon, and the browser asks for one
  return page;
}

// The largest relative difference between the terms of two runs.
function apart(found, wanted) {
  assert.equal(found.length, wanted.length);
  let worst = 0;
  wanted.forEach((terms, step) => {
    assert.deepEqual(Object.keys(found[step]), Object.keys(terms));
    for (const [name, value] of Object.entries(terms)) {
      assert.ok(Number.isFinite(value) && Number.isFinite(found[step][name]), `${name} of step ${step}`);
      worst = Math.max(worst, Math.abs(found[step][name] - value) / Math.max(1, Math.abs(value)));
    }
  });
  return worst;
}

test("on WebGPU a run takes the steps that it takes on the CPU, and goes on there", async (context) => {
  const page = await programs();
  const found = await page.evaluate(
    async ({ settings, half, rest }) => {
      const timed = async (task) => {
        const started = performance.now();
        const result = await task();
        return [result, performance.now() - started];
      };
      const about = {};
      for (const on of ["webgpu", "cpu"]) about[on] = (await large(on, "create", { data, settings, on })).backend;
      const [first, warming] = await timed(() => walk(large, "webgpu", half));
      const state = await large("webgpu", "run");
      await small("kept", "create", { state });
      const [second, took] = await timed(() => walk(large, "webgpu", rest));
      const [cpu, cpuTook] = await timed(() => walk(large, "cpu", half + rest));
      const kept = await walk(small, "kept", rest);
      const scores = {};
      for (const [name, program] of [["webgpu", large], ["cpu", large], ["kept", small]]) scores[name] = await program(name, "score");
      return { about, gpu: [...first, ...second], second, cpu, kept, scores, warming, took: took / rest, cpuTook: cpuTook / (half + rest) };
    },
    { settings: SETTINGS, half: HALF, rest: STEPS - HALF },
  );
  const { about, gpu, second, cpu, kept, scores, warming, took, cpuTook } = found;
  assert.deepEqual(about, { webgpu: "webgpu", cpu: "cpu" });
  const objectives = cpu.map((terms) => Object.values(terms)[0]);
  assert.ok(Math.abs(objectives[0] - objectives.at(-1)) > 100 * CLOSE, "nothing is learned, so nothing is compared");
  const [worst, worstKept] = [apart(gpu, cpu), apart(kept, second)];
  context.diagnostic(`terms differ by ${worst.toExponential(1)} at most, of the run that went on on the CPU by ${worstKept.toExponential(1)}`);
  context.diagnostic(
    `a step takes ${took.toFixed(0)} ms on the software adapter, ${cpuTook.toFixed(1)} ms on the CPU; the first ${HALF} with their shaders ${(warming / 1000).toFixed(1)} s`,
  );
  assert.ok(worst <= CLOSE, `${worst}`);
  assert.ok(worstKept <= CLOSE, `${worstKept}`);
  for (const name of ["webgpu", "kept"]) {
    for (const network of ["model", "baseline"]) assert.equal(scores[name][network].right, scores.cpu[network].right, `${network}, ${name}`);
  }
  await leave(page);
});

test("a device that is unknown or not there is refused in a sentence", async () => {
  const page = await programs();
  const said = await page.evaluate(async () => {
    const why = (program, on) => program("none", "create", { data, settings: {}, on }).then(() => "no error", ({ message }) => message);
    return [await why(large, "gpu"), await why(small, "webgpu")];
  });
  assert.match(said[0], /^create: on: unknown backend "gpu"/);
  assert.equal(said[1], "WebGPU is not available: this build has no WebGPU; compute on the CPU");
  const about = await page.evaluate(() => small("none", "create", { data, settings: {}, on: "auto" }));
  assert.deepEqual([about.backend, about.reason], ["cpu", "this build has no WebGPU"]);
  await leave(page);
});

const badge = async (page) => [await page.textContent("#badge-text"), await page.textContent("#badge-why")];
const open = (query, options = {}) => visits.page(`digits.html${query}`, { viewport: { width: 1280, height: 800 }, ...options });

test("a GPU that is a program is left alone, and so is any GPU for small pictures: the page says why", async () => {
  const page = await open("?fill=2");
  await says(page, "status", /Press Train/);
  let [words, why] = await badge(page);
  assert.equal(words, "CPU (small pictures)");
  await page.click('#sets label:has-text("28 × 28")');
  await says(page, "set-hint", /MNIST/);
  await says(page, "badge-text", /no real GPU/);
  [words, why] = await badge(page);
  assert.equal(words, "CPU (this browser has no real GPU)");
  assert.match(why, /on one core of the CPU.*swiftshader/i);
  assert.ok(!page.asked.some((address) => address.includes("gleaner-web")), "the large program is not loaded");
  await leave(page);
  const without = await open("?data=28x28&on=cpu");
  await says(without, "badge-text", /^CPU \(as the address says\)$/);
  await leave(without);
});

test("a GPU that is lost while a model learns on it: the page says so, tries once more, and continues on the CPU", async (context) => {
  // So many steps that none of the two losses comes after the last one.
  const page = await open("?fill=2&on=webgpu&steps=1000", { before: (visit) => inWorker(visit, KEEP_DEVICE, GPU_WORKER) });
  await says(page, "status", /Press Train/);
  await page.click("#go");
  await page.waitForSelector("#transport:not([hidden])");
  for (const [words, then] of [
    [/^GPU: WebGPU$/, /^The GPU was lost \(.*Training continues on the GPU from step \d+\.$/],
    [/^GPU: WebGPU$/, /^The GPU was lost \(.*Training continues on the CPU from step \d+\.$/],
  ]) {
    await says(page, "badge-text", words);
    const started = performance.now();
    await workerOf(page, GPU_WORKER).evaluate(() => self.kept.destroy()).catch(() => {});
    await says(page, "status", then);
    context.diagnostic(`${((performance.now() - started) / 1000).toFixed(1)} s until it goes on`);
  }
  await says(page, "badge-text", /^CPU \(without the GPU\)$/);
  await says(page, "status", /^Done\./);
  await leave(page);
});
