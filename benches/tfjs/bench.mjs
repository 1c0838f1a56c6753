// Training steps of M2 on the built-in digits, one thread each: the page's program, TensorFlow.js in the same headless Chromium, and the
// command line, in turn. scripts/browser-bench.sh training sets this up.
//
//   node bench.mjs [--variant tuned] [--rounds 7] [--seconds 2] [--warm-up 100] [--recipe FILE] [--gleaner PROGRAM]
//
// The command line writes weights, batch and noise of a first step, of which TensorFlow.js must find the same objective and the same
// norm of the gradient. That the page trains what the command line trains is what tests/browser/training.test.mjs is for. The last line is JSON.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";
import { parseArgs } from "node:util";
import { Visits } from "../../tests/browser/visit.mjs";
import * as peer from "./peer.mjs";

const { values: given } = parseArgs({
  options: {
    variant: { type: "string", default: "tuned" },
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "2" },
    "warm-up": { type: "string", default: "100" },
    recipe: { type: "string", default: path.join(import.meta.dirname, "../../recipes/digits.toml") },
    gleaner: { type: "string", default: process.env.GLEANER_PROGRAM ?? "gleaner" },
  },
});
const [rounds, seconds, warmUp] = ["rounds", "seconds", "warm-up"].map((name) => Number(given[name]));
assert.ok(Number.isInteger(rounds) && rounds > 0, "--rounds: 1 or more");
assert.ok(seconds > 0, "--seconds: more than 0");

// How far two numbers in single precision may be apart, as a share.
const TOLERANCE = { objective: 1e-4, gradient_norm: 1e-3 };

// Steps that the command line is asked for at once.
const ASKED = 50;

// The recipe of digits for the page, which knows no recipes; the labels-only network rests after a step.
const SETTINGS = {
  "model.kind": "m2",
  "model.latent": 16,
  "model.hidden": [128],
  "model.classifier-hidden": [128],
  "model.activation": "relu",
  "train.batch-size": 32,
  "train.lr": 2e-3,
  "train.parts": 1,
  "train.epochs": 10_000,
  "train.baseline-steps": 1,
  "data.validation": 0,
};

const step = ["bench", "recipe", given.recipe, "--threads=1", "--set=train.parts=1", "--serve"];

const firstStep = (folder) => JSON.parse(execFileSync(given.gleaner, [...step, "--fixture", folder], { input: "" }));

function check(found, expected) {
  for (const [name, tolerance] of Object.entries(TOLERANCE)) {
    const difference = Math.abs(found[name] / expected[name] - 1);
    assert.ok(difference < tolerance, `${name}: ${found[name]}, not ${expected[name]}`);
  }
}

// The page's program in its worker, with nothing to be seen: { round, close }.
async function openPage() {
  const visits = await new Visits().open();
  const page = await visits.page("third-party.txt");
  await page.evaluate(async (settings) => {
    const { Engine } = await import(new URL("js/engine.js", location.href).href);
    const engine = new Engine(new URL("js/learn/worker.js", location.href));
    await engine.start();
    const { load } = await import(new URL("js/learn/digit-data.js", location.href).href);
    const { x, y } = await load({ askProgram: (...asked) => engine.call(null, ...asked) }, "8x8");
    const seen = Array(10).fill(0);
    const labels = Array.from(y, (label) => ((seen[label] += 1) <= 10 ? label : -1));
    await engine.call("run", "create", { data: { name: "digits.npz", x, shape: [8, 8, 1], given: labels }, settings });
    self.advance = (milliseconds) => engine.call("run", "advance", milliseconds);
  }, SETTINGS);
  let done = 0;
  const round = async (time) => {
    const told = await page.evaluate(async (milliseconds) => {
      const started = performance.now();
      const { step } = await advance(milliseconds);
      return { step, seconds: (performance.now() - started) / 1000 };
    }, 1000 * time);
    const steps = told.step - done;
    done = told.step;
    return { steps, seconds: told.seconds };
  };
  return { browser: visits.browser, round, close: () => visits.close() };
}

// The command line, which takes as many steps as it is told to: { round, close }.
async function openNative() {
  const program = spawn(given.gleaner, step, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = readline.createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const answer = async () => JSON.parse((await lines.next()).value);
  await answer();
  const round = async (time) => {
    let [steps, passed] = [0, 0];
    while (passed < time) {
      program.stdin.write(`${ASKED}\n`);
      const { milliseconds } = await answer();
      steps += milliseconds.length;
      passed += milliseconds.reduce((sum, one) => sum + one) / 1000;
    }
    return { steps, seconds: passed };
  };
  return { round, close: () => program.kill() };
}

const rounded = (value) => Number(value.toPrecision(4));

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// Rounds of all programs, every other one in reversed order: what drifts, does so for all.
async function race(programs) {
  const rates = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const names = Object.keys(programs);
    for (const name of round % 2 ? names.reverse() : names) {
      const told = await programs[name](seconds);
      rates[name].push(told.steps / told.seconds);
    }
    process.stderr.write(`browser-bench: round ${round + 1} of ${rounds}\n`);
  }
  return rates;
}

function report(about, rates) {
  console.log(`Chromium ${about.chromium}; TensorFlow.js ${about.version} (${about.build}, one thread), ${about.variant}`);
  console.log(`steps a second, medians of ${rounds} rounds of ${seconds} s in turn\n`);
  const told = {};
  for (const [name, own] of Object.entries(rates)) {
    const ratios = rates.page.map((rate, round) => rate / own[round]);
    told[name] = {
      steps_per_second: rounded(median(own)),
      page_is_faster: rounded(median(ratios)),
      by_round: [Math.min(...ratios), Math.max(...ratios)].map(rounded),
    };
    const beside = name === "page" ? "" : `the page's is ${told[name].page_is_faster} times as fast (${told[name].by_round.join(" to ")})`;
    console.log(`${name.padEnd(16)}${String(told[name].steps_per_second).padStart(8)}   ${beside}`);
  }
  console.log(JSON.stringify({ ...about, ...told }));
}

const folder = await mkdtemp(path.join(tmpdir(), "gleaner-tfjs-"));
const opened = [];
try {
  const expected = firstStep(folder);
  const page = await openPage();
  opened.push(page);
  const about = await peer.open({ fixture: folder, variant: given.variant, browser: page.browser });
  opened.push(peer);
  check(about, expected);
  const native = await openNative();
  opened.push(native);
  await peer.round(Infinity, warmUp);
  await page.round(seconds);
  await native.round(seconds / 2);
  report(about, await race({ page: page.round, "TensorFlow.js": peer.round, "command line": native.round }));
} finally {
  for (const program of opened.reverse()) await program.close();
  await rm(folder, { recursive: true });
}
