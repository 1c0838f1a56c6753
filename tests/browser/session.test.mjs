// What the program exports, called as somebody would who builds a page of their own, against the numbers of the native build.
//
// WebGPU runs on Chromium's software adapter: slow, so the model is tiny, but the same shaders.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { assertClose, TOLERANCE, worstDifference } from "./close.mjs";
import { reference, Visits } from "./visit.mjs";

const expected = JSON.parse(await readFile(path.join(reference, "m2.json"), "utf8"));
const bytesOf = async (model) => (await readFile(path.join(reference, `${model}.safetensors`))).toString("base64");
let visits;

before(async () => {
  visits = await new Visits().open();
});

after(() => visits?.close());

// A checkpoint with other values in the tensors of some names.
async function altered(model, names, change) {
  const bytes = await readFile(path.join(reference, `${model}.safetensors`));
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const found = Object.entries(JSON.parse(bytes.subarray(8, start))).filter(([name]) => names.test(name));
  assert.ok(found.length > 0);
  for (const [, { data_offsets: [from, to] }] of found) {
    for (let at = start + from; at < start + to; at += 4) bytes.writeFloatLE(change(bytes.readFloatLE(at)), at);
  }
  return bytes;
}

// An empty page of the site with the program in it, and every error it saw.
async function openPage(model = "m2", script = () => {}) {
  const before = async (visit) => {
    await visit.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
    await visit.addInitScript(script);
  };
  const page = await visits.page("checkpoints/index.json", { before });
  await page.evaluate(async (text) => {
    const program = await import("/gleaner-web.js");
    await program.default();
    window.Session = program.Session;
    window.bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }, await bytesOf(model));
  return { page, errors: page.said };
}

// Opens a session in the page, keeps it as `session`, and returns its backend.
const openSession = (page, backend) =>
  page.evaluate(async (name) => {
    window.session = await Session.create(window.bytes, name);
    return window.session.backend();
  }, backend);

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

  test(`${backend}: far from the middle of the prior, where tanh is 1, the decoder gives the native numbers`, async (context) => {
    const { far } = JSON.parse(await readFile(path.join(reference, "m2-tanh.json"), "utf8"));
    const { page, errors } = await openPage("m2-tanh");
    await openSession(page, backend);
    const x = await page.evaluate(async ({ z, y }) => [...(await session.decode({ z, y }))], far);
    assertClose(context, "p(x|y,z)", x, far.x);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test(`${backend}: a model whose numbers overflow gives errors and no samples`, async () => {
    for (const model of ["m2", "latent-ebm"]) {
      const { page } = await openPage(model);
      await page.evaluate(async (text) => {
        window.bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      }, (await altered(model, /^decoder\..*weight/, () => 3e38)).toString("base64"));
      await openSession(page, backend);
      const lines = await page.evaluate(async () => {
        const z = new Float32Array(8).fill(1);
        const asked = { seed: 1, per_class: 1 };
        const attempts = [
          () => session.decode({ z, y: [1] }),
          () => session.begin(asked).then(() => session.picture()),
          () => session.finish(),
          () => session.look({ values: new Float32Array(64).fill(0.5) }),
          () => session.walk({ class: 1, side: 2 }),
        ];
        const said = [];
        for (const attempt of attempts) said.push(await attempt().then(() => "no error", ({ message }) => message));
        return said;
      });
      for (const line of lines) assert.match(line, /^[^\n]*: the model computed NaN or infinite numbers[^\n]*$/, model);
      await page.close();
    }
  });

  for (const model of ["m2", "latent-ebm"]) {
    test(`${backend}: samples of ${model} are the native ones`, async (context) => {
      const { generate, config } = JSON.parse(await readFile(path.join(reference, `${model}.json`), "utf8"));
      const { page, errors } = await openPage(model);
      await openSession(page, backend);
      const { seed, per_class, ...wanted } = generate;
      const found = await page.evaluate(
        async (options) => {
          const samples = await session.generate(options);
          return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, [...values]]));
        },
        { seed, per_class },
      );
      assert.deepEqual(found.y, wanted.y);
      for (const name of ["x", "z", "logits", "entropy"]) assertClose(context, name, found[name], wanted[name]);
      assert.deepEqual(await page.evaluate(() => session.config()), config);
      assert.deepEqual(errors, []);
      await page.close();
    });
  }

  test(`${backend}: chains that are watched arrive where the others do`, async (context) => {
    const wanted = JSON.parse(await readFile(path.join(reference, "latent-ebm.json"), "utf8")).generate;
    const { page, errors } = await openPage("latent-ebm");
    await openSession(page, backend);
    const seen = await page.evaluate(
      async ({ seed, per_class }) => {
        const begun = await session.begin({ seed, per_class, classes: [2, 7] });
        const steps = [];
        for (const stride of [0, 1, 2, 9]) {
          const { taken, left, log_density, gradient_norm } = await session.advance(stride);
          const { width, height } = await session.picture();
          steps.push({ taken, left, log_density, gradient_norm, width, height });
        }
        const { y, entropy } = await session.finish();
        return { begun: { ...begun, y: [...begun.y] }, steps, y: [...y], entropy: [...entropy] };
      },
      wanted,
    );
    const rows = wanted.y.flatMap((label, row) => ([2, 7].includes(label) ? [row] : []));
    assert.deepEqual(seen.begun, { y: rows.map((row) => wanted.y[row]), taken: 0, left: 6 });
    assert.deepEqual(seen.steps.map(({ taken, left }) => [taken, left]), [[0, 6], [1, 5], [3, 3], [6, 0]]);
    // Six tiles of 8 x 8 pixels, three across.
    assert.ok(seen.steps.every(({ width, height }) => width === 24 && height === 16));
    assert.ok(seen.steps.every(({ log_density, gradient_norm }) => Number.isFinite(log_density) && gradient_norm > 0));
    assert.ok(new Set(seen.steps.map(({ log_density }) => log_density)).size === 4, "chains stand still");
    const lost = await page.evaluate(async () => {
      await session.begin({ seed: 1, per_class: 1, steps: 3, step_size: 1e18 });
      return session.advance(3).then(() => "no error", ({ message }) => message);
    });
    assert.match(lost, /^the chains: the model computed NaN or infinite numbers.*smaller step size/);
    assertClose(context, "entropy", seen.entropy, rows.map((row) => wanted.entropy[row]));
    assert.deepEqual(errors, []);
    await page.close();
  });
}

