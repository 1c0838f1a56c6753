// A picture of the plane: what one network says of each place, and the points. Layers lie on each other and can be left out.

import { spot } from "./box.js";
import { levels, smooth, trace } from "./contours.js";
import { Easel } from "./easel.js";
import { usual } from "./layers.js";
import { css, look, mix, onLook, outline, ring } from "./palette.js";
import { Regions } from "./regions.js";

const SHARES = [0.2, 0.4, 0.6, 0.8, 0.95]; // of the mass of p(x), inside each contour line
const REACH = 16; // pixels around a point in which a click means it
const TAIL = 0.16; // how fast the tail of a moving sample follows it

export class Plane {
  layers = usual();
  cursor = null; // a place in the plane where a point would be put
  #easel;
  #scene;
  #regions = new Regions();
  #points = document.createElement("canvas"); // those without a label: they rarely change
  #fresh = false; // whether `points` is as it should be
  #seen = null; // { probabilities, side, density, densitySide }
  #levels = [];
  #sorted = null; // room for the density in order, ...
  #smooth = null; // ... and without its roughness
  #samples = null; // { x, y, tail }

  constructor(canvas, scene) {
    this.canvas = canvas;
    this.#scene = scene;
    this.#easel = new Easel(canvas, (context, colours) => this.#draw(context, colours));
    for (const news of ["shown", "points", "labels"]) scene.addEventListener(news, () => this.refresh());
    scene.addEventListener("shown", () => this.clear());
    scene.addEventListener("mark", () => this.draw());
    onLook(() => this.refresh());
  }

  // What there is to see now; what is not named stays as it was.
  put({ probabilities, side, density, samples }) {
    if (probabilities) this.#seen = { ...this.#seen, probabilities, side };
    if (density) {
      if (this.#sorted?.length !== density.length) {
        this.#sorted = new Float32Array(density.length);
        this.#smooth = new Float32Array(density.length);
      }
      const densitySide = Math.round(Math.sqrt(density.length));
      this.#seen = { ...this.#seen, density: smooth(density, densitySide, this.#smooth), densitySide };
      this.#levels = levels(this.#smooth, SHARES, this.#sorted);
    }
    if (probabilities) this.#paint();
    if (samples) {
      const before = this.#samples?.tail;
      const tail = before?.length === samples.x.length ? before : samples.x.slice();
      for (let at = 0; at < tail.length; at += 1) tail[at] += TAIL * (samples.x[at] - tail[at]);
      this.#samples = { ...samples, tail };
    }
    this.draw();
  }

  clear() {
    this.#seen = null;
    this.#samples = null;
    this.draw();
  }

  // Everything anew, as after a change of the layers.
  refresh() {
    this.#fresh = false;
    if (this.#seen) this.#paint();
    this.draw();
  }

  draw() {
    this.#easel.draw();
  }

  get #size() {
    return this.#easel.width;
  }

