// The playground: points in the plane, a model, and both networks to be watched while they learn.

import { element, latest, make, save, still } from "../dom.js";
import { keepForLater } from "../keep.js";
import * as address from "./address.js";
import { transport } from "./controls.js";
import { Curves } from "./curves.js";
import { COUNT, KINDS, NAMES } from "./data.js";
import { Formula } from "./formula.js";
import { command, MODELS, settingsOf, WEIGHTS } from "./models.js";
import { Pair, words } from "./pair.js";
import { css, look, onLook, outline } from "./palette.js";
import { LAYERS } from "./plane.js";
import { Scene } from "./scene.js";
import { sketch, thumbnail } from "./thumbnail.js";
import { showToy } from "./toy.js";
import { Training } from "./training.js";

const ROOM = [-1, 1, -1, 1]; // the square in which points are drawn by hand
const FEWEST = 8; // drawn points to train on
const START = { data: "two-moons", n: COUNT, noise: KINDS["two-moons"].noise, labels: KINDS["two-moons"].labels, seed: 0, model: "m2" };

const training = new Training();
const scene = new Scene();
const say = (text) => {
  element("said").textContent = text;
};
const pair = new Pair(element("pictures"), training, scene, { say });
const curves = new Curves(element("curves"));
const formula = new Formula(element("terms"));

// What the visitor has chosen.
const chosen = { ...START };
const layers = { regions: true, entropy: true, contours: true, samples: true, truth: false };
const weights = {}; // of the objective, where they differ from the model's own
let first = new Int32Array(0); // the labels that the data began with
let asked = new URLSearchParams(location.search);
let sigma = 0; // how far points lie from where the model puts them, where the address says so: other data has its own

const own = () => chosen.data === "own";
const model = () => MODELS[chosen.model];
const weight = (name) => weights[name] ?? model().settings[WEIGHTS[name].name];
const hasWeight = (name) => model().settings[WEIGHTS[name].name] !== undefined;

function settings() {
  const all = { ...settingsOf(chosen.model, chosen.data), "train.seed": Number(chosen.seed) };
  if (sigma) all["model.likelihood.isotropic-gaussian.sigma"] = sigma;
  for (const name of Object.keys(WEIGHTS)) if (hasWeight(name)) all[WEIGHTS[name].name] = weight(name);
  return all;
}

function status(kind, text) {
  const line = element("status");
  line.dataset.kind = kind;
  line.textContent = text;
}

function remember() {
  const { data, n, noise, labels, seed } = chosen;
  const state = { data, model: chosen.model };
  if (own()) state.points = address.pack(scene);
  else Object.assign(state, { n, noise, labels, seed, marks: address.packLabels(scene.given, first) });
  for (const name of Object.keys(weights)) if (hasWeight(name)) state[name] = weights[name];
  if (sigma) state.sigma = sigma;
  const hidden = Object.keys(LAYERS).filter((name) => layers[name] !== (name !== "truth"));
  if (hidden.length > 0) state.flip = hidden.join(",");
  const { noise: usual, labels: few } = KINDS[data] ?? {};
  address.remember(state, { ...START, noise: usual, labels: few });
  commands();
}

function commands() {
  element("command").textContent = command("points.csv", settings());
}

// Data and model from their beginning.
const begin = latest(async ({ fresh = true } = {}) => {
  try {
    if (own()) {
      pair.held = null;
    } else if (fresh) {
      status("busy", training.about ? "Drawing points…" : "Loading the program…");
      const numbers = { count: Number(chosen.n), labels: Number(chosen.labels), noise: Number(chosen.noise), seed: Number(chosen.seed) };
      const marks = asked.get("marks");
      await showToy({ training, scene, pair }, { kind: chosen.data, ...numbers }, ({ given, classes }) => {
        first = given;
        return address.unpackLabels(marks, given, classes);
      });
      asked = new URLSearchParams();
    }
    legend();
    remember();
    await train();
  } catch (error) {
    status("error", error.message);
  }
});

// Drawn data is judged by the points that the visitor labelled: there are no others whose class is known.
function judge() {
  if (!own()) return;
  pair.unseen = false;
  const rows = [...scene.given.keys()].filter((at) => scene.given[at] >= 0);
  pair.held = { x: Float32Array.from(rows.flatMap((at) => [scene.x[2 * at], scene.x[2 * at + 1]])), y: Int32Array.from(rows, (at) => scene.given[at]) };
}

