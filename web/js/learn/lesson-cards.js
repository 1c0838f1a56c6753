// Small pictures of the lessons, drawn from a few numbers: the overview needs no program.

import { make } from "../dom.js";

const shape = {
  0: (x, y, r) => make("svg:circle", { class: "class-0", cx: x, cy: y, r }),
  1: (x, y, r) => make("svg:rect", { class: "class-1", x: x - 0.9 * r, y: y - 0.9 * r, width: 1.8 * r, height: 1.8 * r }),
  2: (x, y, r) => make("svg:path", { class: "class-2", d: `M${x} ${y - 1.2 * r}L${x + 1.1 * r} ${y + 0.8 * r}H${x - 1.1 * r}Z` }),
};
const dot = (x, y) => make("svg:circle", { class: "grey", cx: x, cy: y, r: 1.6 });
const path = (d, name) => make("svg:path", { class: name, d });

// Numbers that look random and are always the same.
function* scatter() {
  for (let state = 7; ; state = (state * 1103515245 + 12345) % 2 ** 31) yield (2 * state) / 2 ** 31 - 1;
}

function worth() {
  const noise = scatter();
  const nodes = [path("M14 84C30 70 44 33 62 33S84 64 99 64S130 42 146 14", "boundary")];
  for (let at = 0; at < 34; at += 1) {
    const angle = (Math.PI * at) / 33;
    const off = () => 3.5 * noise.next().value;
    nodes.push(dot(62 - 38 * Math.cos(angle) + off(), 52 - 34 * Math.sin(angle) + off()), dot(98 - 38 * Math.cos(angle) + off(), 44 + 34 * Math.sin(angle) + off()));
  }
  return [...nodes, shape[0](31, 32, 5), shape[0](80, 25, 5), shape[1](66, 62, 5), shape[1](121, 71, 5)];
}

function mier() {
  const bar = (x, height, label) => make("svg:rect", { class: `class-${label}`, x, y: 82 - height, width: 14, height, rx: 2 });
  const arrow = path("M74 52h12m-5-5l5 5l-5 5", "boundary");
  return [path("M14 82h54M92 82h54", "axis"), bar(16, 22, 0), bar(34, 24, 1), bar(52, 20, 2), arrow, bar(94, 3, 0), bar(112, 62, 1), bar(130, 3, 2)];
}

function energy() {
  const rings = [[52, 58], [108, 42]].flatMap(([x, y]) => [30, 21, 12].map((r) => make("svg:ellipse", { class: "valley", cx: x, cy: y, rx: 1.15 * r, ry: r })));
  return [...rings, path("M18 16C34 34 30 44 44 54", "trail"), path("M146 88C130 76 126 60 110 46", "trail"), shape[0](44, 54, 4.5), shape[0](60, 66, 4.5), shape[0](54, 44, 4.5), shape[1](110, 46, 4.5), shape[1](118, 34, 4.5), shape[1](98, 38, 4.5)];
}

function filter() {
  const heights = [10, 22, 40, 58, 46, 30, 24, 17, 12, 8];
  const bars = heights.map((height, at) => make("svg:rect", { class: at < 6 ? "class-0" : "grey", x: 16 + 13 * at, y: 82 - height, width: 10, height, rx: 1.5 }));
  return [path("M12 82h136", "axis"), ...bars, path("M93 14v68", "boundary"), make("svg:circle", { class: "knob", cx: 93, cy: 14, r: 5 })];
}

function coreset() {
  const noise = scatter();
  const hearts = [[38, 40, 22], [86, 60, 17], [124, 34, 14]];
  const nodes = hearts.flatMap(([x, y, r]) => [
    make("svg:circle", { class: "disc", cx: x, cy: y, r }),
    ...Array.from({ length: Math.round(r * 0.8) }, () => dot(x + 1.2 * r * noise.next().value, y + 1.1 * r * noise.next().value)),
  ]);
  return [...nodes, ...hearts.map(([x, y]) => shape[0](x, y, 5))];
}

const PICTURES = { worth, mier, energy, filter, coreset };

export const picture = (id) => make("svg:svg", { class: "lesson-picture", viewBox: "0 0 160 96", "aria-hidden": "true" }, ...PICTURES[id]());
