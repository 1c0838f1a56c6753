// What the program sees in a file, as the page shows it; and its words for the command line, as words for a page.

import { many } from "./numbers.js";

// A sentence that names options of the command line, for somebody who has a page.
export function plain(text) {
  return text
    .replace(/; --label NAME chooses another/, "")
    .replace(/name it with --label; these could be:/, "choose it below; these could be:")
    .replace(/name the label column with --label NAME/, "choose another label column")
    .replace(/name another column with --label/, "choose another label column")
    .replace(/if that is the label, add --label ('[^']*'|[^\s,;]+)/, 'if that is the label, choose it under "Label column"')
    .replace(/add --leave-out ('[^']*'|[^\s,;]+)/, "leave it out")
    .replace(/if -1 is a class, add --set data\.minus-one=class/, 'if -1 is a class, say so under "Choose"')
    .replace(/, or name columns of text with --text COLUMN/, "; columns of text are for the command line, with --text COLUMN")
    .replace(/; the file is damaged or incomplete: delete it and fetch it again/, ": choose a file with a row for each example");
}

// Columns that a message says could be the label.
export function suggested(message) {
  const list = message.match(/these could be: (.*)$/)?.[1] ?? message.match(/; the columns are (.*)$/)?.[1] ?? "";
  return [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([text]) => JSON.parse(text));
}

const brief = (number) => String(Number.isInteger(number) ? number : Number(number.toPrecision(6)));

// A column: "measurement, 3.3 to 8.2; 2 missing".
function inWords({ kind, range, words = [], missing }) {
  const ends = range ? `, ${range.map(brief).join(" to ")}` : "";
  const counts = words.length > 0 ? `: ${words.map(({ name, count }) => `${name} ${many(count)}`).join(", ")}` : "";
  return `${kind}${ends}${counts}${missing > 0 ? `; ${many(missing)} missing` : ""}`;
}

const UNCOUNTED = ["yes/no", "categorical"];

// "4 measurements, 1 whole number"
function kindsOf(features) {
  const counts = new Map();
  for (const { kind, count } of features) counts.set(kind, (counts.get(kind) ?? 0) + count);
  return [...counts].map(([kind, count]) => `${many(count)} ${kind}${count === 1 || UNCOUNTED.includes(kind) ? "" : "s"}`).join(", ");
}

// The parts of a profile that the page shows.
export function seen({ text, profile, rows, labelled, unlabelled }) {
  const { format, label, splits, features, left_out: leftOut, notes } = profile;
  return {
    format,
    rows,
    labelled,
    unlabelled,
    test: splits.test,
    label: label.place,
    rule: plain(label.rule),
    classes: label.classes,
    kinds: kindsOf(features),
    // The numbers of an array have no names.
    columns: features.filter(({ name }) => name).map((feature) => ({ ...feature, said: inWords(feature) })),
    leftOut,
    notes: notes.map(plain),
    text,
  };
}
