// The built page in a real Chromium, against the numbers of the native build.
//
//   GLEANER_SITE       folder that `trunk build` wrote
//   GLEANER_REFERENCE  folder that `browser_reference` wrote
//
// WebGPU runs on Chromium's software adapter: slow, so the model is tiny, but the same shaders.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { serve } from "./serve.mjs";

// The largest difference allowed, relative to the larger of the two and to the scale of the whole answer.
// Single precision sums of up to 64 terms in another order differ by about 1e-6; 1e-4 is the promise.
const TOLERANCE = 1e-4;

const setting = (name) => {
  if (process.env[name]) return path.resolve(process.env[name]);
  throw new Error(`${name} is not set: run scripts/browser-test.sh`);
};
const site = setting("GLEANER_SITE");
const reference = setting("GLEANER_REFERENCE");

let server;
let browser;
let expected;
let checkpoint;

before(async () => {
  expected = JSON.parse(await readFile(path.join(reference, "expected.json"), "utf8"));
  checkpoint = (await readFile(path.join(reference, "model.safetensors"))).toString("base64");
  server = await serve(site);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

// A page whose program has started, with every error it saw.
async function openPage() {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (entry) => {
    if (entry.type() === "error") errors.push(entry.text());
  });
  await page.goto(server.address);
  await page.waitForFunction(() => window.wasmBindings?.Session, null, { timeout: 120_000 });
  await page.evaluate((text) => {
    window.bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }, checkpoint);
  return { page, errors };
}

// Opens a session in the page, keeps it as `session`, and returns its backend.
const openSession = (page, backend) =>
  page.evaluate(async (name) => {
    window.session = await window.wasmBindings.Session.create(window.bytes, name);
    return window.session.backend();
  }, backend);

function worstDifference(found, wanted) {
  assert.equal(found.length, wanted.length, "number of values");
  const scale = Math.sqrt(wanted.reduce((sum, value) => sum + value * value, 0) / wanted.length);
  let worst = 0;
  wanted.forEach((value, index) => {
    assert.ok(Number.isFinite(found[index]), `value ${index} is ${found[index]}`);
    const size = Math.max(Math.abs(value), Math.abs(found[index]), 1e-2 * scale);
    worst = Math.max(worst, Math.abs(found[index] - value) / size);
  });
  return worst;
}

function assertClose(context, name, found, wanted) {
  const worst = worstDifference(found, wanted);
  context.diagnostic(`${name}: largest relative difference ${worst.toExponential(2)}`);
  assert.ok(worst <= TOLERANCE, `${name} differs by ${worst}`);
}

test("the reference can tell a wrong answer from a right one", () => {
  const { x, y } = expected.decode;
  const features = x.length / y.length;
  const rows = y.map((_, row) => x.slice(row * features, (row + 1) * features));
  assert.ok(worstDifference(rows[0], rows[1]) > 100 * TOLERANCE, "two rows look the same");
  assert.ok(Math.max(...x) - Math.min(...x) > 0.5, "probabilities hardly vary");
});

for (const backend of ["webgpu", "cpu"]) {
  test(`${backend}: decoder and read-back give the native numbers`, async (context) => {
    const { page, errors } = await openPage();
    assert.equal(await openSession(page, backend), backend);
    const { z, y } = expected.decode;
    const started = performance.now();
    const x = await page.evaluate(
      async (input) =>
        Array.from(await session.decode({ z: Float32Array.from(input.z), y: input.y })),
      { z, y },
    );
    context.diagnostic(`first decode: ${Math.round(performance.now() - started)} ms`);
    assertClose(context, "p(x|y,z)", x, expected.decode.x);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test(`${backend}: reads in a row and reads in flight do not mix`, async (context) => {
    const { page, errors } = await openPage();
    await openSession(page, backend);
    const { z, y, x } = expected.decode;
    const results = await page.evaluate(
      async (input) => {
        const latent = input.z.length / input.y.length;
        const all = { z: Float32Array.from(input.z), y: input.y };
        const last = { z: all.z.slice(-latent), y: input.y.slice(-1) };
        const first = Array.from(await session.decode(all));
        const second = Array.from(await session.decode(last));
        const together = await Promise.all([session.decode(last), session.decode(all)]);
        return [first, second, ...together.map((values) => Array.from(values))];
      },
      { z, y },
    );
    const lastRow = x.slice(-x.length / y.length);
    for (const [index, wanted] of [x, lastRow, lastRow, x].entries()) {
      assertClose(context, `read ${index + 1}`, results[index], wanted);
    }
    assert.deepEqual(errors, []);
    await page.close();
  });

  test(`${backend}: samples, logits and entropies are the native ones`, async (context) => {
    const { page, errors } = await openPage();
    await openSession(page, backend);
    const { seed, per_class, ...wanted } = expected.generate;
    const found = await page.evaluate(
      async (options) => {
        const { x, y, logits, entropy } = await session.generate(options);
        return { x: [...x], y: [...y], logits: [...logits], entropy: [...entropy] };
      },
      { seed, per_class },
    );
    assert.deepEqual(found.y, wanted.y);
    for (const name of ["x", "logits", "entropy"]) {
      assertClose(context, name, found[name], wanted[name]);
    }
    assert.deepEqual(await page.evaluate(() => session.config()), expected.config);
    assert.deepEqual(errors, []);
    await page.close();
  });
}

test("auto takes the GPU, and two sessions share it", async () => {
  const { page } = await openPage();
  const backends = await page.evaluate(async () => {
    const { Session } = window.wasmBindings;
    const open = () => Session.create(window.bytes, "auto");
    const sessions = await Promise.all([open(), open()]);
    return sessions.map((session) => session.backend());
  });
  assert.deepEqual(backends, ["webgpu", "webgpu"]);
  await page.close();
});

test("without WebGPU, auto falls back and says why; webgpu is refused in one line", async () => {
  const { page } = await openPage();
  const found = await page.evaluate(async () => {
    Object.defineProperty(navigator, "gpu", { value: undefined });
    const { Session } = window.wasmBindings;
    const session = await Session.create(window.bytes, "auto");
    const refused = await Session.create(window.bytes, "webgpu").catch((error) => error.message);
    return { backend: session.backend(), reason: session.fallbackReason(), refused };
  });
  assert.equal(found.backend, "cpu");
  assert.match(found.reason, /does not offer it/);
  assert.match(found.refused, /^WebGPU is not available: .*use the "cpu" backend$/);
  await page.close();
});

test("mistakes end in one clear line", async () => {
  const { page } = await openPage();
  await openSession(page, "cpu");
  const lines = await page.evaluate(async () => {
    const { Session } = window.wasmBindings;
    const attempts = [
      () => Session.create(window.bytes.slice(0, 500), "cpu"),
      () => Session.create(new Uint8Array(), "cpu"),
      () => Session.create(window.bytes, "gpu"),
      () => session.generate({ seed: 1, per_class: 0 }),
      () => session.generate({ seed: 1, per_class: 4e9 }),
      () => session.generate({ seed: -1, per_class: 1 }),
      () => session.generate({ seed: 1 }),
      () => session.decode({ z: new Float32Array(8), y: [10] }),
      () => session.decode({ z: new Float32Array(7), y: [1] }),
      () => session.decode({ z: "z", y: [1] }),
      () => session.decode({ z: new Float32Array(8).fill(NaN), y: [1] }),
    ];
    const messages = [];
    for (const attempt of attempts) {
      messages.push(await attempt().then(() => "no error", (error) => `${error.name}: ${error.message}`));
    }
    return messages;
  });
  const wanted = [
    /not a usable checkpoint: no complete safetensors file/,
    /not a usable checkpoint: no complete safetensors file/,
    /unknown backend "gpu"/,
    /per_class is 0, use 1 to/,
    /per_class is 4000000000, use 1 to/,
    /generate: .*-1/,
    /missing field `per_class`/,
    /y: entry 0 is 10, classes are 0 to 9/,
    /z has 7 values for 1 classes, this model takes 8/,
    /z: expected an array of numbers/,
    /z: entry 0 is no finite number/,
  ];
  lines.forEach((line, index) => {
    assert.match(line, /^Error: [^\n]+$/, `attempt ${index} gave several lines or none: ${line}`);
    assert.match(line, wanted[index]);
  });
  await page.close();
});

test("a visitor opens a checkpoint, sees samples, and sees errors", async () => {
  const { page, errors } = await openPage();
  await page.selectOption("#backend", "cpu");
  await page.fill("#per-class", "4");
  await page.setInputFiles("#checkpoint", path.join(reference, "model.safetensors"));
  await page.waitForSelector('#status[data-kind="done"]:has-text("40 samples")');
  const shades = await page.evaluate(() => {
    const canvas = document.getElementById("samples");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return { width: canvas.width, height: canvas.height, count: new Set(data).size };
  });
  assert.deepEqual([shades.width, shades.height], [4 * 10 - 2, 10 * 10 - 2]);
  assert.ok(shades.count > 50, `only ${shades.count} shades on the canvas`);
  if (process.env.GLEANER_SCREENSHOT) await page.screenshot({ path: process.env.GLEANER_SCREENSHOT });
  assert.deepEqual(errors, []);

  const broken = { name: "notes.safetensors", mimeType: "", buffer: Buffer.from("not a checkpoint") };
  await page.setInputFiles("#checkpoint", broken);
  await page.waitForSelector('#status[data-kind="error"]:has-text("not a usable checkpoint")');
  assert.equal(await page.isVisible("#result"), false);
  await page.close();
});

test("a program that cannot be loaded says so", async () => {
  const page = await browser.newPage();
  await page.route("**/*.wasm", (route) => route.abort());
  await page.goto(server.address);
  await page.waitForSelector('#status[data-kind="error"]');
  assert.match(await page.textContent("#status"), /could not be started/);
  await page.close();
});
