// Fields for numbers. What is wrong with one stands beside it, and nothing is computed from it.

import { element, make } from "./dom.js";

const all = () => document.querySelectorAll('input[type="number"]');

function rule({ validity, step, min, max }) {
  if (validity.valid) return "";
  return `enter a ${step === "any" ? "number" : "whole number"} from ${min} to ${max}.`;
}

function check(input) {
  const words = rule(input);
  element(`${input.id}-problem`).textContent = words.replace("enter", "Enter");
  input.setAttribute("aria-invalid", String(Boolean(words)));
  return words;
}

// The number in a field. Throws where the field takes none such.
export function number(id) {
  const input = element(id);
  const words = check(input);
  if (words) throw new Error(`${input.closest("label").firstChild.textContent.trim()}: ${words}`);
  return input.valueAsNumber;
}

// Whether a field holds what it takes.
export const fits = (id) => !check(element(id));

// Puts a number into a field that the visitor did not type: one beyond the ends moves them.
export function put(id, value) {
  const input = element(id);
  if (value > Number(input.max)) input.max = value;
  input.value = value;
  check(input);
}

export function setUp() {
  for (const input of all()) {
    const id = `${input.id}-problem`;
    // Not a part of the label's name; the field is described by it.
    input.after(make("span", { id, class: "problem", "aria-hidden": "true" }));
    input.setAttribute("aria-describedby", id);
    input.addEventListener("input", () => check(input));
    // The browser's own words would come in another language than the page's.
    input.form.noValidate = true;
    check(input);
  }
}
