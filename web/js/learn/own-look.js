// The rows as the model sees them: a picture of two of their numbers, a table of the classes, and the rows to label next.

import { element, make, still } from "../dom.js";
import { circle, glyph } from "./glyph.js";
import { many, percent } from "./numbers.js";
import { directions } from "./own-directions.js";
import { Scatter } from "./own-scatter.js";
import { classTable, nextTable } from "./own-tables.js";
import { tip } from "../tip.js";

const NEXT = 8; // rows to label next
const SOME = 6; // numbers of a row that a note beside the pointer names
const AXES = 40; // columns to choose from

export class Look {
  #scatter = new Scatter(element("scatter"));
  #rows = null;
  #names = [];
  #axes = []; // what there is to choose from: { name, place(row) }

  constructor() {
    for (const id of ["across", "up"]) element(id).addEventListener("change", () => this.#place());
    this.#scatter.over = (row, event) => this.#tip(row, event);
  }

  // Other rows, or the same with other classes.
  show(rows, names) {
    this.#rows = rows;
    this.#names = names;
    const drawn = Boolean(rows.x);
    element("scatter-box").hidden = !drawn;
    element("no-scatter").hidden = drawn;
    if (drawn) this.#choose();
    const keys = names.slice(0, 16).map((name, each) => make("span", {}, glyph(each), ` ${name}`));
    element("keys").replaceChildren(
      ...keys,
      make("span", {}, circle("hollow", 5.4), " has a label"),
      ...(rows.aside.size > 0 ? [make("span", {}, circle("hollow broken", 5.4), " held out")] : []),
      make("span", {}, "pale: the model doubts"),
    );
    this.refresh();
  }

  // What the networks say has changed.
  refresh() {
    const rows = this.#rows;
    if (!rows) return;
    this.#scatter.draw();
    classTable(element("by-class"), rows, this.#names);
    element("next-box").hidden = !rows.top;
    if (!rows.top) return;
    const count = nextTable(element("next"), rows, this.#names, NEXT);
    element("next").hidden = count === 0;
    const header = rows.tabular ? ", without the header" : "";
    const words = `Rows without a label that the model doubts, in turns from each class that it predicts. Rows count from 1${header}; in the predictions, from 0.`;
    const none = rows.labelled === rows.count ? "Every row has a label." : "The model is sure of every row without a label.";
    element("next-hint").textContent = count === 0 ? none : words;
  }

  #choose() {
    const rows = this.#rows;
    const single = rows.features.filter(({ words }) => !words);
    const columns = single.slice(0, AXES).map(({ name, from }) => ({ name, place: (row) => rows.x[row * rows.width + from] }));
    const named = rows.picture ? [] : columns;
    // Two columns are a picture as they are. One has no second direction: its rows are spread, so that they do not hide each other.
    if (rows.width === 2 && columns.length === 2) this.#axes = named;
    else if (rows.width === 1) this.#axes = [...named, { name: "spread", place: (row) => (row * 0.618034) % 1 }];
    else {
      const { place, made } = directions(rows);
      const ways = [0, 1].map((number) => ({
        name: rows.picture ? `main direction ${number + 1}` : `main direction ${number + 1}: ${made(number, rows.features).join(", ")}`,
        place: (row) => place(row, number),
      }));
      this.#axes = [...ways, ...named];
    }
    // What was chosen stays chosen, if it is still there.
    const before = ["across", "up"].map((id) => this.#axes.findIndex(({ name }) => name === element(id).selectedOptions[0]?.textContent));
    const keep = before.every((at) => at >= 0) && before[0] !== before[1];
    ["across", "up"].forEach((id, number) => {
      const selected = keep ? before[number] : number;
      element(id).replaceChildren(...this.#axes.map(({ name }, at) => make("option", { value: at, selected: at === selected }, name)));
    });
    this.#place();
  }

  #place() {
    const [across, up] = ["across", "up"].map((id) => this.#axes[Number(element(id).value)]);
    this.#scatter.show(this.#rows, [across, up]);
    const { count } = this.#rows;
    const drawn = this.#scatter.count;
    const some = `${drawn < count ? `${many(drawn)} of ` : ""}${many(count)} rows`;
    element("scatter").setAttribute("aria-label", `${some}: ${across.name} across, ${up.name} up. The tables beside it say the same in numbers.`);
    element("scatter-count").textContent = drawn < count ? `${some} are drawn.` : "";
  }

  #tip(row, event) {
    if (row < 0 || (event.pointerType !== "mouse" && still())) {
      tip("");
      return;
    }
    const rows = this.#rows;
    const label = rows.labelOf(row);
    const given = label < 0 ? "no label" : `label ${this.#names[label]}${rows.aside.has(row) ? ", held out" : ""}`;
    const likely = rows.top ? ` · ${this.#names[rows.top[row]]} ${percent(rows.share(row, rows.top[row]), 0)}` : "";
    const cells = rows.picture ? "" : ` · ${rows.features.slice(0, SOME).map((feature) => `${feature.name} ${rows.cell(row, feature)}`).join(", ")}`;
    tip(`row ${row + 1}: ${given}${likely}${cells}`, event);
  }
}
