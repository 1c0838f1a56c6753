// The comparison: the same points twice, on the left as a network sees them that knows the labels only, on the right as the model does,
// which sees all points. Where the model has an energy, it comes third.

import { make } from "../dom.js";
import { widened } from "./box.js";
import { NAMES } from "./data.js";
import { Energy } from "./energy.js";
import { Hand } from "./hand.js";
import { fixed, many, percent } from "./numbers.js";
import { Plane } from "./plane.js";

const CELLS = 48; // of a picture's side
const PER_CLASS = 24; // samples shown, ...
const SEED = 1; // ... always of the same z: they move because the model learns
const DENSITY = 240; // milliseconds between two looks at p(x) or the energy, ...
const SCORE = 300; // ... and at the held-out points
const WALK = { count: 72, steps: 2, stepSize: 0.12, temperature: 1 };

export class Pair extends EventTarget {
  held = null; // { x, y }: points to judge by
  unseen = true; // whether no network has seen these
  hands = [];
  #training;
  #scene;
  #planes = {};
  #energy;
  #parts = {};
  #densityAt = -Infinity;
  #scoredAt = -Infinity;
  #walking = false;
  #small;

  // `box` is filled. `touch` lets the visitor give labels; `say` tells those who do not see.
  constructor(box, training, scene, { touch = true, say = () => {}, small = false } = {}) {
    super();
    this.#training = training;
    this.#scene = scene;
    this.#small = small;
    const figures = ["labels", "model"].map((name) => this.#figure(name, touch, say));
    this.#parts.energy = this.#energyFigure();
    this.#parts.verdict = make("p", { class: "verdict" });
    const row = make("div", { class: "pictures" }, ...figures, this.#parts.energy);
    this.#parts.row = row;
    box.classList.toggle("small", small);
    box.append(row, this.#parts.verdict);
    training.addLook((ask) => this.#look(ask));
    training.addEventListener("made", () => this.#made());
    // What is at rest is shown as it is, not as it was a moment before.
    training.addEventListener("playing", () => {
      if (training.playing) return;
      [this.#densityAt, this.#scoredAt] = [-Infinity, -Infinity];
      training.look();
    });
    scene.addEventListener("shown", () => this.#blank());
  }

  // What is to be seen, for those who do not see it.
  get summary() {
    const { labels, model, verdict } = this.#parts;
    const of = ({ title, score, of: words }) => `${title.textContent}: ${score.textContent} ${words.textContent}.`;
    return `${of(labels)} ${of(model)} ${verdict.textContent}`;
  }

  // Which layers are to be seen.
  show(layers) {
    for (const plane of Object.values(this.#planes)) {
      Object.assign(plane.layers, layers);
      plane.refresh();
    }
    this.#densityAt = -Infinity;
    if (!this.#training.playing) this.#training.look();
  }

  // What the pictures show at a place: the probabilities of both networks.
  at = (x, y) => [this.#planes.labels.at(x, y), this.#planes.model.at(x, y)];

  #figure(name, touch, say) {
    const title = make("strong");
    const hint = make("span", { class: "hint" });
    const canvas = make("canvas", { width: 0, height: 0 });
    const plane = new Plane(canvas, this.#scene);
    this.#planes[name] = plane;
    if (touch) {
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "application");
      const over = (at) => this.dispatchEvent(new CustomEvent("over", { detail: at }));
      this.hands.push(new Hand(plane, this.#scene, { say, over }));
    } else canvas.setAttribute("role", "img");
    const score = make("output", { class: "score", "aria-live": "off" }, "–");
    const of = make("span", { class: "hint" });
    this.#parts[name] = { title, hint, canvas, score, of };
    return make(
      "figure",
      { class: `picture ${name}` },
      make("figcaption", {}, title, " ", hint),
      canvas,
      make("p", { class: "result" }, score, " ", of),
    );
  }

  #energyFigure() {
    const canvas = make("canvas", { width: 0, height: 0, role: "img", "aria-label": "The energy over the two latent variables, with particles in its valleys" });
    this.#energy = new Energy(canvas);
    const caption = make("figcaption", {}, make("strong", {}, "Energy over z"), " ", make("span", { class: "hint" }, "deep colour: probable"));
    const note = make("p", { class: "hint" }, "Each mark is a chain that takes noisy steps downhill. The picture of the model shows the point that its z makes.");
    return make("figure", { class: "picture energy", hidden: true }, caption, canvas, note);
  }

  // Other points: what was said of those before is no longer true.
  #blank() {
    for (const name of ["labels", "model"]) this.#parts[name].score.textContent = "–";
    this.#parts.verdict.textContent = "";
  }

  #made() {
    const { model, latent, classes } = this.#training.about;
    this.#walking = false;
    this.#densityAt = -Infinity;
    this.#scoredAt = -Infinity;
    const energy = model === "latent-ebm" && latent === 2;
    this.#parts.energy.hidden = !energy;
    this.#parts.row.classList.toggle("three", energy);
    this.#energy.clear();
    this.#scene.classes = Math.max(this.#scene.classes, classes);
    this.describe();
  }

  describe() {
    const { labelled, count } = this.#scene;
    const { labels, model } = this.#parts;
    labels.title.textContent = "Labels only";
    labels.hint.textContent = `${many(labelled)} points`;
    model.title.textContent = "All points";
    model.hint.textContent = this.#small ? `${many(count)} points` : `${many(labelled)} with a label, ${many(count - labelled)} without`;
    const how = this.hands.length > 0 ? " Arrow keys move between points, Enter changes the label." : "";
    labels.canvas.setAttribute("aria-label", `The plane as the network sees it that knows ${labelled} labels.${how}`);
    model.canvas.setAttribute("aria-label", `The plane as the semi-supervised model sees it, with all ${count} points.${how}`);
  }

  async #look(ask) {
    const scene = this.#scene;
    const { about } = this.#training;
    if (scene.count === 0) return;
    // Other points may be chosen while the program answers: what it says is then of those before.
    const over = () => this.#training.about !== about;
    const box = widened(scene.box, CELLS);
    const now = performance.now();
    const { layers } = this.#planes.model;
    const due = now - this.#densityAt > DENSITY;
    if (due) this.#densityAt = now;
    const seen = await ask("plane", { box, cells: CELLS, density: due && layers.contours });
    if (over()) return;
    const classes = seen.model.length / CELLS ** 2;
    if (classes !== scene.classes) scene.classes = classes;
    this.#planes.labels.put({ probabilities: seen.baseline, side: CELLS });
    this.#planes.model.put({ probabilities: seen.model, side: CELLS, density: seen.density });
    if (!this.#parts.energy.hidden) await this.#walk(ask, due);
    else if (layers.samples) {
      const samples = await ask("samples", { perClass: PER_CLASS, seed: SEED });
      if (!over()) this.#planes.model.put({ samples });
    }
    if (!over() && this.held && now - this.#scoredAt > SCORE) {
      this.#scoredAt = now;
      const score = await ask("score", this.held);
      if (!over()) this.#tell(score);
    }
  }

  // The chains go on from where they were, in the landscape as it is now.
  async #walk(ask, anew) {
    if (anew || !this.#walking) {
      const { box } = this.#energy;
      const { energy } = await ask("energy", { box: widened(box, CELLS), cells: CELLS });
      this.#energy.put({ energy, side: CELLS, box });
    }
    const { z, x, y } = await ask("walk", { ...WALK, restart: !this.#walking });
    this.#walking = true;
    this.#energy.put({ particles: { z, y } });
    if (this.#planes.model.layers.samples) this.#planes.model.put({ samples: { x, y } });
  }

  #tell({ model, baseline }) {
    const { labels, model: own, verdict } = this.#parts;
    labels.score.textContent = percent(baseline.accuracy);
    own.score.textContent = percent(model.accuracy);
    labels.of.textContent = `of ${many(baseline.count)} ${this.unseen ? "new" : "labelled"} points right`;
    own.of.textContent = labels.of.textContent;
    const more = model.right - baseline.right;
    const unlabelled = this.#scene.count - this.#scene.labelled;
    const points = fixed(100 * Math.abs(model.accuracy - baseline.accuracy), 1);
    const learnt = model.right === model.count && baseline.right === baseline.count;
    if (!this.unseen) verdict.textContent = learnt ? "Both know these labels: look at where the regions end between them." : "Not all labels are learnt yet.";
    else if (Math.abs(more) < 0.005 * model.count) verdict.textContent = "Both are right about equally often.";
    else if (more > 0) {
      verdict.textContent = `The ${many(unlabelled)} points without a label help: ${many(more)} more of ${many(model.count)} are right (+${points} points).`;
    } else {
      const start = this.#training.told?.done ? "The" : "So far, the";
      verdict.textContent = `${start} points without a label mislead: ${many(-more)} fewer of ${many(model.count)} are right (−${points} points).`;
    }
    this.dispatchEvent(new CustomEvent("score", { detail: { model, baseline } }));
  }
}

// What a picture says of a place, in words.
export function words(probabilities) {
  if (!probabilities) return "";
  let top = 0;
  probabilities.forEach((share, number) => {
    if (share > probabilities[top]) top = number;
  });
  return `${NAMES[top]} ${percent(probabilities[top], 0)}`;
}
