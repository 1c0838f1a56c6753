// A coreset of the kept samples, and as many at random beside it.

import * as certificate from "./certificate.js";
import { frame } from "./chart.js";
import { element, latest, pause, short, still } from "./dom.js";
import { fits, number } from "./fields.js";
import { byClass } from "./generate.js";
import { Grid } from "./grid.js";
import { describeMap, drawKey, drawMap, layout } from "./map.js";
import * as spaces from "./spaces.js";

// Milliseconds: a choice that takes longer than the first waits until nothing has changed for the second.
const LONG = 600;
const REST = 300;
const PICKING = "Picking…";
const DRAWINGS = ["map-chosen", "map-random", "map-key", "gains"];

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

// What a class's picks are worth, by their number, and what no picks exceed.
function drawGains({ chosen, random }, bound, comparable) {
  const chart = frame(element("gains"), 170, [0, Math.max(1, chosen.length)], [0, bound || 1]);
  chart.below(0, "0");
  chart.below(chosen.length, chosen.length === 1 ? "1 pick" : `${chosen.length} picks`);
  chart.beside(0, "0");
  chart.line("bound", [[0, bound], [chosen.length, bound]]);
  chart.beside(bound, short(bound));
  for (const [name, picks] of [["random", random], ["chosen", chosen]]) {
    if (name === "random" && !comparable) continue;
    chart.line(name, [[0, 0], ...picks.map(({ worth }, at) => [at + 1, worth])]);
  }
  element("gains-random").hidden = !comparable;
}

export function setUp(page) {
  let told = null; // { chosen, random, method, space, name }
  let shown = 0; // counts maps: an old replay stops when there is a new one
  let asked = 0; // when a choice was asked for last
  let taken = 0; // milliseconds that the last one took
  const weights = { chosen: new Map(), random: new Map() }; // of the rows
  const gridOf = (id, picks) =>
    new Grid(element(id), {
      describe: (row) => `${page.describe(row)}; weight ${weights[picks].get(row)}`,
      choose: (row) => page.choose(row),
    });
  const grids = { chosen: gridOf("medoids", "chosen"), random: gridOf("random-medoids", "random") };

  // What everything here is about. The program forgets it as soon as there are other samples, or other ones are kept.
  const current = () => page.filtered;

  // The worker answers one call after the other: a long choice, once begun, holds up the filter.
  async function rest() {
    if (taken < LONG) return;
    for (let left = REST; left > 0; left = asked + REST - performance.now()) await pause(left);
  }

  const choose = latest(async () => {
    await rest();
    if (!page.filtered) return;
    await page.attempt(async () => {
      const { filtered } = page;
      const { kept } = filtered;
      if (kept.length === 0) {
        clear("The filter keeps no sample: raise the threshold.");
        return;
      }
      const present = new Set([...kept].map((row) => page.samples.y[row]));
      const part = number("budget") / 100;
      const size = Math.min(kept.length, Math.max(present.size, Math.round(part * kept.length)));
      const { value: method, text: name } = element("method").selectedOptions[0];
      const { value: space } = element("space");
      const { seed } = page.samples.asked;
      if (taken >= LONG) element("coreset-live").textContent = PICKING;
      const started = performance.now();
      const answer = await page.engine.call("main", "coreset", { method, space, size, seed });
      taken = performance.now() - started;
      if (filtered !== page.filtered) return;
      told = { ...answer, method, space, name };
      page.coreset = { size, method, space };
      report(kept.length);
      chips([...present].sort((a, b) => a - b));
      await map();
      page.dispatchEvent(new Event("coreset"));
    }, current);
    const live = element("coreset-live");
    if (live.textContent === PICKING) live.textContent = "";
  });

  const select = () => {
    asked = performance.now();
    choose();
  };

  function clear(reason) {
    told = null;
    page.coreset = null;
    shown += 1;
    for (const id of DRAWINGS) element(id).replaceChildren();
    for (const id of ["map-chosen", "map-random"]) element(id).setAttribute("aria-label", "No map yet");
    for (const grid of Object.values(grids)) grid.clear();
    element("coreset-live").textContent = reason;
    element("map-caption").textContent = "";
    certificate.clear(element("outcomes"));
    page.dispatchEvent(new Event("coreset"));
  }

  function report(all) {
    const { chosen, random } = told;
    element("coreset-live").textContent = certificate.inWords(told, all);
    certificate.byClass(element("outcomes"), page.names, told);
    for (const [name, grid] of Object.entries(grids)) {
      const { row, weight } = told[name];
      weights[name] = new Map([...row].map((number, at) => [number, weight[at]]));
      const place = (number) => ({ index: number, note: String(weights[name].get(number)) });
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
    const { space } = told;
    const plane = await page.engine.call("main", "plane", { space: spaces.mapOf(space), class: wanted });
    if (mine !== shown || !told) return null;
    const picks = { chosen: ofClass(told.chosen, wanted), random: ofClass(told.random, wanted) };
    const both = [...picks.chosen, ...picks.random];
    const places = layout(plane, both);
    const name = page.names[wanted];
    const kinds = { chosen: told.name, random: "random" };
    const marks = Object.entries(picks).map(([which, list]) => {
      const svg = element(`map-${which}`);
      describeMap(svg, kinds[which], name, plane, list);
      element(`map-${which}-caption`).textContent = `${kinds[which]}, class ${name}`;
      return drawMap(svg, places, list);
    });
    drawKey(element("map-key"), places, both);
    element("map-caption").textContent = spaces.caption(space, plane.shown, page.about);
    const { bound } = told.chosen.classes.find(({ class: number }) => number === wanted);
    drawGains(picks, bound, certificate.comparable(told));
    return { mine, marks, picks };
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

  // Offers the spaces that go with the method and the model, says what the chosen one is, and leaves one that does not.
  function offer() {
    const [method, space] = [element("method"), element("space")];
    const about = page.about ?? { classifies: true };
    for (const option of method.options) option.disabled = option.value === "adacore" && !about.classifies;
    if (method.selectedOptions[0].disabled) method.value = "craig";
    for (const option of space.options) option.disabled = !spaces.goTogether(option.value, method.value, about);
    if (space.selectedOptions[0].disabled) space.value = [...space.options].find(({ disabled }) => !disabled).value;
    element("space-help").textContent = spaces.help(space.value, method.value, about);
  }

  for (const id of ["method", "space"]) {
    element(id).addEventListener("change", () => {
      offer();
      select();
      page.remember();
    });
  }
  element("budget").addEventListener("input", () => {
    if (!fits("budget")) return;
    select();
    page.remember();
  });
  element("coreset-controls").addEventListener("submit", (event) => event.preventDefault());
  element("map-classes").addEventListener("change", () => told && current() && page.attempt(map, current));
  element("replay").addEventListener("click", () => told && current() && page.attempt(replay, current));
  page.addEventListener("kept", select);
  page.addEventListener("model", () => {
    offer();
    clear("");
  });
  offer();
}
