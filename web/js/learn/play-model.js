// The model of the playground, and the weights of its objective, which act at once.

import { element, make } from "../dom.js";
import { MODELS, WEIGHTS } from "./models.js";
import { placeOf, weightAt } from "./weight-slider.js";

// Without the term of the labels there is nothing to learn from: its weight has no 0.
const lowest = (name) => (name === "alpha" ? undefined : WEIGHTS[name].from);

function show(choice) {
  element("model-hint").textContent = MODELS[choice.model].hint;
  for (const [name, { symbol }] of Object.entries(WEIGHTS)) {
    element(`${name}-row`).hidden = !choice.hasWeight(name);
    if (!choice.hasWeight(name)) continue;
    const text = String(Number(choice.weight(name).toPrecision(2)));
    element(name).value = placeOf(choice.weight(name), lowest(name));
    element(name).setAttribute("aria-valuetext", `${symbol} = ${text}`);
    element(`${name}-text`).textContent = text;
  }
}

export function setUpModel({ choice, training, begin, remember }) {
  for (const [id, { title, hint }] of Object.entries(MODELS)) {
    const input = make("input", { type: "radio", name: "model", value: id, checked: id === choice.model });
    input.addEventListener("change", () => {
      choice.takeModel(id);
      show(choice);
      begin({ fresh: false });
    });
    element("models").append(make("label", { class: "chip" }, input, make("span", { title: hint }, title)));
  }
  // All of them at once: where several change within a step, none is lost.
  const weights = () => Object.fromEntries(Object.entries(WEIGHTS).filter(([name]) => choice.hasWeight(name)).map(([name, { name: setting }]) => [setting, choice.weight(name)]));
  for (const [name, { from, to }] of Object.entries(WEIGHTS)) {
    Object.assign(element(name), { min: from, max: to });
    element(name).addEventListener("input", ({ target }) => {
      choice.weights[name] = weightAt(target.valueAsNumber, lowest(name));
      show(choice);
      remember();
      training.change(weights());
    });
  }
  show(choice);
}
