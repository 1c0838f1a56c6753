// Lesson: an energy over two latent variables, and the chains that sample it.

import { make, pause, still } from "../dom.js";
import { number } from "./address.js";
import { widened } from "./box.js";
import { KINDS } from "./data.js";
import { Energy } from "./energy.js";
import { SEEDS, tiles } from "./lesson-stage.js";
import { settingsOf } from "./models.js";
import { fixed, many, percent } from "./numbers.js";
import { Plane } from "./plane.js";
import { Scene } from "./scene.js";
import { showToy } from "./toy.js";

const KIND = "blobs";
const CELLS = 48;
const COUNT = 90; // particles
const STEPS_A_LOOK = 2;
const STRIDE = 20; // steps of one press
const CALM = 60; // steps after which chains that ran away before are said to be well
const LANDSCAPE = 400; // milliseconds between two looks at the energy while it is learnt
const FIGURES = 250; // milliseconds between two readings of the numbers
const REST = 16; // milliseconds between two looks at the particles

// Measured with these settings on seeds 0 to 9 (300 chains, s = 0.12, 800 steps): three valleys each time; spread of a class 0 at T = 0,
// 0.39 to 0.50 at T = 0.25, 0.83 to 1.03 at T = 1, 1.74 to 2.13 at T = 4; at s = 2 some chains run away, at 2.5 all do.
const SETTINGS = { ...settingsOf("latent-ebm", KIND), "train.epochs": 120, "objective.kl-warm-up-epochs": 20 };

const STEPS = [
  {
    title: "An energy is a landscape",
    text: [
      "This model has two inner numbers, z. An energy E(z) = − log p(z) says which z are probable: low is probable. The deep colour is a valley. The decoder turns each z into a point of the plane on the left.",
      "Nobody can draw z from such a landscape directly. So particles walk in it. Each step goes a little downhill, and a little at random. A walking particle is called a Langevin chain.",
    ],
    attempt: "Press “Restart”, and watch both pictures while the model learns. At first there is one valley.",
    question: "How many valleys are there in the end? Which class lives in which?",
    seen: "Three valleys, one for each class, on all ten draws of the points. At first there is a single one, around 0: the particles of all classes lie mixed in it, and so do the points that they make.",
    set: {},
  },
  {
    title: "The size of a step",
    text: [
      "The step size s is in both parts: a step goes ½ s² times the slope downhill, and s times random noise aside. A small s is exact and slow. A large s is fast, until the steps are longer than the valleys are wide.",
    ],
    attempt: "Press “Begin anew” with s = 0.03. Do the same with 0.3, 1.2 and 2.5.",
    question: "How many steps do the chains take until most make a point of their class? With which s is their energy higher, and with which do they run away?",
    seen: "With s = 0.03, 70 to 82 % of the chains made a point of their class after 2,000 steps (five draws). With s = 0.3, 84 to 90 % did after 40 steps. With s = 1.2 it took 6 steps, but the mean energy rose from about 1 to 1.3 to 1.8 (ten draws). At s = 2 some of 300 chains ran away, at s = 2.5 all.",
    set: { size: 0.03 },
  },
  {
    title: "No noise: T = 0",
    text: ["The temperature T is the strength of the noise. At T = 0 nothing is left but the way downhill."],
    attempt: "Wait until the chains rest. Then set T to 0.25.",
    question: "How many different points do the chains make in the end? What would a classifier learn from them?",
    seen: "At T = 0 the spread was 0.00 on all ten draws: every chain of a class ends at the same place, and makes the same point. All of them are right, and a classifier would learn three points. At T = 0.25 the spread was 0.39 to 0.50, about √T, and still all were right.",
    set: { size: 0.12, temperature: 0 },
  },
  {
    title: "Too much noise: T = 4",
    text: [
      "At T = 1 the particles are where p(z|y) has its mass. Near the bottom of a round valley, each of the two directions then has ½ of energy on average, T/2 at any temperature, and the particles spread about √T wide.",
    ],
    attempt: "Watch them at T = 4. Then set T to 1.",
    question: "Do the chains of a class still make points of that class? Compare the spread at T = 1 and T = 4: is it twice as wide?",
    seen: "On ten draws, with 300 chains (the 90 here vary by some points more): at T = 1 the spread was 0.83 to 1.03 and 90 to 94 % of the chains made a point of their class; at T = 4 it was 1.74 to 2.13, twice as wide, and 64 to 69 % did. The mean energy above the lowest rose from about 1 to about 3: less than 4, because the valley is not round any more so far up.",
    set: { size: 0.12, temperature: 4 },
  },
];

