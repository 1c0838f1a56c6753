// What the program sees in a file, in parts that can be shown; and its words for the command line, as words for a page.

const TITLES = /^ {2}(rows|label|classes|features|left out|note|likelihood|scaling| {4,}) +/;

// A sentence that names options of the command line, for somebody who has a page.
export function plain(text) {
  return text
    .replace(/; --label NAME chooses another/, "")
    .replace(/name it with --label; these could be:/, "choose it below; these could be:")
    .replace(/name the label column with --label NAME/, "choose another label column")
    .replace(/name another column with --label/, "choose another label column")
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

// "apple 5, banana 5, and 3 more"
const counted = (text) => [...text.matchAll(/(.+?) (\d+)(?:, |$)/g)].map(([, name, count]) => ({ name: name.replace(/^and /, ""), count: Number(count) }));

// The parts of a profile. The program says them in lines, under titles.
export function seen({ text, classes, features, rows, labelled, unlabelled, notes }) {
  const [first, ...lines] = text.split("\n");
  const parts = {};
  let title = "";
  for (const line of lines) {
    const found = line.match(TITLES);
    title = found?.[1].trim() || title;
    (parts[title] ??= []).push(found ? line.slice(found[0].length) : line.trim());
  }
  const [place, ...rule] = (parts.label?.[0] ?? "").split(/, (?=found by its name|the last column|as requested)/);
  const [, ...listed] = parts.features ?? [];
  const known = new Map(listed.map((line) => line.match(/^(.*?) {2,}(.*)$/)?.slice(1) ?? ["", ""]));
  const list = parts.classes?.[0] ?? "";
  const counts = new Map(counted(list).map(({ name, count }) => [name, count]));
  return {
    format: first.slice(first.indexOf(": ") + 2),
    rows,
    labelled,
    unlabelled,
    test: Number(parts.rows?.[0].match(/(\d+) in a test split/)?.[1] ?? 0),
    label: place,
    rule: plain(rule.join(", ")),
    // Of many classes, the program counts the first ones.
    classes: classes.map((name) => ({ name, count: counts.get(name) ?? null })),
    kinds: parts.features?.[0] ?? "",
    features: features.filter(Boolean).map((name) => ({ name, words: known.get(name) ?? "" })),
    leftOut: (parts["left out"] ?? []).map((line) => line.match(/^(.*?): (.*)$/)?.slice(1) ?? [line, ""]).map(([name, why]) => ({ name, why })),
    notes: notes.map(plain),
    text,
  };
}
