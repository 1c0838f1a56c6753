// How training goes: the objective, the accuracy of both networks, and how sure the model is, by step.

import { frame, WIDTH } from "../chart.js";
import { make, short } from "../dom.js";
import { many, percent as inPercent } from "./numbers.js";

const HEIGHT = 168;
const MOST = 360; // points of a line: beyond that, every other one is left out
const EVERY = 250; // milliseconds between two drawings

// An axis of shares near 1: from a round number below all of them.
export const high = (_, points) => [Math.min(0.9, ...points.map(([, value]) => Math.floor(10 * value) / 10)), 1];

const CHARTS = [
  { title: "Objective J", lines: [["objective", "lower is better"]], note: "(it may rise while the weight of KL grows)" },
  { title: "Right on new points", lines: [["baseline", "labels only"], ["model", "with all points"]], range: high, percent: true },
  {
    title: "How sure, in nats",
    lines: [["entropy", "H: doubt"], ["information", "I(y;x): classes told apart"]],
    range: (classes) => [0, Math.log(classes)],
  },
];

// The ends of a line's values without its first few, which would squeeze the others.
function ends(points) {
  const values = points.map(([, value]) => value).sort((a, b) => a - b);
  const high = values[Math.ceil(0.93 * (values.length - 1))];
  return [values[0], Math.max(high, values[0] + 1e-6)];
}

// Axes without numbers: nothing was learned yet that they could measure.
function drawNothing(svg) {
  const chart = frame(svg, HEIGHT, [0, 1], [0, 1]);
  chart.below(0, "0");
  chart.below(1, "steps");
  chart.add("text", { x: WIDTH / 2, y: HEIGHT / 2, "text-anchor": "middle" }, "Grows while the model learns");
}

export class Curves {
  classes = 2;
  #kinds; // what charts there are, as in CHARTS
  #lines = {};
  #steps = 0;
  #charts = [];
  #drawnAt = 0;
  #later = 0;

  constructor(box, kinds = CHARTS) {
    this.#kinds = kinds;
    for (const { title, lines, note = "" } of kinds) {
      const svg = make("svg:svg", { role: "img", "aria-label": `${title} by step` });
      const keys = lines.map(([line, words]) => make("span", { class: `key ${line}` }, words));
      box.append(make("figure", { class: "chart" }, svg, make("figcaption", {}, make("strong", {}, title), ...keys, ` ${note}`)));
      this.#charts.push(svg);
    }
    this.clear();
  }

  clear() {
    for (const { lines } of this.#kinds) for (const [line] of lines) this.#lines[line] = [];
    this.#steps = 0;
    this.#draw();
  }

  // Numbers after some step, by the names of their lines.
  push(step, numbers) {
    this.#steps = Math.max(this.#steps, step);
    for (const [line, value] of Object.entries(numbers)) {
      if (!Number.isFinite(value)) continue;
      const points = this.#lines[line];
      points.push([step, value]);
      if (points.length > MOST) this.#lines[line] = points.filter((_, at) => at % 2 === 0 || at === points.length - 1);
    }
    const wait = this.#drawnAt + EVERY - performance.now();
    if (wait <= 0) this.#draw();
    else if (!this.#later) this.#later = setTimeout(() => this.#draw(), wait);
  }

  #draw() {
    clearTimeout(this.#later);
    this.#later = 0;
    this.#drawnAt = performance.now();
    this.#kinds.forEach((kind, number) => this.#drawOne(this.#charts[number], kind));
  }

  #drawOne(svg, { lines, range = (_, known) => ends(known), percent }) {
    const known = lines.flatMap(([line]) => this.#lines[line]);
    if (known.length === 0 || this.#steps === 0) {
      drawNothing(svg);
      return;
    }
    const [low, high] = range(this.classes, known);
    const chart = frame(svg, HEIGHT, [0, this.#steps], [low, high]);
    for (const value of [low, high]) chart.beside(value, percent ? inPercent(value, 0) : short(Number(value.toPrecision(3))));
    chart.below(0, "0");
    if (this.#steps > 1) chart.below(this.#steps, `${many(this.#steps)} steps`);
    for (const [line] of lines) {
      const points = this.#lines[line];
      if (points.length === 0) continue;
      const inside = points.map(([at, value]) => [at, Math.max(low, Math.min(high, value))]);
      chart.line(line, inside);
      const [at, value] = inside.at(-1);
      chart.add("circle", { class: `dot ${line}`, r: 3.5, cx: chart.x(at), cy: chart.y(value) });
    }
  }
}
