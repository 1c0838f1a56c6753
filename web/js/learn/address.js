// The state of a playground in its address: a link restores it, drawn points and changed labels, too.

import { NAMES } from "./data.js";

const FINE = 4095; // places along an axis, in two signs of 64
const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Drawn points in a square from -1 to 1: two signs for each axis, and the class or "." for none.
export function pack({ x, given }) {
  const signs = (value) => {
    const place = Math.max(0, Math.min(FINE, Math.round(((value + 1) / 2) * FINE)));
    return SIGNS[place >> 6] + SIGNS[place & 63];
  };
  return Array.from(given, (label, at) => signs(x[2 * at]) + signs(x[2 * at + 1]) + (NAMES[label] ?? ".")).join("");
}

export function unpack(text) {
  const points = text?.match(/[\w-]{4}[.A-D]/g) ?? [];
  const value = (at, text) => (2 * (64 * SIGNS.indexOf(text[at]) + SIGNS.indexOf(text[at + 1]))) / FINE - 1;
  return {
    x: Float32Array.from(points.flatMap((point) => [value(0, point), value(2, point)])),
    given: Int32Array.from(points, (point) => NAMES.indexOf(point[4])),
  };
}

// Labels that differ from those at the start: "12A,40." gives point 12 the class A and takes that of point 40 away.
export const packLabels = (given, start) =>
  [...given.keys()].filter((at) => given[at] !== start[at]).map((at) => `${at}${NAMES[given[at]] ?? "."}`).join(",");

export function unpackLabels(text, given, classes) {
  const changed = given.slice();
  for (const [, at, name] of text?.matchAll(/(\d+)([.A-D])/g) ?? []) {
    if (at < changed.length && NAMES.indexOf(name) < classes) changed[at] = NAMES.indexOf(name);
  }
  return changed;
}

// Kinds of values in an address: what they are in words, and how to read one; undefined is what makes no sense.
export const number = (from, to) => ({
  words: `a number from ${from} to ${to}`,
  read: (text) => (text.trim() !== "" && Number(text) >= from && Number(text) <= to ? Number(text) : undefined),
});

export const whole = (from, to) => ({
  words: `a whole number from ${from} to ${to}`,
  read: (text) => (/^\d+$/.test(text) && Number(text) >= from && Number(text) <= to ? Number(text) : undefined),
});

export const oneOf = (...values) => ({
  words: `one of ${values.join(", ")}`,
  read: (text) => values.find((value) => String(value) === text),
});

// Several, with commas between them.
export const list = (most, { words, read }) => ({
  words: `at most ${most} values with commas between them, each ${words}`,
  read(text) {
    const values = text.split(",").map(read);
    return values.length > most || values.includes(undefined) ? undefined : values;
  },
});

export const matching = (form, words) => ({ words, read: (text) => (form.test(text) ? text : undefined) });

// The values that a query has of such kinds, by name; and a sentence about those that make no sense, which are left out.
export function read(query, kinds) {
  const values = {};
  const wrong = [];
  for (const [name, kind] of Object.entries(kinds)) {
    const text = query.get(name);
    if (!text) continue;
    const value = kind.read(text);
    if (value === undefined) wrong.push(`${name} must be ${kind.words}`);
    else values[name] = value;
  }
  return { values, complaint: wrong.length > 0 ? `Parts of this address make no sense and are ignored: ${wrong.join("; ")}.` : "" };
}

// What differs from the page's own start, as the query of its address.
export function remember(state, start) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) if (String(value) !== String(start[name] ?? "")) query.set(name, value);
  const address = `${location.pathname}${query.toString() ? `?${query}` : ""}${location.hash}`;
  if (address !== `${location.pathname}${location.search}${location.hash}`) history.replaceState(null, "", address);
}
