// The page of digits: a few labels by hand, many pictures without, and what two networks make of both.

import { showBadge } from "../badge.js";
import { element, latest, make, pause } from "../dom.js";
import { keepForLater } from "../keep.js";
import * as address from "./address.js";
import { transport } from "./controls.js";
import { Curves } from "./curves.js";
import { setUpAway } from "./digit-away.js";
import { load, SETS } from "./digit-data.js";
import { Drawing } from "./digit-drawing.js";
import { DigitKeys } from "./digit-keys.js";
import { CLASSES, Labels } from "./digit-labels.js";
import { MODELS, settingsOf, stepsOf } from "./digit-models.js";
import { Speed } from "./digit-speed.js";
import { Watch } from "./digit-watch.js";
import { many } from "./numbers.js";
import { inWords, place } from "./place.js";
import { follow, speaker } from "./status.js";
import { Tray } from "./tray.js";
import { Training } from "./training.js";
import { askBeforeLeaving } from "./unsaved.js";

const START = { data: "8x8", model: "m2", seed: 0, fill: 0 };
const EACH = 10; // labels a class that are asked for
const PARTS = ["keys", "fill", "wipe", "tray", "add", "go"]; // that need pictures
const SMOOTH = 25; // steps over which the curve of the objective is smoothed: each batch has its own
const POINTS = 250; // of the curve of the objective

// From a round number below nearly all of them: the first ones are those of networks that know nothing yet.
function reach(_, points) {
  const values = points.map(([, value]) => value).sort((a, b) => a - b);
  return [Math.min(0.9, Math.floor(10 * (values[Math.floor(values.length / 12)] ?? 1)) / 10), 1];
}

const CHARTS = [
  { name: "accuracy", title: "Right on held-out digits", lines: [["baseline", "labels only"], ["model", "all pictures"]], range: reach, percent: true },
  { name: "objective", title: "Objective J, smoothed", lines: [["objective", "lower is better"]] },
];

const say = (text) => {
  element("said").textContent = text;
};

const status = speaker(element("status"));

const training = new Training();
const labels = new Labels();
const tray = new Tray(element("tray"), labels, { say });
const curves = new Curves(element("curves"), CHARTS);
const speed = new Speed();
const parts = {
  labels: { value: element("labels-score"), of: element("labels-of") },
  model: { value: element("model-score"), of: element("model-of") },
  verdict: element("verdict"),
  samples: element("samples"),
  wrong: element("wrong"),
  wrongTold: element("wrong-told"),
};
const watch = new Watch(parts, training);

const chosen = { ...START, each: EACH, steps: null }; // where `steps` is null, the model takes as many as it usually does
const asked = new URLSearchParams(location.search);
let planned = { on: "cpu" }; // where to train, see place.js
const left = {}; // how the labels of each set were left
let trainedOn = null; // the labels that the run began with, ...
let trainedWith = ""; // ... and its settings
let restoring = false; // whether pictures are being brought
let choosing = false; // whether other pictures are on their way
let drawing = null; // the sheet to draw on

const keys = new DigitKeys(element("keys"), (brush) => {
  tray.brush = brush;
  element("tray").classList.toggle("brushed", brush !== null);
  // Who has chosen a picture first and then its digit means that picture.
  if (typeof brush === "number") tray.label(brush);
});

// Digits in words: "3", "3 and 5", "1, 3 and 5".
function listed(numbers) {
  const last = numbers.at(-1);
  return numbers.length < 2 ? String(last ?? "") : `${numbers.slice(0, -1).join(", ")} and ${last}`;
}

function remember() {
  const { data, model, seed, steps } = chosen;
  const on = asked.get("on") ?? "";
  address.remember({ data, model, seed, ...(steps !== null && { steps }), fill: labels.filled, marks: labels.marks, on }, START);
}

const showPlace = () => showBadge(inWords(planned, training.about, training.gaveUp));

// The labels of other pictures are to be there when one comes back to these.
function leave() {
  const { data } = chosen;
  if (labels.set?.file === SETS[data].file && !restoring) left[data] = { fill: labels.filled, marks: labels.marks, drawings: labels.kept };
}

// Other pictures, with the labels that they had.
const choose = latest(async () => {
  try {
    training.cancel();
    setChoosing(true);
    status("busy", "Loading the pictures…");
    const { side } = SETS[chosen.data];
    const [set, where] = await Promise.all([load(training, chosen.data), place(side * side, asked.get("on"))]);
    planned = where;
    training.computeOn(planned.on);
    showPlace();
    trainedOn = null;
    watch.held = null;
    watch.clear();
    curves.clear();
    element("samples-none").hidden = false;
    element("transport").hidden = true;
    element("speed").textContent = "";
    element("command").textContent = "";
    // Piece by piece, so that the page can answer in between.
    restoring = true;
    labels.show(set, chosen.seed);
    await pause(0);
    const { fill, marks, drawings = [] } = left[chosen.data] ?? {};
    if (fill > 0) labels.fill(fill, chosen.seed);
    if (marks) labels.mark(marks);
    for (const [picture, label] of drawings) labels.draw(picture, label);
    await pause(0);
    tray.mix(chosen.seed);
    await pause(0);
    restoring = false;
    setChoosing(false);
    drawing.take();
    showLabels();
    showButtons();
    await pause(0);
    remember();
  } catch (error) {
    stay();
    status("error", error.message);
  }
});

