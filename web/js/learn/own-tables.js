// Tables about the rows: how each class does, and which rows to label next.

import { make } from "../dom.js";
import { glyph } from "./glyph.js";
import { many, percent } from "./numbers.js";

const CELLS = 6; // columns of a row that are shown beside its classes

// A probability is never quite 0 or 1.
function probability(share) {
  const rounded = Math.round(100 * share);
  return rounded === 0 ? "<1 %" : rounded === 100 ? ">99 %" : percent(share, 0);
}

const named = (names, each) => make("span", { class: "class-name" }, glyph(each), ` ${names[each]}`);

const head = (...titles) => make("thead", {}, make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title))));

export function classTable(table, rows, names) {
  const classes = rows.byClass();
  const measured = rows.aside.size > 0;
  const titles = ["class", "labels", "predicted", ...(measured ? ["labels only", "all rows"] : [])];
  const body = classes.map(({ labels, predicted, asked, model, baseline }, each) => {
    const of = (right) => (asked > 0 ? `${many(right)} of ${many(asked)}` : "–");
    const cells = [many(labels), rows.top ? many(predicted) : "–", ...(measured ? [of(baseline), of(model)] : [])];
    return make("tr", {}, make("th", { scope: "row" }, named(names, each)), ...cells.map((text) => make("td", {}, text)));
  });
  const words = measured ? "Classes: labels, rows predicted, and held-out rows that are right" : "Classes: labels, and rows predicted";
  table.replaceChildren(make("caption", {}, words), head(...titles), make("tbody", {}, ...body));
}

// A row of a file of pictures.
function picture(rows, row) {
  const [height, width, channels] = rows.shape;
  const canvas = make("canvas", { class: "thumb", width, height, role: "img", "aria-label": `Row ${row + 1}` });
  const image = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const value = rows.x[row * rows.width + pixel * channels + Math.min(channel, channels - 1)];
      image.data[4 * pixel + channel] = (255 * value) / (rows.white || 1);
    }
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

export function nextTable(table, rows, names, count) {
  const drawn = rows.picture && rows.x;
  const shown = drawn ? [] : rows.features.slice(0, CELLS);
  const body = rows.next(count).map((row) => {
    const of = (each) => make("td", { class: "likely" }, named(names, each), " ", make("span", { class: "share" }, probability(rows.share(row, each))));
    const cells = (drawn ? [picture(rows, row)] : shown.map((feature) => rows.cell(row, feature))).map((cell) => make("td", {}, cell));
    return make("tr", {}, make("th", { scope: "row" }, many(row + 1)), of(rows.top[row]), of(rows.second(row)), ...cells);
  });
  const columns = drawn ? ["picture"] : shown.map(({ name }) => name);
  table.replaceChildren(head("row", "most probable", "then", ...columns), make("tbody", {}, ...body));
  return body.length;
}
