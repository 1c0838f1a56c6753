// Samples of a model in the plane, with the classifier's word on each: for the lessons on filtering and on coresets.

import { pack } from "./address.js";
import { around } from "./box.js";
import { settingsOf } from "./models.js";
import { fixed } from "./numbers.js";

const COUNT = 450;
const LABELS = 60;
const NOISE = 0.1;
const PER_CLASS = 100;
const SEED = 1; // of the samples
const AROUND = 1.12; // times as wide as the samples lie is the picture of them
const ROOM = 2.8; // how far the playground's square reaches, in these points

// Measured on seeds 0 to 9, of 100 samples each: T = 0.32 keeps 50 to 83 of A, 44 to 83 of C, and 0, 9, 17, 2, 2, 2, 1, 0, 0, 0 of B; T = 0.1
// keeps none of B. The classifier agrees with 83 to 95 % of all labels, and with 98 to 100 % of those with H < 0.32.
//
// Two inner numbers, so that samples fill the clouds. Where two clouds meet, some look like the other one.
const SETTINGS = {
  ...settingsOf("m2", "blobs"),
  "model.latent": 2,
  "model.likelihood.isotropic-gaussian.sigma": 0.3,
  "model.classifier-hidden": [16],
  "model.hidden": [64],
  "model.activation": "tanh",
  "train.lr": 0.01,
  "train.batch-size": 45,
  "train.epochs": 60,
  "objective.kl-warm-up-epochs": 20,
};

// Trains to the end without showing it; says how far it is. Resolves to false if something else is trained meanwhile.
async function learn(stage, request) {
  const { training, status } = stage;
  let end = () => {};
  let made = false; // whether it is this request that is trained: a run before may still have something to say
  stage.overtake?.();
  const over = new Promise((resolve) => {
    const advanced = ({ detail: { step, done } }) => {
      if (!made || training.request !== request) return;
      status("busy", `The model learns: ${10 * Math.floor((10 * step) / training.about.steps)} %`);
      if (done) end(true);
    };
    const begun = () => {
      made ||= training.request === request;
    };
    const halted = () => end(false);
    end = (whole) => {
      training.removeEventListener("made", begun);
      training.removeEventListener("advanced", advanced);
      training.removeEventListener("trouble", halted);
      resolve(whole);
    };
    training.addEventListener("made", begun);
    training.addEventListener("advanced", advanced);
    training.addEventListener("trouble", halted);
  });
  stage.overtake = () => end(false);
  training.open(request);
  const done = await over;
  if (done) status("done", "");
  return done;
}

// Doubt from probabilities, in nats. The largest share is left out of the sum, because 1 minus little is 1 in single precision.
function doubt(shares, top) {
  let others = 0;
  let sum = 0;
  shares.forEach((share, number) => {
    if (number === top || share <= 0) return;
    const odds = share / shares[top];
    others += odds;
    sum -= odds * Math.log(odds);
  });
  return Math.log1p(others) + sum / (1 + others);
}

// Samples of every class: { x, y, classes, shares, predicted, entropy }.
async function draw({ training }) {
  const { x, y } = await training.ask("samples", { perClass: PER_CLASS, seed: SEED });
  const { model } = await training.ask("classify", { x });
  const classes = model.length / y.length;
  const shares = Array.from(y, (_, at) => model.subarray(at * classes, (at + 1) * classes));
  const predicted = shares.map((list) => list.indexOf(Math.max(...list)));
  const entropy = shares.map((list, at) => doubt(list, predicted[at]));
  return { x, y, classes, shares, predicted, entropy };
}

// What the filter keeps: the samples below a threshold, or the surest share of each class; and of these, those that agree.
export function filter({ y, predicted, entropy }, { rule, threshold, share, agreeing }) {
  const kept = new Array(y.length);
  if (rule === "share") {
    for (const label of new Set(y)) {
      const rows = [...y.keys()].filter((at) => y[at] === label).sort((a, b) => entropy[a] - entropy[b]);
      rows.forEach((at, place) => {
        kept[at] = place < Math.ceil(share * rows.length);
      });
    }
  } else for (let at = 0; at < y.length; at += 1) kept[at] = entropy[at] < threshold;
  if (agreeing) for (let at = 0; at < y.length; at += 1) kept[at] &&= predicted[at] === y[at];
  return kept;
}

// Three round clouds in a row instead of a triangle: the one in the middle lies between the others, and is the smallest.
const CORNERS = [[0, 1], [-Math.sqrt(3) / 2, -0.5], [Math.sqrt(3) / 2, -0.5]];
const SPREADS = [0.5, 0.3, 0.5];
const BLOB = 2.5; // the spread of the program's clouds, in units of the noise

function inRow(points, noise, apart = 1) {
  const moved = (x, y) =>
    x.map((value, at) => {
      const label = y[at >> 1];
      const off = (value - CORNERS[label][at % 2]) / (BLOB * noise);
      return SPREADS[label] * off + (at % 2 ? 0 : apart * (label - 1));
    });
  return { ...points, x: moved(points.x, points.y), heldX: moved(points.heldX, points.heldY) };
}

// A threshold in words.
export const nats = (value) => (value >= 0.1 ? fixed(value) : value >= 1e-3 ? String(Number(value.toPrecision(2))) : value.toExponential(0).replace("-", "−"));

// A model of the three clouds that has learnt to its end, and its samples, shown as `dots`: the same for both lessons. Null if
// something else was asked for meanwhile, or there was trouble.
export async function cloudsOf(stage, dots) {
  const { training, values } = stage;
  const { seed } = values;
  const toy = await training.askProgram("toy", { kind: "blobs", count: COUNT, heldOut: 1, labels: LABELS, noise: NOISE, seed });
  const { x, y, given } = inRow(toy, NOISE);
  stage.points = { x: x.map((value) => value / ROOM), given };
  stage.put({});
  const data = { name: "points.csv", x, shape: [2], given };
  if (!(await learn(stage, { data, settings: { ...SETTINGS, "train.seed": seed } }))) return null;
  const samples = await draw(stage);
  const box = around(samples.x, AROUND);
  for (const each of dots) each.put({ box, x: samples.x, y: samples.y, discs: [], marked: -1 });
  const { model } = await training.ask("plane", { box: dots[0].asked, cells: dots[0].cells });
  for (const each of dots) each.regions(model, samples.classes);
  return samples;
}

// The same points in the playground.
export const drawnByHand = (_, { points }) => points && { data: "own", points: pack(points) };
