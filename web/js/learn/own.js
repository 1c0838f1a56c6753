// The visitor's own data: a file, what is seen in it, a model that learns from it, and what it says of the rows.

import { element, latest, make } from "../dom.js";
import { Gone } from "../engine.js";
import { keepForLater } from "../keep.js";
import { transport } from "./controls.js";
import { Curves, high } from "./curves.js";
import { many, percent } from "./numbers.js";
import { inWords, verdict } from "./own-accuracy.js";
import { Away } from "./own-away.js";
import { example } from "./own-example.js";
import { bytesOf, check, command } from "./own-file.js";
import { Look } from "./own-look.js";
import { plain, seen, suggested } from "./own-profile.js";
import { Rows } from "./own-rows.js";
import { showSeen } from "./own-seen.js";
import { follow, speaker } from "./status.js";
import { Training } from "./training.js";
import { askBeforeLeaving } from "./unsaved.js";

const FEW = 5; // labels of a class: with fewer, a fifth of them is nobody
const LITTLE = 30; // held-out rows: fewer of them say little
const SHARE = "0.2"; // of the labels, held out
const SCORE = 300; // milliseconds between two measurements, ...
const ANSWERS = 800; // ... and between two looks at all rows, ...
const AT_MOST = 8; // ... of which one takes an eighth of the time at most
const MENDED = 200; // columns that are offered as the label
const STEPS = ["seen-step", "train-step", "look-step", "away-step"];

const CHARTS = [
  { title: "Right on held-out rows", lines: [["baseline", "labels only"], ["model", "all rows"]], range: high, percent: true },
  { title: "Objective J", lines: [["objective", "J of the model, lower is better"]] },
];

const training = new Training();
const curves = new Curves(element("curves"), CHARTS);
const looks = new Look();

let current = null; // what is trained on: { name, bytes, settings, seen, names, share }
let waiting = null; // a file whose label column is to be chosen: { name, bytes, settings, columns }
let asked = null; // how the current file is being read anew: { file, settings }
let begun = null; // what was asked to be trained last
let rows = null; // its rows
let scoredAt = -Infinity;
let answeredAt = -Infinity;
let answerTook = 0;
let pace = null; // { step, at }: when it began to play

const away = new Away(training, () => current);

const say = { file: speaker(element("file-status")), seen: speaker(element("seen-status")), train: speaker(element("status")) };

// A worker that ends is started again: what was asked of it is asked once more.
async function profile(asked) {
  try {
    return await training.askProgram("profile", asked);
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
    return training.askProgram("profile", asked);
  }
}

// Takes a file, or the same one read in another way. What does not fit leaves everything as it was.
const take = latest(async (file, settings = {}) => {
  const { name } = file;
  const fresh = file instanceof File;
  const again = !fresh && file.bytes === current?.bytes;
  // Another file has come before this one could be read anew.
  if (file.seen && !again) return;
  const line = again ? "seen" : "file";
  try {
    say[line]("busy", training.about || again ? `Reading ${name}…` : `Loading the program, and reading ${name}…`);
    const bytes = fresh ? await bytesOf(file) : file.bytes;
    waiting = { name, bytes, settings, columns: waiting?.bytes === bytes ? waiting.columns : [] };
    const answer = await profile({ name, bytes, settings });
    waiting.columns = answer.features.filter(Boolean);
    check(name, answer);
    waiting = null;
    element("mend").hidden = true;
    say.file("done", "");
    say.seen("done", "");
    await accept({ name, bytes, settings, seen: seen(answer), names: answer.classes });
  } catch (error) {
    refuse(line, error.message);
  }
});

function refuse(line, message) {
  asked = null;
  const end = current ? ` The page goes on with ${current.name}.` : "";
  const text = plain(message);
  say[line]("error", `${text}${/[.!?]$/.test(text) ? "" : "."}${line === "file" ? end : ""}`);
  if (current) showSeen(current, use);
  const columns = waiting ? [...suggested(message), ...waiting.columns].slice(0, MENDED) : [];
  element("mend").hidden = columns.length === 0 || line !== "file";
  element("mend-name").textContent = waiting ? `Label column of ${waiting.name}` : "";
  element("mend-label").replaceChildren(new Option("choose…", ""), ...columns.map((column) => new Option(column, column)));
}

