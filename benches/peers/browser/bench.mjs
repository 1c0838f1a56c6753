// Langevin chains in a real Chromium: the page's program on the CPU beside TensorFlow.js, the same chains in the same
// page, in turn. Then how long the page itself takes. scripts/browser-bench.sh sets this up.
//
//   node bench.mjs [--rounds 5] [--chains 1000,10000] [--temperature 1]
//
// At temperature 0 no noise is drawn, which tells what its share is. The last line is JSON.

import assert from "node:assert/strict";
import path from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { done, leave, Visits } from "../../../tests/browser/visit.mjs";

const HERE = import.meta.dirname;
const STEPS = 60;
const STEP_SIZE = 0.4;
const WARM_UP = 2;
const CHECKED = 1000;
const TOLERANCE = 1e-3;
const NAMES = {
  gleaner: "Gleaner",
  autodiff: "TensorFlow.js, tf.grad",
  closed: "TensorFlow.js, closed form",
};

const { values: given } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    chains: { type: "string", default: "1000,10000" },
    temperature: { type: "string", default: "1" },
  },
});
const rounds = Number(given.rounds);
const counts = given.chains.split(",").map(Number);
const temperature = Number(given.temperature);
assert.ok(Number.isInteger(rounds) && rounds > 0, "--rounds: 1 or more");
assert.ok(counts.every((count) => count > 0 && count % 10 === 0), "--chains: as many of each of the ten classes");
assert.ok(temperature >= 0, "--temperature: 0 or more");

const say = (text) => process.stderr.write(`browser-bench: ${text}\n`);

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const rounded = (value) => Number(value.toPrecision(4));

// TensorFlow.js beside the files of the site: the chains in one module, as bundlers write it, and the builds of the
// back end.
async function peer(page) {
  const entryPoints = [path.join(HERE, "tfjs_chain.mjs")];
  const bundle = await build({ entryPoints, bundle: true, format: "esm", write: false, logLevel: "error" });
  const body = bundle.outputFiles[0].text;
  await page.route("**/peer/tfjs_chain.js", (route) => route.fulfill({ body, contentType: "text/javascript" }));
  const builds = path.join(HERE, "node_modules/@tensorflow/tfjs-backend-wasm/dist");
  await page.route("**/peer/*.wasm", (route) =>
    route.fulfill({ path: path.join(builds, path.basename(new URL(route.request().url()).pathname)) }),
  );
}

// An empty page of the site with both programs in it, and what is known of them.
async function openChains(visits) {
  const page = await visits.page("checkpoints/index.json", { before: peer });
  const about = await page.evaluate(async () => {
    const buffer = await (await fetch("/checkpoints/mnist-latent-ebm/model.safetensors")).arrayBuffer();
    const [program, tfjs] = await Promise.all([import("/gleaner-web.js"), import("/peer/tfjs_chain.js")]);
    await program.default();
    window.session = await program.Session.create(new Uint8Array(buffer), "cpu");
    window.tfjs = await tfjs.open(buffer, "/peer/");
    const config = session.config();
    window.settings = { latent: config.latent, classes: config.classes };
    return { ...window.tfjs.about, isolated: crossOriginIsolated, config };
  });
  const builds = page.asked.filter((address) => /backend-wasm.*\.wasm$/.test(address));
  about.files = builds.map((address) => path.basename(address));
  return { page, about };
}

// Chains without noise from the same start: where they end, by either program.
const compare = (page) =>
  page.evaluate(
    async ({ chains, steps, stepSize }) => {
      const { classes, latent } = window.settings;
      const asked = { seed: 0, per_class: chains / classes, step_size: stepSize, convention: "pang", temperature: 0 };
      const { z: start } = await session.generate({ ...asked, steps: 0 });
      const { z, y } = await session.generate({ ...asked, steps });
      await session.begin({ ...asked, steps });
      const told = (await session.advance(steps)).log_density + (latent / 2) * Math.log(2 * Math.PI);
      const found = { start: tfjs.meanLogDensity(start, y), told, gleaner: tfjs.meanLogDensity(z, y) };
      const apart = {};
      for (const gradient of ["autodiff", "closed"]) {
        const end = await tfjs.run({ gradient, y, start, steps, stepSize, temperature: 0 });
        found[gradient] = tfjs.meanLogDensity(end, y);
        apart[gradient] = end.reduce((worst, value, at) => Math.max(worst, Math.abs(value - z[at])), 0);
      }
      return { found, apart };
    },
    { chains: CHECKED, steps: STEPS, stepSize: STEP_SIZE },
  );

