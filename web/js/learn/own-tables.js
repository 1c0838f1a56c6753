// Tables about the rows: how each class does, and which rows to label next.

import { make } from "../dom.js";
import { lookOf } from "./own-scatter.js";

const SHAPES = ["M8 2.4a5.6 5.6 0 1 1 0 11.2a5.6 5.6 0 1 1 0-11.2z", "M3 3h10v10h-10z", "M8 1.6L14.2 13H1.8z", "M8 1L15 8L8 15L1 8z"];
const CELLS = 6; // columns of a row that are shown beside its classes

const many = (count) => count.toLocaleString("en");
// A probability is never quite 0 or 1.
function percent(share) {
  const rounded = Math.round(100 * share);
  return rounded === 0 ? "<1 %" : rounded === 100 ? ">99 %" : `${rounded} %`;
}

// A class's mark.
export function glyph(each) {
  const { colour, shape } = lookOf(each);
  const path = make("svg:path", { d: SHAPES[shape] });
  return make("svg:svg", { class: `glyph class-${colour}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, path);
}

const named = (names, each) => make("span", { class: "class-name" }, glyph(each), ` ${names[each]}`);

const head = (...titles) => make("thead", {}, make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title))));

export function classTable(table, rows, names) {
  const classes = rows.byClass();
  const measured = classes.some(({ asked }) => asked > 0);
  const both = measured && rows.baseline;
  const titles = ["class", ...(rows.y ? ["labels"] : []), "predicted", ...(both ? ["labels only"] : []), ...(measured ? ["all rows"] : [])];
  const cell = (text) => make("td", {}, text);
  const of = (right, asked) => cell(asked > 0 ? `${many(right)} of ${many(asked)}` : "–");
  const body = classes.map(({ labels, predicted, asked, model, baseline }, each) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, named(names, each)),
      ...(rows.y ? [cell(many(labels))] : []),
      cell(rows.top ? many(predicted) : "–"),
      ...(both ? [of(baseline, asked)] : []),
      ...(measured ? [of(model, asked)] : []),
    ),
  );
  const words = measured ? "Classes: labels, rows predicted, and held-out rows that are right" : "Classes: labels, and rows predicted";
  table.replaceChildren(make("caption", {}, rows.y ? words : "Classes: rows predicted"), head(...titles), make("tbody", {}, ...body));
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
  const shown = rows.x && !rows.picture ? rows.features.slice(0, CELLS) : [];
  const columns = rows.picture && rows.x ? ["picture"] : shown.map(({ name }) => name);
  const body = rows.next(count).map((row) => {
    const second = rows.second(row);
    const of = (each) => make("td", { class: "likely" }, named(names, each), " ", make("span", { class: "share" }, percent(rows.share(row, each))));
    const cells = rows.picture && rows.x ? [make("td", {}, picture(rows, row))] : shown.map((feature) => make("td", {}, rows.cell(row, feature)));
    return make("tr", {}, make("th", { scope: "row" }, many(row + 1)), of(rows.top[row]), of(second), ...cells);
  });
  table.replaceChildren(head("row", "most probable", "then", ...columns), make("tbody", {}, ...body));
  return body.length;
}
