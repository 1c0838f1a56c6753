// Steps per second of M2 on the built-in digits in TensorFlow.js, in a headless Chromium, on one thread.
//
//   node bench.mjs [--variant tuned] [--rounds 5] [--seconds 2] [--warm-up 100] [--recipe FILE] [--gleaner PROGRAM]
//
// The program writes weights, batch and noise of a first step, of which both must find the same objective and the same
// norm of the gradient. One line of JSON comes out.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { close, open, round } from "./peer.mjs";

const { values: given } = parseArgs({
  options: {
    variant: { type: "string", default: "tuned" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    "warm-up": { type: "string", default: "100" },
    recipe: { type: "string", default: path.join(import.meta.dirname, "../../recipes/digits.toml") },
    gleaner: { type: "string", default: process.env.GLEANER_PROGRAM ?? "gleaner" },
  },
});

// How far two numbers in single precision may be apart, as a share.
const TOLERANCE = { objective: 1e-4, gradient_norm: 1e-3 };

function firstStep(folder) {
  const options = ["--threads=1", "--set=train.parts=1", "--fixture", folder, "--serve"];
  return JSON.parse(execFileSync(given.gleaner, ["bench", "recipe", given.recipe, ...options], { input: "" }));
}

function check(found, expected) {
  for (const [name, tolerance] of Object.entries(TOLERANCE)) {
    const difference = Math.abs(found[name] / expected[name] - 1);
    assert.ok(difference < tolerance, `${name}: ${found[name]}, not ${expected[name]}`);
  }
}

const folder = await mkdtemp(path.join(tmpdir(), "gleaner-tfjs-"));
try {
  const expected = firstStep(folder);
  const about = await open({ fixture: folder, variant: given.variant });
  check(about, expected);
  await round(Infinity, Number(given["warm-up"]));
  const rates = [];
  for (let count = 0; count < Number(given.rounds); count += 1) {
    const { steps, seconds } = await round(Number(given.seconds));
    rates.push(Number((steps / seconds).toPrecision(4)));
  }
  console.log(JSON.stringify({ ...about, expected: expected.objective, steps_per_second: rates }));
} finally {
  await close();
  await rm(folder, { recursive: true });
}
