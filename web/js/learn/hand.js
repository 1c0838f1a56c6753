// The visitor's hand on a picture of the plane, with pointer or keys: it gives points their labels, or puts points where there are none.

import { NAMES } from "./data.js";
import { ARROWS } from "./nearest.js";

const STRIDE = 1 / 40; // of the picture's side, for each press of an arrow key
const APART = 11; // pixels between points of one stroke
const SPREAD = 0.022; // of the picture's side, by which a brush scatters them

const scatter = () => (Math.random() + Math.random() - Math.random() - Math.random()) * SPREAD;

export class Hand {
  // What a stroke puts: a class, -1 for a point without a label, "erase"; null gives labels to the points that are there.
  brush = null;
  room = 300; // points at most
  #plane;
  #scene;
  #say;
  #over;
  #last = null; // where the stroke put its last point
  #touched = false; // whether a stroke has changed something

  // `say` tells those who do not see; `over` hears which point or place a pointer is at.
  constructor(plane, scene, { say, over = () => {} }) {
    this.#plane = plane;
    this.#scene = scene;
    this.#say = say;
    this.#over = over;
    const { canvas } = plane;
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, () => this.#up());
    canvas.addEventListener("pointerleave", () => {
      scene.mark(-1);
      over(null);
    });
    canvas.addEventListener("click", (event) => {
      if (this.brush === null) this.#cycle(plane.pointAt(event));
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => {
      scene.mark(-1);
      plane.cursor = null;
      plane.draw();
    });
  }

  get #drawing() {
    return this.brush !== null;
  }

  #move(event) {
    const place = this.#plane.placeOf(event);
    if (this.#drawing) {
      if (event.buttons & 1 && this.#last) this.#stroke(event);
      if (this.brush === "erase") this.#scene.mark(this.#plane.pointAt(event));
    } else this.#scene.mark(this.#plane.pointAt(event));
    this.#over({ event, place, point: this.#scene.marked });
  }

  #down(event) {
    if (!this.#drawing || event.button !== 0) return;
    this.#plane.canvas.setPointerCapture(event.pointerId);
    this.#last = [-1e9, -1e9];
    this.#stroke(event, false);
    event.preventDefault();
    this.#plane.canvas.focus({ preventScroll: true });
  }

  #stroke(event, scattered = true) {
    if (this.brush === "erase") {
      const point = this.#plane.pointAt(event);
      if (point >= 0) this.#change(() => this.#scene.remove(point));
      return;
    }
    const { offsetX, offsetY } = event;
    if (Math.hypot(offsetX - this.#last[0], offsetY - this.#last[1]) < APART) return;
    this.#last = [offsetX, offsetY];
    const [left, right, low, high] = this.#scene.box;
    const side = right - left;
    const [x, y] = this.#plane.placeOf(event);
    const inside = (value, from, to) => Math.max(from, Math.min(to, value + (scattered ? side * scatter() : 0)));
    this.#put(inside(x, left, right), inside(y, low, high));
  }

  #put(x, y) {
    if (this.#scene.count >= this.room) {
      this.#say(`There is room for ${this.room} points.`);
      return;
    }
    this.#change(() => this.#scene.add(x, y, this.brush));
  }

  #change(task) {
    this.#touched = true;
    task();
  }

  // A stroke is over: who trains on the points hears of it once.
  #up() {
    this.#last = null;
    if (!this.#touched) return;
    this.#touched = false;
    this.#scene.dispatchEvent(new Event("drawn"));
  }

  #cycle(point) {
    this.#scene.cycle(point);
    if (point >= 0) this.#tell(point);
  }

  #tell(point) {
    const label = this.#scene.given[point];
    const where = [0, 1].map((axis) => this.#scene.x[2 * point + axis].toFixed(2)).join(", ");
    this.#say(`Point ${point + 1} of ${this.#scene.count} at ${where}: ${label < 0 ? "no label" : `class ${NAMES[label]}`}.`);
  }

  #key(event) {
    const { key } = event;
    const scene = this.#scene;
    const arrow = ARROWS[key];
    const enters = key === "Enter" || key === " ";
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.#drawing) {
      const [left, right, low, high] = scene.box;
      const cursor = this.#plane.cursor ?? [(left + right) / 2, (low + high) / 2];
      if (arrow) {
        const stride = (right - left) * STRIDE * (event.shiftKey ? 4 : 1);
        cursor[0] = Math.max(left, Math.min(right, cursor[0] + stride * arrow[0]));
        cursor[1] = Math.max(low, Math.min(high, cursor[1] + stride * arrow[1]));
      } else if (enters) {
        if (this.brush === "erase") this.#change(() => scene.remove(scene.nearest(...cursor, (right - left) * 2 * STRIDE)));
        else this.#put(...cursor);
        this.#up();
        this.#say(`${scene.count} points.`);
      } else return;
      this.#plane.cursor = cursor;
      this.#plane.draw();
    } else if (arrow) {
      scene.mark(scene.towards(scene.marked, arrow));
      if (scene.marked >= 0) this.#tell(scene.marked);
    } else if (scene.marked < 0) return;
    else if (enters) this.#cycle(scene.marked);
    else if (key >= "1" && key <= String(scene.classes)) {
      scene.label(scene.marked, Number(key) - 1);
      this.#tell(scene.marked);
    } else if (key === "0" || key === "Delete" || key === "Backspace") {
      scene.label(scene.marked, -1);
      this.#tell(scene.marked);
    } else return;
    event.preventDefault();
  }
}