function check({ found, apart }) {
  const { start, ...ends } = found;
  assert.ok(ends.gleaner > start + 1, `the chains do not climb: ${start} to ${ends.gleaner}`);
  for (const [name, value] of Object.entries(ends)) {
    const difference = Math.abs(value / ends.gleaner - 1);
    assert.ok(difference < TOLERANCE, `${name}: mean log-density ${value}, not ${ends.gleaner}`);
  }
  const list = Object.entries({ start, ...ends }).map(([name, value]) => `${name} ${value.toFixed(4)}`);
  say(`without noise, mean log-density of ${CHECKED} chains: ${list.join(", ")}`);
  const worst = Object.entries(apart).map(([name, value]) => `${name} ${value.toExponential(1)}`);
  say(`largest difference of a coordinate where they end: ${worst.join(", ")}`);
}

// One run of all chains: { seconds, logDensity }.
const once = (page, program, chains, seed) =>
  page.evaluate(
    async ({ program, chains, seed, steps, stepSize, temperature }) => {
      const { classes, latent } = window.settings;
      const each = chains / classes;
      const y = Int32Array.from({ length: chains }, (_, row) => Math.floor(row / each));
      const started = performance.now();
      if (program === "gleaner") {
        await session.begin({ seed, per_class: each, steps, step_size: stepSize, convention: "pang", temperature });
        const { log_density } = await session.advance(steps);
        const seconds = (performance.now() - started) / 1000;
        return { seconds, logDensity: log_density + (latent / 2) * Math.log(2 * Math.PI) };
      }
      const z = await tfjs.run({ gradient: program, y, steps, stepSize, temperature });
      const seconds = (performance.now() - started) / 1000;
      return { seconds, logDensity: tfjs.meanLogDensity(z, y) };
    },
    { program, chains, seed, steps: STEPS, stepSize: STEP_SIZE, temperature },
  );

// Rounds of all programs, every other one in reversed order: what drifts, does so for all.
async function race(page, chains) {
  const programs = Object.keys(NAMES);
  for (let round = 0; round < WARM_UP; round += 1) {
    for (const program of programs) await once(page, program, chains, round);
  }
  const runs = Object.fromEntries(programs.map((program) => [program, []]));
  const before = await page.evaluate(() => tfjs.tensors());
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 ? programs.toReversed() : programs;
    for (const program of order) runs[program].push(await once(page, program, chains, WARM_UP + round));
    const times = programs.map((program) => `${program} ${runs[program].at(-1).seconds.toFixed(3)} s`);
    say(`${chains} chains, round ${round + 1}: ${times.join(", ")}`);
  }
  assert.equal(await page.evaluate(() => tfjs.tensors()), before, "tensors are left behind");
  return Object.fromEntries(programs.map((program) => [program, summary(runs, program, chains)]));
}

// How a program did, and how many times as fast ours is: by the medians, and round by round.
function summary(runs, program, chains) {
  const seconds = runs[program].map((run) => run.seconds);
  const ours = runs.gleaner.map((run) => run.seconds);
  const ratios = seconds.map((value, round) => value / ours[round]);
  return {
    seconds: seconds.map(rounded),
    median_seconds: rounded(median(seconds)),
    chain_steps_per_second: Math.round((chains * STEPS) / median(seconds)),
    ratio_of_medians: rounded(median(seconds) / median(ours)),
    ratio_by_round: [Math.min(...ratios), Math.max(...ratios)].map(rounded),
    log_density: rounded(median(runs[program].map((run) => run.logDensity))),
  };
}

// Seconds from navigation until the status line says that there are samples, each time for a new visitor.
async function firstSamples(visits) {
  const seconds = [];
  let about;
  for (let round = 0; round < rounds; round += 1) {
    const page = await visits.page("?on=cpu");
    const seen = await page.waitForFunction(
      () => document.getElementById("status").textContent.includes("samples in") && performance.now() / 1000,
    );
    seconds.push(await seen.jsonValue());
    const model = await page.locator("#cards input:checked").getAttribute("id");
    about = { model: model.replace(/^card-/, ""), status: await page.textContent("#status") };
    await done(page, "samples in");
    await leave(page);
  }
  return { ...about, seconds: seconds.map(rounded), median_seconds: rounded(median(seconds)) };
}

