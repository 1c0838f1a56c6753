// What every lesson stands on: the values that its step sets and that the visitor changes, and the controls for them.

import { make } from "../dom.js";
import { Gone } from "../engine.js";
import { whole } from "./address.js";
import { transport } from "./controls.js";

export class Stage {
  values = {}; // by their names in the address
  changed = () => {}; // called with the name of a value that the visitor changed
  #remember;
  #controls = []; // functions that show the values as they are

  // `box` is what the lesson fills, `say` tells those who do not see, `status` says what goes on, `remember` puts the values into the address.
  constructor({ box, training, say, status, remember }) {
    Object.assign(this, { box, training, say, status });
    this.#remember = remember;
  }

  // Does something that may fail, which is then said. That the program has stopped is said by what starts it again.
  async attempt(task) {
    try {
      await task();
    } catch (error) {
      if (!(error instanceof Gone)) this.status("error", error.message);
    }
  }

  // The values of a step.
  set(values) {
    this.values = { ...values };
    this.refresh();
  }

  // Values that something else than a control changed.
  put(values) {
    Object.assign(this.values, values);
    this.refresh();
    this.#remember();
  }

  refresh() {
    for (const show of this.#controls) show();
  }

  #change(name, value) {
    if (this.values[name] === value) return;
    this.put({ [name]: value });
    this.changed(name);
  }

  // What the marks of the two pictures mean.
  legend() {
    return make("p", { class: "hint" }, "Large: with a label. Small and grey: without. Small and hollow: drawn by the model. Thin lines: its density p(x).");
  }

  // The buttons that run the training.
  transport() {
    const box = make("div", { class: "transport", role: "group", "aria-label": "Training" });
    transport(box, this.training);
    return box;
  }

  // A slider. `words` says its value; `from` and `to` translate between the slider's place and the value.
  slider(name, title, { min, max, step = 1, words = String, from = (value) => value, to = (place) => place }) {
    const id = `value-${name}`;
    const input = make("input", { id, type: "range", min, max, step });
    const output = make("output", { for: id });
    input.addEventListener("input", () => this.#change(name, to(input.valueAsNumber)));
    this.#controls.push(() => {
      const value = this.values[name];
      input.value = String(from(value));
      output.textContent = words(value);
      input.setAttribute("aria-valuetext", words(value));
    });
    return make("label", { class: "slider" }, make("span", {}, title), " ", output, input);
  }

  // One of a few: [[value, words]].
  choice(name, title, options) {
    const inputs = options.map(([value]) => make("input", { type: "radio", name: `value-${name}`, value: String(value) }));
    const chips = options.map(([value, words], at) => {
      inputs[at].addEventListener("change", () => this.#change(name, value));
      return make("label", { class: "chip" }, inputs[at], make("span", {}, words));
    });
    this.#controls.push(() => {
      inputs.forEach((input, at) => {
        input.checked = options[at][0] === this.values[name];
      });
    });
    return make("fieldset", { class: "chips" }, make("legend", {}, title), ...chips);
  }

  // A button that does something.
  button(words, task) {
    const button = make("button", { type: "button", class: "quiet" }, words);
    button.addEventListener("click", task);
    return button;
  }

  // Other random numbers: points, first weights, noise.
  other(words = "Other points") {
    return this.button(words, () => this.#change("seed", this.values.seed + 1));
  }
}

export const SEEDS = whole(0, 999_999);

// Values beside their formula, as the playground shows its objective: [{ name, symbol, words }].
export function tiles(list) {
  const outputs = {};
  const items = list.map(({ name, symbol, words }) => {
    outputs[name] = make("output", { "aria-live": "off" }, "–");
    const value = make("span", { class: "value" }, outputs[name]);
    return make("li", {}, make("span", { class: "stack" }, make("span", { class: "symbol" }, symbol), value, make("span", { class: "hint" }, words)));
  });
  return {
    box: make("ul", { class: "terms tiles-now" }, ...items),
    // No values: those of before are not those of what is asked for now.
    clear() {
      for (const output of Object.values(outputs)) output.textContent = "–";
    },
    put(values) {
      for (const [name, value] of Object.entries(values)) if (outputs[name].textContent !== value) outputs[name].textContent = value;
    },
  };
}