async function train() {
  curves.clear();
  const present = new Set(scene.given.filter((label) => label >= 0));
  if (own() && (scene.count < FEWEST || present.size < 2)) {
    training.pause();
    training.halt();
    const left = Math.max(0, FEWEST - scene.count);
    status("idle", `Click or drag in a picture to put points there: ${present.size < 2 ? "at least two classes" : ""}${left && present.size < 2 ? ", and " : ""}${left ? `${left} more point${left > 1 ? "s" : ""}` : ""}.`);
    return;
  }
  judge();
  await training.open(
    { data: scene.data, settings: settings() },
    { play: !still() || training.playing },
  );
}

function setUpData() {
  const box = element("kinds");
  for (const [kind, { title }] of [...Object.entries(KINDS), ["own", { title: "Draw your own" }]]) {
    const canvas = make("canvas", { width: 56, height: 56, "aria-hidden": "true" });
    const input = make("input", { type: "radio", name: "kind", value: kind, checked: kind === chosen.data });
    box.append(make("label", { class: "tile" }, input, make("span", {}, canvas, title)));
    input.addEventListener("change", () => choose(kind));
    if (kind === "own") drawPen(canvas);
  }
}

function drawPen(canvas) {
  const draw = () => {
    const context = canvas.getContext("2d");
    const { classes, ink } = look();
    context.clearRect(0, 0, 56, 56);
    context.strokeStyle = css(ink, 0.55);
    context.lineWidth = 2;
    context.setLineDash([4, 4]);
    context.strokeRect(8, 8, 40, 40);
    [[20, 24], [36, 20], [30, 37]].forEach(([x, y], shape) => {
      context.beginPath();
      outline(context, shape, x, y, 4);
      context.fillStyle = css(classes[shape]);
      context.fill();
    });
  };
  draw();
  onLook(draw);
}

async function thumbnails() {
  for (const kind of Object.keys(KINDS)) {
    thumbnail(document.querySelector(`#kinds input[value="${kind}"] + span canvas`), await sketch(training, kind));
  }
}

function choose(kind) {
  const before = chosen.data;
  chosen.data = kind;
  sigma = 0;
  if (kind !== "own") {
    Object.assign(chosen, { noise: KINDS[kind].noise, labels: KINDS[kind].labels });
    for (const name of ["noise", "labels"]) element(name).value = chosen[name];
    showNumbers();
  } else if (before !== "own") {
    training.pause();
    training.halt();
    scene.show({ x: new Float32Array(0), given: new Int32Array(0), classes: 2 }, ROOM);
  }
  mode();
  begin();
}

// What belongs to drawn points, and what to toy data.
function mode() {
  for (const node of document.querySelectorAll("[data-for]")) node.hidden = (node.dataset.for === "own") !== own();
  const brush = document.querySelector('#brushes input:checked')?.value ?? "0";
  for (const hand of pair.hands) hand.brush = own() ? (brush === "erase" ? brush : Number(brush)) : null;
  element("pictures").classList.toggle("drawing", own());
}

function setUpBrushes() {
  const box = element("brushes");
  const glyph = (shape) => {
    const svg = make("svg:svg", { class: `glyph class-${shape}`, viewBox: "0 0 16 16", "aria-hidden": "true" });
    svg.append(shapeOf(shape));
    return svg;
  };
  const choices = [...NAMES.map((name, at) => [String(at), `class ${name}`, glyph(at)]), ["-1", "no label"], ["erase", "rubber"]];
  choices.forEach(([value, title, mark], at) => {
    const input = make("input", { type: "radio", name: "brush", value, checked: at === 0 });
    input.addEventListener("change", mode);
    box.append(make("label", { class: "chip" }, input, make("span", {}, ...(mark ? [mark, " "] : []), title)));
  });
  element("wipe").addEventListener("click", () => {
    scene.show({ x: new Float32Array(0), given: new Int32Array(0), classes: 2 }, ROOM);
    begin();
  });
}

// A class's shape as a drawing.
function shapeOf(shape) {
  const paths = ["M8 2.4a5.6 5.6 0 1 1 0 11.2a5.6 5.6 0 1 1 0-11.2z", "M3 3h10v10h-10z", "M8 1.6L14.2 13H1.8z", "M8 1L15 8L8 15L1 8z"];
  return make("svg:path", { d: paths[shape] });
}

