// A look inside: what the model makes of a drawing or a sample, the same style in every class, a walk from there.

import { element, latest, make, short } from "./dom.js";
import { Grid, paintTile } from "./grid.js";
import { download } from "./checkpoints.js";

const SIDE = 9; // tiles of the walk's side
const PEN = 0.075; // width of the pen, of the pad's

function showBars(list, names, { probabilities, predicted }) {
  list.replaceChildren(
    ...[...probabilities].map((probability, number) => {
      const percent = `${(100 * probability).toFixed(probability > 0.0995 ? 0 : 1)} %`;
      const fill = make("span", { class: "fill" });
      // Not as an attribute, which a content security policy may forbid.
      fill.style.width = `${100 * probability}%`;
      const bar = make("span", { class: "track" }, fill);
      const row = make("div", { role: "listitem", "aria-label": `${names[number]}: ${percent}` });
      if (number === predicted) row.className = "top";
      row.append(make("span", { class: "name" }, names[number]), bar, make("span", { class: "percent" }, percent));
      return row;
    }),
  );
}

export function setUp(page) {
  const pad = element("pad");
  const styles = new Grid(element("styles"));
  const strokes = [];
  let looked = null; // what the model said last
  let walked = null; // { picture, distances, predicted, entropy }
  let other = null; // the model beside it: { id, about }

  function paint(picture) {
    const context = pad.getContext("2d");
    const { width } = pad;
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, pad.height);
    context.imageSmoothingEnabled = false;
    if (picture) context.drawImage(picture, 0, 0, width, pad.height);
    context.strokeStyle = "#fff";
    context.lineWidth = PEN * width;
    context.lineCap = "round";
    context.lineJoin = "round";
    for (const stroke of strokes) {
      context.beginPath();
      stroke.forEach(([x, y], at) => context[at ? "lineTo" : "moveTo"](x * width, y * width));
      if (stroke.length === 1) context.lineTo(stroke[0][0] * width, stroke[0][1] * width);
      context.stroke();
    }
  }

  const model = () => page.about;
  const look = latest(async (example) => {
    if (!page.about?.classifies) return;
    await page.attempt(async () => {
      const told = await page.engine.call("main", "look", example);
      looked = told;
      if (example.sample !== undefined) paint(told.picture);
      show(told);
      await Promise.all([walk(), beside()]);
    }, () => page.samples);
  });

  function show(told) {
    const { tile, classes } = page.about;
    showBars(element("bars"), page.names, told);
    element("bars-live").textContent = `classified as ${page.names[told.predicted]}, H = ${short(told.entropy)} nats`;
    paintTile(element("seen"), told.picture, tile);
    paintTile(element("reconstruction"), told.reconstruction, tile);
    const places = Array.from({ length: classes }, (_, index) => ({ index, mark: index === told.predicted }));
    styles.show(told.styles, tile, [{ name: "", places }]);
    element("styles").setAttribute("aria-label", `the same style in each class: ${page.names.join(", ")}`);
  }

  // What another model says of the same picture.
  async function beside() {
    const bars = element("compare-bars");
    if (!other || !looked) {
      bars.replaceChildren();
      element("compare-live").textContent = "";
      return;
    }
    const told = await page.engine.call("other", "look", { values: looked.x });
    showBars(bars, page.names, told);
    element("compare-live").textContent = `classified as ${page.names[told.predicted]}, H = ${short(told.entropy)} nats`;
  }

  // The models that can stand beside this one: those that saw the same data.
  function choices() {
    const select = element("compare-with");
    const own = page.models.find(({ id }) => id === page.model.id);
    const same = own ? page.models.filter(({ id, summary }) => id !== own.id && summary.data === own.summary.data) : [];
    const isTwin = ({ summary }) => summary.model === own.summary.model && summary.mier !== own.summary.mier;
    const twin = same.find(isTwin) ?? same.find(({ summary }) => summary.mier);
    select.replaceChildren(make("option", { value: "" }, "no other model"));
    for (const { id, title } of same) select.append(make("option", { value: id }, title));
    select.value = twin?.id ?? "";
    element("compare").hidden = same.length === 0;
    return compare();
  }

  const compare = latest(async () => {
    const id = element("compare-with").value;
    if (other && other.id !== id) {
      other = null;
      await page.engine.call("other", "close");
    }
    if (id && !other) {
      const model = page.models.find((found) => found.id === id);
      const { about } = page;
      const bytes = await download(model, () => {});
      if (page.about !== about) return;
      await page.engine.call("other", "create", bytes, about.backend);
      other = { id };
    }
    await beside();
  });

  async function walk() {
    const wanted = page.chosenChip("walk-classes");
    walked = await page.engine.call("main", "walk", { class: wanted, side: SIDE });
    const { picture } = walked;
    const { tile } = page.about;
    const canvas = element("walk");
    canvas.width = SIDE * tile.width;
    canvas.height = SIDE * tile.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    element("walk-caption").textContent =
      `Class ${page.names[wanted]}. The middle has the z of the input. Right and up are the two directions of z ` +
      "that change the picture most. Point at a tile, or use the arrow keys.";
    at(Math.floor((SIDE * SIDE) / 2));
  }

  let place = 0;
  function at(number) {
    place = number;
    const { picture, distances, predicted, entropy } = walked;
    const { tile } = page.about;
    paintTile(element("walk-tile"), picture, tile, number, SIDE);
    const [right, up] = [distances[number % SIDE], distances[SIDE - 1 - Math.floor(number / SIDE)]];
    element("walk-live").textContent =
      `${short(right)} to the right, ${short(up)} up: ` +
      `classified as ${page.names[predicted[number]]}, H = ${short(entropy[number])} nats`;
  }

  const canvas = element("walk");
  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    if (!walked || !page.about) return;
    const cell = (offset, size) => Math.min(SIDE - 1, Math.max(0, Math.floor((SIDE * offset) / size)));
    at(cell(offsetY, canvas.clientHeight) * SIDE + cell(offsetX, canvas.clientWidth));
  });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (!move || !walked || !page.about) return;
    event.preventDefault();
    const clamp = (value) => Math.min(SIDE - 1, Math.max(0, value));
    at(clamp(Math.floor(place / SIDE) + move[1]) * SIDE + clamp((place % SIDE) + move[0]));
  });

  const drawn = () => look({ strokes: { strokes, digit: page.digit } });
  const point = (event) => [event.offsetX / pad.clientWidth, event.offsetY / pad.clientHeight];
  pad.addEventListener("pointerdown", (event) => {
    if (page.about && !pad.dataset.off) {
      pad.setPointerCapture(event.pointerId);
      if (strokes.length === 0) paint();
      strokes.push([point(event)]);
      paint();
      drawn();
    }
    event.preventDefault();
  });
  pad.addEventListener("pointermove", (event) => {
    if (!(event.buttons & 1) || strokes.length === 0 || pad.dataset.off) return;
    for (const part of event.getCoalescedEvents?.() ?? [event]) strokes.at(-1).push(point(part));
    paint();
    drawn();
  });
  element("clear").addEventListener("click", () => {
    strokes.length = 0;
    paint();
  });

  // A sample of the grids above, or the next one.
  let next = 0;
  function take(row) {
    strokes.length = 0;
    next = row + 1;
    page.checkChip("walk-classes", Math.max(0, page.samples.y[row]));
    look({ sample: row });
  }
  page.addEventListener("choose", ({ detail }) => {
    take(detail);
    element("inside").scrollIntoView();
  });
  element("example").addEventListener("click", () => page.samples && take(next % page.samples.y.length));
  element("walk-classes").addEventListener("change", () => page.about && page.attempt(walk, model));
  element("compare-with").addEventListener("change", () => page.about && page.attempt(compare, model));

  let started = false; // a new model starts with one of its own samples
  page.addEventListener("model", () => {
    started = false;
    strokes.length = 0;
    walked = null;
    looked = null;
    const { about } = page;
    page.showChips("walk-classes", "radio", about.classes);
    page.checkChip("walk-classes", 0);
    const square = about.shape.length === 3 && about.shape[0] === about.shape[1];
    if (square) delete pad.dataset.off;
    else pad.dataset.off = "true";
    element("inside").hidden = !about.classifies;
    paint();
  });
  page.addEventListener("samples", () => {
    if (started) return;
    started = true;
    take(0);
    page.attempt(choices, model);
  });
  page.addEventListener("gone", () => {
    other = null;
  });
  paint();
}
