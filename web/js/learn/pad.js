// A sheet to draw a digit on, with a pointer or with keys: arrows move the pen, Space puts it down and takes it up.

const PEN = 0.075; // width of the pen, of the sheet's
const STRIDE = 1 / 24; // of the sheet's side, for each press of an arrow key
const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Events: drawn, after each part of a stroke.
export class Pad extends EventTarget {
  strokes = [];
  #canvas;
  #pen = null; // where the keys have it: { at, down }

  constructor(canvas) {
    super();
    this.#canvas = canvas;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true });
      this.#pen = null;
      this.strokes.push([this.#place(event)]);
      this.#drawn();
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!(event.buttons & 1) || this.strokes.length === 0 || !canvas.hasPointerCapture(event.pointerId)) return;
      for (const part of event.getCoalescedEvents?.() ?? [event]) this.strokes.at(-1).push(this.#place(part));
      this.#drawn();
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => {
      this.#pen = null;
      this.paint();
    });
    this.paint();
  }

  clear() {
    this.strokes = [];
    this.#drawn();
  }

  // Another picture in its place: a canvas.
  show(picture) {
    this.strokes = [];
    this.paint(picture);
  }

  paint(picture = null) {
    const context = this.#canvas.getContext("2d");
    const { width } = this.#canvas;
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, width);
    context.imageSmoothingEnabled = false;
    if (picture) context.drawImage(picture, 0, 0, width, width);
    context.strokeStyle = "#fff";
    context.lineWidth = PEN * width;
    context.lineCap = "round";
    context.lineJoin = "round";
    for (const stroke of this.strokes) {
      context.beginPath();
      stroke.forEach(([x, y], at) => context[at ? "lineTo" : "moveTo"](x * width, y * width));
      if (stroke.length === 1) context.lineTo(stroke[0][0] * width, stroke[0][1] * width);
      context.stroke();
    }
    if (!this.#pen) return;
    const [x, y] = this.#pen.at;
    context.beginPath();
    context.arc(x * width, y * width, 0.7 * PEN * width, 0, 2 * Math.PI);
    context.strokeStyle = "#f0b93f";
    context.lineWidth = 3;
    context.stroke();
    if (this.#pen.down) {
      context.fillStyle = "#f0b93f";
      context.fill();
    }
  }

  #place = ({ offsetX, offsetY }) => [offsetX / this.#canvas.clientWidth, offsetY / this.#canvas.clientHeight];

  #drawn() {
    this.paint();
    this.dispatchEvent(new Event("drawn"));
  }

  #key(event) {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    this.#pen ??= { at: [0.5, 0.2], down: false };
    const { at } = this.#pen;
    if (key in ARROWS) {
      const inside = (value) => Math.max(0.05, Math.min(0.95, value));
      this.#pen.at = at.map((value, axis) => inside(value + STRIDE * ARROWS[key][axis]));
      if (this.#pen.down) {
        this.strokes.at(-1).push(this.#pen.at);
        this.#drawn();
      } else this.paint();
    } else if (key === " " || key === "Enter") {
      this.#pen.down = !this.#pen.down;
      if (this.#pen.down) this.strokes.push([at]);
      this.#drawn();
    } else if (key === "Delete" || key === "Backspace") {
      this.#pen.down = false;
      this.clear();
    } else return;
    event.preventDefault();
  }
}
