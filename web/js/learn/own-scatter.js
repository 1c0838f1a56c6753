// Rows of a table as points: the colour and shape of the class that the model predicts, pale where it doubts; those with a label are ringed.

import { Easel } from "./easel.js";
import { css, markOf, outline } from "./palette.js";

const MOST = 1600; // points: more of them hide each other
const INSET = { left: 46, right: 12, top: 10, bottom: 26 };
const DEPTHS = [0.14, 0.32, 0.55, 0.85]; // of colour, from doubt to certainty
const REACH = 14; // pixels around a point in which a pointer means it

// Round numbers for an axis.
function ticks(low, high) {
  const step = 10 ** Math.floor(Math.log10((high - low) / 2));
  const wide = [1, 2, 5, 10].map((times) => times * step).find((size) => (high - low) / size <= 5) ?? 10 * step;
  const found = [];
  for (let value = Math.ceil(low / wide) * wide; value <= high; value += wide) found.push(Number(value.toPrecision(10)));
  return found;
}

// The rows that are drawn: those with a label first, of the others every so many-th.
function chosen({ count, labelOf }) {
  const labelled = [];
  const others = [];
  for (let row = 0; row < count; row += 1) (labelOf(row) < 0 ? others : labelled).push(row);
  const some = (rows, most) => (rows.length <= most ? rows : Array.from({ length: most }, (_, at) => rows[Math.floor((at * rows.length) / most)]));
  const kept = some(labelled, MOST / 2);
  return [...some(others, MOST - kept.length), ...kept];
}

export class Scatter {
  over = () => {}; // hears of the row under a pointer, or of -1
  #easel;
  #rows = null;
  #shown = [];
  #x = new Float32Array(0);
  #y = new Float32Array(0);
  #box = [0, 1, 0, 1];

  constructor(canvas) {
    this.#easel = new Easel(canvas, (context, colours) => this.#draw(context, colours), { square: false });
    canvas.addEventListener("pointermove", (event) => this.over(this.#rowAt(event), event));
    canvas.addEventListener("pointerleave", () => this.over(-1));
  }

  get count() {
    return this.#shown.length;
  }

  // Rows at places along two axes: { place(row) }.
  show(rows, axes) {
    if (rows !== this.#rows) this.#shown = chosen(rows);
    this.#rows = rows;
    const [x, y] = axes.map(({ place }) => Float32Array.from(this.#shown, place));
    [this.#x, this.#y] = [x, y];
    const ends = (values) => {
      const known = values.filter((value) => Number.isFinite(value));
      const [low, high] = known.length > 0 ? [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))] : [0, 1];
      const margin = 0.04 * (high - low || 1);
      return [low - margin, high + margin];
    };
    this.#box = [...ends(x), ...ends(y)];
    this.draw();
  }

  draw() {
    this.#easel.draw();
  }

  // Where a value lies on the picture; one that is missing lies on the axis.
  #left(value) {
    const [low, high] = this.#box;
    const wide = this.#easel.width - INSET.left - INSET.right;
    return Number.isFinite(value) ? INSET.left + (wide * (value - low)) / (high - low) : INSET.left;
  }

  #top(value) {
    const [, , low, high] = this.#box;
    const floor = this.#easel.height - INSET.bottom;
    return Number.isFinite(value) ? floor - ((floor - INSET.top) * (value - low)) / (high - low) : floor;
  }

  #rowAt({ offsetX, offsetY }) {
    let [best, least] = [-1, REACH ** 2];
    this.#shown.forEach((row, at) => {
      const distance = (this.#left(this.#x[at]) - offsetX) ** 2 + (this.#top(this.#y[at]) - offsetY) ** 2;
      if (distance < least) [best, least] = [row, distance];
    });
    return best;
  }

  #draw(context, colours) {
    if (!this.#rows) return;
    this.#drawAxes(context, colours);
    this.#drawOthers(context, colours);
    this.#drawLabelled(context, colours);
  }

  #drawAxes(context, { muted }) {
    const { width, height } = this.#easel;
    const floor = height - INSET.bottom;
    context.strokeStyle = css(muted, 0.18);
    context.fillStyle = css(muted);
    context.lineWidth = 1;
    context.font = "12px system-ui, sans-serif";
    const line = (...ends) => {
      context.beginPath();
      context.moveTo(ends[0], ends[1]);
      context.lineTo(ends[2], ends[3]);
      context.stroke();
    };
    const [left, right, low, high] = this.#box;
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const value of ticks(left, right)) {
      const at = this.#left(value);
      line(at, INSET.top, at, floor);
      context.fillText(String(value).replace("-", "−"), at, floor + 6);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of ticks(low, high)) {
      const at = this.#top(value);
      line(INSET.left, at, width - INSET.right, at);
      context.fillText(String(value).replace("-", "−"), INSET.left - 6, at);
    }
    context.strokeStyle = css(muted, 0.6);
    line(INSET.left, floor, width - INSET.right, floor);
    line(INSET.left, INSET.top, INSET.left, floor);
  }

  get #radius() {
    return Math.max(2.4, Math.min(4.2, 90 / Math.sqrt(this.#shown.length + 1)));
  }

  // All points of one look in one path: as fast as it goes.
  #drawOthers(context, { classes, muted }) {
    const { labelOf, top, doubt, classes: count } = this.#rows;
    const paths = new Map();
    this.#shown.forEach((row, at) => {
      if (labelOf(row) >= 0) return;
      const sure = top ? 1 - doubt[row] / Math.log(count) : 0;
      const key = top ? top[row] * DEPTHS.length + Math.min(DEPTHS.length - 1, Math.floor(DEPTHS.length * sure ** 2)) : -1;
      if (!paths.has(key)) paths.set(key, []);
      paths.get(key).push(at);
    });
    for (const [key, places] of paths) {
      const { colour, shape } = markOf(Math.max(0, Math.floor(key / DEPTHS.length)));
      context.beginPath();
      for (const at of places) outline(context, key < 0 ? 0 : shape, this.#left(this.#x[at]), this.#top(this.#y[at]), this.#radius);
      context.fillStyle = key < 0 ? css(muted, 0.5) : css(classes[colour], DEPTHS[key % DEPTHS.length]);
      context.fill();
      if (key < 0) continue;
      context.lineWidth = 1;
      context.strokeStyle = css(classes[colour], 0.55);
      context.stroke();
    }
  }

  // With the label's own colour; what is held out has a broken ring.
  #drawLabelled(context, { classes, ink, ground }) {
    const { labelOf, aside } = this.#rows;
    const many = this.#shown.length > 400 ? 0.8 : 1;
    this.#shown.forEach((row, at) => {
      const label = labelOf(row);
      if (label < 0) return;
      const { colour, shape } = markOf(label);
      context.beginPath();
      outline(context, shape, this.#left(this.#x[at]), this.#top(this.#y[at]), 5 * many);
      context.lineWidth = 4;
      context.strokeStyle = css(ground);
      context.stroke();
      context.lineWidth = 1.8;
      context.strokeStyle = css(ink);
      context.setLineDash(aside.has(row) ? [2, 2] : []);
      context.stroke();
      context.fillStyle = css(classes[colour]);
      context.fill();
    });
    context.setLineDash([]);
  }
}
