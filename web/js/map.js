// A map of samples: each is a small dot, and each pick a disc whose area is the number of samples that it stands for.

import { make } from "./dom.js";

const SIDE = 300; // a map's own coordinates
const RIM = 12; // what stays free at its edges
const COVERED = 0.1; // share of a map that the discs of all picks have together, ...
const LARGEST = 6; // ... where a weight of 1 is no larger than this radius

// Where samples lie on maps that are looked at side by side, and how large the discs of their picks are.
export function layout({ rows, points }, picks) {
  const unit = Math.min(LARGEST, Math.sqrt((COVERED * SIDE ** 2) / (Math.PI * rows.length)));
  const radius = (weight) => unit * Math.sqrt(weight);
  const spots = new Map([...rows].map((row, at) => [row, [points[2 * at], -points[2 * at + 1]]]));
  // The discs at the edges find room, too: half of one would show half of the weight.
  let reach = SIDE / 2 - RIM;
  for (const { row, weight } of picks) {
    const far = Math.max(...spots.get(row).map(Math.abs));
    if (far > 0) reach = Math.min(reach, (SIDE / 2 - 2 - radius(weight)) / far);
  }
  const place = (row) => spots.get(row).map((value) => SIDE / 2 + reach * value);
  return { rows, place, radius, grain: Math.min(3, 0.75 * unit) };
}

const circle = (kind, [x, y], radius) =>
  make("svg:circle", { class: kind, cx: x.toFixed(1), cy: y.toFixed(1), r: radius.toFixed(3) });

// Draws a map, and returns the marks of the picks in their order.
export function drawMap(svg, { rows, place, radius, grain }, picks) {
  svg.setAttribute("viewBox", `0 0 ${SIDE} ${SIDE}`);
  const dots = [...rows].map((row) => circle("sample", place(row), grain));
  const marks = picks.map(({ row, weight }, at) => {
    const title = make("svg:title", {}, `pick ${at + 1}, weight ${weight}`);
    const disc = circle("weight", place(row), radius(weight));
    return make("svg:g", { class: "pick" }, title, disc, circle("heart", place(row), grain));
  });
  // Small discs lie on large ones.
  const drawn = marks.map((mark, at) => [mark, picks[at].weight]).sort(([, a], [, b]) => b - a);
  svg.replaceChildren(...dots, ...drawn.map(([mark]) => mark));
  return marks;
}

// Draws what discs mean: some weights, up to the largest of these picks.
export function drawKey(svg, { radius }, picks) {
  const largest = Math.max(1, ...picks.map(({ weight }) => weight));
  const weights = [...new Set([1, Math.round(largest / 4), largest])].filter((weight) => weight > 0);
  const height = 2 * radius(largest) + 4;
  svg.setAttribute("viewBox", `0 0 ${SIDE} ${height.toFixed(1)}`);
  svg.replaceChildren();
  let left = 2;
  for (const weight of weights) {
    const size = radius(weight);
    const words = weight === 1 ? "1 sample" : `${weight}`;
    const text = make("svg:text", { x: (left + 2 * size + 5).toFixed(1), y: height / 2 + 4 }, words);
    svg.append(make("svg:g", { class: "pick" }, circle("weight", [left + size, height / 2], size)), text);
    left += 2 * size + (weight === 1 ? 66 : 34);
  }
}

// What a map shows, for those who do not see it.
export function describeMap(svg, kind, name, { rows }, picks) {
  const weights = picks.map(({ weight }) => weight);
  const few = weights.length <= 12 ? weights.join(", ") : `from ${Math.min(...weights)} to ${Math.max(...weights)}`;
  const number = weights.length === 1 ? "1 pick" : `${weights.length} picks`;
  svg.setAttribute("aria-label", `Map of class ${name}: ${number} (${kind}) among ${rows.length} samples, weights ${few}`);
}
