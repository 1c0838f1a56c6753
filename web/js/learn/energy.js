// The energy of a latent EBM over its two latent variables: a landscape whose valleys are the probable places, and particles that
// wander in it, by noisy steps downhill.

import { trace } from "./contours.js";
import { css, look, mix, onLook, outline } from "./palette.js";

const NEAREST = 3.4; // of the picture at least, to each side of the middle of the particles
const AROUND = 1.25; // times as far as the outer particles
const FOLLOW = 0.08; // how fast the picture follows them
const DEEP = 7; // energies higher than this above the lowest all look the same
const LINES = 7;
const VALLEY = { light: [70, 60, 150], dark: [150, 140, 235] };

export class Energy {
  #canvas;
  #tile = document.createElement("canvas");
  #image = null;
  #field = null; // { energy, side, lowest, box }
  #particles = null; // { z, y, tail }
  #view = [0, 0, NEAREST]; // the middle of the picture, and how far it reaches
  #size = 0;
  #dense = 1;
  #due = false;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#fit()).observe(canvas);
    onLook(() => {
      if (this.#field) this.#paint();
      this.#draw();
    });
  }

  clear() {
    this.#field = null;
    this.#particles = null;
    this.#view = [0, 0, NEAREST];
    this.#draw();
  }

  // The box that is worth looking at now.
  get box() {
    const [across, up, reach] = this.#view;
    return [across - reach, across + reach, up - reach, up + reach];
  }

  // The energy in a box, and particles in it.
  put({ energy, side, box, particles }) {
    if (energy) {
      let lowest = Infinity;
      for (const value of energy) lowest = Math.min(lowest, value);
      this.#field = { energy, side, lowest, box };
      this.#paint();
    }
    if (particles) {
      const before = this.#particles?.tail;
      const tail = before?.length === particles.z.length ? before : particles.z.slice();
      for (let at = 0; at < tail.length; at += 1) tail[at] += 0.2 * (particles.z[at] - tail[at]);
      this.#particles = { ...particles, tail };
      this.#follow(particles.z);
    }
    this.#draw();
  }

  #follow(z) {
    const ends = [Infinity, -Infinity, Infinity, -Infinity];
    z.forEach((value, at) => {
      const axis = 2 * (at % 2);
      ends[axis] = Math.min(ends[axis], value);
      ends[axis + 1] = Math.max(ends[axis + 1], value);
    });
    const [left, right, low, high] = ends;
    const wanted = [(left + right) / 2, (low + high) / 2, Math.max(NEAREST, (AROUND / 2) * Math.max(right - left, high - low))];
    this.#view = this.#view.map((value, at) => value + FOLLOW * (wanted[at] - value));
  }

  #paint() {
    const { energy, side, lowest } = this.#field;
    if (this.#tile.width !== side || !this.#image) {
      this.#tile.width = side;
      this.#tile.height = side;
      this.#image = new ImageData(side, side);
    }
    const { ground } = look();
    const valley = ground[0] > 128 ? VALLEY.light : VALLEY.dark;
    const { data } = this.#image;
    for (let row = 0; row < side; row += 1) {
      for (let column = 0; column < side; column += 1) {
        const height = Math.min(1, (energy[row * side + column] - lowest) / DEEP);
        const depth = 0.72 * (1 - height) ** 1.5;
        const to = 4 * ((side - 1 - row) * side + column);
        for (let part = 0; part < 3; part += 1) data[to + part] = ground[part] + depth * (valley[part] - ground[part]);
        data[to + 3] = 255;
      }
    }
    this.#tile.getContext("2d").putImageData(this.#image, 0, 0);
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

  #draw() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#drawNow();
    });
  }

  #drawNow() {
    const size = this.#size;
    if (size === 0) return;
    const { ground, ink, classes } = look();
    const context = this.#canvas.getContext("2d");
    context.setTransform(this.#dense, 0, 0, this.#dense, 0, 0);
    context.fillStyle = css(ground);
    context.fillRect(0, 0, size, size);
    if (this.#field) {
      const { energy, side, lowest } = this.#field;
      context.imageSmoothingQuality = "high";
      context.drawImage(this.#tile, 0.5, 0.5, side - 1, side - 1, 0, 0, size, size);
      context.lineWidth = 1;
      context.strokeStyle = css(ink, 0.28);
      context.beginPath();
      for (let line = 0; line < LINES; line += 1) trace(context, energy, side, lowest + (DEEP * (line + 0.5)) / LINES, size);
      context.stroke();
    }
    if (!this.#particles) return;
    const { z, y, tail } = this.#particles;
    const [west, east, south, north] = this.#field?.box ?? this.box;
    const placeX = (value) => (size * (value - west)) / (east - west);
    const placeY = (value) => (size * (north - value)) / (north - south);
    for (let at = 0; at < y.length; at += 1) {
      const [left, top] = [placeX(z[2 * at]), placeY(z[2 * at + 1])];
      const colour = classes[y[at] % classes.length];
      context.beginPath();
      context.moveTo(placeX(tail[2 * at]), placeY(tail[2 * at + 1]));
      context.lineTo(left, top);
      context.lineWidth = 1.5;
      context.strokeStyle = css(mix(colour, ink, 0.2), 0.8);
      context.stroke();
      context.beginPath();
      outline(context, y[at], left, top, 4);
      context.fillStyle = css(colour);
      context.strokeStyle = css(ground);
      context.fill();
      context.stroke();
    }
  }
}
