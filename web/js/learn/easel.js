// A canvas as large as its place on the page and as sharp as the screen, which is painted once a frame at most.

import { css, look, onLook } from "./palette.js";

export class Easel {
  width = 0; // in pixels of the page; 0 as long as it is nowhere to be seen
  height = 0;
  dense = 1; // pixels of the screen for each
  #canvas;
  #paint;
  #square;
  #due = false;

  // `paint` is called with a context in pixels of the page and the colours of the page, on clean ground.
  constructor(canvas, paint, { square = true } = {}) {
    this.#canvas = canvas;
    this.#paint = paint;
    this.#square = square;
    new ResizeObserver(() => this.#fit()).observe(canvas);
    onLook(() => this.draw());
  }

  draw() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#drawNow();
    });
  }

  #fit() {
    const { clientWidth: width, clientHeight } = this.#canvas;
    const height = this.#square ? width : clientHeight;
    const dense = Math.min(2, devicePixelRatio || 1);
    if (width === 0 || (width === this.width && height === this.height && dense === this.dense)) return;
    Object.assign(this, { width, height, dense });
    this.#canvas.width = Math.round(width * dense);
    this.#canvas.height = Math.round(height * dense);
    this.#drawNow();
  }

  #drawNow() {
    const { width, height, dense } = this;
    if (width === 0) return;
    const colours = look();
    const context = this.#canvas.getContext("2d");
    context.setTransform(dense, 0, 0, dense, 0, 0);
    context.fillStyle = css(colours.ground);
    context.fillRect(0, 0, width, height);
    this.#paint(context, colours);
  }
}
