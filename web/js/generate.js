// Drawing samples: in one go, or with the chains watched step by step.

import { drawTraces } from "./chart.js";
import { element, make, pause, short, still } from "./dom.js";
import { number } from "./fields.js";
import { Grid } from "./grid.js";

const FRAMES = 12; // pictures of chains that run in one go
const SLOW = 300; // milliseconds for a step in slow motion
const SHOWN = 60; // samples of a class at most that a grid shows

// Some of a list, evenly from its first to its last.
const evenly = (list, count) =>
  list.length <= count ? list : Array.from({ length: count }, (_, at) => list[Math.round((at * (list.length - 1)) / (count - 1))]);

// Rows by class for a grid, of `place(row)` for each sample, in the order of `rows`; of many, some.
export function byClass(page, y, rows, place) {
  const lines = page.names.map((name) => ({ name, places: [] }));
  for (const row of rows) lines[Math.max(0, y[row])].places.push(place(row));
  return lines
    .filter(({ places }) => places.length > 0)
    .map(({ name, places }) => ({ name, places: evenly(places, SHOWN) }));
}

export function setUp(page) {
  // What is still being drawn is nothing yet that could be told of.
  const grid = new Grid(element("samples"), {
    describe: (row) => (drawing ? "" : page.describe(row)),
    choose: (row) => drawing || page.choose(row),
  });
  let run = 0; // counts beginnings: who finds another number than his own was overtaken
  let drawing = null; // { asked, y, taken, left, trace }
  const form = element("controls");
  const wish = () => ({
    per_class: number("per-class"),
    seed: number("seed"),
    classes: page.classes(),
    ...(page.about.chains && {
      steps: number("steps"),
      step_size: number("step-size"),
      temperature: number("temperature"),
    }),
  });

  function buttons() {
    const ready = Boolean(page.about);
    element("draw").disabled = !ready || page.busy;
    element("stop").hidden = !page.busy;
    for (const id of ["restart", "step"]) element(id).disabled = !ready || page.busy;
    element("play").disabled = !ready || (page.busy && !page.playing);
    element("play").setAttribute("aria-pressed", String(page.playing));
    element("play").textContent = page.playing ? "Pause" : "Play";
  }
  page.addEventListener("busy", buttons);

  // Resolves to the number of its run.
  async function begin() {
    const asked = wish();
    run += 1;
    const mine = run;
    drawing = null;
    const { y, taken, left } = await page.engine.call("main", "begin", asked);
    drawing = { asked, y, taken, left, trace: [] };
    if (left > 0) await advance(0);
    return mine;
  }

  // Some steps of the chains, and where they are then.
  async function advance(steps, seen = true) {
    const told = await page.engine.call("main", "advance", steps);
    Object.assign(drawing, { taken: told.taken, left: told.left });
    drawing.trace.push({ at: told.taken, energy: -told.log_density, norm: told.gradient_norm });
    chart();
    if (seen) show(await page.engine.call("main", "picture"), drawing.y);
    page.progress(told.taken / Math.max(1, told.taken + told.left));
  }

  function show(picture, y) {
    grid.show(picture, page.about.tile, byClass(page, y, y.keys(), (row) => ({ index: row })));
    element("samples").setAttribute("aria-label", `${y.length} samples, a row for each class`);
  }

  function chart() {
    const of = (name) => drawing.trace.map((point) => [point.at, point[name]]);
    const length = drawing.taken + drawing.left;
    drawTraces(element("chain-chart"), length, [
      { name: "energy", points: of("energy") },
      { name: "norm", points: of("norm") },
    ]);
    const { at, energy, norm } = drawing.trace.at(-1);
    element("chain-live").replaceChildren(
      make("span", {}, `step ${at} of ${length}`),
      make("span", { class: "key energy" }, `energy −log p(z|y) ${short(energy)}`),
      make("span", { class: "key norm" }, `gradient ‖∇‖ ${short(norm)}`),
    );
  }

  async function finish() {
    const started = performance.now();
    const { asked } = drawing;
    const samples = { ...(await page.engine.call("main", "finish")), asked };
    drawing = null;
    show(samples.picture, samples.y);
    const agree = (100 * samples.agreement).toFixed(1);
    const said = page.about.classifies ? ` The classifier sees the requested class in ${agree} % of them.` : "";
    const cut = samples.y.length > SHOWN * page.about.classes ? ` The grid shows ${SHOWN} of each class.` : "";
    element("samples-caption").textContent = `${samples.y.length} samples.${said}${cut} Click one to look inside.`;
    await page.sampled(samples, performance.now() - started);
  }

  // Takes the chains of a run to their end, unless somebody begins anew or stops them. `delay` is how long each picture stays; without it
  // they come as fast as they can, and where motion is unwelcome not at all.
  async function toTheEnd(mine, stride, delay) {
    while (drawing?.left > 0 && mine === run) {
      await advance(stride, Boolean(delay) || !still());
      if (delay) await pause(delay());
    }
    if (mine === run && drawing && drawing.left === 0) await finish();
  }

  const draw = async () => {
    page.say("busy", "Drawing…");
    const started = performance.now();
    const mine = await begin();
    await toTheEnd(mine, Math.max(1, Math.ceil(drawing.left / FRAMES)));
    const seconds = (performance.now() - started) / 1000;
    if (!drawing && page.samples) page.say("done", `${page.samples.y.length} samples in ${seconds.toFixed(2)} s on ${page.place()}.`);
  };
  page.draw = () => page.work(draw);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    page.draw();
    form.querySelector("input:invalid")?.focus();
  });
  element("stop").addEventListener("click", () => {
    run += 1;
    page.say("done", drawing ? `Stopped at step ${drawing.taken}.` : "Stopped.");
  });
  element("restart").addEventListener("click", () => page.work(begin));
  element("step").addEventListener("click", () =>
    page.work(async () => {
      if (!drawing) await begin();
      await advance(1);
      if (drawing.left === 0) await finish();
    }),
  );
  element("play").addEventListener("click", () => {
    if (page.playing) {
      run += 1;
      return;
    }
    page.work(async () => {
      page.setPlaying(true);
      try {
        const mine = drawing ? run : await begin();
        await toTheEnd(mine, 1, () => (element("slow").checked ? SLOW : 16));
      } finally {
        page.setPlaying(false);
      }
    });
  });

  page.addEventListener("model", () => {
    run += 1;
    drawing = null;
    grid.clear();
    const { chains, classes } = page.about;
    const sampler = element("sampler");
    sampler.value = chains ? "langevin" : "ancestral";
    for (const option of sampler.options) option.disabled = option.value !== sampler.value;
    element("sampler-help").textContent = chains
      ? "A sample is made from latent variables z. Chains move z in noisy steps to low energy, where z is probable."
      : "A sample is made from latent variables z. This model draws z from a normal distribution, without chains.";
    for (const id of ["chain-fields", "playback", "chain-figure"]) element(id).hidden = !chains;
    page.showChips("classes", "checkbox", classes);
    buttons();
  });
  page.addEventListener("stop", () => {
    run += 1;
  });
  page.addEventListener("gone", () => {
    run += 1;
    drawing = null;
  });
}
