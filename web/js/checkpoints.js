// The models to choose from: those that come with the page, and the visitor's own.

import { element, make, short } from "./dom.js";

// Checkpoints are a few megabytes; what is larger would only fill the memory before it is refused.
const LARGEST = 200e6;

const MODELS = {
  m1: "M1",
  m2: "M2",
  m1m2: "M1+M2",
  adgm: "ADGM",
  sdgm: "SDGM",
  ladder: "Ladder VAE",
  untapped: "Untapped",
  "latent-ebm": "Latent EBM",
};

const DATA = { mnist: "MNIST", "fashion-mnist": "Fashion-MNIST" };

export const modelName = (name) => MODELS[name] ?? name;

async function json(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} is missing (the server answered ${response.status}): reload the page, or tell its owner`);
  return response.json();
}

// What comes with the page: [{ id, title, names, digit, summary }].
export async function shipped() {
  const models = await json("checkpoints/index.json");
  const summaries = await Promise.all(models.map(({ id }) => json(`checkpoints/${id}/summary.json`)));
  return models.map((model, at) => ({ ...model, summary: summaries[at] }));
}

// The bytes of one of them; `progress` is told what share has come.
export async function download({ id }, progress) {
  const response = await fetch(`checkpoints/${id}/model.safetensors`);
  if (!response.ok) throw new Error(`the model ${id} is missing (the server answered ${response.status}): reload the page, or tell its owner`);
  const total = response.headers.has("content-encoding") ? 0 : Number(response.headers.get("content-length"));
  const parts = [];
  let loaded = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    loaded += part.value.length;
    progress(total ? loaded / total : undefined);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

// The bytes of a visitor's file.
export async function read(file) {
  const megabytes = (file.size / 1e6).toFixed(0);
  if (file.size > LARGEST) {
    throw new Error(`${file.name} has ${megabytes} MB: choose a model of at most ${LARGEST / 1e6} MB`);
  }
  if (file.size === 0) throw new Error(`${file.name} is empty: choose another file, or copy it again`);
  return new Uint8Array(await file.arrayBuffer());
}

// What the facts on a card mean.
const MEANINGS = {
  model: "the kind of generative model; MIER is a training term that makes its classifier surer",
  classes: "what the model tells apart, and what it generates",
  labels: "the number of training examples with a known class, and of those without",
  accuracy: "the share of test examples that the classifier gets right",
  entropy: "how unsure the classifier is on test examples, on average; 0 means certain",
};

const percent = (share) => `${(100 * share).toFixed(1)} %`;

// What there is to know of a model, as terms and what they mean. A visitor's own has brought it along.
function facts({ summary, known }) {
  const told = known ?? {
    data: DATA[summary.data] ?? summary.data,
    model: modelName(summary.model) + (summary.mier ? " + MIER" : ""),
    ...(summary.classes?.length && { classes: summary.classes.join(", ") }),
    labels: `${summary.labels}, plus ${summary.unlabelled.toLocaleString("en")} unlabelled`,
    accuracy: percent(summary.test_accuracy),
    entropy: `${short(summary.entropy)} nats`,
  };
  return Object.entries(told).map(([name, value]) => make("div", { title: MEANINGS[name] }, make("dt", {}, name), make("dd", {}, value)));
}

let known = []; // the models that have cards

// One card for each model, with a picture of what it draws; `choose` is called with the one that was chosen.
export function showCards(models, choose) {
  known = models;
  for (const model of models) {
    const { id, title, picture } = model;
    const input = make("input", { type: "radio", name: "model", value: id, id: `card-${id}` });
    input.addEventListener("change", () => choose(model));
    const canvas = make("canvas", { width: 0, height: 0, "aria-hidden": "true" });
    if (picture) layShipped(canvas, `checkpoints/${id}/${picture}`);
    const [what, how] = title.split(": ");
    // Data above, model below; read aloud, it is the title.
    const words = make("span", {}, make("strong", {}, what), ...(how ? [make("span", { class: "away" }, ": "), how] : []));
    element("cards").append(make("label", { class: "card" }, input, make("span", { class: "seen" }, canvas), words));
  }
}

const SHOWN = 10; // samples on a card, side by side

// Puts samples on the canvas of a card. `corner` says where the left upper corner of each lies in their picture.
function lay(canvas, picture, { width, height }, corner) {
  canvas.width = SHOWN * width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  for (let place = 0; place < SHOWN; place += 1) {
    context.drawImage(picture, ...corner(place), width, height, place * width, 0, width, height);
  }
}

// A picture as `gleaner sample --per-class 1 --grid` writes it: one sample below the other, with lines between and around them.
const LINE = 2;

function layShipped(canvas, address) {
  const image = new Image();
  image.addEventListener("load", () => {
    const width = image.width - 2 * LINE;
    const height = (image.height - LINE) / SHOWN - LINE;
    lay(canvas, image, { width, height }, (place) => [LINE, LINE + place * (height + LINE)]);
  });
  image.src = address;
}

// The picture of a card without one: some of the first samples that its model has drawn.
export function picture(id, samples, tile) {
  const canvas = id && document.querySelector(`#card-${id} ~ .seen canvas`);
  if (!canvas || canvas.width > 0) return;
  const across = Math.ceil(samples.width / tile.width);
  const count = across * Math.floor(samples.height / tile.height);
  lay(canvas, samples, tile, (place) => {
    const index = Math.floor((place * count) / SHOWN);
    return [(index % across) * tile.width, Math.floor(index / across) * tile.height];
  });
}

// Marks the card of a model, or none, and says what there is to know of it.
export function markCard(id) {
  for (const input of document.querySelectorAll('input[name="model"]')) input.checked = input.value === id;
  const model = known.find((one) => one.id === id);
  element("facts").replaceChildren(...(model ? facts(model) : []));
}
