// What is to be seen in the pictures of the playground: layers, what their marks mean, and what a place is taken for.

import { element, make } from "../dom.js";
import { NAMES } from "./data.js";
import { circle, glyph } from "./glyph.js";
import { LAYERS } from "./layers.js";
import { words } from "./pair.js";
import { tip } from "../tip.js";

export function showLegend(classes) {
  const keys = NAMES.slice(0, classes).map((name, at) => make("span", {}, glyph(at), ` class ${name}`));
  const others = [make("span", {}, circle("none", 3.4), " no label"), make("span", {}, circle("hollow", 4.6), " drawn by the model")];
  element("legend").replaceChildren(...keys, ...others);
}

export function setUpLayers({ choice, pair, remember }) {
  const { layers } = choice;
  for (const [name, title] of Object.entries(LAYERS)) {
    const input = make("input", { type: "checkbox", checked: layers[name] });
    input.addEventListener("change", () => {
      layers[name] = input.checked;
      pair.show(layers);
      remember();
    });
    // Nobody knows the hidden classes of points that are drawn by hand.
    element("layers").append(make("label", { class: "chip", "data-for": name === "truth" && "toy" }, input, make("span", {}, title)));
  }
  pair.show(layers);
}

// The point under the pointer, and what both networks say of the place.
export function setUpTip({ choice, pair, scene }) {
  let over = null; // what the pointer is over: { place, point, event }
  const show = () => {
    const [labels, full] = over && !choice.own ? pair.at(...over.place).map(words) : [];
    if (!full) {
      tip("");
      return;
    }
    const { event, point } = over;
    const given = scene.given[point];
    const label = point < 0 ? "" : given < 0 ? "no label: click to give one. " : `label ${NAMES[given]}. `;
    tip(`${label}labels only: ${labels} · all points: ${full}`, event);
  };
  pair.addEventListener("over", ({ detail }) => {
    over = detail;
    show();
  });
  scene.addEventListener("labels", show);
}
