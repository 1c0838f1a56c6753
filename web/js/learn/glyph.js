// Marks of the classes for words and tables: small drawings of what the pictures show.

import { make } from "../dom.js";
import { markOf } from "./palette.js";

// Circle, square, triangle, diamond.
const SHAPES = ["M8 2.4a5.6 5.6 0 1 1 0 11.2a5.6 5.6 0 1 1 0-11.2z", "M3 3h10v10h-10z", "M8 1.6L14.2 13H1.8z", "M8 1L15 8L8 15L1 8z"];

const drawing = (name, node) => make("svg:svg", { class: `glyph ${name}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, node);

export function glyph(each) {
  const { colour, shape } = markOf(each);
  return drawing(`class-${colour}`, make("svg:path", { d: SHAPES[shape] }));
}

// What has no class: a circle of some kind.
export const circle = (kind, radius) => drawing(kind, make("svg:circle", { cx: 8, cy: 8, r: radius }));
