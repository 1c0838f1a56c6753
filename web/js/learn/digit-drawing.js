// A digit that is drawn by hand: both networks read it, while they learn, too, and it can join the pictures with a label.

import { element, latest, make } from "../dom.js";
import { chance } from "./chance.js";
import { CLASSES } from "./digit-labels.js";
import { picture } from "./ink.js";
import { Pad } from "./pad.js";
import { paint } from "./pictures.js";
import { Readings } from "./readings.js";

const READ = 200; // milliseconds between two readings while training runs

export class Drawing {
  #training;
  #labels;
  #pad = new Pad(element("pad"));
  #readings = new Readings(element("readings"));
  #drawn = null; // from 0 to 1, as the networks see it
  #isHeld = false; // whether it is one of the held-out digits, which are judged by
  #readAt = 0;

  constructor(training, labels) {
    this.#training = training;
    this.#labels = labels;
    this.#readings.name(Array.from({ length: CLASSES }, (_, number) => String(number)));
    this.#readings.show(null);
    this.#pad.addEventListener("drawn", () => this.take());
    this.#setUpButtons();
    training.addLook((ask) => this.#look(ask));
  }

  // What is on the sheet, shrunk to the size of the pictures.
  take() {
    const { set } = this.#labels;
    if (!set) return;
    this.#isHeld = false;
    this.#drawn = this.#pad.strokes.length > 0 ? picture(this.#pad.strokes, set.side, set.ink) : null;
    this.#show();
  }

  // A training begins: its classes.
  name(names) {
    this.#readings.name(names);
    this.read();
  }

  read = latest(async () => {
    const { about } = this.#training;
    if (!about || !this.#drawn) {
      this.#readings.show(null);
      const words = about ? "Draw a digit, and both networks read it." : "Train first: then this says what the networks read.";
      element("readings-told").textContent = words;
      return;
    }
    try {
      this.#tell(await this.#training.ask("classify", { x: this.#inUnits() }), about);
    } catch {
      // The program was restarted meanwhile: the training says so.
    }
  });

  #show() {
    const { side } = this.#labels.set;
    paint(element("as-seen"), this.#drawn ?? new Float32Array(side * side), side, 1);
    element("add").disabled = !this.#drawn || this.#isHeld;
    element("add-told").textContent = this.#isHeld ? "Held-out digits stay out: the networks are judged by them." : this.#drawn ? "" : "Draw first.";
    this.read();
  }

  // From 0 to 1 as the pictures have it.
  #inUnits() {
    const { white } = this.#labels.set;
    return this.#drawn.map((value) => value * white);
  }

  #tell({ model, baseline }, about) {
    if (this.#training.about !== about || !this.#drawn) return;
    element("readings-told").textContent = this.#readings.show({ model, labels: baseline });
  }

  async #look(ask) {
    const { about } = this.#training;
    if (!this.#drawn || performance.now() - this.#readAt < READ) return;
    this.#readAt = performance.now();
    this.#tell(await ask("classify", { x: this.#inUnits() }), about);
  }

  #setUpButtons() {
    const [pad, labels] = [this.#pad, this.#labels];
    element("pad-clear").addEventListener("click", () => pad.clear());
    const draw = chance(Date.now());
    element("pad-held").addEventListener("click", () => {
      if (!labels.set) return;
      const { heldX, heldY, side, white } = labels.set;
      const row = Math.floor(draw() * heldY.length);
      this.#isHeld = true;
      this.#drawn = Float32Array.from(heldX.subarray(row * side * side, (row + 1) * side * side), (value) => value / white);
      this.#show();
      pad.show(element("as-seen"));
    });
    for (let number = 0; number < CLASSES; number += 1) {
      const button = make("button", { type: "button", class: "quiet", "aria-label": `Add it as a ${number}` }, String(number));
      button.addEventListener("click", () => {
        if (!this.#drawn || this.#isHeld) return;
        labels.draw(this.#drawn, number);
        pad.clear();
        element("add-told").textContent = `Added as a ${number}. ${labels.drawings} of your own so far; they lie at the end of the labelled pictures of their class.`;
      });
      element("add").append(button);
    }
  }
}
