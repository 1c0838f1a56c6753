// What is to be seen while digits are learned: how many held-out ones both networks get right, samples of the model, and what it still
// gets wrong. No look may slow the training down much: the next one waits as many times longer as it took.

import { make } from "../dom.js";
import { Grid } from "../grid.js";
import { many, percent } from "./numbers.js";
import { paint, Sheet } from "./pictures.js";

const PATIENCE = 20; // a look takes at most this part of the time
const EVERY = { score: 400, samples: 280, wrong: 2500 }; // milliseconds between two looks at least
const PER_CLASS = 12; // samples
const SEED = 1; // always of the same z: they become sharper because the model learns
const MOST_WRONG = 30; // pictures in the strip

const best = (shares, from, classes) => {
  let top = 0;
  for (let number = 1; number < classes; number += 1) if (shares[from + number] > shares[from + top]) top = number;
  return top;
};

// Events: score, with { model, baseline } in `detail`.
export class Watch extends EventTarget {
  held = null; // { heldX, heldY } that both are judged by
  #parts;
  #training;
  #grid;
  #sheet = new Sheet();
  #due = {};
  #strip = []; // { canvas, words }, as many as were needed so far

  // `parts`: elements by name: labels, model, verdict, samples, wrong, wrongTold.
  constructor(parts, training) {
    super();
    this.#parts = parts;
    this.#training = training;
    this.#grid = new Grid(parts.samples);
    training.addEventListener("made", () => this.#made());
    training.addLook((ask) => this.#look(ask));
  }

  #made() {
    this.#due = { score: 0, samples: 0, wrong: 0 };
    for (const name of ["labels", "model"]) this.#tell(name, null);
    this.#parts.verdict.textContent = "";
  }

  clear() {
    this.#made();
    this.#grid.clear();
    this.#parts.wrong.replaceChildren();
    this.#parts.wrongTold.textContent = "";
  }

  // Does something if it is time for it, or if training rests: then what is shown should be of now.
  async #whenDue(what, task) {
    const started = performance.now();
    const rests = !this.#training.playing || this.#training.told?.done;
    if (!rests && started < this.#due[what]) return;
    await task();
    const now = performance.now();
    this.#due[what] = now + Math.max(EVERY[what], PATIENCE * (now - started));
  }

  async #look(ask) {
    const { about } = this.#training;
    const { held } = this;
    if (!held) return;
    const over = () => this.#training.about !== about;
    const names = Array.from(about.names, Number);
    await this.#whenDue("score", async () => {
      const score = await ask("score");
      if (!over()) this.#score(score);
    });
    if (!over()) {
      await this.#whenDue("samples", async () => {
        const { x } = await ask("samples", { perClass: PER_CLASS, seed: SEED });
        if (!over()) this.#show(x, about);
      });
    }
    if (!over()) {
      await this.#whenDue("wrong", async () => {
        const { model } = await ask("classify", { x: held.heldX });
        if (!over()) this.#mistakes(model, held, names, about);
      });
    }
  }

  #tell(name, score) {
    const { value, of } = this.#parts[name];
    value.textContent = score ? percent(score.accuracy) : "–";
    of.textContent = score ? `of ${many(score.count)} held-out digits` : "";
  }

  #score({ model, baseline }) {
    this.#tell("labels", baseline);
    this.#tell("model", model);
    const more = model.right - baseline.right;
    const { rows, labelled } = this.#training.about;
    const others = many(rows - labelled);
    this.#parts.verdict.textContent =
      Math.abs(more) < 0.005 * model.count
        ? "Both are right about equally often."
        : more > 0
          ? `The ${others} pictures without a label help: ${many(more)} more of ${many(model.count)} are right.`
          : `${this.#training.told?.done ? "The" : "So far, the"} pictures without a label mislead: ${many(-more)} fewer of ${many(model.count)} are right.`;
    this.dispatchEvent(new CustomEvent("score", { detail: { model, baseline } }));
  }

  #show(x, { names, shape, white }) {
    const side = shape[0];
    const picture = this.#sheet.show(x, side, white, PER_CLASS);
    const rows = Array.from(names, (name, number) => ({
      name,
      places: Array.from({ length: PER_CLASS }, (_, at) => ({ index: number * PER_CLASS + at })),
    }));
    this.#grid.show(picture, { width: side, height: side }, rows);
    this.#parts.samples.setAttribute("aria-label", `Pictures that the model draws, ${PER_CLASS} of each class: ${names.join(", ")}`);
  }

  #mistakes(shares, { heldX, heldY }, names, { shape, white }) {
    const side = shape[0];
    const wrong = [];
    heldY.forEach((truth, row) => {
      const read = names[best(shares, row * names.length, names.length)];
      if (read !== truth) wrong.push({ row, truth, read });
    });
    const { wrong: list, wrongTold } = this.#parts;
    const shown = wrong.slice(0, MOST_WRONG);
    shown.forEach(({ row, truth, read }, at) => {
      if (!this.#strip[at]) {
        const canvas = make("canvas", { width: 0, height: 0, "aria-hidden": "true" });
        const words = make("span");
        this.#strip.push({ canvas, words, item: make("li", {}, canvas, words) });
      }
      const place = this.#strip[at];
      paint(place.canvas, heldX.subarray(row * side * side, (row + 1) * side * side), side, white);
      place.words.textContent = `${truth} read as ${read}`;
    });
    list.replaceChildren(...this.#strip.slice(0, shown.length).map(({ item }) => item));
    const first = wrong.length > shown.length ? ` The first ${shown.length} of them:` : "";
    wrongTold.textContent = `${many(wrong.length)} of ${many(heldY.length)} held-out digits are still wrong.${first}`;
  }
}
