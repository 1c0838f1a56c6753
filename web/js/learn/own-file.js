// A file on its way into the page: what is too large for a tab is refused before it is read, with the command that takes it.

import { many } from "./numbers.js";

const MEGABYTE = 1e6;

// A tab trains on 20,000 rows of a few columns in some minutes, and on this many bytes without running out of memory.
const MOST_BYTES = 10 * MEGABYTE;
const MOST_ROWS = 20_000;

// The model sums over all classes at each step: with more, a tab is too slow.
const MOST_CLASSES = 40;

const quoted = (name) => (/^[\w.,-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);

// The options by which the command line reads a file as the page does.
function options(settings = {}) {
  const flags = { "data.label": "--label", "data.leave-out": "--leave-out" };
  const set = Object.entries(settings).map(([name, value]) => (flags[name] ? `${flags[name]} ${quoted(value)}` : `--set ${name}=${value}`));
  return set.map((option) => ` ${option}`).join("");
}

export const command = (name, settings) => `gleaner train --data ${quoted(name)}${options(settings)}`;

const large = (name, what, most) => new Error(`${name} has ${what}; a tab takes at most ${most}. The command line takes it: ${command(name)}`);

export async function bytesOf(file) {
  const { name, size } = file;
  if (size === 0) throw new Error(`${name} is empty: choose a file with a row for each example.`);
  if (size > MOST_BYTES) throw large(name, `${(size / MEGABYTE).toFixed(0)} MB`, `${MOST_BYTES / MEGABYTE} MB`);
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    // A folder, or a file that was moved or changed since it was chosen.
    throw new Error(`${name} cannot be read: choose a file, not a folder, and choose it again if it has changed.`);
  }
}

// What the program reads and the page still cannot train on.
export function check(name, { rows, classes, labelled }) {
  if (rows > MOST_ROWS) throw large(name, `${many(rows)} rows`, `${many(MOST_ROWS)} rows`);
  if (classes.length < 2) {
    throw new Error(`All ${many(labelled)} labels of ${name} are "${classes[0]}": rows of at least two classes need a label.`);
  }
  if (classes.length > MOST_CLASSES) {
    const measured = classes.every((name) => Number.isFinite(Number(name)));
    const remedy = measured ? "if they are measurements, choose another label column, or turn them into a few classes" : "choose another label column";
    throw new Error(`The labels of ${name} are ${classes.length} different ${measured ? "numbers" : "words"}, and a tab takes at most ${MOST_CLASSES} classes: ${remedy}.`);
  }
}
