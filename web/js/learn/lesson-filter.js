// Lesson: what the entropy filter keeps, and when it drops a class.

import { drawHistogram } from "../chart.js";
import { make } from "../dom.js";
import { number, oneOf } from "./address.js";
import { NAMES } from "./data.js";
import { Dots } from "./lesson-dots.js";
import { cloudsOf, drawnByHand, filter, nats } from "./lesson-samples.js";
import { SEEDS, tiles } from "./lesson-stage.js";
import { ARROWS, next } from "./nearest.js";
import { fixed, percent } from "./numbers.js";

const PER_CLASS = 100;
const BINS = 40;
const [LOWEST, HIGHEST] = [-3, 0.05]; // of the threshold, as powers of ten
const POOR = 0.05; // share of a class: with less of it, hardly anything is left

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
    set: { entropy: -0.5, agreeing: 0 },
  },
  {
    title: "The surest of each class",
    text: [
      "Instead of one threshold for all, one can keep the surest samples of each class: gleaner filter --keep 0.3. No class disappears. The price is doubt: the kept samples of B are less sure than those of A and C.",
    ],
    attempt: "Move the share. Then choose “what is below T” again.",
    question: "Which H has the most doubtful kept sample of each class? Is a doubtful B better than no B?",
    seen: "The surest 30 % of each class, on ten draws: the most doubtful one had an H of 0.03 to 0.19 for A, 0.04 to 0.23 for C and 0.37 to 0.71 for B. The classifier agreed with 82 to 99 % of the kept labels, because the doubtful B are kept, too. “Only what agrees” drops the others.",
    set: { rule: "share", agreeing: 0 },
    link: { words: "The same with digits: at T = 10⁻⁴, 35 of 100 zeros are left and 7 nines (first page, Filter)", to: FIRST_PAGE },
  },
];

const WHAT = "Samples of the model. Arrow keys go from sample to sample.";
const COLUMNS = ["class", "drawn", "agree", "kept", "mean H of kept", "highest H of kept"];

class Filter {
  #stage;
  #canvas = make("canvas", { width: 0, height: 0, tabindex: "0", role: "application", "aria-label": WHAT });
  #dots = new Dots(this.#canvas);
  #histogram = make("svg:svg", { role: "img", "aria-label": "Number of samples by entropy" });
  #rows = make("tbody");
  #verdict = make("p", { class: "verdict" });
  #threshold;
  #share;
  #now;
  #samples = null;
  #marked = -1;
  #chart = null;
  #opened = null; // the seed of the samples that are there, or on their way

  constructor(stage) {
    this.#stage = stage;
    this.#build();
    this.#listen();
  }

