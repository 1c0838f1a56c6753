// Lesson: what a coreset keeps.

import { frame } from "../chart.js";
import { make, pause, still } from "../dom.js";
import { oneOf, whole } from "./address.js";
import { Dots } from "./lesson-dots.js";
import { cloudsOf, drawnByHand, filter } from "./lesson-samples.js";
import { SEEDS, tiles } from "./lesson-stage.js";
import { fixed, percent } from "./numbers.js";
import { boundOf, greedy, pick, random, weigh, worthOf } from "./picks.js";

const MOST = 15; // picks of a class
const HEIGHT = 190;
const BEAT = 350; // milliseconds between two picks that are shown one by one
const FIRST_PAGE = "./?model=mnist-latent-ebm&n=100&entropy=-2&method=craig&space=embedding&budget=10#coreset";

// What there is to pick from.
const RULES = {
  share: { rule: "share", share: 0.5, agreeing: true },
  threshold: { rule: "threshold", threshold: 0.3, agreeing: true },
  all: { rule: "share", share: 1 },
};

const STEPS = [
  {
    title: "One that stands for all",
    text: [
      "The model drew 100 samples for each of three classes, and the filter kept the surest half of each. Many are nearly the same. A coreset is a few of them that represent all.",
      "How well a set S of picks represents the samples is f(S): each sample counts the more, the nearer it is to its nearest pick. D is the largest distance of two samples of a class.",
    ],
    attempt: "Raise the number of picks from 1 to 8, slowly, or press “Pick one by one”.",
    question: "Where does the first pick of each class lie? Where the second? By how much does f(S) grow each time?",
    seen: "The first pick lies in the middle of its class, the next ones on the sides that it is far from. Seed 0: f(S) is 179 with one pick of each class, 194 with two, 202 with three, 209 with five, 218 with ten. Each pick adds less than the one before.",
    set: { picks: 1 },
  },
  {
    title: "Weights",
    text: ["Each sample belongs to the nearest pick of its class. The weight of a pick is the number of samples that belong to it. On the left, the area of its disc is its weight. A classifier that learns from the picks counts each as often as its weight says."],
    attempt: "Compare 3 picks of a class with 12.",
    question: "What do all weights add up to? Are the weights on the left more even than those on the right?",
    seen: "They add up to the number of samples that are picked from (148 for seed 0), whatever the picks are. Chosen picks share the samples out more evenly: random ones that lie side by side share what one of them could have.",
    set: { picks: 6 },
  },
  {
    title: "Against chance",
    text: ["On the right, as many samples are picked at random. Some stand beside each other, and some parts have none. The dotted line is a bound: no set of that many picks has a higher f(S)."],
    attempt: "Press “Other random picks” a few times. Then move the number of picks to 15.",
    question: "How many random picks are as good as 5 chosen ones? How near does the chosen set come to the bound?",
    seen: "To equal 5 chosen picks of each class took 7 to 12 random ones, mostly 8 or 9 (ten draws of points, nine of picks each). Chosen picks came to at least 95 % of the bound with 5, and at least 96 % with 15.",
    set: { picks: 5 },
  },
  {
    title: "What is picked from",
    text: ["A coreset represents whatever it is given. Without the filter, it is given samples that look like another class, too. With a filter that is too strict for a class, it is given none of that class."],
    attempt: "Pick from all samples, then from those with H < 0.3, then from the surest half of each class.",
    question: "How many picks look like another class? Does every class have its picks?",
    seen: "From all samples, 3 to 10 of 45 picks looked like another class (ten draws of points). From those with H < 0.3, B had no picks at all in eight of ten draws. From the surest half of each class, no pick looked like another class and every class had its 15.",
    set: { picks: 15, kept: "all" },
    link: { words: "The same with digits (first page, Pick)", to: FIRST_PAGE },
  },
];