// While pictures are on their way, those that are still there cannot be labelled.
function setChoosing(now) {
  choosing = now;
  for (const part of PARTS) element(part).inert = now;
}

// Other pictures cannot be had: the page goes on with those that it has.
function stay() {
  restoring = false;
  trainedOn = null;
  const shown = Object.keys(SETS).find((id) => SETS[id].file === labels.set?.file);
  if (!shown) return;
  Object.assign(chosen, { data: shown, steps: null });
  element("sets").querySelector(`[value="${shown}"]`).checked = true;
  showHints();
  setChoosing(false);
  showLabels();
}

// What the labels allow, in a sentence.
function showLabels() {
  if (!labels.set) return;
  const { count, counts, classes } = labels;
  keys.show(counts);
  const relabelled = trainedOn !== null && trainedOn !== labels.given;
  const changed = relabelled || (trainedOn !== null && trainedWith !== JSON.stringify(settingsOf(chosen)));
  const go = element("go");
  go.disabled = classes.length < 2;
  go.textContent = count === 0 ? "Train" : `Train on ${many(count)} label${count > 1 ? "s" : ""}`;
  // The buttons beside it begin anew, too: this one is there for what they do not have.
  const needless = trainedOn !== null && !changed && Boolean(training.about);
  const focused = document.activeElement === go;
  go.hidden = needless;
  if (needless && focused) element("transport").querySelector(".play").focus();
  element("views-done").textContent = `labelled (${many(count)})`;
  const without = [...Array(CLASSES).keys()].filter((number) => counts[number] === 0);
  element("classes-told").textContent =
    classes.length < 2 || without.length === 0
      ? ""
      : `Only ${listed(classes)} have labels, so only these can be learned. Any other digit is taken for one of them, and is not counted when the networks are judged.`;
  if (classes.length === 0) status("idle", "Label a few pictures of each digit, or let the page do it.");
  else if (classes.length === 1) status("idle", `Only ${classes[0]} has a label. Label at least one more digit.`);
  else if (relabelled) status("idle", "The labels have changed. Train anew to learn from them.");
  else if (changed) status("idle", "The settings have changed. Train anew to see what they do.");
  else if (training.about) status("done", "");
  else if (!trainedOn) status("idle", `${many(count)} labels, ${many(labels.size - count)} pictures without. Press Train.`);
}

function showButtons() {
  const ready = Boolean(training.about);
  for (const button of document.querySelectorAll("[data-opens], #save-model, #save-run, #save-predictions")) button.disabled = !ready;
}

// A training from its beginning, with the labels as they are now.
const begin = latest(async ({ play = true } = {}) => {
  if (choosing || !labels.set || labels.classes.length < 2) return;
  const settings = settingsOf(chosen);
  trainedOn = labels.given;
  trainedWith = JSON.stringify(settings);
  const { data } = labels;
  watch.held = { heldX: data.heldX, heldY: data.heldY };
  curves.clear();
  status("busy", "Starting…");
  await training.open({ data, settings }, { play });
});
// So do the buttons that run it.
training.restart = begin;

let smooth = NaN; // the objective, without the noise of its batches, ...
let drawnTo = 0; // ... and up to which step it is in the curve

function showSpeed() {
  const words = speed.tell(training.about?.backend === "webgpu" ? "the GPU" : "one core of the CPU");
  if (words) element("speed").textContent = words;
}

function showHints() {
  element("steps").value = settingsOf(chosen)["train.steps"];
  element("set-hint").textContent = SETS[chosen.data].hint;
  element("model-hint").textContent = MODELS[chosen.model].hints[chosen.data];
}

function setUpChoices() {
  const chips = (box, choices, now, choose) => {
    for (const [value, title] of choices) {
      const input = make("input", { type: "radio", name: box, value, checked: value === now });
      input.addEventListener("change", () => choose(value));
      element(box).append(make("label", { class: "chip" }, input, make("span", { id: `${box}-${value}` }, title)));
    }
  };
  chips("sets", Object.entries(SETS).map(([id, { title }]) => [id, title]), chosen.data, (id) => {
    leave();
    Object.assign(chosen, { data: id, steps: null });
    showHints();
    choose();
  });
  chips("models", Object.entries(MODELS).map(([id, { title }]) => [id, title]), chosen.model, (id) => {
    Object.assign(chosen, { model: id, steps: null });
    showHints();
    remember();
    showLabels();
  });
  element("steps").addEventListener("input", ({ target }) => {
    if (!target.checkValidity() || target.value === "") return;
    const steps = target.valueAsNumber;
    chosen.steps = steps === stepsOf(chosen.model, chosen.data) ? null : steps;
    remember();
    showLabels();
  });
  chips("views", [["all", "all"], ["done", "labelled (0)"]], "all", (view) => tray.show(view === "done"));
  showHints();
}