  // The place in the plane under a pointer.
  placeOf({ offsetX, offsetY }) {
    const [left, right, low, high] = this.#scene.box;
    return [left + ((right - left) * offsetX) / this.#size, high - ((high - low) * offsetY) / this.#size];
  }

  // The point under a pointer; -1 if there is none.
  pointAt(event) {
    const [left, right] = this.#scene.box;
    const [x, y] = this.placeOf(event);
    return this.#scene.nearest(x, y, (REACH * (right - left)) / this.#size);
  }

  #spot(x, y) {
    return spot(this.#scene.box, this.#size, x, y);
  }

  // The probabilities that are shown for a place, or null.
  at(x, y) {
    if (!this.#seen?.probabilities) return null;
    const { probabilities, side } = this.#seen;
    const [left, right, low, high] = this.#scene.box;
    const cell = (share) => Math.max(0, Math.min(side - 1, Math.round(share * (side - 1))));
    const from = (cell((y - low) / (high - low)) * side + cell((x - left) / (right - left))) * this.#scene.classes;
    return probabilities.subarray(from, from + this.#scene.classes);
  }

  #paint() {
    const { probabilities, side } = this.#seen;
    if (probabilities) this.#regions.paint(probabilities, side, this.#scene.classes, look(), this.layers.entropy);
  }

  #draw(context, colours) {
    const seen = this.#seen;
    if (seen?.probabilities && this.layers.regions) this.#regions.draw(context, this.#size);
    if (seen?.density && this.layers.contours) this.#drawContours(context, colours);
    if (seen?.probabilities && this.layers.regions) this.#drawBoundary(context, colours);
    this.#drawPoints(context, colours);
    if (this.#samples && this.layers.samples) this.#drawSamples(context, colours);
    this.#drawLabelled(context, colours);
    this.#drawMark(context, colours);
  }

  #drawContours(context, { ink }) {
    const { density, densitySide: side, side: fine } = this.#seen;
    // Both are of the same box, which is cut to the middles of the outer cells of the finer one.
    const inset = (this.#size * (fine / side - 1)) / (2 * (fine - 1));
    context.lineWidth = 1;
    this.#levels.forEach((level, number) => {
      context.strokeStyle = css(ink, 0.5 - 0.07 * number);
      context.beginPath();
      trace(context, density, side, level, this.#size, inset);
      context.stroke();
    });
  }

  #drawBoundary(context, { ink, ground }) {
    const { probabilities, side } = this.#seen;
    const { classes } = this.#scene;
    context.lineCap = "round";
    context.beginPath();
    // Of two classes, one boundary is the other's.
    for (let number = 0; number < (classes === 2 ? 1 : classes); number += 1) {
      trace(context, this.#regions.margin(probabilities, side, classes, number), side, 0, this.#size);
    }
    for (const [colour, width] of [[css(ground, 0.75), 5], [css(ink), 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    }
  }

  // Points without a label: small and grey, or with the shape of the class that nobody told the model.
  #drawPoints(context, colours) {
    const side = this.canvas.width;
    if (!this.#fresh || this.#points.width !== side) {
      this.#fresh = true;
      // A canvas is wiped where its size is set.
      this.#points.width = side;
      this.#points.height = side;
      const own = this.#points.getContext("2d");
      own.scale(this.#easel.dense, this.#easel.dense);
      const { x, given, truth } = this.#scene;
      const radius = this.#radius(2.5);
      own.lineWidth = 1;
      given.forEach((label, at) => {
        if (label >= 0) return;
        const told = this.layers.truth && truth ? truth[at] : -1;
        own.beginPath();
        const [left, top] = this.#spot(x[2 * at], x[2 * at + 1]);
        outline(own, Math.max(0, told), left, top, told < 0 ? radius : 1.2 * radius);
        own.fillStyle = told < 0 ? css(mix(colours.muted, colours.ink, 0.3), 0.62) : css(colours.classes[told]);
        own.strokeStyle = css(colours.ground, 0.7);
        own.fill();
        own.stroke();
      });
    }
    context.drawImage(this.#points, 0, 0, this.#size, this.#size);
  }

  // Larger on a larger picture.
  #radius(of) {
    return of * Math.max(0.75, Math.min(1.25, this.#size / 420));
  }

  // Samples are hollow, so that they are not taken for data, and each has a tail where it comes from.
  #drawSamples(context, { classes, ink }) {
    const { x, y, tail } = this.#samples;
    const radius = this.#radius(3);
    const shapes = Math.max(...y) + 1;
    context.lineWidth = 1.4;
    for (let shape = 0; shape < shapes; shape += 1) {
      context.strokeStyle = css(mix(classes[shape % classes.length], ink, 0.25), 0.95);
      context.beginPath();
      for (let at = 0; at < y.length; at += 1) {
        if (y[at] !== shape) continue;
        const [left, top] = this.#spot(x[2 * at], x[2 * at + 1]);
        const [fromLeft, fromTop] = this.#spot(tail[2 * at], tail[2 * at + 1]);
        context.moveTo(fromLeft, fromTop);
        context.lineTo(left, top);
        outline(context, shape, left, top, radius);
      }
      context.stroke();
    }
  }

  #drawLabelled(context, { classes, ink, ground }) {
    const { x, given, labelled } = this.#scene;
    const radius = this.#radius(7) * Math.max(0.6, Math.min(1, Math.sqrt(24 / Math.max(1, labelled))));
    given.forEach((label, at) => {
      if (label < 0) return;
      const [left, top] = this.#spot(x[2 * at], x[2 * at + 1]);
      context.beginPath();
      outline(context, label, left, top, radius);
      context.lineWidth = 5;
      context.strokeStyle = css(ink);
      context.stroke();
      context.lineWidth = 3;
      context.strokeStyle = css(ground);
      context.stroke();
      context.fillStyle = css(classes[label % classes.length]);
      context.fill();
    });
  }

  #drawMark(context, colours) {
    const { x, marked } = this.#scene;
    if (marked >= 0) ring(context, ...this.#spot(x[2 * marked], x[2 * marked + 1]), this.#radius(12), colours);
    if (this.cursor) ring(context, ...this.#spot(...this.cursor), this.#radius(9), colours);
  }
}
