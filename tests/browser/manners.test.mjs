// How the page behaves: on a GPU, without network, under a sub-path, for those who do not see or have a small screen; and that it
// neither blocks nor grows.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";
import { assertSameArrays } from "./close.mjs";
import { readNpz } from "./npz.mjs";
import { serve } from "./serve.mjs";
import { done, download, leave, reference, says, Visits } from "./visit.mjs";
import { inWorker, KEEP_MEMORY, onlyTiny, workerOf } from "./worker.mjs";

let visits;

before(async () => {
  visits = await new Visits().open();
});

after(() => visits?.close());

test("on WebGPU every section shows the same numbers", async (context) => {
  const seen = [];
  for (const on of ["cpu", "webgpu"]) {
    const before = (visit) => onlyTiny(visit, "latent-ebm");
    // A threshold above any entropy: what noise has made is sure of nothing.
    const page = await visits.page(`?n=2&steps=4&entropy=0.4&agreeing=0&budget=60&on=${on}`, { before });
    await done(page, "20 samples");
    assert.match(await page.textContent("#badge"), on === "cpu" ? /CPU/ : /GPU: WebGPU/);
    await says(page, "coreset-live", /^12 of 20 picked/);
    await says(page, "walk-live", /classified as/);
    const files = {};
    for (const what of ["samples", "kept", "coreset"]) files[what] = readNpz((await download(page, `#save-${what}`)).bytes);
    // A dot in the middle of the pad.
    await page.click("#clear");
    const drawn = await page.textContent("#bars-live");
    await page.locator("#pad").click();
    await page.waitForFunction((text) => document.getElementById("bars-live").textContent !== text, drawn);
    seen.push({ files, bars: await page.textContent("#bars-live") });
    await leave(page);
  }
  const [cpu, gpu] = seen;
  for (const [what, arrays] of Object.entries(cpu.files)) assertSameArrays(context, what, gpu.files[what], arrays);
  assert.equal(gpu.bars, cpu.bars);
});

// Bytes of the GPU's buffers that are there.
const COUNT = `
  self.live = 0;
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (description) {
    const buffer = createBuffer.call(this, description);
    self.live += description.size;
    return buffer;
  };
  const { destroy } = GPUBuffer.prototype;
  GPUBuffer.prototype.destroy = function () {
    if (!this.gone) self.live -= this.size;
    this.gone = true;
    destroy.call(this);
  };
`;

test("closing a checkpoint frees the GPU: its worker is gone, and the next one needs no more", async (context) => {
  const before = async (visit) => {
    await inWorker(visit, COUNT);
    await onlyTiny(visit, "m2");
  };
  const page = await visits.page("?n=4&on=webgpu", { before });
  await done(page, "40 samples");
  const sizes = [];
  for (let turn = 0; turn < 4; turn += 1) {
    await says(page, "walk-live", /classified as/);
    // Beside it there is the program that trains on the first screen.
    const workers = page.workers().filter((worker) => worker.url().endsWith("/js/worker.js"));
    assert.equal(workers.length, 1);
    sizes.push(await workers[0].evaluate(() => self.live));
    await page.setInputFiles("#checkpoint", path.join(reference, "m2.safetensors"));
    await done(page, "40 samples in");
  }
  context.diagnostic(`bytes of GPU buffers with the checkpoint open: ${sizes.join(", ")}`);
  assert.ok(sizes[0] > 0 && Math.max(...sizes) <= 1.1 * sizes[0], "the GPU fills up");
  await leave(page);
});