// Seconds from a click on Draw until the samples and the coreset of those that are kept are there.
const drawAndPick = (page, seed) =>
  page.evaluate(async (number) => {
    document.getElementById("seed").value = number;
    const live = document.getElementById("coreset-live");
    const status = document.getElementById("status");
    const picked = new Promise((resolve) => {
      new MutationObserver((_, observer) => {
        if (!/ picked\./.test(live.textContent)) return;
        observer.disconnect();
        resolve();
      }).observe(live, { childList: true });
    });
    const started = performance.now();
    document.getElementById("draw").click();
    await picked;
    const seconds = (performance.now() - started) / 1000;
    return { seconds, picked: live.textContent, drawn: status.textContent };
  }, seed);

async function picking(visits) {
  const page = await visits.page("?on=cpu&model=mnist-m2&n=100&seed=0");
  const runs = [];
  for (let round = -1; round < rounds; round += 1) {
    await done(page, "1000 samples in");
    // The maps below the coreset and the look inside a sample are still being made.
    await page.waitForTimeout(2000);
    const run = await drawAndPick(page, round + 2);
    if (round >= 0) runs.push(run);
  }
  await done(page, "1000 samples in");
  await leave(page);
  const seconds = runs.map((run) => run.seconds);
  return { ...runs.at(-1), seconds: seconds.map(rounded), median_seconds: rounded(median(seconds)) };
}

function table(results) {
  const place = (cell, at) => (at === 1 ? `  ${cell}`.padEnd(30) : cell.padStart(at === 0 ? 8 : 14));
  const row = (...cells) => console.log(cells.map(place).join(""));
  row("chains", "program", "seconds", "chain-steps/s", "times as fast", "by round", "log p(z|y)");
  for (const [chains, programs] of Object.entries(results)) {
    for (const [program, told] of Object.entries(programs)) {
      const ours = program === "gleaner";
      const [least, most] = told.ratio_by_round.map((ratio) => ratio.toFixed(2));
      row(
        chains,
        NAMES[program],
        told.median_seconds.toFixed(3),
        told.chain_steps_per_second.toLocaleString("en"),
        ours ? "" : told.ratio_of_medians.toFixed(2),
        ours ? "" : `${least}..${most}`,
        told.log_density.toFixed(2),
      );
    }
  }
}

function report({ chromium, tfjs, widths, chains, first, picked }) {
  const build = `${tfjs.files}, ${tfjs.threads ? "threads" : "one thread"}`;
  console.log(`Chromium ${chromium}; TensorFlow.js ${tfjs.version} (${build})`);
  const chain = `energy ${widths.join("-")}, ${STEPS} steps of ${STEP_SIZE}, T = ${temperature}`;
  console.log(`${chain}; medians of ${rounds} rounds in turn\n`);
  table(chains);
  const opened = `${first.model}: ${first.status}`;
  console.log(`\nfirst samples of a visit: ${first.median_seconds.toFixed(2)} s after navigation (${opened})`);
  const made = `mnist-m2: ${picked.drawn} ${picked.picked.split(":")[0]}.`;
  console.log(`draw, filter and pick: ${picked.median_seconds.toFixed(2)} s (${made})`);
}

async function main(visits) {
  const { page, about } = await openChains(visits);
  const { config, ...tfjs } = about;
  const chromium = visits.browser.version();
  say(`Chromium ${chromium}, cross-origin isolated: ${tfjs.isolated}; TensorFlow.js ${tfjs.version}, ${tfjs.files}`);
  assert.ok(tfjs.backend === "wasm" && tfjs.simd, "TensorFlow.js runs without SIMD");
  const noiseless = await compare(page);
  check(noiseless);
  const chains = {};
  for (const count of counts) chains[count] = await race(page, count);
  await leave(page);
  say("the page");
  const first = await firstSamples(visits);
  const picked = await picking(visits);
  const widths = [config.latent, ...config.energy_hidden, config.classes];
  const settings = { widths, steps: STEPS, step_size: STEP_SIZE, temperature, rounds };
  const told = { chromium, tfjs, ...settings, noiseless, chains, first, picked };
  report(told);
  console.log(JSON.stringify(told));
}

const visits = new Visits();
try {
  await main(await visits.open());
} finally {
  await visits.close();
}
