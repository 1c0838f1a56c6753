// What the command line made of the page's own checkpoints, see scripts/browser-test.sh.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { readNpz } from "./npz.mjs";
import { reference } from "./visit.mjs";

export const SPACES = ["embedding", "last-layer", "gradient", "latent"];
// By model, the spaces in which no two of its picks are equally good. An M2 is so sure of some samples that their gradients are 0:
// which of them is picked is a matter of rounding.
export const MODELS = { "mnist-latent-ebm": SPACES, "mnist-m2-mier": ["embedding", "latent"] };

export const asked = JSON.parse(await readFile(path.join(reference, "asked.json"), "utf8"));

// The arrays of a file, and what was printed when it was written.
export const native = async (name) => readNpz(await readFile(path.join(reference, `${name}.npz`)));
export const toldBy = async (name) => JSON.parse(await readFile(path.join(reference, `${name}.json`), "utf8"));

// The address of the page with the same settings.
export const link = (model, more = {}) => {
  const { per_class: n, seed, log_entropy: entropy, percent: budget } = asked;
  return `?${new URLSearchParams({ model, on: "cpu", n, seed, entropy, budget, ...more })}`;
};