const figure = (title) => {
  const canvas = make("canvas", { width: 0, height: 0, role: "img", "aria-label": `${title}: nothing is picked yet` });
  const caption = make("span", { class: "hint" });
  const node = make("figure", { class: "picture" }, make("figcaption", {}, make("strong", {}, title), " ", caption), canvas);
  return { canvas, caption, node, dots: new Dots(canvas) };
};

class Coreset {
  #stage;
  #left = figure("Chosen");
  #right = figure("Random");
  #gains = make("svg:svg", { role: "img", "aria-label": "f of S by number of picks" });
  #now;
  #samples = null;
  #told = null; // { keep, chosen, random, bounds }
  #replays = 0; // an old replay stops when there is a new one, or when something changes
  #opened = null; // the seed of the samples that are there, or on their way

  constructor(stage) {
    this.#stage = stage;
    this.#build();
    stage.changed = (name) => {
      this.#replays += 1;
      if (name === "seed") stage.attempt(() => this.#begin());
      else if (name === "kept") this.#choose();
      else this.#show();
    };
  }

  async show() {
    this.#replays += 1;
    const { seed } = this.#stage.values;
    if (this.#opened === seed) this.#choose();
    else await this.#begin();
  }

  #build() {
    const stage = this.#stage;
    this.#now = tiles([
      { name: "chosen", symbol: "f(S) = Σᵢ maxⱼ (D − dᵢⱼ)", words: "of the chosen picks j" },
      { name: "random", symbol: "f of random picks", words: "of as many" },
      { name: "share", symbol: "f(S) / bound", words: "as near to the best as this, at least" },
      { name: "equal", symbol: "as good", words: "random picks of a class that come to the f(S) of the chosen" },
      { name: "sum", symbol: "sum of weights", words: "all samples that are picked from" },
      { name: "wrong", symbol: "picks of another class", words: "that the classifier takes for it" },
    ]);
    const key = (name, words) => make("span", { class: `key ${name}` }, words);
    const keys = [key("chosen", "chosen"), " ", key("random", "random"), " ", key("bound", "upper bound")];
    const chart = make("figure", { class: "chart" }, this.#gains, make("figcaption", {}, "f(S) by number of picks of a class. ", ...keys));
    const others = stage.button("Other random picks", () => {
      stage.put({ chance: stage.values.chance + 1 });
      this.#choose();
    });
    stage.box.append(
      make("div", { class: "pictures" }, this.#left.node, this.#right.node),
      make(
        "div",
        { class: "lesson-controls" },
        stage.slider("picks", "Picks of each class", { min: 1, max: MOST }),
        stage.choice("kept", "Pick from", [["share", "the surest half of each class"], ["threshold", "those with H < 0.3"], ["all", "all samples"]]),
        stage.button("Pick one by one", () => this.#replay()),
        others,
        stage.other("Other points"),
      ),
      make("div", { class: "pictures lesson-numbers" }, this.#now.box, chart),
    );
  }

  async #begin() {
    [this.#samples, this.#told] = [null, null];
    this.#now.clear();
    const { seed } = this.#stage.values;
    this.#opened = seed;
    const drawn = await cloudsOf(this.#stage, [this.#left.dots, this.#right.dots]).finally(() => {
      if (this.#opened === seed) this.#opened = null;
    });
    if (!drawn) return;
    this.#samples = drawn;
    this.#opened = seed;
    this.#choose();
    if (this.#told) this.#stage.say(`${this.#told.keep.filter(Boolean).length} samples to pick from.`);
  }

  // Picks of each class, as many as there may be.
  #choose() {
    if (!this.#samples) return;
    const { x, y } = this.#samples;
    const { kept, chance } = this.#stage.values;
    const keep = filter(this.#samples, RULES[kept]);
    const classes = [...new Set(y)].map((label) => [...y.keys()].filter((at) => keep[at] && y[at] === label)).filter((rows) => rows.length > 0);
    this.#told = null;
    if (classes.length === 0) {
      this.#stage.status("news", "Nothing is left to pick from.");
      return;
    }
    this.#stage.status("done", "");
    const chosen = classes.map((rows) => pick(x, rows, MOST, greedy));
    // Random picks go on until they are as good as all chosen ones.
    const others = classes.map((rows, at) => pick(x, rows, 8 * MOST, random(977 * chance + at)));
    const bounds = Array.from({ length: MOST }, (_, at) => chosen.reduce((sum, each) => sum + boundOf(each, at + 1), 0));
    this.#told = { keep, chosen, random: others, bounds };
    for (const { dots } of [this.#left, this.#right]) dots.put({ faint: (at) => !keep[at] });
    this.#show();
  }

  async #replay() {
    this.#replays += 1;
    const mine = this.#replays;
    for (let size = 1; size <= this.#stage.values.picks && mine === this.#replays; size += 1) {
      this.#show(size);
      if (!still()) await pause(BEAT);
    }
  }

  #show(size = this.#stage.values.picks) {
    if (!this.#told) return;
    const { keep, chosen, random: others } = this.#told;
    const all = keep.filter(Boolean).length;
    const discs = [chosen, others].map((classes) => classes.flatMap((each) => weigh(each, size)));
    [this.#left, this.#right].forEach(({ canvas, caption, dots }, at) => {
      const weights = discs[at].map(({ weight }) => weight);
      dots.put({ discs: discs[at], of: all / chosen.length });
      caption.textContent = `${weights.length} of ${all} samples`;
      canvas.setAttribute("aria-label", `${weights.length} ${["chosen", "random"][at]} picks with weights ${weights.join(", ")}`);
    });
    this.#tell(discs[0], all, size);
    this.#draw(size);
  }

  #tell(discs, all, size) {
    const { chosen, random: others, bounds } = this.#told;
    const { predicted, y } = this.#samples;
    const worth = worthOf(chosen, size);
    const longest = Math.max(...others.map(({ worths }) => worths.length));
    let equal = 1;
    while (equal <= longest && worthOf(others, equal) < worth) equal += 1;
    this.#now.put({
      chosen: fixed(worth, 1),
      random: fixed(worthOf(others, size), 1),
      share: percent(worth / bounds[size - 1]),
      equal: equal > longest ? `more than ${longest}` : String(equal),
      sum: `${discs.reduce((sum, { weight }) => sum + weight, 0)} = ${all}`,
      wrong: `${discs.filter(({ at }) => predicted[at] !== y[at]).length} of ${discs.length}`,
    });
  }

  #draw(size) {
    const { chosen, random: others, bounds } = this.#told;
    const most = chosen.reduce((sum, each) => sum + each.most, 0);
    const floor = Math.min(worthOf(chosen, 1), worthOf(others, 1));
    const plot = frame(this.#gains, HEIGHT, [1, MOST], [floor, most]);
    for (const value of [floor, most]) plot.beside(value, value.toFixed(0));
    for (const at of [1, 5, 10, MOST]) plot.below(at, at === MOST ? `${MOST} picks` : String(at));
    plot.line("bound", bounds.map((value, at) => [at + 1, value]));
    for (const [line, dot, classes] of [["random", "norm", others], ["chosen", "energy", chosen]]) {
      plot.line(line, bounds.map((_, at) => [at + 1, worthOf(classes, at + 1)]));
      plot.add("circle", { class: `dot ${dot}`, r: 4.5, cx: plot.x(size), cy: plot.y(worthOf(classes, size)) });
    }
  }
}

export const coreset = {
  id: "coreset",
  title: "A few for many",
  summary: "Pick a few samples that represent all, and weigh each by how many it stands for. How much better is that than chance?",
  minutes: 4,
  steps: STEPS,
  start: { picks: 6, kept: "share", seed: 0, chance: 0 },
  takes: { picks: whole(1, MOST), kept: oneOf(...Object.keys(RULES)), seed: SEEDS, chance: SEEDS },
  playground: drawnByHand,
  mount: (stage) => new Coreset(stage),
};
