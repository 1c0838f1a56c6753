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

// One card for each model; `choose` is called with the one that was chosen.
export function showCards(models, choose) {
  for (const model of models) {
    const { id, title, summary } = model;
    const facts = {
      data: DATA[summary.data] ?? summary.data,
      model: modelName(summary.model) + (summary.mier ? " + MIER" : ""),
      ...(summary.classes?.length && { classes: summary.classes.join(", ") }),
      labels: `${summary.labels}, plus ${summary.unlabelled.toLocaleString("en")} unlabelled`,
      accuracy: percent(summary.test_accuracy),
      entropy: `${short(summary.entropy)} nats`,
    };
    const list = make("dl");
    for (const [name, value] of Object.entries(facts)) list.append(make("dt", { title: MEANINGS[name] }, name), make("dd", {}, value));
    const input = make("input", { type: "radio", name: "model", value: id, id: `card-${id}` });
    input.addEventListener("change", () => choose(model));
    element("cards").append(make("label", { class: "card" }, input, make("strong", {}, title), list));
  }
}

// Marks the card of a model, or none.
export function markCard(id) {
  for (const input of document.querySelectorAll('input[name="model"]')) input.checked = input.value === id;
}