// The mean energy of particles above the lowest, read from a picture of the landscape.
function height(energy, box, z) {
  const [left, right, low, high] = box;
  let lowest = Infinity;
  for (const value of energy) lowest = Math.min(lowest, value);
  const cell = (value, from, to) => Math.max(0, Math.min(CELLS - 1, Math.round(((value - from) / (to - from)) * (CELLS - 1))));
  let sum = 0;
  for (let at = 0; at < z.length; at += 2) sum += energy[cell(z[at + 1], low, high) * CELLS + cell(z[at], left, right)] - lowest;
  return sum / (z.length / 2);
}

// How far particles of a class lie from the middle of their class, in each direction.
function spread(z, y) {
  const classes = new Map();
  y.forEach((label, at) => {
    const of = classes.get(label) ?? { count: 0, sum: [0, 0], squares: 0 };
    of.count += 1;
    for (const axis of [0, 1]) {
      of.sum[axis] += z[2 * at + axis];
      of.squares += z[2 * at + axis] ** 2;
    }
    classes.set(label, of);
  });
  let variance = 0;
  for (const { count, sum, squares } of classes.values()) variance += squares - (sum[0] ** 2 + sum[1] ** 2) / count;
  return Math.sqrt(Math.max(0, variance / (2 * y.length)));
}

const figure = (name, title, hint, picture) =>
  make("figure", { class: `picture ${name}` }, make("figcaption", {}, make("strong", {}, title), " ", make("span", { class: "hint" }, hint)), picture);

const rounded = (value) => String(Number(value.toPrecision(2)));

class Chains {
  #stage;
  #scene = new Scene();
  #plane;
  #energy;
  #now;
  #walk;
  #stride;
  #walking = !still();
  #restart = true; // whether the next particles start from noise
  #taken = 0; // steps
  #seen = null; // { energy, box } of the last look at the landscape
  #lookedAt = -Infinity;
  #readAt = -Infinity;
  #looping = false;
  #trouble = false; // whether the chains ran away
  #opened = null; // the seed of what is trained

  constructor(stage) {
    this.#stage = stage;
    this.#build();
    this.#listen();
  }

  async show() {
    this.#setWalking(this.#walking);
    const { seed } = this.#stage.values;
    if (this.#opened === seed && this.#stage.training.about) {
      this.#anew();
      return;
    }
    await this.#begin();
  }

