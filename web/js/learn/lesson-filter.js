// Lesson: what the entropy filter keeps, and when it drops a class.

import { drawHistogram } from "../chart.js";
import { make } from "../dom.js";
import { NAMES } from "./data.js";
import { Dots } from "./lesson-dots.js";
import { cloudsOf, drawnByHand, filter, nats } from "./lesson-samples.js";
import { fixed, percent, SEEDS, tiles } from "./lesson-stage.js";

const PER_CLASS = 100;
const BINS = 40;
const LOWEST = -3; // of the threshold, as a power of ten

const FIRST_PAGE = "./?model=mnist-latent-ebm&n=100&entropy=-4#filter";

const STEPS = [
  {
    title: "Doubt is a number",
    text: [
      "The model has learnt three clouds in a row. It then drew 100 samples for each class. For each sample, its classifier gives every class a share. The entropy H of these shares measures the doubt: 0 is certain, log 3 = 1.10 is a guess among three.",
    ],
    attempt: "Move the pointer over the samples, or use the arrow keys in the picture. Read the shares and H.",
    question: "Where do the samples with the most doubt lie? Which class lies between two others?",
    seen: "Between B and its neighbours, and far away from all clouds. B lies between two others. On ten draws, the samples of B had a mean H of 0.47 to 0.73, those of A and C 0.16 to 0.41.",
    set: { entropy: 0.05, agreeing: 0 },
  },
  {
    title: "A threshold",
    text: [
      "The filter keeps the samples with H < T. The idea: where the classifier is sure, the label of a sample is right more often. A sample that looks like another class is a bad example to learn from.",
    ],
    attempt: "Move the threshold to the left, slowly. What is dropped becomes hollow.",
    question: "Which samples go first? How does the share of labels that agree change?",
    seen: "On ten draws, the classifier agreed with 83 to 95 % of the labels of all samples, with 90 to 95 % of those with H < 0.71, and with 98 to 100 % of those with H < 0.32.",
    set: { entropy: 0.05, agreeing: 0 },
  },
  {
    title: "A class disappears",
    text: [
      "Class B has a neighbour on both sides. Even its best samples leave a little doubt. So a threshold that is right for A and C can be too strict for B.",
    ],
    attempt: "Move T a little, up and down. Then press “Other points” a few times.",
    question: "How many samples of B are kept, and how many of A and C? What would a classifier learn from the kept ones?",
    seen: "On ten draws, T = 0.32 kept 50 to 83 of 100 samples of A, 44 to 83 of C, and of B two or fewer in eight draws (9 and 17 in the others). T = 0.1 kept none of B, every time.",
    set: { entropy: -0.5 },
  },
  {
    title: "The surest of each class",
    text: [
      "Instead of one threshold for all, one can keep the surest samples of each class: gleaner filter --keep 0.3. No class disappears. The price is doubt: the kept samples of B are less sure than those of A and C.",
    ],
    attempt: "Move the share. Then choose “what is below T” again.",
    question: "Which H has the most doubtful kept sample of each class? Is a doubtful B better than no B?",
    seen: "The surest 30 % of each class, on ten draws: the most doubtful one had an H of 0.03 to 0.19 for A, 0.04 to 0.23 for C and 0.37 to 0.71 for B. All of them agreed with their class.",
    set: { rule: "share" },
    link: { words: "The same with digits: at T = 10⁻⁴, 35 of 100 zeros are left and 7 nines (first page, Filter)", to: FIRST_PAGE },
  },
];