async function accept(file) {
  const counts = file.seen.classes.map(({ count }) => count);
  const few = counts.some((count) => count < FEW);
  const same = current?.name === file.name && current?.bytes === file.bytes;
  current = { ...file, few, share: same ? current.share : few ? "" : SHARE };
  if (current.seen.test > 0) current.share = "";
  showSeen(current, use);
  element("before").hidden = true;
  for (const id of STEPS) element(id).hidden = id === "look-step" || id === "away-step";
  await begin();
}

// A column is to be used, or left out.
function use(column, used) {
  const left = new Set(newest()["data.leave-out"]?.split(",") ?? []);
  if (used) left.delete(column);
  else left.add(column);
  choose({ "data.leave-out": left.size > 0 ? [...left].join(",") : undefined });
}

// How the current file was asked to be read last: several changes may come before it is.
const newest = () => (asked?.file === current ? asked : current).settings;

function choose(change) {
  const settings = Object.fromEntries(Object.entries({ ...newest(), ...change }).filter(([, value]) => value !== undefined));
  asked = { file: current, settings };
  take(current, settings);
}

// Trains from the beginning, once the visitor says so.
async function begin() {
  rows = null;
  training.pause();
  training.halt();
  blank();
  const { name, bytes, settings, share } = current;
  element("share").value = share;
  // A fifth of fewer labels is nobody.
  element("share").disabled = current.few;
  const all = { ...settings, "model.kind": "m2", ...(share ? { "data.test-share": Number(share) } : {}) };
  say.train("busy", "Getting ready…");
  begun = { data: { name, bytes }, settings: all };
  await training.open(begun, { play: false });
}

function blank() {
  curves.clear();
  [scoredAt, answeredAt, answerTook, pace] = [-Infinity, -Infinity, 0, null];
  for (const id of ["score-labels", "score-model"]) element(id).textContent = "–";
  for (const id of ["of-labels", "of-model", "verdict", "left", "measured"]) element(id).textContent = "";
}

// What the accuracy is measured on, and how far it can be relied on.
function measured() {
  const { held, labelled } = training.about;
  const { seen: file, few, share, name } = current;
  element("share-field").hidden = file.test > 0;
  element("scores").hidden = held === 0;
  element("curves").classList.toggle("unmeasured", held === 0);
  let text;
  if (file.test > 0) text = `The ${many(held)} rows of the file's own test split measure the accuracy. Neither network learns from them.`;
  else if (held > 0) text = `${many(held)} of ${many(held + labelled)} labels are held out: ${element("share").selectedOptions[0].text} of each class, rounded down. Neither network learns from them; both are judged by them.`;
  else if (share || few) text = `Some class has fewer than ${FEW} labels: accuracy cannot be told reliably, so all labels are used for training, and none is held out.`;
  else text = "All labels are used for training. So the accuracy is not measured.";
  if (held > 0 && held < LITTLE) text += " So few rows say little: look at the intervals.";
  if (held === 0) text += ` The command line measures by cross-validation: ${command(name, current.settings)}`;
  element("measured").textContent = text;
}

async function look(ask) {
  const { about } = training;
  const over = () => training.about !== about || !rows;
  if (over()) return;
  if (about.held > 0 && performance.now() - scoredAt > SCORE) {
    scoredAt = performance.now();
    const score = await ask("score");
    if (over()) return;
    showScore(score);
  }
  // What has not learned has nothing to say.
  const learned = (training.told?.step ?? about.step) > 0;
  if (learned && performance.now() - answeredAt > Math.max(ANSWERS, AT_MOST * answerTook)) {
    const started = performance.now();
    const answers = await ask("answers");
    answeredAt = performance.now();
    answerTook = answeredAt - started;
    if (over()) return;
    rows.answer(answers);
    looks.refresh();
  }
}

function showScore(score) {
  const step = training.told?.step ?? training.about.step;
  if (step === 0) return;
  curves.push(step, { model: score.model.accuracy, baseline: score.baseline.accuracy });
  element("score-labels").textContent = percent(score.baseline.accuracy, 0);
  element("score-model").textContent = percent(score.model.accuracy, 0);
  element("of-labels").replaceChildren(...inWords(score.baseline).map((words) => make("span", {}, words)));
  element("of-model").replaceChildren(...inWords(score.model).map((words) => make("span", {}, words)));
  element("verdict").textContent = verdict(score, !training.told?.done);
}

