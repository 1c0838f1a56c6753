// Samples in rows by class, on a canvas. All samples lie in one bitmap, as the worker painted them; here they are only put into place.

import { element } from "./dom.js";
import { tip } from "./tip.js";

const GUTTERS = [20, 68]; // least and most room for the classes' names
const FONT = 12;
const GAP = 2;
const SMALLEST = 22;
const LARGEST = 44;

// One tile of a bitmap as large as a canvas is.
export function paintTile(canvas, picture, tile, index = 0, across = Math.ceil(picture.width / tile.width)) {
  canvas.width = tile.width;
  canvas.height = tile.height;
  const [left, top] = [(index % across) * tile.width, Math.floor(index / across) * tile.height];
  canvas.getContext("2d").drawImage(picture, left, top, tile.width, tile.height, 0, 0, tile.width, tile.height);
}

// Whole rows of tiles, wrapped to the canvas's width. A row is { name, places: [{ index, dim, mark, note }] }.
export class Grid {
  #canvas;
  #shown = null; // { picture, tile, rows }
  #cells = []; // { index, left, top, size }
  #at = -1;

  // `describe` tells of a sample in a sentence, `choose` is called when one is clicked.
  constructor(canvas, { describe, choose } = {}) {
    this.#canvas = canvas;
    canvas.addEventListener("pointermove", (event) => this.#hover(event, describe));
    canvas.addEventListener("pointerleave", () => tip(null));
    canvas.addEventListener("click", (event) => this.#choose(this.#under(event), choose));
    canvas.addEventListener("keydown", (event) => this.#key(event, describe, choose));
    canvas.addEventListener("blur", () => this.#focus(-1));
    new ResizeObserver(() => this.#shown && this.#paint()).observe(canvas.parentElement);
  }

  show(picture, tile, rows) {
    this.#shown = { picture, tile, rows };
    this.#at = -1;
    this.#paint();
  }

  clear() {
    this.#shown = null;
    this.#cells = [];
    this.#canvas.width = 0;
    this.#canvas.height = 0;
  }

  #paint() {
    const { picture, tile, rows } = this.#shown;
    const width = this.#canvas.parentElement.clientWidth;
    if (width === 0) return;
    const style = getComputedStyle(this.#canvas);
    const context = this.#canvas.getContext("2d");
    context.font = `${FONT}px ${style.fontFamily}`;
    const names = Math.max(...rows.map(({ name }) => context.measureText(name).width));
    const gutter = names === 0 ? 0 : Math.ceil(Math.min(GUTTERS[1], Math.max(GUTTERS[0], names + 8)));
    const longest = Math.max(1, ...rows.map(({ places }) => places.length));
    const room = width - gutter;
    const fitting = Math.floor(room / longest) - GAP;
    const side = Math.min(LARGEST, Math.max(SMALLEST, fitting));
    const scale = side / tile.width;
    const [wide, high] = [side, Math.max(1, Math.round(tile.height * scale))];
    const columns = Math.max(1, Math.min(longest, Math.floor(room / (wide + GAP))));
    const lines = rows.map(({ places }) => Math.max(1, Math.ceil(places.length / columns)));
    const height = lines.reduce((sum, line) => sum + line * (high + GAP) + GAP, 0);
    const density = Math.min(3, devicePixelRatio || 1);
    this.#canvas.width = Math.round(width * density);
    this.#canvas.height = Math.round(height * density);
    this.#canvas.style.aspectRatio = `${width} / ${height}`;
    // Setting its size has cleared the canvas, its font too.
    context.scale(density, density);
    context.imageSmoothingEnabled = false;
    const [ink, accent] = [style.color, style.getPropertyValue("--accent")];
    context.font = `${FONT}px ${style.fontFamily}`;
    context.textBaseline = "middle";
    const across = Math.ceil(picture.width / tile.width);
    this.#cells = [];
    let top = 0;
    rows.forEach(({ name, places }, number) => {
      context.globalAlpha = 1;
      context.fillStyle = ink;
      context.fillText(name, 2, top + high / 2, gutter - 6);
      places.forEach(({ index, dim, mark, note }, place) => {
        const left = gutter + (place % columns) * (wide + GAP);
        const down = top + Math.floor(place / columns) * (high + GAP);
        context.globalAlpha = dim ? 0.22 : 1;
        const [fromX, fromY] = [(index % across) * tile.width, Math.floor(index / across) * tile.height];
        context.drawImage(picture, fromX, fromY, tile.width, tile.height, left, down, wide, high);
        context.globalAlpha = 1;
        if (mark) {
          context.strokeStyle = accent;
          context.lineWidth = 2;
          context.strokeRect(left + 1, down + 1, wide - 2, high - 2);
        }
        if (note) label(context, note, left, down + high);
        this.#cells.push({ index, left, top: down, wide, high });
      });
      top += lines[number] * (high + GAP) + GAP;
    });
    const focused = this.#cells[this.#at];
    if (focused) {
      context.strokeStyle = ink;
      context.lineWidth = 3;
      context.strokeRect(focused.left, focused.top, wide, high);
    }
  }

  // The number of the cell under the pointer; -1 if there is none.
  #under({ offsetX, offsetY }) {
    const scale = this.#canvas.parentElement.clientWidth / (this.#canvas.clientWidth || 1);
    const [x, y] = [offsetX * scale, offsetY * scale];
    return this.#cells.findIndex(
      ({ left, top, wide, high }) => x >= left && x < left + wide && y >= top && y < top + high,
    );
  }

  #hover(event, describe) {
    const cell = this.#cells[this.#under(event)];
    tip(cell && describe ? describe(cell.index) : null, event);
  }

  #choose(number, choose) {
    if (this.#cells[number] && choose) choose(this.#cells[number].index);
  }

  #focus(number) {
    this.#at = number;
    if (this.#shown) this.#paint();
  }

  #key(event, describe, choose) {
    const moves = { ArrowRight: 1, ArrowLeft: -1 };
    if (event.key in moves) {
      const next = Math.max(0, Math.min(this.#cells.length - 1, this.#at + moves[event.key]));
      this.#focus(next);
      if (this.#cells[next] && describe) element("grid-said").textContent = describe(this.#cells[next].index);
    } else if (event.key === "Enter" || event.key === " ") this.#choose(this.#at, choose);
    else return;
    event.preventDefault();
  }
}

function label(context, text, left, bottom) {
  const width = context.measureText(text).width + 6;
  context.fillStyle = "rgb(0 0 0 / 75%)";
  context.fillRect(left, bottom - 14, width, 14);
  context.fillStyle = "#f0b93f";
  context.fillText(text, left + 3, bottom - 7);
}