function mount(stage) {
  const { training } = stage;
  const canvas = make("canvas", { width: 0, height: 0, tabindex: "0", role: "application", "aria-label": "Samples of the model. Arrow keys go from sample to sample." });
  const dots = new Dots(canvas);
  const histogram = make("svg:svg", { role: "img", "aria-label": "Number of samples by entropy" });
  const body = make("tbody");
  const columns = ["class", "drawn", "agree", "kept", "mean H of kept", "highest H of kept"];
  const table = make(
    "table",
    { class: "counts" },
    make("caption", {}, "By class"),
    make("thead", {}, make("tr", {}, ...columns.map((words) => make("th", { scope: "col" }, words)))),
    body,
  );
  const now = tiles([
    { name: "shares", symbol: "p of the marked sample", words: "shares of the classes A, B, C" },
    { name: "one", symbol: "H = −Σ pₖ log pₖ", words: "its doubt, in nats" },
    { name: "verdict", symbol: "H < T", words: "what the filter says of it" },
    { name: "kept", symbol: "kept", words: "of all samples" },
    { name: "agree", symbol: "labels that agree", words: "of the kept samples" },
  ]);
  const rule = stage.choice("rule", "Keep", [["threshold", "what is below T"], ["share", "a share of each class"]]);
  const threshold = stage.slider("entropy", "T: threshold, in nats", { min: LOWEST, max: 0.05, step: 0.05, words: (power) => nats(10 ** power) });
  const share = stage.slider("share", "Share of each class", { min: 0.05, max: 1, step: 0.05, words: (value) => `${Math.round(100 * value)} %` });
  const agreeing = stage.choice("agreeing", "And", [[1, "only what agrees with its class"], [0, "whatever class it looks like"]]);
  const said = make("p", { class: "verdict" });
  stage.box.append(
    make(
      "div",
      { class: "pictures beside-numbers" },
      make("figure", { class: "picture" }, make("figcaption", {}, make("strong", {}, "Samples"), " ", make("span", { class: "hint" }, "full: kept · hollow: dropped")), canvas),
      make(
        "div",
        {},
        make("figure", { class: "chart" }, histogram, make("figcaption", {}, "Number of samples by entropy (logarithmic axis). Most probable class: ", make("span", { class: "key agreeing" }, "the requested class"), " ", make("span", { class: "key others" }, "another class"))),
        make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "By class" }, table),
      ),
    ),
    said,
    make("div", { class: "lesson-controls" }, rule, threshold, share, agreeing, stage.other()),
    now.box,
  );

  let samples = null;
  let marked = -1;
  let chart = null;

  const keeps = () => {
    const { rule, entropy, share, agreeing } = stage.values;
    return filter(samples, { rule, threshold: 10 ** entropy, share, agreeing: agreeing === 1 });
  };

  function show() {
    threshold.hidden = stage.values.rule === "share";
    share.hidden = stage.values.rule !== "share";
    if (!samples) return;
    const kept = keeps();
    dots.put({ faint: (at) => !kept[at], marked });
    const rows = NAMES.slice(0, samples.classes).map((name, label) => {
      const own = [...samples.y.keys()].filter((at) => samples.y[at] === label);
      const left = own.filter((at) => kept[at]).map((at) => samples.entropy[at]);
      const agreed = own.filter((at) => samples.predicted[at] === label).length;
      const mean = left.length > 0 ? nats(left.reduce((sum, value) => sum + value, 0) / left.length) : "–";
      return { name, left: left.length, drawn: own.length, cells: [own.length, agreed, left.length, mean, left.length > 0 ? nats(Math.max(...left)) : "–"] };
    });
    body.replaceChildren(...rows.map(({ name, left, cells }) => make("tr", left === 0 ? { class: "lost" } : {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", {}, String(cell))))));
    const all = kept.filter(Boolean).length;
    now.put({ kept: `${all} of ${kept.length} (${percent(all / kept.length)})`, agree: all > 0 ? percent(kept.filter((keep, at) => keep && samples.predicted[at] === samples.y[at]).length / all) : "–" });
    const [least, most] = [Math.min(...rows.map(({ left }) => left)), Math.max(...rows.map(({ left }) => left))];
    const poor = rows.filter(({ left, drawn }) => left <= 0.05 * drawn).map(({ name }) => name);
    said.textContent =
      all === 0 ? "Nothing is kept: the threshold is too strict for every class."
      : poor.length > 0 ? `Of class ${poor.join(" and ")}, hardly anything is left: ${least} of ${PER_CLASS}. Of another class: ${most}.`
      : `Every class keeps at least ${least} of ${PER_CLASS} samples.`;
    mark(marked);
    cut();
  }

  function cut() {
    if (!chart) return;
    const { rule, entropy } = stage.values;
    const hidden = rule === "share" ? "hidden" : "visible";
    const at = chart.x(Math.max(chart.from, Math.min(chart.to, entropy)));
    chart.line.setAttribute("x1", at);
    chart.line.setAttribute("x2", at);
    chart.rest.setAttribute("x", at);
    chart.rest.setAttribute("width", Math.max(0, chart.x(chart.to) - at));
    for (const node of [chart.line, chart.rest]) node.setAttribute("visibility", hidden);
  }

  function bars() {
    const logs = samples.entropy.map((value) => Math.log10(Math.max(value, 10 ** LOWEST)));
    const [from, to] = [Math.floor(Math.min(...logs)), 0.05];
    const [agreeing, others] = [new Array(BINS).fill(0), new Array(BINS).fill(0)];
    logs.forEach((value, at) => {
      const bin = Math.max(0, Math.min(BINS - 1, Math.floor(((value - from) / (to - from)) * BINS)));
      (samples.predicted[at] === samples.y[at] ? agreeing : others)[bin] += 1;
    });
    chart = drawHistogram(histogram, { low: 10 ** from, high: 10 ** to, agreeing, others });
    Object.assign(chart, { from, to });
    chart.rest = chart.add("rect", { class: "rest", y: chart.ceiling, height: chart.floor - chart.ceiling });
    chart.line = make("svg:line", { y1: chart.ceiling, y2: chart.floor });
    chart.add("g", { class: "cut" }, chart.line);
  }

  function mark(at) {
    marked = at;
    dots.put({ marked });
    if (at < 0 || !samples) return;
    const shares = [...samples.shares[at]].map((value) => fixed(value));
    now.put({ shares: shares.join(" "), one: nats(samples.entropy[at]), verdict: keeps()[at] ? "kept" : "dropped" });
  }

  // The next sample in a direction; the first is the most doubtful one.
  function towards([right, up]) {
    const { x, y } = samples;
    let [best, least] = [marked, Infinity];
    for (let at = 0; at < y.length; at += 1) {
      const [dx, dy] = [x[2 * at] - x[2 * marked], x[2 * at + 1] - x[2 * marked + 1]];
      const ahead = dx * right + dy * up;
      const aside = Math.abs(dx * up - dy * right);
      if (ahead <= 0 || aside > 2 * ahead || ahead + 2 * aside >= least) continue;
      [best, least] = [at, ahead + 2 * aside];
    }
    mark(best);
  }

  canvas.addEventListener("pointermove", (event) => {
    const at = samples ? dots.pointAt(event) : -1;
    if (at >= 0) mark(at);
  });
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way || !samples) return;
    event.preventDefault();
    towards(way);
    stage.say(`Class ${NAMES[samples.y[marked]]}: shares ${[...samples.shares[marked]].map((value) => fixed(value)).join(", ")}, H ${nats(samples.entropy[marked])}, ${keeps()[marked] ? "kept" : "dropped"}.`);
  });

  async function begin() {
    samples = null;
    const drawn = await cloudsOf(stage, [dots]);
    if (!drawn) return;
    samples = drawn;
    marked = drawn.entropy.indexOf(Math.max(...drawn.entropy));
    bars();
    show();
  }

  stage.changed = (name) => (name === "seed" ? begin() : show());
  let opened = null;
  return {
    async show() {
      show();
      if (opened === stage.values.seed && samples) return;
      opened = stage.values.seed;
      await begin();
    },
  };
}

export const filtering = {
  id: "filter",
  title: "Keep what the model is sure of",
  summary: "A threshold on doubt makes labels right more often. It can also lose a whole class. See when, and what helps.",
  minutes: 4,
  steps: STEPS,
  start: { rule: "threshold", entropy: -0.5, share: 0.3, agreeing: 1, seed: 0 },
  takes: { rule: ["threshold", "share"], entropy: [LOWEST, 0.05], share: [0.05, 1], agreeing: [0, 1], seed: SEEDS },
  playground: drawnByHand,
  mount,
};