  async show() {
    this.#show();
    if (this.#opened !== this.#stage.values.seed) await this.#begin();
  }

  #build() {
    const stage = this.#stage;
    this.#threshold = stage.slider("entropy", "T: threshold, in nats", { min: LOWEST, max: HIGHEST, step: 0.05, words: (power) => nats(10 ** power) });
    this.#share = stage.slider("share", "Share of each class", { min: 0.05, max: 1, step: 0.05, words: (value) => percent(value, 0) });
    this.#now = tiles([
      { name: "shares", symbol: "p of the marked sample", words: "shares of the classes A, B, C" },
      { name: "one", symbol: "H = −Σ pₖ log pₖ", words: "its doubt, in nats" },
      { name: "verdict", symbol: "H < T", words: "what the filter says of it" },
      { name: "kept", symbol: "kept", words: "of all samples" },
      { name: "agree", symbol: "labels that agree", words: "of the kept samples" },
    ]);
    const hint = make("span", { class: "hint" }, "full: kept · hollow: dropped");
    stage.box.append(
      make(
        "div",
        { class: "pictures beside-numbers" },
        make("figure", { class: "picture" }, make("figcaption", {}, make("strong", {}, "Samples"), " ", hint), this.#canvas),
        make("div", {}, this.#bars(), this.#table()),
      ),
      this.#verdict,
      make(
        "div",
        { class: "lesson-controls" },
        stage.choice("rule", "Keep", [["threshold", "what is below T"], ["share", "a share of each class"]]),
        this.#threshold,
        this.#share,
        stage.choice("agreeing", "And", [[1, "only what agrees with its class"], [0, "whatever class it looks like"]]),
        stage.other(),
      ),
      this.#now.box,
    );
  }

  #bars() {
    const key = (name, words) => make("span", { class: `key ${name}` }, words);
    const words = "Number of samples by entropy (logarithmic axis). Most probable class: ";
    const caption = make("figcaption", {}, words, key("agreeing", "the requested class"), " ", key("others", "another class"));
    return make("figure", { class: "chart" }, this.#histogram, caption);
  }

  #table() {
    const head = make("tr", {}, ...COLUMNS.map((words) => make("th", { scope: "col" }, words)));
    const table = make("table", { class: "counts" }, make("caption", {}, "By class"), make("thead", {}, head), this.#rows);
    return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "By class" }, table);
  }

  #listen() {
    const stage = this.#stage;
    this.#canvas.addEventListener("pointermove", (event) => {
      const at = this.#samples ? this.#dots.pointAt(event) : -1;
      if (at >= 0) this.#mark(at);
    });
    this.#canvas.addEventListener("keydown", (event) => {
      const way = ARROWS[event.key];
      if (!way || !this.#samples) return;
      event.preventDefault();
      const { x, y, entropy } = this.#samples;
      const at = next(x, this.#marked, way);
      this.#mark(at);
      stage.say(`Class ${NAMES[y[at]]}: shares ${this.#shares(at).join(", ")}, H ${nats(entropy[at])}, ${this.#kept()[at] ? "kept" : "dropped"}.`);
    });
    stage.changed = (name) => (name === "seed" ? stage.attempt(() => this.#begin()) : this.#show());
  }

  async #begin() {
    this.#samples = null;
    this.#now.clear();
    const { seed } = this.#stage.values;
    this.#opened = seed;
    const drawn = await cloudsOf(this.#stage, [this.#dots]).finally(() => {
      if (this.#opened === seed) this.#opened = null;
    });
    if (!drawn) return;
    this.#samples = drawn;
    this.#opened = seed;
    this.#marked = drawn.entropy.indexOf(Math.max(...drawn.entropy));
    this.#count();
    this.#show();
  }

  #kept() {
    const { rule, entropy, share, agreeing } = this.#stage.values;
    return filter(this.#samples, { rule, threshold: 10 ** entropy, share, agreeing: agreeing === 1 });
  }

  #shares = (at) => [...this.#samples.shares[at]].map((value) => fixed(value));

  #show() {
    const byShare = this.#stage.values.rule === "share";
    this.#threshold.hidden = byShare;
    this.#share.hidden = !byShare;
    if (!this.#samples) return;
    const kept = this.#kept();
    this.#dots.put({ faint: (at) => !kept[at] });
    this.#showClasses(kept);
    const { predicted, y } = this.#samples;
    const all = kept.filter(Boolean).length;
    const agreeing = kept.filter((keep, at) => keep && predicted[at] === y[at]).length;
    this.#now.put({ kept: `${all} of ${kept.length} (${percent(all / kept.length)})`, agree: all > 0 ? percent(agreeing / all) : "–" });
    this.#mark(this.#marked);
    this.#cut();
  }

  // What is kept of each class, as a table and in a sentence.
  #showClasses(kept) {
    const { classes, y, entropy, predicted } = this.#samples;
    const rows = NAMES.slice(0, classes).map((name, label) => {
      const own = [...y.keys()].filter((at) => y[at] === label);
      const doubts = own.filter((at) => kept[at]).map((at) => entropy[at]);
      const mean = doubts.reduce((sum, value) => sum + value, 0) / doubts.length;
      const ends = doubts.length > 0 ? [nats(mean), nats(Math.max(...doubts))] : ["–", "–"];
      return { name, left: doubts.length, cells: [own.length, own.filter((at) => predicted[at] === label).length, doubts.length, ...ends] };
    });
    const row = ({ name, left, cells }) =>
      make("tr", left === 0 ? { class: "lost" } : {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", {}, String(cell))));
    this.#rows.replaceChildren(...rows.map(row));
    const counts = rows.map(({ left }) => left);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    const poor = rows.filter(({ left }) => left <= POOR * PER_CLASS).map(({ name }) => name);
    let text = least === PER_CLASS ? "Nothing is dropped." : `Every class keeps at least ${least} of ${PER_CLASS} samples.`;
    const [fewest, richest] = [least, most].map((count) => rows.find(({ left }) => left === count).name);
    if (2 * least < most) text = `Class ${fewest} keeps ${least} of ${PER_CLASS} samples, class ${richest} ${most}.`;
    if (poor.length > 0) text = `Of class ${poor.join(" and ")}, hardly anything is left: ${least} of ${PER_CLASS}. The class with the most has ${most} left.`;
    if (most === 0) text = "Nothing is kept: the threshold is too strict for every class.";
    this.#verdict.textContent = text;
  }

  // The bars of all samples, and a line that the threshold moves.
  #count() {
    const { entropy, predicted, y } = this.#samples;
    const logs = entropy.map((value) => Math.log10(Math.max(value, 10 ** LOWEST)));
    const [from, to] = [Math.floor(Math.min(...logs)), HIGHEST];
    const [agreeing, others] = [new Array(BINS).fill(0), new Array(BINS).fill(0)];
    logs.forEach((value, at) => {
      const bin = Math.max(0, Math.min(BINS - 1, Math.floor(((value - from) / (to - from)) * BINS)));
      (predicted[at] === y[at] ? agreeing : others)[bin] += 1;
    });
    const drawn = drawHistogram(this.#histogram, { low: 10 ** from, high: 10 ** to, agreeing, others });
    const rest = drawn.add("rect", { class: "rest", y: drawn.ceiling, height: drawn.floor - drawn.ceiling });
    const line = make("svg:line", { y1: drawn.ceiling, y2: drawn.floor });
    drawn.add("g", { class: "cut" }, line);
    this.#chart = { x: drawn.x, from, to, rest, line };
  }

  #cut() {
    const { rule, entropy } = this.#stage.values;
    const { x, from, to, rest, line } = this.#chart;
    const at = x(Math.max(from, Math.min(to, entropy)));
    line.setAttribute("x1", at);
    line.setAttribute("x2", at);
    rest.setAttribute("x", at);
    rest.setAttribute("width", Math.max(0, x(to) - at));
    for (const node of [line, rest]) node.setAttribute("visibility", rule === "share" ? "hidden" : "visible");
  }

  #mark(at) {
    this.#marked = at;
    this.#dots.put({ marked: at });
    this.#now.put({ shares: this.#shares(at).join(" "), one: nats(this.#samples.entropy[at]), verdict: this.#kept()[at] ? "kept" : "dropped" });
  }
}

export const filtering = {
  id: "filter",
  title: "Keep what the model is sure of",
  summary: "A threshold on doubt makes labels right more often. It can also lose a whole class. See when, and what helps.",
  minutes: 4,
  steps: STEPS,
  start: { rule: "threshold", entropy: -0.5, share: 0.3, agreeing: 1, seed: 0 },
  takes: { rule: oneOf("threshold", "share"), entropy: number(LOWEST, HIGHEST), share: number(0.05, 1), agreeing: oneOf(0, 1), seed: SEEDS },
  playground: drawnByHand,
  mount: (stage) => new Filter(stage),
};