// In the page: counts what the GPU is told to compute.
function countDispatches() {
  window.dispatches = 0;
  const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...sizes) {
    window.dispatches += 1;
    return dispatchWorkgroups.apply(this, sizes);
  };
}

test("webgpu: a step of the chains takes few dispatches", async (context) => {
  const { page } = await openPage("latent-ebm", countDispatches);
  await openSession(page, "webgpu");
  const counted = await page.evaluate(async () => {
    await session.begin({ seed: 0, per_class: 2, steps: 30 });
    const counts = [];
    for (const stride of [1, 1, 5]) {
      const before = window.dispatches;
      await session.advance(stride);
      counts.push(window.dispatches - before);
    }
    return counts;
  });
  const step = (counted[2] - counted[1]) / 4;
  context.diagnostic(`dispatches of a step: ${step}; of what is read after it: ${counted[1] - step}`);
  assert.ok(step > 5 && step <= 45, `${step} dispatches`);
  await page.close();
});

test("webgpu: the last hidden layer is computed when a space needs it, and once", async () => {
  for (const model of ["m2", "latent-ebm"]) {
    const { page, errors } = await openPage(model, countDispatches);
    await openSession(page, "webgpu");
    const counts = await page.evaluate(async () => {
      const draw = async (seed, kept) => {
        const { entropy } = await session.generate({ seed, per_class: 4 });
        session.filter({ max_entropy: [...entropy].sort()[kept], keep_agreeing: false });
        return entropy;
      };
      const found = {};
      const count = async (name, call) => {
        const before = window.dispatches;
        await call();
        found[name] = window.dispatches - before;
      };
      const pick = (space) => () => session.coreset({ method: "craig", space, size: 12, seed: 0 });
      const entropy = await draw(0, 30);
      await count("gradient", pick("gradient"));
      await count("latent", pick("latent"));
      await count("last-layer", pick("last-layer"));
      // Another filter, and a file.
      session.filter({ max_entropy: [...entropy].sort()[20], keep_agreeing: false });
      await count("embedding", pick("embedding"));
      await count("file", () => session.npz("samples", true));
      await draw(1, 30);
      await count("others", pick("last-layer"));
      return found;
    });
    const { "last-layer": layer, others, ...rest } = counts;
    assert.ok(layer > 0 && others > 0, JSON.stringify(counts));
    assert.deepEqual(rest, { gradient: 0, latent: 0, embedding: 0, file: 0 });
    assert.deepEqual(errors, []);
    await page.close();
  }
});

