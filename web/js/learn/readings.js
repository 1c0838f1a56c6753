// What two networks make of one picture: a bar of each for every class.

import { make } from "../dom.js";
import { percent as inPercent } from "./numbers.js";

const percent = (share) => inPercent(share, share > 0.0995 ? 0 : 1);

const top = (shares) => shares.reduce((best, share, at) => (share > shares[best] ? at : best), 0);

export class Readings {
  #box;
  #names = [];
  #rows = [];

  constructor(box) {
    this.#box = box;
  }

  // Names of the classes, anew if they are others.
  name(names) {
    if (names.join() === this.#names.join()) return;
    this.#names = [...names];
    this.#rows = this.#names.map((name) => {
      const bars = ["labels", "model"].map((who) => ({ who, fill: make("span", { class: `fill ${who}` }), text: make("span", { class: "percent" }, "–") }));
      const row = make(
        "div",
        { role: "listitem" },
        make("span", { class: "name" }, name),
        ...bars.map(({ fill, text }) => make("span", { class: "one" }, make("span", { class: "track" }, fill), text)),
      );
      return { row, bars };
    });
    this.#box.replaceChildren(...this.#rows.map(({ row }) => row));
  }

  // Probabilities of both, or nothing. Returns what is said of them.
  show(shares) {
    this.#rows.forEach(({ row, bars }, number) => {
      const told = bars.map(({ who, fill, text }) => {
        const share = shares?.[who][number] ?? 0;
        fill.style.width = `${100 * share}%`;
        text.textContent = shares ? percent(share) : "–";
        text.classList.toggle("best", Boolean(shares) && number === top(shares[who]));
        return text.textContent;
      });
      row.setAttribute("aria-label", `${this.#names[number]}: labels only ${told[0]}, all pictures ${told[1]}`);
    });
    if (!shares) return "";
    const say = (who) => {
      const best = top(shares[who]);
      return `${this.#names[best]} (${percent(shares[who][best])})`;
    };
    return `The labels-only network reads ${say("labels")}, the model ${say("model")}.`;
  }
}
