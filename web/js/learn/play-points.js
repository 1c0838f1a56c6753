// The points of the playground: which ones, how many, and those that are drawn by hand.

import { element, make } from "../dom.js";
import { KINDS, NAMES } from "./data.js";
import { glyph } from "./glyph.js";
import { css, look, onLook, outline } from "./palette.js";
import { OWN, REACH } from "./play-choice.js";
import { sketch, thumbnail } from "./thumbnail.js";

const SHEET = [-1, 1, -1, 1]; // on which points are drawn
const NUMBERS = ["n", "noise", "labels"];
const NOTHING = { x: new Float32Array(0), given: new Int32Array(0) };

export class Points {
  #bench;

  // `bench` is { choice, scene, pair, training, begin }.
  constructor(bench) {
    this.#bench = bench;
    this.#kinds();
    this.#numbers();
    this.#brushes();
  }

  // Points drawn by hand; without any, a clean sheet.
  draw(points = NOTHING) {
    this.#bench.scene.show({ ...points, classes: 2 }, SHEET);
  }

  // What belongs to drawn points, and what to toy data.
  show() {
    const { choice, pair } = this.#bench;
    for (const node of document.querySelectorAll("[data-for]")) node.hidden = (node.dataset.for === OWN) !== choice.own;
    const { value } = document.querySelector("#brushes input:checked");
    for (const hand of pair.hands) hand.brush = !choice.own ? null : value === "erase" ? value : Number(value);
    element("pictures").classList.toggle("drawing", choice.own);
    const [min, max] = choice.labelled;
    Object.assign(element("labels"), { min, max });
    for (const name of NUMBERS) {
      element(name).value = choice[name];
      element(`${name}-text`).textContent = choice[name];
    }
    element("seed").value = choice.seed;
  }

  async thumbnails() {
    for (const kind of Object.keys(KINDS)) {
      thumbnail(document.querySelector(`#kinds input[value="${kind}"] + span canvas`), await sketch(this.#bench.training, kind));
    }
  }

  #kinds() {
    for (const [kind, { title }] of [...Object.entries(KINDS), [OWN, { title: "Draw your own" }]]) {
      const canvas = make("canvas", { width: 56, height: 56, "aria-hidden": "true" });
      const input = make("input", { type: "radio", name: "kind", value: kind, checked: kind === this.#bench.choice.data });
      element("kinds").append(make("label", { class: "tile" }, input, make("span", {}, canvas, title)));
      input.addEventListener("change", () => this.#choose(kind));
      if (kind === OWN) drawPen(canvas);
    }
  }

  #choose(kind) {
    const { choice, training, begin } = this.#bench;
    choice.takeData(kind);
    if (choice.own) {
      training.cancel();
      this.draw();
    }
    this.show();
    begin();
  }

  #numbers() {
    const { choice } = this.#bench;
    const take = (name, value) => {
      choice[name] = value;
      choice.fit();
      this.show();
      this.#bench.begin();
    };
    for (const name of NUMBERS) element(name).addEventListener("input", ({ target }) => take(name, target.valueAsNumber));
    element("seed").addEventListener("input", ({ target }) => {
      const seed = REACH.seed.read(target.value);
      if (seed !== undefined) take("seed", seed);
    });
    element("other").addEventListener("click", () => take("seed", REACH.seed.read(String(choice.seed + 1)) ?? 0));
  }

  #brushes() {
    const brushes = [...NAMES.map((name, at) => [String(at), `class ${name}`, glyph(at), " "]), ["-1", "no label"], ["erase", "rubber"]];
    brushes.forEach(([value, title, ...mark], at) => {
      const input = make("input", { type: "radio", name: "brush", value, checked: at === 0 });
      input.addEventListener("change", () => this.show());
      element("brushes").append(make("label", { class: "chip" }, input, make("span", {}, ...mark, title)));
    });
    element("wipe").addEventListener("click", () => {
      this.draw();
      this.#bench.begin();
    });
  }
}

// A sheet with a few points, to choose drawing by.
function drawPen(canvas) {
  const draw = () => {
    const context = canvas.getContext("2d");
    const { classes, ink } = look();
    context.clearRect(0, 0, 56, 56);
    context.strokeStyle = css(ink, 0.55);
    context.lineWidth = 2;
    context.setLineDash([4, 4]);
    context.strokeRect(8, 8, 40, 40);
    [[20, 24], [36, 20], [30, 37]].forEach(([x, y], shape) => {
      context.beginPath();
      outline(context, shape, x, y, 4);
      context.fillStyle = css(classes[shape]);
      context.fill();
    });
  };
  draw();
  onLook(draw);
}
