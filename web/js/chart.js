// Charts as drawings: axes, lines, bars. Sizes are those of the drawing's own coordinates, which it scales to its place.

import { make, short } from "./dom.js";

export const WIDTH = 480;
const INSET = { left: 64, right: 12, top: 10, bottom: 26 };

// A drawing of some height with a scale from values to places; whatever was drawn before is gone.
export function frame(svg, height, [left, right], [low, high]) {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  svg.replaceChildren();
  const [wide, tall] = [WIDTH - INSET.left - INSET.right, height - INSET.top - INSET.bottom];
  const span = (from, to) => (to > from ? to - from : 1);
  const x = (value) => INSET.left + (wide * (value - left)) / span(left, right);
  const y = (value) => INSET.top + tall - (tall * (value - low)) / span(low, high);
  const back = (place) => left + ((place - INSET.left) * span(left, right)) / wide;
  const add = (name, attributes, ...children) => {
    const node = make(`svg:${name}`, attributes, ...children);
    svg.append(node);
    return node;
  };
  const floor = INSET.top + tall;
  add("line", { class: "axis", x1: INSET.left, x2: WIDTH - INSET.right, y1: floor, y2: floor });
  const text = (words, at, attributes) => add("text", { ...attributes, x: at[0], y: at[1] }, words);
  return {
    x,
    y,
    back,
    add,
    floor,
    ceiling: INSET.top,
    below(value, words) {
      add("line", { class: "axis", x1: x(value), x2: x(value), y1: floor, y2: floor + 4 });
      const anchor = value >= right && right > left ? "end" : "middle";
      text(words, [x(value), floor + 17], { "text-anchor": anchor });
    },
    beside(value, words = short(value), side = "left") {
      const at = side === "left" ? [INSET.left - 6, y(value) + 4] : [WIDTH - INSET.right, y(value) - 4];
      text(words, at, { "text-anchor": "end", class: side === "left" ? "" : "series" });
    },
    line(name, points) {
      const path = points.map(([a, b], at) => `${at ? "L" : "M"}${x(a).toFixed(2)} ${y(b).toFixed(2)}`);
      return add("path", { class: `line ${name}`, d: path.join("") });
    },
  };
}

const ends = (values) => [Math.min(...values), Math.max(...values)];

// Several lines, each on a scale of its own, over the same axis: { name, label, points: [[x, y]] }.
export function drawTraces(svg, length, traces) {
  const height = 150;
  const chart = frame(svg, height, [0, Math.max(1, length)], [0, 1]);
  chart.below(0, "0");
  chart.below(length, `${length} steps`);
  for (const { name, points } of traces) {
    if (points.length === 0) continue;
    const [low, high] = ends(points.map(([, value]) => value));
    const scaled = points.map(([at, value]) => [at, high > low ? (value - low) / (high - low) : 0.5]);
    chart.line(name, scaled);
    const [at, value] = scaled.at(-1);
    chart.add("circle", { class: `dot ${name}`, r: 3.5, cx: chart.x(at), cy: chart.y(value) });
  }
}

// Counts by bin, two kinds on top of each other, on an axis of powers of ten.
export function drawHistogram(svg, { low, high, agreeing, others }) {
  const [from, to] = [Math.log10(low), Math.log10(high)];
  const most = Math.max(1, ...agreeing.map((count, bin) => count + others[bin]));
  const chart = frame(svg, 190, [from, to], [0, most]);
  chart.beside(most, String(most));
  chart.beside(0, "0");
  const every = Math.max(1, Math.ceil((to - from) / 7));
  for (let power = 0; power >= from; power -= every) chart.below(power, power ? `1e${power}`.replace("-", "−") : "1");
  const width = (to - from) / agreeing.length;
  agreeing.forEach((count, bin) => {
    const [left, right] = [chart.x(from + bin * width) + 0.5, chart.x(from + (bin + 1) * width) - 0.5];
    const column = (name, bottom, top) => {
      if (top === bottom) return;
      const attributes = { class: `column ${name}`, x: left, width: right - left };
      chart.add("rect", { ...attributes, y: chart.y(top), height: chart.y(bottom) - chart.y(top) });
    };
    column("agreeing", 0, count);
    column("others", count, count + others[bin]);
  });
  return chart;
}