function legend() {
  const classes = own() ? Math.max(2, 1 + scene.given.reduce((most, label) => Math.max(most, label), 0)) : scene.classes;
  scene.classes = classes;
  curves.classes = classes;
  const keys = NAMES.slice(0, classes).map((name, at) => {
    const svg = make("svg:svg", { class: `glyph class-${at}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, shapeOf(at));
    return make("span", {}, svg, ` class ${name}`);
  });
  const dot = make("svg:svg", { class: "glyph none", viewBox: "0 0 16 16", "aria-hidden": "true" }, make("svg:circle", { cx: 8, cy: 8, r: 3.4 }));
  const ring = make("svg:svg", { class: "glyph hollow", viewBox: "0 0 16 16", "aria-hidden": "true" }, make("svg:circle", { cx: 8, cy: 8, r: 4.6 }));
  element("legend").replaceChildren(...keys, make("span", {}, dot, " no label"), make("span", {}, ring, " drawn by the model"));
}

function showNumbers() {
  for (const name of ["n", "noise", "labels"]) element(`${name}-text`).textContent = element(name).value;
  for (const [name, { symbol }] of Object.entries(WEIGHTS)) {
    element(`${name}-row`).hidden = !hasWeight(name);
    if (!hasWeight(name)) continue;
    element(name).value = String(Math.log10(weight(name)));
    const text = String(Number(weight(name).toPrecision(2)));
    element(`${name}-text`).textContent = text;
    element(name).setAttribute("aria-valuetext", `${symbol} = ${text}`);
  }
}

function setUpNumbers() {
  for (const name of ["n", "noise", "labels"]) {
    element(name).addEventListener("input", () => {
      chosen[name] = element(name).valueAsNumber;
      showNumbers();
      begin();
    });
  }
  element("seed").addEventListener("input", ({ target }) => {
    if (!target.checkValidity() || target.value === "") return;
    chosen.seed = target.valueAsNumber;
    begin();
  });
  element("other").addEventListener("click", () => {
    chosen.seed = Number(chosen.seed) + 1;
    element("seed").value = chosen.seed;
    begin();
  });
  for (const [name, { name: setting }] of Object.entries(WEIGHTS)) {
    element(name).addEventListener("input", ({ target }) => {
      weights[name] = Number((10 ** target.valueAsNumber).toPrecision(3));
      showNumbers();
      remember();
      training.change({ [setting]: weights[name] });
    });
  }
}

function setUpModels() {
  for (const [id, { title, hint }] of Object.entries(MODELS)) {
    const input = make("input", { type: "radio", name: "model", value: id, checked: id === chosen.model });
    input.addEventListener("change", () => {
      chosen.model = id;
      for (const name of Object.keys(weights)) delete weights[name];
      showModel();
      begin({ fresh: false });
    });
    element("models").append(make("label", { class: "chip" }, input, make("span", { title: hint }, title)));
  }
}

function showModel() {
  element("model-hint").textContent = model().hint;
  showNumbers();
}

function setUpLayers() {
  for (const [name, title] of Object.entries(LAYERS)) {
    const input = make("input", { type: "checkbox", checked: layers[name] });
    input.addEventListener("change", () => {
      layers[name] = input.checked;
      pair.show(layers);
      remember();
    });
    element("layers").append(make("label", { class: "chip", "data-for": name === "truth" && "toy" }, input, make("span", {}, title)));
  }
  pair.show(layers);
}

// A note beside the pointer: the point, and what both networks say of the place.
function setUpTip() {
  const tip = element("tip");
  pair.addEventListener("over", ({ detail }) => {
    tip.hidden = !detail || own();
    if (tip.hidden) return;
    const { event, place, point } = detail;
    const [labels, full] = pair.at(...place).map(words);
    if (!full) {
      tip.hidden = true;
      return;
    }
    const label = point < 0 ? "" : scene.given[point] < 0 ? "no label: click to give one. " : `label ${NAMES[scene.given[point]]}. `;
    tip.textContent = `${label}labels only: ${labels} · all points: ${full}`;
    const left = Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8));
    tip.style.transform = `translate(${left}px, ${event.clientY + 20}px)`;
  });
}

function setUpAway() {
  const file = (button, name, type, make) =>
    element(button).addEventListener("click", async () => {
      try {
        const bytes = await make();
        save(name, new Blob([bytes], { type }));
        element("away-status").textContent = `Saved ${name}.`;
      } catch (error) {
        element("away-status").textContent = error.message;
      }
    });
  file("save-model", "model.safetensors", "application/octet-stream", () => training.ask("model"));
  file("save-run", "run.zip", "application/zip", () => training.ask("run"));
  file("save-points", "points.csv", "text/csv", async () => (await training.ask("data")).bytes);
  const copy = (button, text, done) =>
    element(button).addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text());
        element("away-status").textContent = done;
      } catch {
        element("away-status").textContent = `The browser does not let the page copy. Copy this: ${text()}`;
      }
    });
  copy("copy-command", () => element("command").textContent, "The command is copied.");
  for (const id of ["copy-link", "copy-link-top"]) {
    copy(id, () => location.href, "The link is copied. It restores data, labels, model and settings.");
  }
  element("copy-link-top").addEventListener("click", () => {
    const button = element("copy-link-top");
    const words = button.textContent;
    button.textContent = "Link copied";
    setTimeout(() => {
      button.textContent = words;
    }, 1600);
  });
}

function listen() {
  transport(element("transport"), training);
  training.addEventListener("made", () => {
    status("done", "");
    curves.clear();
    curves.classes = scene.classes;
    pair.describe();
  });
  training.addEventListener("advanced", ({ detail: { step, terms, done, steps } }) => {
    if (steps === 0) return;
    const { rows, labelled } = training.about;
    formula.put(terms, { alpha: (weight("alpha") * rows) / labelled, beta: weight("beta"), gamma: weight("gamma") });
    curves.push(step, { objective: terms.objective });
    if (done) status("done", "Done. Change something, or play again.");
  });
  training.addEventListener("playing", () => {
    if (!training.playing) say(pair.summary);
  });
  training.addEventListener("news", ({ detail }) => status("news", detail));
  training.addEventListener("trouble", ({ detail }) => status("error", detail));
  training.addEventListener("progress", ({ detail: { loaded } }) => {
    if (!training.about) status("busy", `Loading the program: ${(loaded / 1e6).toFixed(1)} MB…`);
  });
  pair.addEventListener("score", ({ detail: { model, baseline } }) => {
    curves.push(training.told?.step ?? 0, {
      model: model.accuracy,
      baseline: baseline.accuracy,
      information: model.information,
      entropy: model.entropy,
    });
  });
  scene.addEventListener("labels", () => {
    remember();
    pair.describe();
    judge();
    training.relabel(scene.given);
  });
  scene.addEventListener("drawn", () => begin());
  scene.addEventListener("points", () => pair.describe());
}

// What the address asks for; what makes no sense is left as it is.
function restore() {
  const data = asked.get("data");
  if (data === "own" || data in KINDS) chosen.data = data;
  if (!own()) Object.assign(chosen, { noise: KINDS[chosen.data].noise, labels: KINDS[chosen.data].labels });
  if (asked.get("model") in MODELS) chosen.model = asked.get("model");
  for (const name of ["n", "noise", "labels", "seed"]) {
    const control = element(name);
    const text = asked.get(name);
    const value = text ? Number(text) : NaN;
    if (value >= Number(control.min) && value <= Number(control.max)) chosen[name] = value;
    control.value = chosen[name];
  }
  for (const [name, { from, to }] of Object.entries(WEIGHTS)) {
    element(name).min = from;
    element(name).max = to;
    const value = Number(asked.get(name));
    if (value >= 10 ** from && value <= 10 ** to && hasWeight(name)) weights[name] = value;
  }
  const far = Number(asked.get("sigma"));
  if (far >= 0.05 && far <= 2) sigma = far;
  for (const name of asked.get("flip")?.split(",") ?? []) if (name in layers) layers[name] = !layers[name];
  if (own()) scene.show({ ...address.unpack(asked.get("points")), classes: 2 }, ROOM);
}

async function start() {
  restore();
  setUpData();
  setUpBrushes();
  setUpNumbers();
  setUpModels();
  setUpLayers();
  setUpTip();
  setUpAway();
  listen();
  mode();
  showModel();
  await begin();
  await thumbnails();
}

addEventListener("error", ({ error, message }) => status("error", error?.message ?? message));
start().catch((error) => status("error", error.message));
keepForLater();
