// What can go wrong: files that are no checkpoints, a GPU that is not there or goes away, a worker that ends. The page says what
// happened in a sentence and goes on.

import assert from "node:assert/strict";
import { mkdtemp, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { done, leave, reference, says, Visits } from "./visit.mjs";
import { inWorker, KEEP_DEVICE, onlyTiny, workerOf } from "./worker.mjs";

let visits;
let folder;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "gleaner-trouble-"));
  visits = await new Visits().open();
});

after(async () => {
  await visits?.close();
  await rm(folder, { recursive: true, force: true });
});

const file = async (name, bytes) => {
  const place = path.join(folder, name);
  await writeFile(place, bytes);
  return place;
};

// A safetensors file without tensors.
function header(metadata) {
  const text = Buffer.from(JSON.stringify({ __metadata__: metadata }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
}

test("files that are no checkpoint of ours get a sentence, and the model before stays", async () => {
  const good = await readFile(path.join(reference, "m2.safetensors"));
  const large = await file("large.safetensors", "");
  await (await open(large, "r+")).close();
  await truncate(large, 1e9);
  const cases = [
    [await file("cut.safetensors", good.subarray(0, good.length - 100)), /not a usable checkpoint: this is not a complete safetensors file/],
    [await file("notes.safetensors", "not a checkpoint"), /this is not a complete safetensors file/],
    [await file("empty.safetensors", ""), /empty.safetensors is empty/],
    [await file("other.safetensors", header({ format: "pt" })), /its metadata has no `config`/],
    [await file("unknown.safetensors", header({ config: '{"model":"gan"}' })), /its `config` cannot be read: unknown variant `gan`/],
    [await file("state.safetensors", header({ config: '{"steps":3}' })), /its `config` names no model; use the model.safetensors of a run/],
    [await file("bare.safetensors", header({ config: configOf(good) })), /parameter `.*` is missing/],
    [large, /large.safetensors has 1000 MB: choose a model of at most 200 MB/],
  ];
  const page = await visits.page("?on=cpu&n=2&model=mnist-latent-ebm");
  await done(page, "20 samples");
  for (const [place, words] of cases) {
    await page.setInputFiles("#checkpoint", place);
    const status = await done(page, "The page continues with Digits: latent EBM.");
    assert.match(status, words);
    assert.match(status, /^[^\n]+$/);
    assert.equal(await page.getAttribute("#status", "data-kind"), "error");
    assert.equal(await page.isChecked("#card-mnist-latent-ebm"), true);
    await page.click("#draw");
    await done(page, "20 samples in");
  }
  await leave(page);
});

function configOf(bytes) {
  const length = Number(bytes.readBigUInt64LE(0));
  return JSON.parse(bytes.subarray(8, 8 + length).toString()).__metadata__.config;
}

test("without WebGPU the page computes on the CPU and says why", async () => {
  const page = await visits.page("?n=2", {
    before: (visit) => inWorker(visit, 'Object.defineProperty(navigator, "gpu", { value: undefined });'),
  });
  await done(page, "20 samples");
  assert.match(await page.textContent("#badge"), /CPU: 128-bit SIMD \(this browser has no WebGPU.*\)/);
  await page.selectOption("#backend", "webgpu");
  const status = await done(page, "WebGPU is not available");
  assert.match(status, /compute on the CPU/);
  await leave(page);
});

test("a GPU that is lost in the middle leaves the page with the CPU", async () => {
  const before = async (visit) => {
    await inWorker(visit, KEEP_DEVICE);
    await onlyTiny(visit, "m2");
  };
  const page = await visits.page("?n=1&on=webgpu", { before });
  await done(page, "10 samples");
  assert.match(await page.textContent("#badge"), /GPU: WebGPU/);
  const worker = workerOf(page);
  await page.click("#draw");
  await worker.evaluate(() => self.kept.destroy()).catch(() => {});
  const status = await done(page, "The page continues on the CPU.");
  assert.match(status, /^The GPU was lost \(/);
  assert.match(await page.textContent("#badge"), /CPU: 128-bit SIMD \(the GPU was lost/);
  await page.click("#draw");
  await done(page, "10 samples in");
  await page.context().close();
});

test("a worker that ends is started anew, and the same samples are drawn", async () => {
  const page = await visits.page("?n=30&on=cpu&model=mnist-latent-ebm");
  await done(page, "300 samples");
  const caption = await page.textContent("#samples-caption");
  await page.click("#draw");
  await workerOf(page).evaluate(() => self.close()).catch(() => {});
  const status = await done(page, "has restarted and continues");
  assert.match(status, /^The program stopped \(/);
  assert.equal(await page.textContent("#samples-caption"), caption);
  await page.click("#draw");
  await done(page, "300 samples in");
  await page.context().close();
});

test("what nobody catches in the worker is no call without an answer", async () => {
  const page = await visits.page("?n=2&on=cpu");
  await done(page, "20 samples");
  await says(page, "walk-live", /classified as/);
  // As a panic behind an await: the call is never answered. Whatever else the page asks for meanwhile is.
  await workerOf(page).evaluate(() => {
    self.addEventListener("message", ({ data }) => {
      if (data.method !== "begin") return;
      self.postMessage = () => setTimeout(() => { throw new WebAssembly.RuntimeError("unreachable"); });
    });
  });
  await page.click("#draw");
  const status = await done(page, "has restarted and continues");
  assert.match(status, /^The program stopped \(.*unreachable/);
  await page.click("#draw");
  await done(page, "20 samples in");
  await page.context().close();
});

// The program forgets a choice as soon as there are other samples: what still comes for it is of no interest, and no error.
test("a choice that is overtaken by a new drawing says nothing", async () => {
  const late = `
    let held = null;
    addEventListener("message", (event) => {
      const { method } = event.data;
      if (method === "coreset" && held === null) {
        held = event.data;
        event.stopImmediatePropagation();
      } else if (method === "finish" && held) {
        setTimeout(() => dispatchEvent(new MessageEvent("message", { data: held })));
      }
    });
  `;
  const page = await visits.page("?n=2&on=cpu", { before: (visit) => inWorker(visit, late) });
  await done(page, "20 samples");
  await page.evaluate(() => {
    globalThis.kinds = new Set();
    const note = () => kinds.add(document.getElementById("status").dataset.kind);
    new MutationObserver(note).observe(document.getElementById("status"), { attributes: true, childList: true });
  });
  await page.click("#draw");
  await says(page, "coreset-live", /./);
  await page.click("#draw");
  await done(page, "20 samples in");
  assert.deepEqual((await page.evaluate(() => [...kinds])).sort(), ["busy", "done"]);
  await leave(page);
});

test("numbers that a field does not take are refused beside it, and nothing is drawn", async () => {
  const page = await visits.page("?n=2&on=cpu&steps=2&model=mnist-latent-ebm");
  await done(page, "20 samples");
  const draw = { click: "#draw", restart: "#restart", step: "#step", play: "#play" };
  for (const [id, text, name, rule] of [
    ["per-class", "", "Samples per class", "whole number from 1 to 1000."],
    ["per-class", "0", "Samples per class", "whole number from 1 to 1000."],
    ["seed", "-1", "Seed", "whole number from 0 to 4294967295."],
    ["seed", "1e99", "Seed", "whole number from 0 to 4294967295."],
    ["steps", "1.5", "Steps", "whole number from 0 to 2000."],
    ["step-size", "", "Step size", "number from 0 to 5."],
    ["temperature", "1e99", "Temperature", "number from 0 to 5."],
  ]) {
    const before = await page.inputValue(`#${id}`);
    await page.fill(`#${id}`, text);
    assert.equal(await page.textContent(`#${id}-problem`), `Enter a ${rule}`);
    assert.equal(await page.getAttribute(`#${id}`, "aria-invalid"), "true");
    for (const button of Object.values(draw)) {
      await page.click(button);
      assert.equal(await done(page, `${name}: enter a ${rule}`), `${name}: enter a ${rule}`);
    }
    assert.equal(await page.evaluate(() => document.getElementById("samples-caption").textContent.slice(0, 10)), "20 samples");
    await page.fill(`#${id}`, before);
    assert.equal(await page.textContent(`#${id}-problem`), "");
  }
  await page.fill("#budget", "101");
  assert.equal(await page.textContent("#budget-problem"), "Enter a number from 1 to 100.");
  await page.fill("#budget", "20");
  // What was drawn is what is told of, whatever the fields say meanwhile.
  await page.fill("#seed", "9");
  await page.locator("#threshold").fill("-2");
  assert.match(await page.textContent("#commands"), /--seed 0 /);
  await leave(page);
});

test("a program or a model that cannot be loaded says so", async () => {
  for (const [pattern, words] of [
    ["**/*.wasm", /could not be loaded|Failed to fetch/],
    ["**/gleaner-web.js", /the worker could not be loaded/],
    ["**/checkpoints/index.json", /Failed to fetch/],
    ["**/model.safetensors", /Failed to fetch/],
  ]) {
    const page = await visits.page("", { before: (visit) => visit.route(pattern, (route) => route.abort()) });
    await page.waitForSelector('#status[data-kind="error"]');
    // What still loads must not write over the error.
    await page.waitForLoadState("networkidle");
    assert.match(await page.textContent("#status"), words, pattern);
    await page.context().close();
  }
  const page = await visits.page("", {
    before: (visit) => visit.route("**/model.safetensors", (route) => route.fulfill({ status: 404 })),
  });
  await page.waitForSelector('#status[data-kind="error"]');
  assert.match(await page.textContent("#status"), /mnist-m2-mier is missing \(the server answered 404\): reload the page/);
  await page.context().close();
});