test("the main thread is never blocked for 50 ms while 1,000 samples are drawn", async (context) => {
  const page = await visits.page("?n=100&on=cpu&model=mnist-latent-ebm", {
    before: (visit) =>
      visit.addInitScript(() => {
        window.blocked = [];
        new PerformanceObserver((list) => window.blocked.push(...list.getEntries().map(({ duration }) => duration))).observe({
          type: "longtask",
        });
      }),
  });
  await done(page, "1000 samples");
  await says(page, "coreset-live", /picked/);
  // On a machine that does other things, too, the fairest of three.
  const worst = [];
  for (let turn = 0; turn < 3 && Math.min(...worst) !== 0; turn += 1) {
    await page.evaluate(() => {
      window.blocked.length = 0;
    });
    await page.fill("#seed", String(turn + 1));
    await page.click("#draw");
    await done(page, "1000 samples in");
    await says(page, "coreset-live", /picked/);
    worst.push(Math.max(0, ...(await page.evaluate(() => window.blocked))));
  }
  context.diagnostic(`longest task of the main thread, by turn (0: none above 50 ms): ${worst.join(", ")} ms`);
  assert.equal(Math.min(...worst), 0);
  await leave(page);
});

test("memory is flat over 50 regenerations", async (context) => {
  const page = await visits.page("?n=10&on=cpu&model=mnist-latent-ebm&steps=5", {
    before: (visit) => inWorker(visit, KEEP_MEMORY),
  });
  await done(page, "100 samples");
  const worker = workerOf(page);
  const session = await page.context().newCDPSession(page);
  const measure = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    return [await worker.evaluate(() => self.memory.buffer.byteLength), usedSize];
  };
  const draw = async (seed) => {
    await page.fill("#seed", String(seed));
    await page.click("#draw");
    await done(page, "100 samples in");
    await says(page, "coreset-live", /picked/);
  };
  for (let seed = 1; seed <= 5; seed += 1) await draw(seed);
  const [program, heap] = await measure();
  for (let seed = 6; seed <= 55; seed += 1) await draw(seed);
  const [programAfter, heapAfter] = await measure();
  context.diagnostic(`program: ${program} to ${programAfter} bytes; page: ${heap} to ${heapAfter} bytes`);
  assert.ok(programAfter <= 1.02 * program, "the program grows");
  assert.ok(heapAfter <= heap + 1e6, "the page grows");
  await leave(page);
});

test("once loaded, the page works without network", async () => {
  // A server that is gone: what keeps the page may itself be beyond the browser's own switch.
  const server = await serve(process.env.GLEANER_SITE);
  const page = await visits.page("?n=3&on=cpu", { serviceWorkers: "allow", address: server.address });
  await done(page, "30 samples");
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) {
      await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    }
  });
  await server.close();
  await page.click('label.card:has-text("Clothes: latent EBM")');
  await done(page, "30 samples in");
  await page.reload();
  await done(page, "30 samples");
  assert.equal(await page.isChecked("#card-fashion-latent-ebm"), true);
  await page.context().close();
});

test("the page lives under any path and asks nobody else for anything", async () => {
  const server = await serve(process.env.GLEANER_SITE, "/some/where/");
  const page = await visits.page("?n=3&on=cpu", { address: server.address });
  await done(page, "30 samples");
  await says(page, "compare-live", /classified as/);
  assert.deepEqual(page.asked.filter((address) => !address.startsWith(server.address)), []);
  assert.ok(page.asked.length > 10);
  await leave(page);
  await server.close();
});

test("the page links to the licences of what it is made of", async () => {
  const page = await visits.page("?n=3&on=cpu");
  await done(page, "30 samples");
  const link = page.locator('footer a:has-text("packages of others")');
  const text = await link.evaluate(async ({ href }) => (await fetch(href)).text());
  assert.match(text, /Apache License[^]*wasm-bindgen/);
  await leave(page);
});

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

for (const [name, options] of [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["a phone", { viewport: { width: 360, height: 740 }, hasTouch: true }],
]) {
  test(`${name}: nothing that axe knows to be an obstacle, nothing wider than the screen`, async () => {
    const page = await visits.page("?n=5&on=cpu&model=mnist-latent-ebm", options);
    await done(page, "50 samples");
    await says(page, "compare-live", /|classified as/);
    await says(page, "walk-live", /classified as/);
    // What is folded away is there, too.
    await page.evaluate(() => {
      document.getElementById("certificate").open = true;
    });
    // Not as a script of the page, which its server forbids.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run());
    const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
    assert.deepEqual(told, []);
    const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= screen, `${wide} pixels on a screen of ${screen}`);
    await leave(page);
  });
}
