// What the visitor has chosen on the playground: the settings that follow from it, and the address that restores it.

import * as address from "./address.js";
import { COUNT, KINDS } from "./data.js";
import { LAYERS, usual as usualLayers } from "./layers.js";
import { MODELS, settingsOf, WEIGHTS } from "./models.js";

export const OWN = "own"; // points that the visitor draws

const FIRST = "two-moons";

const FEW = 60; // labels that the slider reaches, unless an address asks for more

// What sliders and fields reach, as in play.html.
export const REACH = {
  n: address.whole(50, 1000),
  noise: address.number(0, 0.4),
  labels: address.whole(2, 150),
  seed: address.whole(0, 999_999),
};

// Settings that have no control: lessons and people who know them put them into the address.
const SETTINGS = {
  sigma: "model.likelihood.isotropic-gaussian.sigma",
  latent: "model.latent",
  hidden: "model.hidden",
  epochs: "train.epochs",
};

const KNOWN = {
  data: address.oneOf(...Object.keys(KINDS), OWN),
  model: address.oneOf(...Object.keys(MODELS)),
  ...REACH,
  alpha: address.number(0.001, 10),
  beta: address.number(0, 10),
  gamma: address.number(0, 10),
  sigma: address.number(0.05, 2),
  latent: address.whole(1, 8),
  hidden: address.list(3, address.whole(1, 256)),
  epochs: address.whole(1, 2000),
  flip: address.list(Object.keys(LAYERS).length, address.oneOf(...Object.keys(LAYERS))),
};

const START = { data: FIRST, model: "m2", n: COUNT, seed: 0 };
const usual = (data) => ({ noise: KINDS[data]?.noise, labels: KINDS[data]?.labels });

export class Choice {
  data = FIRST;
  model = START.model;
  n = START.n;
  noise = KINDS[FIRST].noise;
  labels = KINDS[FIRST].labels;
  seed = START.seed;
  weights = {}; // of the objective, where they differ from the model's own
  more = {}; // settings that have no control, by their names in the address
  layers = usualLayers();

  // What an address asks for. Returns a sentence about what makes no sense.
  read(query) {
    const { values, complaint } = address.read(query, KNOWN);
    const { flip = [], data = this.data, ...others } = values;
    this.data = data;
    Object.assign(this, this.own ? {} : usual(data));
    for (const [name, value] of Object.entries(others)) {
      if (name in WEIGHTS) this.weights[name] = value;
      else if (name in SETTINGS) this.more[name] = value;
      else this[name] = value;
    }
    for (const name of flip) this.layers[name] = !this.layers[name];
    this.fit();
    return complaint;
  }

  get own() {
    return this.data === OWN;
  }

  // The fewest and the most labels: one for each class, one for each point.
  get labelled() {
    return [KINDS[this.data]?.classes ?? 2, Math.min(this.n, Math.max(FEW, this.labels))];
  }

  // Brings the labels to what the points allow.
  fit() {
    const [fewest, most] = this.labelled;
    this.labels = Math.max(fewest, Math.min(most, this.labels));
  }

  // Other points have another noise and another sigma.
  takeData(data) {
    this.data = data;
    delete this.more.sigma;
    if (!this.own) Object.assign(this, usual(data));
    this.fit();
  }

  // Another model has its own networks and weights.
  takeModel(model) {
    const { sigma } = this.more;
    Object.assign(this, { model, weights: {}, more: sigma ? { sigma } : {} });
  }

  hasWeight = (name) => MODELS[this.model].settings[WEIGHTS[name].name] !== undefined;

  weight = (name) => this.weights[name] ?? MODELS[this.model].settings[WEIGHTS[name].name];

  get settings() {
    const all = { ...settingsOf(this.model, this.data), "train.seed": this.seed };
    for (const [name, value] of Object.entries(this.more)) all[SETTINGS[name]] = value;
    for (const name of Object.keys(WEIGHTS)) if (this.hasWeight(name)) all[WEIGHTS[name].name] = this.weight(name);
    return all;
  }

  // Puts all of it into the address; `points` is what this does not know of them: { points } or { marks }.
  remember(points) {
    const { data, model, n, noise, labels, seed, weights, more, layers } = this;
    const state = { data, model, ...(this.own ? {} : { n, noise, labels }), seed, ...points };
    for (const name of Object.keys(weights)) if (this.hasWeight(name)) state[name] = weights[name];
    const start = usualLayers();
    state.flip = Object.keys(layers).filter((name) => layers[name] !== start[name]);
    address.remember({ ...state, ...more }, { ...START, ...usual(data) });
  }
}
