// The entropy filter: a threshold to drag, and what it keeps.

import { drawHistogram } from "./chart.js";
import { element, latest, make, short } from "./dom.js";
import { byClass } from "./generate.js";
import { Grid } from "./grid.js";

const BINS = 60;
const UNSURE = 1;
const DISAGREES = 2;
const REJECTED = 4;

// Why a sample was rejected, in a word or two.
export function reason(verdict) {
  if (!(verdict & REJECTED)) return "kept";
  return `rejected: ${[verdict & UNSURE && "H too high", verdict & DISAGREES && "another class"].filter(Boolean).join(", ")}`;
}

export function setUp(page) {
  const grid = new Grid(element("sorted"), { describe: page.describe, choose: (row) => page.choose(row) });
  const slider = element("threshold");
  const agreeing = element("keep-agreeing");
  const threshold = () => 10 ** slider.valueAsNumber;
  let chart = null;

  const filter = latest(async () => {
    if (!page.samples) return;
    await page.attempt(async () => {
      const asked = { max_entropy: threshold(), keep_agreeing: agreeing.checked };
      const { samples } = page;
      const told = await page.engine.call("main", "filter", asked);
      if (samples !== page.samples) return;
      page.filtered = told;
      page.coreset = null;
      show(told);
      page.dispatchEvent(new Event("kept"));
    });
  });

  function show({ kept, order, verdicts, classes }) {
    const { y, picture } = page.samples;
    const place = (row) => {
      const dim = Boolean(verdicts[row] & REJECTED);
      const seen = page.names[page.samples.predicted[row]];
      return { index: row, dim, note: dim && (verdicts[row] & DISAGREES ? seen.slice(0, 2) : "H") };
    };
    grid.show(picture, page.about.tile, byClass(page, y, order, place));
    const count = (bit) => verdicts.reduce((sum, verdict) => sum + Number(verdict & REJECTED && verdict & bit ? 1 : 0), 0);
    const rejected = y.length - kept.length;
    element("filter-live").textContent =
      `${kept.length} of ${y.length} kept; ${rejected} rejected: ` +
      `${count(UNSURE)} with H not below ${short(threshold())}, ${count(DISAGREES)} look like another class.`;
    element("sorted").setAttribute("aria-label", `${kept.length} samples kept and ${rejected} dimmed, by class and entropy`);
    element("filter-classes").tBodies[0].replaceChildren(
      ...classes
        .filter(({ drawn }) => drawn > 0)
        .map(({ class: number, drawn, agreed, kept: left }) => {
          const cells = [drawn, agreed, left].map((value) => make("td", {}, String(value)));
          return make("tr", {}, make("th", { scope: "row" }, page.names[number]), ...cells);
        }),
    );
  }

  function mark() {
    element("threshold-text").textContent = `${short(threshold())} nats`;
    slider.setAttribute("aria-valuetext", `${short(threshold())} nats`);
    if (!chart) return;
    const at = chart.x(slider.valueAsNumber);
    chart.cut.setAttribute("transform", `translate(${at} 0)`);
    chart.rest.setAttribute("x", at);
    chart.rest.setAttribute("width", Math.max(0, chart.x(chart.to) - at));
  }

  const change = () => {
    mark();
    filter();
    page.remember();
  };
  slider.addEventListener("input", change);
  agreeing.addEventListener("change", change);
  element("filter-controls").addEventListener("submit", (event) => event.preventDefault());

  // The line in the histogram is the slider, for a hand that is there already.
  const histogram = element("histogram");
  function drag(event) {
    if (!chart || !(event.buttons & 1)) return;
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(histogram.getScreenCTM().inverse());
    const value = chart.back(place.x);
    slider.value = String(value);
    change();
    event.preventDefault();
  }
  histogram.addEventListener("pointerdown", (event) => {
    histogram.setPointerCapture(event.pointerId);
    drag(event);
  });
  histogram.addEventListener("pointermove", drag);

  async function histogramOf() {
    const { low, high, agreeing: sure, others } = await page.engine.call("main", "histogram", BINS);
    chart = drawHistogram(histogram, { low, high, agreeing: [...sure], others: [...others] });
    chart.to = Math.log10(high);
    slider.min = String(Math.min(Math.log10(low), slider.valueAsNumber));
    const height = chart.floor - chart.ceiling;
    chart.rest = chart.add("rect", { class: "rest", y: chart.ceiling, height });
    chart.cut = chart.add("g", { class: "cut" });
    chart.cut.append(
      make("svg:line", { y1: chart.ceiling, y2: chart.floor }),
      make("svg:circle", { cy: chart.ceiling + 7, r: 7 }),
    );
    mark();
  }

  page.addEventListener("samples", () => page.attempt(async () => {
    await histogramOf();
    await filter();
  }));
  page.addEventListener("model", () => {
    grid.clear();
    histogram.replaceChildren();
    chart = null;
    element("filter-live").textContent = "";
    element("filter-classes").tBodies[0].replaceChildren();
  });
  mark();
}
