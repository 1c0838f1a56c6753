// Points in the plane with their labels: what all pictures of it show, and what the visitor changes.
//
// Events: shown (other points), points (some more or fewer), labels, mark (the point that is pointed at or that has the focus).

const MARGIN = 0.12; // of the picture's side, left free around the points

// A square around points, so that circles are round.
function around(x) {
  if (x.length === 0) return [-1, 1, -1, 1];
  const ends = [Infinity, -Infinity, Infinity, -Infinity];
  for (let at = 0; at < x.length; at += 1) {
    const axis = 2 * (at % 2);
    ends[axis] = Math.min(ends[axis], x[at]);
    ends[axis + 1] = Math.max(ends[axis + 1], x[at]);
  }
  const [left, right, low, high] = ends;
  const half = (Math.max(right - left, high - low, 1e-3) / 2) * (1 + 2 * MARGIN);
  const [across, up] = [(left + right) / 2, (low + high) / 2];
  return [across - half, across + half, up - half, up + half];
}

export class Scene extends EventTarget {
  x = new Float32Array(0);
  truth = null; // the true classes, where they are known
  given = new Int32Array(0); // the labels; -1 where there is none
  held = {}; // { heldX, heldY }: points that no network learns from
  classes = 2;
  box = [-1, 1, -1, 1]; // left, right, low, high
  marked = -1;

  // Shows other points. Without a box, the picture is cut to fit them.
  show({ x, y = null, given, classes, heldX, heldY }, box = around(x)) {
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
  nearest(x, y, reach) {
    let [best, least] = [-1, reach * reach];
    for (let at = 0; at < this.count; at += 1) {
      const distance = (this.x[2 * at] - x) ** 2 + (this.x[2 * at + 1] - y) ** 2;
      if (distance < least) [best, least] = [at, distance];
    }
    return best;
  }

  // The next point from one in a direction: near, and rather ahead than aside.
  towards(from, [right, up]) {
    if (from < 0) {
      const [left, rightmost, low, high] = this.box;
      return this.nearest((left + rightmost) / 2, (low + high) / 2, Infinity);
    }
    let [best, least] = [from, Infinity];
    for (let at = 0; at < this.count; at += 1) {
      const [dx, dy] = [this.x[2 * at] - this.x[2 * from], this.x[2 * at + 1] - this.x[2 * from + 1]];
      const ahead = dx * right + dy * up;
      const aside = Math.abs(dx * up - dy * right);
      if (ahead <= 0 || aside > 2 * ahead) continue;
      const cost = ahead + 2 * aside;
      if (cost < least) [best, least] = [at, cost];
    }
    return best;
  }

  #tell(type) {
    this.dispatchEvent(new Event(type));
  }
}
