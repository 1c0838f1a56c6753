// What a visitor of the digits leaves with: the model, the run, predictions, a link, or the model on its way to another page.

import { element, save } from "../dom.js";
import { copies } from "./copy.js";
import { SETS } from "./digit-data.js";
import { MODELS } from "./digit-models.js";
import * as handOver from "./hand-over.js";
import { many, percent } from "./numbers.js";

function told(text) {
  element("away-status").textContent = text;
}

const attempt = (task) => async () => {
  try {
    await task();
  } catch (error) {
    told(error.message);
  }
};

// Files of the run, each from its button.
function setUpFiles(training) {
  const file = (button, name, type, make) =>
    element(button).addEventListener(
      "click",
      attempt(async () => {
        const bytes = await make();
        save(name(), new Blob([bytes], { type }));
        training.taken();
        told(`Saved ${name()}, ${(bytes.length / 1e6).toFixed(2)} MB.`);
      }),
    );
  const run = () => training.about?.name ?? "run";
  file("save-model", () => "model.safetensors", "application/octet-stream", () => training.ask("model"));
  file("save-run", () => `${run()}.zip`, "application/zip", () => training.ask("run"));
  file("save-predictions", () => `${run()}-predictions.csv`, "text/csv", () => training.ask("predictions"));
}

// Opens the model in a section of the page of models.
async function goOn(training, chosen, section) {
  const { about } = training;
  training.pause();
  const { model } = await training.ask("score");
  const bytes = await training.ask("model");
  if (training.about !== about) throw new Error("Another training has begun: open its model when it has learned something.");
  const { name, model: kind, rows, labelled, parameters } = about;
  const { title: called } = MODELS[kind];
  const known = {
    data: `digits, ${SETS[chosen.data].title}`,
    model: called,
    labels: `${labelled}, plus ${many(rows - labelled)} unlabelled`,
    accuracy: `${percent(model.accuracy)} of ${many(model.count)} held-out digits`,
    parameters: many(parameters),
  };
  const title = `${called}, ${SETS[chosen.data].title}`;
  await handOver.put({ name, title, known, bytes });
  training.taken();
  location.href = `./?model=own#${section}`;
}

// `chosen` are the pictures and the model, as digits.js has them.
export function setUpAway(training, labels, chosen) {
  setUpFiles(training);
  for (const button of document.querySelectorAll("[data-opens]")) {
    button.addEventListener("click", attempt(() => goOn(training, chosen, button.dataset.opens)));
  }
  const copied = () => `The link is copied. It restores pictures, labels, model and seed.${labels.drawings > 0 ? " Your own drawings are not in it." : ""}`;
  for (const id of ["copy-link", "copy-link-top"]) copies(element(id), () => location.href, told, copied);
}
