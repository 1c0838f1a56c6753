// The playground: points in the plane, a model, and both networks to be watched while they learn.

import { element, latest, still } from "../dom.js";
import { keepForLater } from "../keep.js";
import { pack, packLabels, unpack, unpackLabels } from "./address.js";
import { transport } from "./controls.js";
import { Curves } from "./curves.js";
import { NAMES } from "./data.js";
import { Formula } from "./formula.js";
import { command } from "./models.js";
import { Pair } from "./pair.js";
import { setUpAway } from "./play-away.js";
import { Choice } from "./play-choice.js";
import { setUpModel } from "./play-model.js";
import { Points } from "./play-points.js";
import { setUpLayers, setUpTip, showLegend } from "./play-sight.js";
import { Scene } from "./scene.js";
import { follow, speaker } from "./status.js";
import { showToy } from "./toy.js";
import { Training } from "./training.js";

const FEWEST = 8; // drawn points to train on

const training = new Training();
const scene = new Scene();
const choice = new Choice();
const status = speaker(element("status"));
const say = (text) => {
  element("said").textContent = text;
};
const pair = new Pair(element("pictures"), training, scene, { say });
const curves = new Curves(element("curves"));
const formula = new Formula(element("terms"));

const query = new URLSearchParams(location.search);
let marks = query.get("marks"); // labels that the address changes
let first = new Int32Array(0); // the labels that the data began with

function remember() {
  choice.remember(choice.own ? { points: pack(scene) } : { marks: packLabels(scene.given, first) });
  element("command").textContent = command("points.csv", choice.settings);
}

let stale = true; // whether other points are asked for than those that are shown

// Data and model from their beginning, or the model alone where the data is not to be `fresh`.
const begin = ({ fresh = true } = {}) => {
  stale ||= fresh;
  return beginNow();
};
const beginNow = latest(async () => {
  try {
    if (choice.own) pair.held = null;
    else if (stale && !(await drawToy())) return;
    const drawn = scene.given.reduce((most, label) => Math.max(most, label), 1);
    scene.classes = choice.own ? 1 + drawn : scene.classes;
    curves.classes = scene.classes;
    showLegend(scene.classes);
    remember();
    await train();
  } catch (error) {
    stale = true;
    status("error", error.message);
  }
});

async function drawToy() {
  stale = false;
  status("busy", training.about ? "Drawing points…" : "Loading the program…");
  const { data: kind, n: count, labels, noise, seed } = choice;
  const give = ({ given, classes }) => {
    first = given;
    return unpackLabels(marks, given, classes);
  };
  // Other points may be chosen, or a sheet to draw on, before these are there.
  const drawn = await showToy({ training, scene, pair }, { kind, count, labels, noise, seed }, give, () => choice.data === kind);
  if (drawn) marks = null;
  return drawn;
}

// What drawn points still lack to be trained on, as a sentence; empty if nothing.
function lacking() {
  const classes = new Set(scene.given.filter((label) => label >= 0));
  const left = FEWEST - scene.count;
  // The program numbers the classes that there are: none may be left out.
  const skipped = NAMES.slice(0, 1 + Math.max(...classes)).filter((_, number) => !classes.has(number));
  const gap = classes.size > 1 && skipped.length > 0 ? [`points of class ${skipped.join(" and ")}`] : [];
  const lacks = [...(classes.size < 2 ? ["at least two classes"] : gap), ...(left > 0 ? [`${left} more point${left > 1 ? "s" : ""}`] : [])];
  return lacks.length > 0 ? `Click or drag in a picture to put points there: ${lacks.join(", and ")}.` : "";
}

// Drawn data is judged by the points that the visitor labelled: there are no others whose class is known.
function judge() {
  if (!choice.own) return;
  pair.unseen = false;
  const rows = [...scene.given.keys()].filter((at) => scene.given[at] >= 0);
  pair.held = { x: Float32Array.from(rows.flatMap((at) => [scene.x[2 * at], scene.x[2 * at + 1]])), y: Int32Array.from(rows, (at) => scene.given[at]) };
}

async function train() {
  curves.clear();
  const lacks = choice.own ? lacking() : "";
  if (lacks) {
    training.cancel();
    status("idle", lacks);
    pair.describe();
    return;
  }
  judge();
  await training.open({ data: scene.data, settings: choice.settings }, { play: !still() || training.playing });
}

function listen() {
  transport(element("transport"), training);
  follow(training, status, () => element("status").dataset.kind === "busy");
  training.addEventListener("made", () => {
    status("done", "");
    curves.clear();
    curves.classes = scene.classes;
    pair.describe();
  });
  training.addEventListener("advanced", ({ detail: { step, terms, done, steps } }) => {
    if (done) status("done", "Done. Change something, or play again.");
    // The network that knows the labels only may go on for longer.
    if (steps === 0) return;
    const { rows, labelled } = training.about;
    const penalty = choice.settings["objective.latent-ebm.energy-penalty"];
    formula.put(terms, { alpha: (choice.weight("alpha") * rows) / labelled, beta: choice.weight("beta"), gamma: choice.weight("gamma"), penalty });
    curves.push(step, { objective: terms.objective });
  });
  training.addEventListener("playing", () => {
    if (!training.playing) say(pair.summary);
  });
  pair.addEventListener("score", ({ detail: { model, baseline } }) => {
    const { accuracy, information, entropy } = model;
    curves.push(training.told?.step ?? 0, { model: accuracy, baseline: baseline.accuracy, information, entropy });
  });
  // By hand, there may be more or fewer than the slider says.
  for (const news of ["shown", "labels"]) {
    scene.addEventListener(news, () => {
      element("labels-text").textContent = choice.own ? choice.labels : scene.labelled;
    });
  }
  scene.addEventListener("labels", () => {
    remember();
    pair.describe();
    training.relabel(scene.given);
  });
  scene.addEventListener("drawn", () => begin());
  scene.addEventListener("points", () => pair.describe());
}

async function start() {
  element("complaint").textContent = choice.read(query);
  const bench = { training, scene, pair, choice, begin, remember };
  const points = new Points(bench);
  setUpModel(bench);
  setUpLayers(bench);
  setUpTip(bench);
  setUpAway(bench);
  listen();
  if (choice.own) points.draw(unpack(query.get("points")));
  points.show();
  await begin();
  await points.thumbnails();
}

addEventListener("error", ({ error, message }) => status("error", error?.message ?? message));
start().catch((error) => status("error", error.message));
keepForLater();
