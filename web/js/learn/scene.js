// Points in the plane with their labels: what all pictures of it show, and what the visitor changes.
//
// Events: shown (other points), points (some more or fewer), labels, mark (the point that is pointed at or that has the focus).

import { around } from "./box.js";
import { nearest, next } from "./nearest.js";

const ROOM = 1.24; // times as wide as the points lie is the picture of them

export class Scene extends EventTarget {
  x = new Float32Array(0);
  truth = null; // the true classes, where they are known
  given = new Int32Array(0); // the labels; -1 where there is none
  held = {}; // { heldX, heldY }: points that no network learns from
  classes = 2;
  box = [-1, 1, -1, 1]; // left, right, low, high
  marked = -1;

  // Shows other points. Without a box, the picture is cut to fit them.
  show({ x, y = null, given, classes, heldX, heldY }, box = around(x, ROOM)) {
    const held = heldX ? { heldX, heldY } : {};
    Object.assign(this, { x, truth: y, given, held, classes, box, marked: -1 });
    this.#tell("shown");
  }

  add(x, y, label) {
    this.x = Float32Array.of(...this.x, x, y);
    this.given = Int32Array.of(...this.given, label);
    this.#tell("points");
  }

  remove(point) {
    if (point < 0) return;
    this.x = this.x.filter((_, at) => at >> 1 !== point);
    this.given = this.given.filter((_, at) => at !== point);
    this.marked = -1;
    this.#tell("points");
  }

  // The points as the program takes them, and those that are held out.
  get data() {
    return { name: "points.csv", x: this.x, shape: [2], given: this.given, ...this.held };
  }

  get count() {
    return this.given.length;
  }

  get labelled() {
    return this.given.reduce((sum, label) => sum + Number(label >= 0), 0);
  }

  mark(point) {
    if (point === this.marked) return;
    this.marked = point;
    this.#tell("mark");
  }

  // Gives a point a label, or takes it away: -1. The program may still hold the labels before, so these are new ones.
  label(point, label) {
    if (point < 0 || point >= this.count || this.given[point] === label) return;
    this.given = this.given.slice();
    this.given[point] = label;
    this.#tell("labels");
  }

  // No label, then each class in turn.
  cycle(point) {
    if (point < 0) return;
    const next = this.given[point] + 1;
    this.label(point, next < this.classes ? next : -1);
  }

  // The point nearest to a place, if it is within reach.
  nearest = (x, y, reach) => nearest(this.x, x, y, reach);

  // The point to go to in a direction; from nowhere, that in the middle.
  towards(from, way) {
    const [left, right, low, high] = this.box;
    return from < 0 ? this.nearest((left + right) / 2, (low + high) / 2) : next(this.x, from, way);
  }

  #tell(type) {
    this.dispatchEvent(new Event(type));
  }
}
