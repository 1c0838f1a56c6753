// The pictures and what the visitor says they are. Drawings of his own come after those of the set.

import { shuffled } from "./chance.js";

export const CLASSES = 10;
const NONE = -1;

// "17.4_203.9" gives picture 17 the label 4; "17.x" takes its label away.
const pack = (given, start) =>
  [...given.keys()].filter((row) => given[row] !== start[row]).map((row) => `${row}.${given[row] < 0 ? "x" : given[row]}`).join("_");

// Events: set (other pictures), labels (other labels).
export class Labels extends EventTarget {
  set = null; // as digit-data.js loads it
  given = new Int32Array(0); // the class of each picture; -1 where nobody has said
  filled = 0; // labels a class that were filled in, ...
  #byFilling = new Set(); // ... and where
  #seed = 0;
  #drawn = []; // pictures of the visitor's own

  // Other pictures, none of them labelled.
  show(set, seed) {
    Object.assign(this, { set, filled: 0 });
    this.given = new Int32Array(set.y.length).fill(NONE);
    this.#byFilling.clear();
    this.#drawn = [];
    this.#seed = seed;
    this.#tell("set");
  }

  get size() {
    return this.given.length;
  }

  get count() {
    return this.given.reduce((sum, label) => sum + Number(label >= 0), 0);
  }

  // Labels of each class.
  get counts() {
    const counts = new Array(CLASSES).fill(0);
    for (const label of this.given) if (label >= 0) counts[label] += 1;
    return counts;
  }

  // Classes that have labels.
  get classes() {
    const { counts } = this;
    return [...counts.keys()].filter((number) => counts[number] > 0);
  }

  // Pictures with a label, class by class.
  get labelled() {
    return [...this.given.keys()].filter((row) => this.given[row] >= 0).sort((a, b) => this.given[a] - this.given[b] || a - b);
  }

  // The visitor's drawings, from 0 to 1, with their labels.
  get kept() {
    const { white, y } = this.set;
    return this.#drawn.map((picture, at) => [Float32Array.from(picture, (value) => value / white), this.given[y.length + at]]);
  }

  get drawings() {
    return this.#drawn.length;
  }

  picture(row) {
    const { x, y, side } = this.set;
    const features = side * side;
    return row < y.length ? x.subarray(row * features, (row + 1) * features) : this.#drawn[row - y.length];
  }

  put(row, label) {
    if (this.given[row] === label) return;
    // The program may still hold the labels before, so these are new ones.
    this.given = this.given.slice();
    this.given[row] = label;
    this.#byFilling.delete(row);
    this.#tell("labels");
  }

  // A drawing of the visitor's own, from 0 to 1.
  draw(picture, label) {
    const { white } = this.set;
    this.#drawn.push(white === 1 ? Float32Array.from(picture) : Uint8Array.from(picture, (value) => Math.round(value * white)));
    this.given = Int32Array.of(...this.given, label);
    this.#tell("labels");
  }

  // Labels pictures by chance with their true classes until each class has so many.
  fill(each, seed) {
    this.#seed = seed;
    this.given = this.#filledFrom(this.given, each, (row) => this.#byFilling.add(row));
    this.filled = each;
    this.#tell("labels");
  }

  #filledFrom(given, each, added = () => {}) {
    const all = given.slice();
    const counts = new Array(CLASSES).fill(0);
    for (const label of all) if (label >= 0) counts[label] += 1;
    const { y } = this.set;
    for (const row of shuffled(y.length, this.#seed)) {
      if (all[row] >= 0 || counts[y[row]] >= each) continue;
      all[row] = y[row];
      counts[y[row]] += 1;
      added(row);
    }
    return all;
  }

  clear() {
    this.given = new Int32Array(this.set.y.length).fill(NONE);
    this.filled = 0;
    this.#byFilling.clear();
    this.#drawn = [];
    this.#tell("labels");
  }

  // Another seed: what was filled in is chosen anew, what the visitor said stays.
  reseed(seed) {
    const { filled } = this;
    this.#seed = seed;
    if (filled === 0) return;
    this.given = this.given.map((label, row) => (this.#byFilling.has(row) ? NONE : label));
    this.#byFilling.clear();
    this.fill(filled, seed);
  }

  // What differs from the labels that were filled in, for the address. Drawings do not fit into it.
  get marks() {
    const { length } = this.set.y;
    const empty = new Int32Array(length).fill(NONE);
    const start = this.filled > 0 ? this.#filledFrom(empty, this.filled) : empty;
    return pack(this.given.subarray(0, length), start);
  }

  mark(text) {
    const given = this.given.slice();
    for (const [, row, label] of text?.matchAll(/(\d+)\.([\dx])/g) ?? []) {
      if (Number(row) >= this.set.y.length) continue;
      given[row] = label === "x" ? NONE : Number(label);
      this.#byFilling.delete(Number(row));
    }
    this.given = given;
    this.#tell("labels");
  }

  // Held-out digits of the classes that have labels: of the others, no network can know anything.
  get held() {
    const { heldX, heldY, side } = this.set;
    const known = new Set(this.classes);
    if (known.size === CLASSES) return { heldX, heldY };
    const rows = [...heldY.keys()].filter((row) => known.has(heldY[row]));
    const features = side * side;
    const x = new heldX.constructor(rows.length * features);
    rows.forEach((row, at) => x.set(heldX.subarray(row * features, (row + 1) * features), at * features));
    return { heldX: x, heldY: Int32Array.from(rows, (row) => heldY[row]) };
  }

  // The pictures as the program takes them.
  get data() {
    const { x, side, file } = this.set;
    let all = x;
    if (this.#drawn.length > 0) {
      all = new x.constructor(this.size * side * side);
      all.set(x);
      this.#drawn.forEach((picture, at) => all.set(picture, x.length + at * side * side));
    }
    return { name: file, x: all, shape: [side, side, 1], given: this.given, ...this.held };
  }

  #tell(type) {
    this.dispatchEvent(new Event(type));
  }
}
