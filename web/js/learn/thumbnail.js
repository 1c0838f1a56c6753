// Small pictures of toy data, to choose by.

import { KINDS } from "./data.js";
import { css, look, onLook, outline } from "./palette.js";

const SIDE = 56;

// A few points of a kind, with less noise than the data has: the picture is small.
export const sketch = (training, kind) =>
  training.askProgram("toy", { kind, count: 80, heldOut: 1, labels: KINDS[kind].classes, noise: 0.6 * KINDS[kind].noise, seed: 5 });

export function thumbnail(canvas, { x, y }) {
  function draw() {
    const dense = Math.min(2, devicePixelRatio || 1);
    canvas.width = SIDE * dense;
    canvas.height = SIDE * dense;
    const context = canvas.getContext("2d");
    context.scale(dense, dense);
    const axis = (from) => x.filter((_, at) => at % 2 === from);
    const [across, up] = [axis(0), axis(1)];
    const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;
    const reach = (values) => Math.max(...values) - Math.min(...values);
    const scale = (SIDE - 12) / Math.max(reach(across), reach(up), 1e-6);
    const { classes } = look();
    y.forEach((label, at) => {
      context.beginPath();
      const place = (value, values) => SIDE / 2 + scale * (value - middle(values));
      outline(context, label, place(across[at], across), SIDE - place(up[at], up), 1.9);
      context.fillStyle = css(classes[label]);
      context.fill();
    });
  }
  draw();
  onLook(draw);
}
