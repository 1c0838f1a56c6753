// The energy of a latent EBM over its two latent variables: a landscape whose valleys are the probable places, and particles that
// wander in it, by noisy steps downhill.

import { around, spot } from "./box.js";
import { trace } from "./contours.js";
import { Easel } from "./easel.js";
import { css, look, mix, onLook, outline } from "./palette.js";

const AROUND = 1.25; // times as wide as the particles lie is the picture, ...
const LEAST = 6.8; // ... and at least this wide
const FOLLOW = 0.08; // how fast the picture follows them
const DEEP = 7; // energies higher than this above the lowest all look the same
const LINES = 7;
const START = [-LEAST / 2, LEAST / 2, -LEAST / 2, LEAST / 2];
const VALLEY = { light: [70, 60, 150], dark: [150, 140, 235] };

export class Energy {
  #easel;
  #tile = document.createElement("canvas");
  #image = null;
  #field = null; // { energy, side, lowest, box }
  #particles = null; // { z, y, tail }
  #box = START;

  constructor(canvas) {
    onLook(() => this.#field && this.#paint());
    this.#easel = new Easel(canvas, (context, colours) => this.#draw(context, colours));
  }

  clear() {
    this.#field = null;
    this.#particles = null;
    this.#box = START;
    this.#easel.draw();
  }

  // The box that is worth looking at now.
  get box() {
    return this.#box;
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
      const wanted = around(particles.z, AROUND, LEAST);
      this.#box = this.#box.map((value, at) => value + FOLLOW * (wanted[at] - value));
    }
    this.#easel.draw();
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

  #draw(context, { ground, ink, classes }) {
    const { width: size } = this.#easel;
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
    const box = this.#field?.box ?? this.#box;
    for (let at = 0; at < y.length; at += 1) {
      const [left, top] = spot(box, size, z[2 * at], z[2 * at + 1]);
      const colour = classes[y[at] % classes.length];
      context.beginPath();
      context.moveTo(...spot(box, size, tail[2 * at], tail[2 * at + 1]));
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
