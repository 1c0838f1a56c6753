// The objective with its numbers: each term as it is now, below its sign in the formula.

import { make } from "../dom.js";
import { fixed } from "./numbers.js";

const TERMS = [
  { sign: "=", symbol: "−U(x)", of: "unlabelled_bound", negative: true, words: "how badly the model explains points without a label" },
  { sign: "+", symbol: "−L(x, y)", of: "labelled_bound", negative: true, words: "how badly it explains points with their label" },
  { sign: "+", weight: "alpha", symbol: "−log q(y|x)", of: "cross_entropy", words: "how wrong the classifier is on the labels" },
  { sign: "+", weight: "beta", symbol: "H", of: "entropy", where: "mier_entropy", words: "doubt about points without a label" },
  { sign: "−", weight: "gamma", symbol: "I(y;x)", of: "mutual_information", where: "mier_information", words: "how well all classes are used and told apart" },
  { sign: "+", symbol: "(1 + w) κ · f(z⁻)", of: "negative_phase", words: "the mean of f where the chains end, which learning lowers; U and L raise it at the data" },
  { sign: "+", weight: "penalty", symbol: "f(z⁻)²", of: "energy_square", words: "keeps f from growing without end" },
];

const LETTERS = { alpha: "α", beta: "β", gamma: "γ", penalty: "λ" };
const number = (value) => fixed(value, Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3);

const EVERY = 150; // milliseconds between two readings: faster, nobody reads them

export class Formula {
  #at = -Infinity;
  #box;
  #shown = ""; // the terms that are in the document
  #values = new Map();

  constructor(box) {
    this.#box = box;
  }

  // `terms` as the program names them, `weights` by the names of the sliders.
  put(terms, weights) {
    if (performance.now() - this.#at < EVERY) return;
    this.#at = performance.now();
    // Doubt and information are measured without MIER, too; then they are no terms.
    const present = TERMS.filter(({ of, where = of }) => where in terms);
    const names = present.map(({ of }) => of).join();
    if (names !== this.#shown) {
      this.#shown = names;
      this.#values.clear();
      this.#box.replaceChildren(
        this.#term({ symbol: "J", of: "objective", words: "the objective, which training lowers" }),
        ...present.map((term) => this.#term(term)),
      );
    }
    for (const term of [{ of: "objective" }, ...present]) {
      const value = terms[term.of];
      if (!Number.isFinite(value)) continue;
      const { output, weight } = this.#values.get(term.of);
      output.textContent = number(term.negative ? -value : value);
      if (weight) weight.textContent = String(Number((weights[term.weight] ?? 0).toPrecision(3)));
    }
  }

  #term({ sign, weight, symbol, of, words }) {
    // It changes many times a second: who hears the page asks for it.
    const output = make("output", { "aria-live": "off" }, "–");
    const heavy = weight && make("output", { class: "weight-now", "aria-live": "off" });
    const top = make("span", { class: "symbol" }, ...(weight ? [`${LETTERS[weight]} · `] : []), symbol);
    const bottom = make("span", { class: "value" }, ...(weight ? [heavy, " · "] : []), output);
    this.#values.set(of, { output, weight: heavy });
    return make(
      "li",
      { class: weight ?? "" },
      ...(sign ? [make("span", { class: "sign" }, sign)] : []),
      make("span", { class: "stack" }, top, bottom, make("span", { class: "hint" }, words)),
    );
  }
}
