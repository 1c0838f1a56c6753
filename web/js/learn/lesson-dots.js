// Points of the plane over the regions of a classifier, for lessons whose model has learnt already: each point as its class's shape,
// full or faint, and discs around some of them.

import { spot, widened } from "./box.js";
import { Easel } from "./easel.js";
import { nearest } from "./nearest.js";
import { css, look, mix, onLook, outline, ring } from "./palette.js";
import { Regions } from "./regions.js";

const REACH = 18; // pixels around a point in which a pointer means it

export class Dots {
  cells = 48; // of the picture's side, for the regions
  #easel;
  #regions = new Regions();
  #seen = null; // { probabilities, classes }
  #scene = { box: [-1, 1, -1, 1], x: [], y: [], faint: () => false, discs: [], marked: -1 };

  constructor(canvas) {
    onLook(() => this.#paint());
    this.#easel = new Easel(canvas, (context, colours) => this.#draw(context, colours));
  }

  // The box to ask the program for.
  get asked() {
    return widened(this.#scene.box, this.cells);
  }

  // What there is to see: { box, x, y, faint(at), discs: [{ at, weight }], of (weight of a disc as wide as a tenth), marked }.
  put(scene) {
    Object.assign(this.#scene, scene);
    this.#easel.draw();
  }

  regions(probabilities, classes) {
    this.#seen = { probabilities, classes };
    this.#paint();
    this.#easel.draw();
  }

  // The point under a pointer; -1 if there is none.
  pointAt({ offsetX, offsetY }) {
    const [left, right, , high] = this.#scene.box;
    const scale = (right - left) / this.#easel.width;
    return nearest(this.#scene.x, left + scale * offsetX, high - scale * offsetY, scale * REACH);
  }

  #spot(x, y) {
    return spot(this.#scene.box, this.#easel.width, x, y);
  }

  #paint() {
    if (this.#seen) this.#regions.paint(this.#seen.probabilities, this.cells, this.#seen.classes, look(), true);
  }

  #draw(context, colours) {
    if (this.#seen) this.#regions.draw(context, this.#easel.width);
    this.#drawDiscs(context, colours);
    this.#drawPoints(context, colours);
    this.#drawPicks(context, colours);
    this.#drawMark(context, colours);
  }

  // Those that are kept lie above the others.
  #drawPoints(context, { classes, ground, ink, muted }) {
    const { x, y, faint } = this.#scene;
    const radius = Math.max(1.8, Math.min(4, this.#easel.width / 105));
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
      context.arc(...this.#spot(x[2 * at], x[2 * at + 1]), Math.max(3, 0.1 * this.#easel.width * Math.sqrt(weight / of)), 0, 2 * Math.PI);
      context.fillStyle = css(colour, 0.26);
      context.strokeStyle = css(colour, 0.9);
      context.fill();
      context.stroke();
    }
  }

  #drawPicks(context, { classes, ground, ink }) {
    const { x, y, discs } = this.#scene;
    const radius = Math.max(3, Math.min(5.5, this.#easel.width / 68));
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

  #drawMark(context, colours) {
    const { x, y, marked } = this.#scene;
    if (marked >= 0 && marked < y.length) ring(context, ...this.#spot(x[2 * marked], x[2 * marked + 1]), 10, colours);
  }
}
