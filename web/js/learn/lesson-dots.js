// Points of the plane over the regions of a classifier, for lessons whose model has learnt already: each point as its class's shape,
// full or faint, and discs around some of them.

import { css, look, mix, onLook, outline } from "./palette.js";
import { Regions, widened } from "./regions.js";

const REACH = 18; // pixels around a point in which a pointer means it

export class Dots {
  cells = 48; // of the picture's side, for the regions
  #canvas;
  #regions = new Regions();
  #seen = null; // { probabilities, classes }
  #scene = { box: [-1, 1, -1, 1], x: [], y: [], faint: () => false, discs: [], marked: -1 };
  #size = 0;
  #dense = 1;
  #due = false;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#fit()).observe(canvas);
    onLook(() => {
      this.#paint();
      this.draw();
    });
  }

  // The box to ask the program for.
  get asked() {
    return widened(this.#scene.box, this.cells);
  }

  // What there is to see: { box, x, y, faint(at), discs: [{ at, weight }], of (weight of a disc as wide as a tenth), marked }.
  put(scene) {
    Object.assign(this.#scene, scene);
    this.draw();
  }

  regions(probabilities, classes) {
    this.#seen = { probabilities, classes };
    this.#paint();
    this.draw();
  }

  // The point under a pointer; -1 if there is none.
  pointAt({ offsetX, offsetY }) {
    const { x, y } = this.#scene;
    let [best, least] = [-1, REACH ** 2];
    for (let at = 0; at < y.length; at += 1) {
      const [left, top] = this.#spot(x[2 * at], x[2 * at + 1]);
      const distance = (left - offsetX) ** 2 + (top - offsetY) ** 2;
      if (distance < least) [best, least] = [at, distance];
    }
    return best;
  }

  draw() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#drawNow();
    });
  }

  #spot(x, y) {
    const [left, right, low, high] = this.#scene.box;
    return [(this.#size * (x - left)) / (right - left), (this.#size * (high - y)) / (high - low)];
  }

  #paint() {
    if (this.#seen) this.#regions.paint(this.#seen.probabilities, this.cells, this.#seen.classes, look(), true);
  }

  #fit() {
    const size = this.#canvas.clientWidth;
    if (size === 0 || size === this.#size) return;
    this.#size = size;
    this.#dense = Math.min(2, devicePixelRatio || 1);
    this.#canvas.width = Math.round(size * this.#dense);
    this.#canvas.height = this.#canvas.width;
    this.#drawNow();
  }

  #drawNow() {
    const size = this.#size;
    if (size === 0) return;
    const colours = look();
    const context = this.#canvas.getContext("2d");
    context.setTransform(this.#dense, 0, 0, this.#dense, 0, 0);
    context.fillStyle = css(colours.ground);
    context.fillRect(0, 0, size, size);
    if (this.#seen) this.#regions.draw(context, size);
    this.#drawDiscs(context, colours);
    this.#drawPoints(context, colours);
    this.#drawPicks(context, colours);
    this.#drawMark(context, colours);
  }

  // Those that are kept lie above the others.
  #drawPoints(context, { classes, ground, ink, muted }) {
    const { x, y, faint } = this.#scene;
    const radius = Math.max(1.8, Math.min(4, this.#size / 105));
    context.lineWidth = 1;
    for (const pale of [true, false]) {
      for (let at = 0; at < y.length; at += 1) {
        if (faint(at) !== pale) continue;
        const [left, top] = this.#spot(x[2 * at], x[2 * at + 1]);
        context.beginPath();
        outline(context, y[at], left, top, radius);
        if (pale) {
          context.fillStyle = css(ground, 0.75);
          context.strokeStyle = css(mix(muted, ink, 0.4), 0.9);
        } else {
          context.fillStyle = css(classes[y[at] % classes.length]);
          context.strokeStyle = css(ground, 0.85);
        }
        context.fill();
        context.stroke();
      }
    }
  }

  // The area of a disc is its weight.
  #drawDiscs(context, { classes, ink }) {
    const { x, y, discs, of = 100 } = this.#scene;
    context.lineWidth = 1.25;
    for (const { at, weight } of discs) {
      const colour = mix(classes[y[at] % classes.length], ink, 0.15);
      context.beginPath();
      context.arc(...this.#spot(x[2 * at], x[2 * at + 1]), Math.max(3, 0.1 * this.#size * Math.sqrt(weight / of)), 0, 2 * Math.PI);
      context.fillStyle = css(colour, 0.26);
      context.strokeStyle = css(colour, 0.9);
      context.fill();
      context.stroke();
    }
  }

  #drawPicks(context, { classes, ground, ink }) {
    const { x, y, discs } = this.#scene;
    const radius = Math.max(3, Math.min(5.5, this.#size / 68));
    for (const { at } of discs) {
      context.beginPath();
      outline(context, y[at], ...this.#spot(x[2 * at], x[2 * at + 1]), radius);
      context.lineWidth = 0.9 * radius;
      context.strokeStyle = css(ink);
      context.stroke();
      context.lineWidth = 0.45 * radius;
      context.strokeStyle = css(ground);
      context.stroke();
      context.fillStyle = css(classes[y[at] % classes.length]);
      context.fill();
    }
  }

  #drawMark(context, { ink, ground }) {
    const { x, y, marked } = this.#scene;
    if (marked < 0 || marked >= y.length) return;
    for (const [colour, width] of [[css(ground), 5], [css(ink), 2.5]]) {
      context.beginPath();
      context.arc(...this.#spot(x[2 * marked], x[2 * marked + 1]), 10, 0, 2 * Math.PI);
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    }
  }
}
