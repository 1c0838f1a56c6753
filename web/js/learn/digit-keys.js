// The classes as brushes, each with how many labels it has.

import { make } from "../dom.js";
import { CLASSES } from "./digit-labels.js";

export class DigitKeys {
  #box;
  #each = 10;
  #counts = new Array(CLASSES).fill(0);
  #parts = [];

  // `choose` hears of the brush: a class, "rubber", or null.
  constructor(box, choose) {
    this.#box = box;
    for (let number = 0; number < CLASSES; number += 1) {
      const fill = make("span", { class: "fill" });
      const count = make("span", { class: "count" });
      const words = make("span", { class: "key-face" }, make("strong", {}, String(number)), make("span", { class: "track" }, fill), count);
      this.#add(String(number), words, () => choose(number));
      this.#parts.push({ words, fill, count });
    }
    this.#add("none", make("span", { class: "key-face wide" }, "no brush"), () => choose(null)).checked = true;
    this.#add("rubber", make("span", { class: "key-face wide" }, "rubber"), () => choose("rubber"));
    this.show(this.#counts);
  }

  #add(value, words, choose) {
    const input = make("input", { type: "radio", name: "brush", value });
    input.addEventListener("change", choose);
    this.#box.append(make("label", { class: "digit-key" }, input, words));
    return input;
  }

  set each(each) {
    this.#each = each;
    this.show(this.#counts);
  }

  show(counts) {
    this.#counts = counts;
    this.#parts.forEach(({ words, fill, count }, number) => {
      count.textContent = `${counts[number]} of ${this.#each}`;
      fill.style.width = `${100 * Math.min(1, counts[number] / this.#each)}%`;
      words.classList.toggle("full", counts[number] >= this.#each);
    });
  }
}