function setUpLabelling() {
  const fewest = (control) => control.checkValidity() && control.value !== "";
  const words = () => {
    const names = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    element("fill").textContent = `Label ${names[chosen.each] ?? chosen.each} of each for me`;
  };
  element("each").addEventListener("input", ({ target }) => {
    if (!fewest(target)) return;
    chosen.each = target.valueAsNumber;
    keys.each = chosen.each;
    words();
  });
  element("seed").addEventListener("input", ({ target }) => {
    if (!fewest(target)) return;
    chosen.seed = target.valueAsNumber;
    if (!labels.set) return;
    labels.reseed(chosen.seed);
    tray.mix(chosen.seed);
    element("views").querySelector("input").checked = true;
    showLabels();
    remember();
  });
  element("fill").addEventListener("click", () => {
    labels.fill(chosen.each, chosen.seed);
    say(`${labels.count} pictures have labels.`);
  });
  element("wipe").addEventListener("click", () => {
    labels.clear();
    say("No picture has a label.");
  });
  element("more").addEventListener("click", () => tray.more());
  tray.addEventListener("laid", () => {
    element("tray-told").textContent = tray.summary;
  });
  labels.addEventListener("labels", () => {
    if (restoring || choosing) return;
    showLabels();
    remember();
  });
  for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
  element("each").value = chosen.each;
  element("seed").value = chosen.seed;
  keys.each = chosen.each;
  words();
}

function listen() {
  transport(element("transport"), training);
  askBeforeLeaving(training);
  element("go").addEventListener("click", () => begin());
  training.addEventListener("made", () => {
    const { name, names } = training.about;
    showPlace();
    curves.clear();
    [smooth, drawnTo] = [NaN, 0];
    speed.begin();
    drawing.name(names);
    element("samples-none").hidden = true;
    element("command").textContent = `unzip ${name}.zip\ncd ${name} && gleaner train --resume .`;
    element("transport").hidden = false;
    showLabels();
  });
  for (const news of ["made", "news", "halted"]) training.addEventListener(news, showButtons);
  training.addEventListener("advanced", ({ detail }) => {
    speed.count(detail.step);
    if (detail.steps > 0) {
      const { objective } = detail.terms;
      smooth = Number.isFinite(smooth) ? objective + Math.exp(-detail.steps / SMOOTH) * (smooth - objective) : objective;
      if (detail.step >= drawnTo + training.about.steps / POINTS || detail.done) {
        drawnTo = detail.step;
        curves.push(detail.step, { objective: smooth });
      }
    }
    if (detail.done) status("done", "Done. Label more, draw, or go on with the model below.");
  });
  training.addEventListener("playing", () => {
    speed.interrupt();
    if (training.playing) return;
    showSpeed();
    training.look();
    say(`Labels only ${element("labels-score").textContent}, all pictures ${element("model-score").textContent}.`);
  });
  setInterval(() => training.playing && showSpeed(), 500);
  watch.addEventListener("score", ({ detail: { model, baseline } }) => {
    curves.push(training.told?.step ?? 0, { model: model.accuracy, baseline: baseline.accuracy });
  });
  follow(training, status);
  // A run may have gone on elsewhere.
  training.addEventListener("news", showPlace);
}

// What the address asks for; of what makes no sense, a sentence says so.
function restore() {
  const within = (id) => address.whole(Number(element(id).min), Number(element(id).max));
  const known = {
    data: address.oneOf(...Object.keys(SETS)),
    model: address.oneOf(...Object.keys(MODELS)),
    seed: within("seed"),
    fill: within("each"),
    steps: within("steps"),
    marks: address.matching(/^\d+\.[\dx](_\d+\.[\dx])*$/, "pictures and their labels, such as 17.4_203.9"),
  };
  const { values, complaint } = address.read(asked, known);
  element("complaint").textContent = complaint;
  const { fill, marks, ...others } = values;
  Object.assign(chosen, others, fill && { each: fill });
  left[chosen.data] = { fill: fill ?? 0, marks };
}

async function start() {
  restore();
  setUpChoices();
  setUpLabelling();
  await pause(0);
  many(0); // the first number takes its time: better now than among other things
  drawing = new Drawing(training, labels);
  setUpAway(training, labels, chosen);
  listen();
  showButtons();
  await choose();
}

addEventListener("error", ({ error, message }) => status("error", error?.message ?? message));
start().catch((error) => status("error", error.message));
keepForLater();
