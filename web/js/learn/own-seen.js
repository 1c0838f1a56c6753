// What the program sees in a file, as a part of the page: classes with their counts, columns to use or leave out, and notes.

import { element, make } from "../dom.js";
import { glyph } from "./glyph.js";
import { many } from "./numbers.js";

const MOST = 200; // columns and classes in the list

function fact(title, ...words) {
  return make("div", {}, make("dt", {}, title), make("dd", {}, ...words));
}

function classes({ classes: list }) {
  const most = list.reduce((largest, { count }) => Math.max(largest, count), 1);
  return list.slice(0, MOST).map(({ name, count }, each) => {
    const fill = make("span", { class: "fill" });
    fill.style.width = `${(100 * count) / most}%`;
    const track = make("span", { class: "track", "aria-hidden": "true" }, fill);
    const of = make("span", { class: "of" }, `${many(count)} label${count === 1 ? "" : "s"}`);
    return make("li", {}, make("span", { class: "name" }, glyph(each), ` ${name}`), track, of);
  });
}

// Lists the columns; `change` hears of a column that is to be used or left out.
function columns(seen, left, change) {
  const asked = ({ what }) => left.includes(what);
  const row = (name, words, used) => {
    // The program takes names separated by commas.
    const input = make("input", { type: "checkbox", checked: used, disabled: name.includes(","), "data-column": name });
    input.addEventListener("change", () => change(name, input.checked));
    return make("li", {}, make("label", {}, input, make("span", { class: "name" }, name), " ", make("span", { class: "hint" }, words)));
  };
  const never = (...words) => make("li", { class: "never" }, ...words);
  const hidden = seen.columns.length - MOST;
  return [
    ...seen.columns.slice(0, MOST).map(({ name, said }) => row(name, said, true)),
    ...seen.leftOut.filter(asked).map(({ what }) => row(what, "left out", false)),
    ...seen.leftOut
      .filter((column) => !asked(column))
      .map(({ what, why }) => never(make("span", { class: "name" }, what), " ", make("span", { class: "hint" }, `not used: ${why}`))),
    ...(hidden > 0 ? [never(`and ${many(hidden)} more columns`)] : []),
  ];
}

export function showSeen({ name, seen, settings }, change) {
  const left = settings["data.leave-out"]?.split(",") ?? [];
  const parts = seen.test > 0 ? [make("span", { class: "hint" }, ` and ${many(seen.test)} in the file's test split`)] : [];
  const rule = seen.rule ? [make("span", { class: "hint" }, ` ${seen.rule}`)] : [];
  element("facts").replaceChildren(
    fact("File", `${name} `, make("span", { class: "hint" }, seen.format)),
    fact("Rows", `${many(seen.rows)}: ${many(seen.labelled)} with a label, ${many(seen.unlabelled)} without`, ...parts),
    fact("Label", seen.label, ...rule),
    fact("Columns", seen.kinds),
  );
  element("classes").replaceChildren(...classes(seen));
  element("notes").replaceChildren(...seen.notes.map((note) => make("li", {}, note)));
  element("notes-box").hidden = seen.notes.length === 0;
  element("profile").textContent = seen.text;
  const focused = document.activeElement?.dataset?.column;
  element("columns").replaceChildren(...columns(seen, left, change));
  if (focused !== undefined) [...element("columns").querySelectorAll("input")].find(({ dataset }) => dataset.column === focused)?.focus();
  // A table has columns to choose from; arrays have none.
  const table = seen.columns.length > 0;
  const names = [seen.label, ...seen.columns.map(({ name }) => name), ...seen.leftOut.map(({ what }) => what)];
  element("label").replaceChildren(...[...new Set(names)].map((each) => make("option", { value: each, selected: each === seen.label }, each)));
  element("label-field").hidden = !table;
  element("columns-list").hidden = !table;
  const mayBeClass = settings["data.minus-one"] !== undefined || seen.notes.some((note) => note.includes("-1 is a class, say so"));
  element("minus-one-field").hidden = !mayBeClass;
  element("columns-box").hidden = !table && !mayBeClass;
  element("minus-one").checked = settings["data.minus-one"] === "class";
}
