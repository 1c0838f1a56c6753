// The state of the page in its address: a link restores it.

import { element } from "./dom.js";

// Names in the address, and the controls that they stand for.
const CONTROLS = {
  n: "per-class",
  seed: "seed",
  steps: "steps",
  size: "step-size",
  temperature: "temperature",
  entropy: "threshold",
  agreeing: "keep-agreeing",
  method: "method",
  space: "space",
  budget: "budget",
  on: "backend",
};

const value = (control) => (control.type === "checkbox" ? String(Number(control.checked)) : control.value);

// What the page starts with, read before anything is restored.
const defaults = Object.fromEntries(Object.values(CONTROLS).map((id) => [id, value(element(id))]));

// Sets the controls from the address; what makes no sense is left as it is. Returns { model, classes }.
export function restore() {
  const asked = new URLSearchParams(location.search);
  for (const [name, id] of Object.entries(CONTROLS)) {
    const control = element(id);
    const text = asked.get(name);
    if (text === null) continue;
    const before = control.value;
    if (control.type === "checkbox") control.checked = text === "1";
    else control.value = text;
    if (control.value === "" || !control.checkValidity()) control.value = before;
  }
  const numbers = asked.get("classes")?.split(",").map(Number).filter(Number.isInteger);
  return { model: asked.get("model"), classes: numbers?.length ? numbers : null };
}

// The names of chain settings are the model's own unless the visitor changed them.
export const given = (name) => new URLSearchParams(location.search).has(name);

// Writes the state into the address: what differs from the page's own start.
export function remember({ model, classes, chains }) {
  const state = new URLSearchParams();
  if (model) state.set("model", model);
  if (classes) state.set("classes", classes.join(","));
  for (const [name, id] of Object.entries(CONTROLS)) {
    const start = chains?.[id] ?? defaults[id];
    if (value(element(id)) !== String(start)) state.set(name, value(element(id)));
  }
  const query = state.toString();
  const address = `${location.pathname}${query ? `?${query}` : ""}${location.hash}`;
  if (address !== `${location.pathname}${location.search}${location.hash}`) history.replaceState(null, "", address);
}