test("samples are compared by their gradients unless a space is named, and AdaCore by nothing else", async () => {
  const { page, errors } = await openPage("latent-ebm");
  await openSession(page, "cpu");
  const { worths, refused } = await page.evaluate(async () => {
    await session.generate({ seed: 0, per_class: 6 });
    session.filter({ max_entropy: 3, keep_agreeing: false });
    const pick = (space, method = "craig") => session.coreset({ method, space, size: 20, seed: 0 });
    const found = {};
    for (const space of [undefined, "gradient", "last-layer", "embedding", "cosine", "latent"]) {
      found[space ?? "default"] = (await pick(space)).chosen.objective;
    }
    const said = [];
    for (const space of ["embedding", "latent"]) said.push(await pick(space, "adacore").catch(({ message }) => message));
    return { worths: found, refused: said };
  });
  const { default: usual, ...spaces } = worths;
  assert.equal(usual, spaces.gradient);
  assert.equal(new Set(Object.values(spaces)).size, 5, JSON.stringify(spaces));
  for (const line of refused) assert.match(line, /^[^\n]*adacore divides gradients by curvature: use gradient or last-layer[^\n]*$/);
  assert.deepEqual(errors, []);
  await page.close();
});

test("auto takes the GPU, and two sessions share it", async () => {
  const { page } = await openPage();
  const backends = await page.evaluate(async () => {
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
    const session = await Session.create(window.bytes, "auto");
    const refused = await Session.create(window.bytes, "webgpu").catch((error) => error.message);
    return { backend: session.backend(), reason: session.fallbackReason(), refused };
  });
  assert.equal(found.backend, "cpu");
  assert.match(found.reason, /this browser has no WebGPU/);
  assert.match(found.refused, /^WebGPU is not available: .*compute on the CPU$/);
  await page.close();
});

