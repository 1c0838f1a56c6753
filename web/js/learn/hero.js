// The first screen: two networks that learn at once, on a few kinds of points.

import { element, make, still } from "../dom.js";
import { transport } from "./controls.js";
import { KINDS } from "./data.js";
import { settingsOf } from "./models.js";
import { Pair } from "./pair.js";
import { Scene } from "./scene.js";
import { sketch, thumbnail } from "./thumbnail.js";
import { showToy } from "./toy.js";
import { Training } from "./training.js";

const SHOWN = ["two-moons", "banana", "spirals"];

const training = new Training();
const scene = new Scene();
const pair = new Pair(element("hero-pictures"), training, scene, { touch: false, small: true });
const say = (text) => {
  element("hero-status").textContent = text;
};

async function show(kind) {
  const { noise, labels } = KINDS[kind];
  element("hero-open").href = `play.html?data=${kind}`;
  await showToy({ training, scene, pair }, { kind, noise, labels });
  await training.open({ data: scene.data, settings: { ...settingsOf("m2", kind), "train.seed": 0 } }, { play: !still() });
}

const attempt = (task) => task().catch((error) => say(error.message));

async function start() {
  for (const kind of SHOWN) {
    const { title } = KINDS[kind];
    const canvas = make("canvas", { width: 0, height: 0, "aria-hidden": "true" });
    const input = make("input", { type: "radio", name: "hero-kind", value: kind, checked: kind === SHOWN[0], "aria-label": title });
    input.addEventListener("change", () => attempt(() => show(kind)));
    element("hero-kinds").append(make("label", { class: "tile", title }, input, make("span", {}, canvas)));
  }
  transport(element("hero-transport"), training, { small: true });
  training.addEventListener("made", () => say(""));
  for (const news of ["news", "trouble"]) training.addEventListener(news, ({ detail }) => say(detail));
  // Who scrolls on to the models wants the machine for these.
  new IntersectionObserver((entries) => training.seen("screen", entries.at(-1).isIntersecting)).observe(element("hero-pictures"));
  await show(SHOWN[0]);
  const canvases = element("hero-kinds").querySelectorAll("canvas");
  for (const [at, kind] of SHOWN.entries()) {
    thumbnail(canvases[at], await sketch(training, kind));
  }
}

attempt(start);