// How long it still takes, from the steps since it began to play.
function remaining({ step, done }) {
  const now = performance.now();
  pace ??= { step, at: now };
  if (done || now - pace.at < 1500 || step === pace.step) {
    if (done) element("left").textContent = "";
    return;
  }
  const seconds = ((training.about.steps - step) * (now - pace.at)) / (step - pace.step) / 1000;
  element("left").textContent = seconds > 90 ? `about ${Math.round(seconds / 60)} minutes left` : `about ${Math.max(1, Math.round(seconds))} s left`;
}

// The rows come when the program has read them, which is once for each training.
const fetchRows = latest(async () => {
  const { about } = training;
  // A training that others have overtaken may hold out other rows.
  if (!about || !current || training.request !== begun) return;
  try {
    const { seen: file } = current;
    const found = await training.ask("rows");
    if (training.about !== about) return;
    rows = new Rows(found, about, file);
    looks.show(rows, current.names);
    element("look-step").hidden = false;
    element("away-step").hidden = false;
  } catch (error) {
    if (!(error instanceof Gone)) say.train("error", error.message);
  }
});

function listen() {
  transport(element("transport"), training);
  askBeforeLeaving(training);
  training.addLook(look);
  training.addEventListener("made", () => {
    blank();
    say.train("done", "Ready: press Play.");
    measured();
    away.describe();
    away.enable();
    // The same rows, of which nothing is said yet.
    if (rows) {
      rows.forget();
      looks.refresh();
    } else fetchRows();
  });
  training.addEventListener("advanced", ({ detail }) => {
    const { step, steps, terms, done } = detail;
    if (steps > 0 && Number.isFinite(terms.objective)) curves.push(step, { objective: terms.objective });
    if (training.playing || done) remaining(detail);
    away.enable();
    if (done) say.train("done", "Done.");
    else if (element("status").dataset.kind === "done") say.train("done", "");
  });
  training.addEventListener("playing", () => {
    pace = null;
    if (training.playing) return;
    element("left").textContent = "";
    // What is at rest is shown as it is, not as it was a moment before.
    [scoredAt, answeredAt] = [-Infinity, -Infinity];
    training.look();
  });
  training.addEventListener("news", () => rows ?? fetchRows());
  for (const news of ["halted", "news"]) training.addEventListener(news, () => away.enable());
  follow(training, (kind, text) => (kind === "busy" ? say.file : say.train)(kind, plain(text)));
}

function setUpFile() {
  element("file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    // The same file may be chosen again, after it was mended.
    target.value = "";
    if (file) take(file);
  });
  element("try").addEventListener("click", () => take(example()));
  element("mend-label").addEventListener("change", ({ target }) => {
    if (waiting && target.value) take(waiting, { ...waiting.settings, "data.label": target.value });
  });
  element("label").addEventListener("change", ({ target }) => {
    // A column that is the label is not left out.
    const left = newest()["data.leave-out"]?.split(",").filter((column) => column !== target.value) ?? [];
    choose({ "data.label": target.value, "data.leave-out": left.length > 0 ? left.join(",") : undefined });
  });
  element("minus-one").addEventListener("change", ({ target }) => choose({ "data.minus-one": target.checked ? "class" : undefined }));
  element("share").addEventListener("change", ({ target }) => {
    current.share = target.value;
    begin();
  });
}

// A file may be dropped anywhere: onto its own place, it is predicted.
function setUpDrop() {
  const places = [element("drop"), element("other-drop")];
  const placeOf = ({ target }) => (element("other-drop").contains(target) ? element("other-drop") : element("drop"));
  const mark = (place) => places.forEach((each) => each.classList.toggle("over", each === place));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(placeOf(event));
  });
  addEventListener("dragleave", ({ relatedTarget }) => relatedTarget === null && mark(null));
  addEventListener("drop", (event) => {
    event.preventDefault();
    mark(null);
    const { files } = event.dataTransfer;
    if (files.length === 0) return;
    if (placeOf(event) === element("other-drop")) away.predict(files[0]);
    else if (files.length > 1) say.file("error", "These are several files: drop one, with all rows in it.");
    else take(files[0]);
  });
}

setUpFile();
setUpDrop();
listen();
addEventListener("error", ({ error, message }) => say.file("error", error?.message ?? message));
if (new URLSearchParams(location.search).has("example")) take(example());
keepForLater();