test("mistakes end in one clear line", async () => {
  const { page } = await openPage();
  await openSession(page, "cpu");
  await page.evaluate(async (text) => {
    window.nan = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }, (await altered("m2", /decoder.output.bias/, () => NaN)).toString("base64"));
  const lines = await page.evaluate(async () => {
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
      () => session.generate({ seed: 1, per_class: 1, steps: 3 }),
      () => session.begin({ seed: 1, per_class: 1, classes: [3, 2] }),
      () => session.begin({ seed: 1, per_class: 1, classes: [10] }),
      () => session.advance(1),
      () => session.finish(),
      async () => session.filter({ max_entropy: 1, keep_agreeing: true }),
      async () => session.coreset({ method: "craig", size: 1, seed: 0 }),
      async () => session.npz("samples"),
      () => session.look({ sample: 0 }),
      () => session.look({ values: [1, 2] }),
      () => session.walk({ class: 10, side: 3 }),
      async () => {
        await session.generate({ seed: 1, per_class: 2 });
        session.filter({ max_entropy: 0, keep_agreeing: true });
      },
      async () => session.npz("pixels"),
      async () => session.coreset({ method: "best", size: 1, seed: 0 }),
      async () => session.npz("coreset"),
      () => Session.create(window.nan, "cpu"),
      () => Session.create("bytes", "cpu"),
      () => Session.create(window.bytes),
      () => session.begin({ seed: 1, per_class: 1, stepSize: 9, temprature: 0.1 }),
      () => session.begin({ seed: 2 ** 32, per_class: 1 }),
      () => session.begin({ seed: 0.5, per_class: 1 }),
      () => session.begin({ seed: NaN, per_class: 1 }),
      () => session.begin({ seed: "1", per_class: 1 }),
      () => session.begin({ seed: 1, per_class: 1, temperature: Infinity }),
      () => session.begin({ seed: 1, per_class: 1, classes: [1, 2 ** 53] }),
      () => session.begin({ seed: 1, per_class: 1, classes: { 0: 1 } }),
      () => session.begin(new Map([["seed", 1], ["per_class", 1]])),
      () => session.begin([1, 1]),
      () => session.begin(undefined),
      () => session.begin({ seed: 1n, per_class: 1 }),
      () => session.begin({ seed: 1, per_class: 1, [Symbol("steps")]: 3 }),
      () => session.begin(new (class { seed = 1; per_class = 1 })()),
      () => session.begin({ seed: 1, per_class: 1 }).then(() => session.advance(-1)),
      () => session.advance(),
      () => session.advance(2 ** 32 + 1),
      async () => session.histogram(60.5),
      async () => session.histogram(2 ** 32 + 60),
      async () => session.histogram(4e9),
      () => session.plane({ space: "latent", class: "0" }),
      () => session.plane({ space: "best", class: 0 }),
      () => session.coreset({ method: "craig", space: "pixels", size: 1, seed: 0 }),
      () => session.npz("samples", 1),
      async () => session.filter({ max_entropy: NaN, keep_agreeing: true }),
      async () => session.filter({ max_entropy: 1, keep_agreeing: 1 }),
      async () => session.filter({ max_entropy: 1, keep_agreeing: true, keep: 3 }),
      async () => session.npz(3),
      () => session.walk({ class: 1, side: 2 ** 32 + 3 }),
      () => session.look({ values: new Array(64).fill(1e39) }),
      () => session.look({ strokes: [[[[0, 0]]], true] }),
      () => session.look({ strokes: { strokes: [[[0, 0, 0]]], digit: true } }),
      () => session.look({ strokes: { strokes: [[[0, 0]]], digit: true, pen: 3 } }),
      () => session.look({ sample: 1.5 }),
      () => session.decode({ z: new Float32Array(8), y: [1], Y: [2] }),
      () => session.decode({ z: new Array(8).fill(1e39), y: [1] }),
      () => {
        const ring = { seed: 1, per_class: 1 };
        ring.classes = [ring];
        return session.begin(ring);
      },
    ];
    const messages = [];
    for (const attempt of attempts) {
      messages.push(await attempt().then(() => "no error", (error) => `${error.name}: ${error.message}`));
    }
    return messages;
  });
  const wanted = [
    /not a usable checkpoint: this is not a complete safetensors file/,
    /not a usable checkpoint: this is not a complete safetensors file/,
    /unknown backend "gpu"/,
    /per_class is 0: use 1 to/,
    /per_class is 4000000000: use 1 to/,
    /generate: .*-1/,
    /missing field `per_class`/,
    /y: entry 0 is 10, but classes are 0 to 9/,
    /z has 7 values for 1 classes, but this model takes 8/,
    /z: expected an array of numbers/,
    /z: entry 0 is not a finite number of 32 bits/,
    /m2: it draws z without chains/,
    /classes = \[3, 2\] .*in order/,
    /classes = \[10\] .*0 to 9/,
    /call begin first/,
    /call begin first/,
    /draw some first/,
    /draw some first/,
    /draw some first/,
    /draw some first/,
    /values holds 2 numbers, but this model takes 64/,
    /class 10, side 3: classes are 0 to 9/,
    /max-entropy = 0 .*above 0/,
    /"pixels" is unknown, use/,
    /coreset: method: .*best.*craig/,
    /call filter first/,
    /parameter `decoder.output.bias` has NaN or infinite values/,
    /create: expected a Uint8Array/,
    /create: backend: .*null/,
    /generate: unknown field `(stepSize|temprature)`, expected one of `seed`, `per_class`, .*`step_size`.*`temperature`/,
    /generate: seed: 4294967296 is no whole number from 0 to 4294967295/,
    /generate: seed: 0.5 is no whole number/,
    /generate: seed: NaN is no finite number/,
    /generate: seed: .*"1"/,
    /generate: temperature: inf is no finite number/,
    /generate: classes\[1\]: 9007199254740992 is no whole number/,
    /generate: classes: invalid type: map/,
    /generate: the options: expected .*a plain object/,
    /generate: expected an object with the options/,
    /generate: expected an object with the options/,
    /generate: seed: expected a number/,
    /generate: the options: a field's name is no text/,
    /generate: the options: expected .*a plain object/,
    /advance: steps: -1 is no whole number/,
    /advance: steps: .*null/,
    /advance: steps: 4294967297 is no whole number/,
    /histogram: bins: 60.5 is no whole number/,
    /histogram: bins: 4294967356 is no whole number/,
    /histogram: bins is 4000000000: use 1 to 10000/,
    /plane: class: .*"0"/,
    /plane: space: .*best.*last-layer/,
    /coreset: space: .*pixels.*last-layer/,
    /npz: features: .*1/,
    /filter: max_entropy: NaN is no finite number/,
    /filter: keep_agreeing: /,
    /filter: unknown field `keep`, expected `max_entropy` or `keep_agreeing`/,
    /npz: what: /,
    /walk: side: 4294967299 is no whole number/,
    /look: number 0 of the example is too large for 32 bits/,
    /look: .*expected a map/,
    /look: strokes: invalid length 3/,
    /look: .*unknown field `pen`, expected `strokes` or `digit`/,
    /look: .*1.5 is no whole number/,
    /decode: unknown field `Y`, expected `z` and `y`/,
    /decode: z: entry 0 is not a finite number of 32 bits/,
    /generate: classes\[0\].*: objects lie too deep within each other/,
  ];
  lines.forEach((line, index) => {
    assert.match(line, /^Error: [^\n]+$/, `attempt ${index} gave several lines or none: ${line}`);
    assert.match(line, wanted[index]);
  });
  await page.close();
});
