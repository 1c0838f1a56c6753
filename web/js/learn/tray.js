// A tray of pictures to be labelled, with pointer or keys: arrows move, a digit labels and moves on.

import { make, pause } from "../dom.js";
import { shuffled } from "./chance.js";
import { many } from "./numbers.js";
import { paint } from "./pictures.js";

const ROOM = 60; // pictures at a time, ...
const SLICE = 12; // ... of which so many are painted before the page may answer

export class Tray extends EventTarget {
  brush = null; // the class that a click gives, "rubber", or null: a click chooses the picture
  #labels;
  #say;
  #order = new Int32Array(0);
  #from = 0; // where the tray begins in this order
  #done = false; // whether it shows what has a label
  #places = []; // { button, canvas, tag, row }
  #at = 0;
  #laid = 0; // counts how often it was laid
  #meant = false; // whether the picture there was chosen to be labelled

  // `say` tells those who do not see.
  constructor(box, labels, { say }) {
    super();
    this.#labels = labels;
    this.#say = say;
    for (let at = 0; at < ROOM; at += 1) {
      const canvas = make("canvas", { width: 0, height: 0, "aria-hidden": "true" });
      const tag = make("span", { class: "tag", "aria-hidden": "true" });
      const button = make("button", { type: "button", class: "shot", tabindex: "-1", hidden: true }, canvas, tag);
      button.addEventListener("click", () => this.#click(at));
      button.addEventListener("focus", () => this.#choose(at));
      this.#places.push({ button, canvas, tag, row: -1 });
    }
    box.append(...this.#places.map(({ button }) => button));
    box.addEventListener("keydown", (event) => this.#key(event));
    labels.addEventListener("labels", () => this.#tagAll());
  }

  // Pictures in an order by chance.
  mix(seed) {
    this.#order = shuffled(this.#labels.set.y.length, seed + 1);
    this.#from = 0;
    this.#done = false;
    this.#lay();
  }

  // The pictures that have a label, or those of which some have none.
  show(done) {
    this.#done = done;
    this.#from = 0;
    this.#lay();
  }

  more() {
    this.#from += ROOM;
    if (this.#from >= this.#rows().length) this.#from = 0;
    this.#lay();
  }

  // What it shows, in a sentence.
  get summary() {
    const { length } = this.#rows();
    if (length === 0) return "No picture has a label yet.";
    const to = Math.min(length, this.#from + ROOM);
    return `Pictures ${this.#from + 1} to ${to} of ${many(length)}${this.#done ? " with a label" : ""}.`;
  }

  #rows() {
    return this.#done ? this.#labels.labelled : this.#order;
  }

  #lay() {
    const rows = this.#rows();
    this.#places.forEach((place, at) => {
      place.row = rows[this.#from + at] ?? -1;
      place.button.hidden = place.row < 0;
      this.#tag(at);
    });
    this.#choose(0, { quietly: true });
    this.dispatchEvent(new Event("laid"));
    this.#paint();
  }

  async #paint() {
    this.#laid += 1;
    const mine = this.#laid;
    const { set } = this.#labels;
    for (let from = 0; from < ROOM; from += SLICE) {
      for (const { canvas, row } of this.#places.slice(from, from + SLICE)) {
        if (row >= 0 && row < this.#labels.size) paint(canvas, this.#labels.picture(row), set.side, set.white);
      }
      await pause(0);
      // It may have been laid anew meanwhile, or with other pictures.
      if (mine !== this.#laid || set !== this.#labels.set) return;
    }
  }

  #tagAll() {
    // What was cleared may have been a drawing, which is gone.
    if (this.#places.some(({ row }) => row >= this.#labels.size)) this.#lay();
    else this.#places.forEach((_, at) => this.#tag(at));
  }

  #tag(at) {
    const { button, tag, row } = this.#places[at];
    if (row < 0) return;
    const label = this.#labels.given[row];
    const words = `Picture ${this.#from + at + 1}, ${label < 0 ? "no label" : `label ${label}`}`;
    if (button.getAttribute("aria-label") === words) return;
    button.setAttribute("aria-label", words);
    button.classList.toggle("told", label >= 0);
    tag.textContent = label < 0 ? "" : label;
  }

  // One of them is where the keys are.
  #choose(at, { quietly = false } = {}) {
    this.#meant = !quietly;
    this.#places[this.#at].button.tabIndex = -1;
    this.#places[this.#at].button.classList.remove("chosen");
    this.#at = at;
    this.#places[at].button.tabIndex = 0;
    if (!quietly) this.#places[at].button.classList.add("chosen");
  }

  #click(at) {
    this.#choose(at);
    if (this.brush === null) return;
    this.#meant = false;
    const { row } = this.#places[at];
    const label = this.brush === "rubber" || this.#labels.given[row] === this.brush ? -1 : this.brush;
    this.#put(at, label);
  }

  #put(at, label) {
    const { row } = this.#places[at];
    if (row < 0) return;
    this.#labels.put(row, label);
    const count = this.#labels.counts[label];
    this.#say(label < 0 ? `Picture ${this.#from + at + 1}: no label.` : `Picture ${this.#from + at + 1} is a ${label}: ${count} of these.`);
  }

  // The picture that is chosen, if there is one, is of a class.
  label(label) {
    if (this.#meant) this.#put(this.#at, label);
    this.#meant = false;
  }

  // How many lie beside each other.
  get #across() {
    const first = this.#places[0].button.offsetTop;
    const next = this.#places.findIndex(({ button }) => button.offsetTop > first);
    return next < 0 ? ROOM : next;
  }

  #key(event) {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowRight: () => 1, ArrowLeft: () => -1, ArrowDown: () => this.#across, ArrowUp: () => -this.#across };
    const count = this.#places.filter(({ row }) => row >= 0).length;
    const go = (to) => {
      if (to >= 0 && to < count) this.#places[to].button.focus();
    };
    if (key in moves) go(this.#at + moves[key]());
    else if (key === "Home") go(0);
    else if (key === "End") go(count - 1);
    else if (key === "PageDown") {
      this.more();
      go(0);
    } else if (key >= "0" && key <= "9" && key.length === 1) {
      this.#put(this.#at, Number(key));
      go(this.#at + 1);
      // Nobody has chosen the next one: a digit that is clicked now is for what is clicked then.
      this.#meant = false;
    } else if (key === "Delete" || key === "Backspace") this.#put(this.#at, -1);
    else return;
    event.preventDefault();
  }
}
