// Visits with something else behind the page than what is shipped.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { reference } from "./visit.mjs";

// Runs a script in a worker of the page before its program is loaded.
export const inWorker = (page, script, worker = "js/worker.js") =>
  page.route(`**/${worker}*`, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${script}\n${await response.text()}` });
  });

// The worker that runs such a script, the last one where others have ended. The first screen has two, in the order in which they were loaded.
export const workerOf = (page, worker = "js/worker.js") => page.workers().findLast((found) => found.url().endsWith(`/${worker}`));

// Such a script: the program's memory can be found at `self.memory`.
export const KEEP_MEMORY = `
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...args) => {
    const made = await instantiate(...args);
    self.memory = made.exports.memory;
    return made;
  };
`;

// Such a script: the GPU can be lost by `self.kept.destroy()`.
export const KEEP_DEVICE = `
  const ask = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    self.kept = await ask.apply(this, args);
    return self.kept;
  };
`;

// Has the page come with nothing but a tiny model: a software GPU takes minutes for the others.
export async function onlyTiny(page, model) {
  const summary = { data: "noise", model, test_accuracy: 0.1, entropy: 2.3, labels: 0, unlabelled: 0, mier: false };
  const body = await readFile(path.join(reference, `${model}.safetensors`));
  await page.route("**/checkpoints/index.json", (route) => route.fulfill({ json: [{ id: model, title: `Tiny ${model}` }] }));
  await page.route("**/summary.json", (route) => route.fulfill({ json: summary }));
  await page.route("**/model.safetensors", (route) => route.fulfill({ body }));
}
