// A coreset of the kept samples, and as many at random beside it.

import { frame } from "./chart.js";
import { element, latest, make, pause, short, still } from "./dom.js";
import { fits, number } from "./fields.js";
import { byClass } from "./generate.js";
import { Grid } from "./grid.js";

const SIDE = 300; // the maps' own coordinates
const RIM = 16;

// The picks of a class: { row, weight, worth } in order.
function ofClass({ row, weight, worth, classes }, wanted) {
  let first = 0;
  for (const { class: number, chosen } of classes) {
    if (number === wanted) {
      const range = Array.from({ length: chosen }, (_, at) => first + at);
      return range.map((at) => ({ row: row[at], weight: weight[at], worth: worth[at] }));
    }
    first += chosen;
  }
  return [];
}

function drawMap(svg, { rows, points }, picks) {
  svg.setAttribute("viewBox", `0 0 ${SIDE} ${SIDE}`);
  const place = (value) => SIDE / 2 + value * (SIDE / 2 - RIM);
  const at = new Map();
  const dots = [...rows].map((row, number) => {
    const [x, y] = [place(points[2 * number]), place(-points[2 * number + 1])];
    at.set(row, [x, y]);
    return make("svg:circle", { class: "sample", cx: x.toFixed(1), cy: y.toFixed(1), r: 3 });
  });
  const chosen = picks.map(({ row, weight }, number) => {
    const [x, y] = at.get(row) ?? [0, 0];
    const title = make("svg:title", {}, `pick ${number + 1}, weight ${weight}`);
    const radius = 3.5 + 1.6 * Math.sqrt(weight);
    return make("svg:circle", { class: "pick", cx: x.toFixed(1), cy: y.toFixed(1), r: radius.toFixed(1) }, title);
  });
  svg.replaceChildren(...dots, ...chosen);
  return chosen;
}

export function setUp(page) {
  const grids = {
    chosen: new Grid(element("medoids"), { describe: page.describe, choose: page.choose }),
    random: new Grid(element("random-medoids"), { describe: page.describe, choose: page.choose }),
  };
  let told = null; // { chosen, random, method, name }
  let shown = 0; // counts maps: an old replay stops when there is a new one

  const select = latest(async () => {
    if (!page.filtered) return;
    await page.attempt(async () => {
      const { filtered } = page;
      const { kept } = filtered;
      if (kept.length === 0) {
        clear("The filter keeps no sample: raise the threshold.");
        return;
      }
      const present = new Set([...kept].map((row) => page.samples.y[row]));
      const share = number("budget") / 100;
      const size = Math.min(kept.length, Math.max(present.size, Math.round(share * kept.length)));
      const { value: method, text: name } = element("method").selectedOptions[0];
      const { seed } = page.samples.asked;
      const answer = await page.engine.call("main", "coreset", { method, size, seed });
      if (filtered !== page.filtered) return;
      told = { ...answer, method, name };
      page.coreset = { size, ...answer };
      report(kept.length);
      chips([...present].sort((a, b) => a - b));
      await map();
      page.dispatchEvent(new Event("coreset"));
    });
  });

  function clear(reason) {
    told = null;
    page.coreset = null;
    shown += 1;
    for (const id of ["map-chosen", "map-random", "gains"]) element(id).replaceChildren();
    for (const grid of Object.values(grids)) grid.clear();
    element("coreset-live").textContent = reason;
    element("map-caption").textContent = "";
    page.dispatchEvent(new Event("coreset"));
  }

  function report(all) {
    const { chosen, random } = told;
    element("coreset-live").textContent =
      `${chosen.row.length} of ${all} picked. f(S), how well they represent all: ${short(chosen.objective)}, ` +
      `at least ${(100 * chosen.ratio).toFixed(1)} % of the best (at most ${short(chosen.bound)}). Random picks: ${short(random.objective)}.`;
    for (const [name, grid] of Object.entries(grids)) {
      const { row, weight } = told[name];
      const weights = new Map([...row].map((number, at) => [number, weight[at]]));
      const place = (number) => ({ index: number, note: String(weights.get(number)) });
      grid.show(page.samples.picture, page.about.tile, byClass(page, page.samples.y, row, place));
    }
    element("medoids").setAttribute("aria-label", `${chosen.row.length} chosen samples with their weights`);
    element("random-medoids").setAttribute("aria-label", `${random.row.length} random picks with their weights`);
  }

  function chips(present) {
    const before = page.chosenChip("map-classes");
    page.showChips("map-classes", "radio", page.about.classes, present);
    page.checkChip("map-classes", present.includes(before) ? before : present[0]);
  }

  async function map() {
    shown += 1;
    const mine = shown;
    const wanted = page.chosenChip("map-classes");
    const plane = await page.engine.call("main", "plane", told.method, wanted);
    if (mine !== shown || !told) return null;
    const picks = { chosen: ofClass(told.chosen, wanted), random: ofClass(told.random, wanted) };
    const marks = [
      drawMap(element("map-chosen"), plane, picks.chosen),
      drawMap(element("map-random"), plane, picks.random),
    ];
    const name = page.names[wanted];
    element("map-chosen-caption").textContent = `${told.name}, class ${name}`;
    element("map-random-caption").textContent = `random, class ${name}`;
    const share = (100 * plane.shown).toFixed(0);
    element("map-caption").textContent =
      `Each point is the gradient of one kept sample. The plane shows ${share} % of the variance. ` +
      "A larger pick represents more samples.";
    gains(picks, wanted);
    return { mine, marks, picks };
  }

  function gains({ chosen, random }, wanted) {
    const outcome = told.chosen.classes.find(({ class: number }) => number === wanted);
    const { bound } = outcome;
    const chart = frame(element("gains"), 170, [0, Math.max(1, chosen.length)], [0, bound || 1]);
    chart.below(0, "0");
    chart.below(chosen.length, `${chosen.length} picks`);
    chart.beside(0, "0");
    chart.line("bound", [[0, bound], [chosen.length, bound]]);
    chart.beside(bound, short(bound));
    for (const [name, picks] of [["random", random], ["chosen", chosen]]) {
      chart.line(name, [[0, 0], ...picks.map(({ worth }, at) => [at + 1, worth])]);
    }
  }

  // Shows the picks in the order in which they were made.
  async function replay() {
    const scene = await map();
    if (!scene) return;
    const { mine, marks, picks } = scene;
    for (const mark of marks.flat()) mark.setAttribute("visibility", "hidden");
    const longest = Math.max(...marks.map((list) => list.length));
    for (let at = 0; at < longest && mine === shown; at += 1) {
      for (const list of marks) list[at]?.setAttribute("visibility", "visible");
      const { chosen } = picks;
      if (chosen[at]) element("map-chosen-caption").textContent = `pick ${at + 1}: f(S) = ${short(chosen[at].worth)}`;
      if (!still()) await pause(Math.max(60, Math.min(500, 4000 / longest)));
    }
  }

  element("method").addEventListener("change", () => {
    select();
    page.remember();
  });
  element("budget").addEventListener("input", () => {
    if (!fits("budget")) return;
    select();
    page.remember();
  });
  element("coreset-controls").addEventListener("submit", (event) => event.preventDefault());
  element("map-classes").addEventListener("change", () => page.attempt(map));
  element("replay").addEventListener("click", () => told && page.attempt(replay));
  page.addEventListener("kept", select);
  page.addEventListener("model", () => clear(""));
}