  #build() {
    const stage = this.#stage;
    const canvas = (label) => make("canvas", { width: 0, height: 0, role: "img", "aria-label": label });
    const landscape = canvas("The energy over the two latent variables, with particles in it");
    this.#energy = new Energy(landscape);
    this.#plane = new Plane(canvas("The plane: data, regions of the classifier, and the points that the particles make"), this.#scene);
    this.#plane.layers.contours = false;
    this.#walk = stage.button("", () => this.#setWalking(!this.#walking));
    this.#stride = stage.button(`${STRIDE} steps`, () => this.#move(STRIDE));
    this.#now = tiles([
      { name: "down", symbol: "½ s²", words: "times the slope: downhill" },
      { name: "aside", symbol: "s √T", words: "times noise ε: aside" },
      { name: "taken", symbol: "steps", words: "since the chains began" },
      { name: "height", symbol: "mean E(z) − lowest", words: "in nats; T for a round valley" },
      { name: "spread", symbol: "spread of a class", words: "√T for a round valley of width 1" },
      { name: "right", symbol: "right", words: "chains whose point is taken for their class" },
    ]);
    stage.box.append(
      stage.transport(),
      make(
        "div",
        { class: "pictures" },
        figure("model", "The plane", "hollow: what the particles make", this.#plane.canvas),
        figure("energy", "Energy over z", "deep colour: probable", landscape),
      ),
      make("div", { class: "buttons", role: "group", "aria-label": "Chains" }, this.#walk, this.#stride, stage.button("Begin anew", () => this.#anew())),
      make(
        "div",
        { class: "lesson-controls" },
        stage.slider("size", "s: step size", { min: -2, max: 0.5, step: 0.01, from: Math.log10, to: (place) => Number((10 ** place).toPrecision(2)) }),
        stage.slider("temperature", "T: temperature", { min: 0, max: 5, step: 0.05, words: (value) => String(Number(value.toFixed(2))) }),
        stage.other("Other points and noise"),
      ),
      make("p", { class: "formula" }, "z ← z + ½ s² ∇ log p(z|y) + s √T ε"),
      this.#now.box,
    );
  }

  #listen() {
    const { training, say } = this.#stage;
    training.addEventListener("made", () => {
      [this.#seen, this.#lookedAt] = [null, -Infinity];
      this.#anew();
      if (this.#walking) this.#loop();
    });
    training.addEventListener("playing", () => {
      if (training.playing) return;
      this.#lookedAt = -Infinity;
      if (!this.#walking) this.#move(0);
      if (training.told?.done) say("The model has learnt its energy. The chains walk in it.");
    });
    this.#stage.changed = (name) => name === "seed" && this.#stage.attempt(() => this.#begin());
  }

  // A model from its beginning.
  async #begin() {
    const { training, values } = this.#stage;
    const { noise, labels } = KINDS[KIND];
    this.#opened = values.seed;
    await showToy({ training, scene: this.#scene, pair: {} }, { kind: KIND, noise, labels, seed: values.seed });
    this.#energy.clear();
    await training.open({ data: this.#scene.data, settings: { ...SETTINGS, "train.seed": values.seed } }, { play: !still() });
  }

  // Chains from noise.
  #anew() {
    this.#restart = true;
    this.#taken = 0;
    if (!this.#walking) this.#move(0);
  }

  #setWalking(on) {
    this.#walking = on;
    this.#walk.textContent = on ? "Stop the chains" : "Let them walk";
    this.#stride.disabled = on;
    if (on) this.#loop();
  }

  // Where nobody looks, nothing moves.
  async #loop() {
    if (this.#looping) return;
    this.#looping = true;
    // Nor does it before there is a model, or while the program is started again.
    while (this.#walking) {
      if (document.hidden || !this.#stage.training.about) await pause(LANDSCAPE);
      else await this.#move(STEPS_A_LOOK);
      await pause(REST);
    }
    this.#looping = false;
  }

  async #look() {
    const { training } = this.#stage;
    if (performance.now() - this.#lookedAt < (training.playing ? LANDSCAPE : 4 * LANDSCAPE)) return;
    this.#lookedAt = performance.now();
    const { about } = training;
    const { box } = this.#energy;
    const { energy } = await training.ask("energy", { box: widened(box, CELLS), cells: CELLS });
    const regions = await training.ask("plane", { box: widened(this.#scene.box, CELLS), cells: CELLS });
    if (about !== training.about) return;
    this.#seen = { energy, box };
    this.#energy.put({ energy, side: CELLS, box });
    this.#plane.put({ probabilities: regions.model, side: CELLS });
  }

  // Some steps of the chains in the landscape as it is now.
  async #move(steps) {
    const { training, values } = this.#stage;
    const { about } = training;
    if (!about) return;
    try {
      await this.#look();
      const asked = { count: COUNT, steps, stepSize: values.size, temperature: values.temperature, restart: this.#restart };
      this.#restart = false;
      const places = await training.ask("walk", asked);
      if (about !== training.about) return;
      this.#taken += steps;
      this.#energy.put({ particles: places });
      this.#plane.put({ samples: places });
      if (this.#trouble && this.#taken >= CALM) {
        this.#trouble = false;
        this.#stage.status("done", "");
      }
      await this.#read(places);
    } catch (error) {
      // Where the program itself stopped, another one is on its way; chains that ran away start from noise.
      if (about !== training.about) return;
      [this.#restart, this.#taken, this.#trouble] = [true, 0, true];
      this.#stage.status("news", `The chains ran away and begin anew: ${error.message.split(",")[0]}.`);
      await pause(FIGURES);
    }
  }

  async #read({ x, y, z }) {
    const { training, values } = this.#stage;
    this.#now.put({ down: rounded(values.size ** 2 / 2), aside: rounded(values.size * Math.sqrt(values.temperature)), taken: many(this.#taken) });
    if (!this.#seen || (this.#walking && performance.now() - this.#readAt < FIGURES)) return;
    this.#readAt = performance.now();
    const { energy, box } = this.#seen;
    const { model } = await training.ask("classify", { x });
    const classes = model.length / y.length;
    let right = 0;
    y.forEach((label, at) => {
      const shares = model.subarray(at * classes, (at + 1) * classes);
      right += Number(shares.indexOf(Math.max(...shares)) === label);
    });
    this.#now.put({ height: fixed(height(energy, box, z)), spread: fixed(spread(z, y)), right: percent(right / y.length) });
  }
}

export const energy = {
  id: "energy",
  title: "An energy and its chains",
  summary: "A landscape over two inner numbers, and particles that walk in it. Step size and temperature are in your hand.",
  minutes: 5,
  steps: STEPS,
  start: { size: 0.12, temperature: 1, seed: 0 },
  takes: { size: number(0.01, 3.2), temperature: number(0, 5), seed: SEEDS },
  playground: ({ seed }) => ({ data: KIND, model: "latent-ebm", seed }),
  mount: (stage) => new Chains(stage),
};
