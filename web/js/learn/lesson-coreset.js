// Lesson: what a coreset keeps. The picks are found here, by the greedy search of the program, for few enough points to be seen one by one.

import { frame } from "../chart.js";
import { make, pause, still } from "../dom.js";
import { chance } from "./chance.js";
import { Dots } from "./lesson-dots.js";
import { cloudsOf, drawnByHand, filter } from "./lesson-samples.js";
import { percent, SEEDS, tiles } from "./lesson-stage.js";

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

// The distances between points, row by row.
function distances(x, rows) {
  const count = rows.length;
  const all = new Float32Array(count * count);
  for (let a = 0; a < count; a += 1) {
    for (let b = 0; b < count; b += 1) all[a * count + b] = Math.hypot(x[2 * rows[a]] - x[2 * rows[b]], x[2 * rows[a] + 1] - x[2 * rows[b] + 1]);
  }
  return all;
}

// Picks some of a class: `next(gains, picked)` says which. For each pick its place, and what all so far are worth; weights at the end.
function pick(x, rows, size, next) {
  const all = distances(x, rows);
  const count = rows.length;
  const furthest = all.reduce((most, value) => Math.max(most, value), 0);
  const nearest = new Float32Array(count).fill(furthest);
  const [picked, worths, bounds] = [[], [], []];
  // What a pick adds: by how much it is nearer to each sample than the picks before.
  const gains = () => rows.map((_, at) => rows.reduce((sum, _, other) => sum + Math.max(0, nearest[other] - all[at * count + other]), 0));
  let left = gains();
  let worth = 0;
  while (picked.length < Math.min(size, count)) {
    const at = next(left, picked);
    picked.push(at);
    worth += left[at];
    worths.push(worth);
    for (let other = 0; other < count; other += 1) nearest[other] = Math.min(nearest[other], all[at * count + other]);
    left = gains();
    bounds.push(left);
  }
  return { rows, all, picked, worths, gains: bounds, most: furthest * count };
}

const greedy = (gains) => gains.reduce((best, gain, at) => (gain > gains[best] ? at : best), 0);

// Random picks: the same for the same address.
function random(seed) {
  const next = chance(seed);
  return (gains, picked) => {
    for (;;) {
      const at = Math.floor(next() * gains.length);
      if (!picked.includes(at)) return at;
    }
  };
}

// The first picks of a class with their weights: each sample belongs to the nearest.
function weigh({ rows, all, picked }, size) {
  const first = picked.slice(0, size);
  const weights = new Array(first.length).fill(0);
  for (let at = 0; at < rows.length; at += 1) {
    let best = 0;
    for (let number = 1; number < first.length; number += 1) {
      if (all[at * rows.length + first[number]] < all[at * rows.length + first[best]]) best = number;
    }
    weights[best] += 1;
  }
  return first.map((at, number) => ({ at: rows[at], weight: weights[number] }));
}

// What no picks of a number exceed: the worth of the greedy ones so far, and as many of the largest gains that are left.
function boundOf(chosen, size) {
  let least = chosen.most;
  chosen.worths.forEach((worth, at) => {
    const largest = [...chosen.gains[at]].sort((a, b) => b - a).slice(0, size);
    least = Math.min(least, largest.reduce((sum, gain) => sum + gain, worth));
  });
  return least;
}

function mount(stage) {
  const { training } = stage;
  const picture = (title, hint) => {
    const canvas = make("canvas", { width: 0, height: 0, role: "img", "aria-label": `${title}: nothing is picked yet` });
    const caption = make("span", { class: "hint" }, hint);
    return { canvas, caption, dots: new Dots(canvas), figure: make("figure", { class: "picture" }, make("figcaption", {}, make("strong", {}, title), " ", caption), canvas) };
  };
  const left = picture("Chosen", "");
  const right = picture("Random", "");
  const gains = make("svg:svg", { role: "img", "aria-label": "f of S by number of picks" });
  const now = tiles([
    { name: "chosen", symbol: "f(S) = Σᵢ maxⱼ (D − dᵢⱼ)", words: "of the chosen picks j" },
    { name: "random", symbol: "f of random picks", words: "of as many" },
    { name: "share", symbol: "f(S) / bound", words: "as near to the best as this, at least" },
    { name: "equal", symbol: "as good", words: "random picks of a class that come to the f(S) of the chosen" },
    { name: "sum", symbol: "sum of weights", words: "all samples that are picked from" },
    { name: "wrong", symbol: "picks of another class", words: "that the classifier takes for it" },
  ]);
  const chart = make(
    "figure",
    { class: "chart" },
    gains,
    make("figcaption", {}, "f(S) by number of picks of a class. ", make("span", { class: "key chosen" }, "chosen"), " ", make("span", { class: "key random" }, "random"), " ", make("span", { class: "key bound" }, "upper bound")),
  );
  const replay = stage.button("Pick one by one", () => play());
  stage.box.append(
    make("div", { class: "pictures" }, left.figure, right.figure),
    make(
      "div",
      { class: "lesson-controls" },
      stage.slider("picks", "Picks of each class", { min: 1, max: MOST }),
      stage.choice("kept", "Pick from", [["share", "the surest half of each class"], ["threshold", "those with H < 0.3"], ["all", "all samples"]]),
      replay,
      stage.button("Other random picks", () => {
        stage.put({ chance: stage.values.chance + 1 });
        choose();
      }),
      stage.other("Other points"),
    ),
    make("div", { class: "pictures lesson-numbers" }, now.box, chart),
  );

  let samples = null;
  let told = null; // { chosen, random, bounds }, of each class

  const kept = () => filter(samples, RULES[stage.values.kept]);
  const sumOf = (classes, size) => classes.reduce((sum, { worths }) => sum + worths[Math.min(size, worths.length) - 1], 0);

  function choose() {
    if (!samples) return;
    const keep = kept();
    const classes = [...new Set(samples.y)].map((label) => [...samples.y.keys()].filter((at) => keep[at] && samples.y[at] === label)).filter((rows) => rows.length > 0);
    if (classes.length === 0) {
      stage.status("news", "Nothing is left to pick from.");
      return;
    }
    const chosen = classes.map((rows) => pick(samples.x, rows, MOST, greedy));
    // Random picks go on until they are as good as all chosen ones.
    const others = classes.map((rows, at) => pick(samples.x, rows, 8 * MOST, random(977 * stage.values.chance + at)));
    const sizes = Array.from({ length: MOST }, (_, at) => at + 1);
    told = { keep, chosen, random: others, bounds: sizes.map((size) => chosen.reduce((sum, each) => sum + boundOf(each, size), 0)) };
    for (const { dots } of [left, right]) dots.put({ faint: (at) => !keep[at] });
    show();
  }

  function show(size = stage.values.picks) {
    if (!told) return;
    const { keep, chosen, random: others, bounds } = told;
    const all = keep.filter(Boolean).length;
    const discs = { left: chosen.flatMap((each) => weigh(each, size)), right: others.flatMap((each) => weigh(each, size)) };
    for (const [side, dots] of [[discs.left, left.dots], [discs.right, right.dots]]) dots.put({ discs: side, of: all / chosen.length });
    left.caption.textContent = right.caption.textContent = `${discs.left.length} of ${all} samples`;
    left.canvas.setAttribute("aria-label", `${discs.left.length} chosen picks with weights ${discs.left.map(({ weight }) => weight).join(", ")}`);
    right.canvas.setAttribute("aria-label", `${discs.right.length} random picks with weights ${discs.right.map(({ weight }) => weight).join(", ")}`);
    const worth = sumOf(chosen, size);
    const longest = Math.max(...others.map(({ worths }) => worths.length));
    let equal = 1;
    while (equal <= longest && sumOf(others, equal) < worth) equal += 1;
    now.put({
      chosen: worth.toFixed(1),
      random: sumOf(others, size).toFixed(1),
      share: percent(worth / bounds[size - 1]),
      equal: equal > longest ? `more than ${longest}` : String(equal),
      sum: `${discs.left.reduce((sum, { weight }) => sum + weight, 0)} = ${all}`,
      wrong: `${discs.left.filter(({ at }) => samples.predicted[at] !== samples.y[at]).length} of ${discs.left.length}`,
    });
    draws(size);
  }

  function draws(size) {
    const { chosen, random: others, bounds } = told;
    const most = chosen.reduce((sum, each) => sum + each.most, 0);
    const floor = Math.min(sumOf(chosen, 1), sumOf(others, 1));
    const plot = frame(gains, HEIGHT, [1, MOST], [floor, most]);
    for (const value of [floor, most]) plot.beside(value, value.toFixed(0));
    for (const at of [1, 5, 10, MOST]) plot.below(at, at === MOST ? `${MOST} picks` : String(at));
    plot.line("bound", bounds.map((value, at) => [at + 1, value]));
    const line = (classes) => bounds.map((_, at) => [at + 1, sumOf(classes, at + 1)]);
    plot.line("random", line(others));
    plot.line("chosen", line(chosen));
    for (const [name, classes] of [["norm", others], ["energy", chosen]]) plot.add("circle", { class: `dot ${name}`, r: 4.5, cx: plot.x(size), cy: plot.y(sumOf(classes, size)) });
  }

  let replays = 0; // an old replay stops when there is a new one, or when something changes
  async function play() {
    replays += 1;
    const mine = replays;
    for (let size = 1; size <= stage.values.picks && mine === replays; size += 1) {
      show(size);
      if (!still()) await pause(BEAT);
    }
  }

  async function begin() {
    [samples, told] = [null, null];
    const drawn = await cloudsOf(stage, [left.dots, right.dots]);
    if (!drawn) return;
    samples = drawn;
    choose();
    stage.say(`${told.keep.filter(Boolean).length} samples to pick from.`);
  }

  stage.changed = (name) => {
    replays += 1;
    if (name === "seed") begin();
    else if (name === "kept") choose();
    else show();
  };
  let opened = null;
  return {
    async show() {
      replays += 1;
      if (opened === stage.values.seed && samples) {
        choose();
        return;
      }
      opened = stage.values.seed;
      await begin();
    },
  };
}

export const coreset = {
  id: "coreset",
  title: "A few for many",
  summary: "Pick a few samples that represent all, and weigh each by how many it stands for. How much better is that than chance?",
  minutes: 4,
  steps: STEPS,
  start: { picks: 6, kept: "share", seed: 0, chance: 0 },
  takes: { picks: [1, MOST], kept: Object.keys(RULES), seed: SEEDS, chance: SEEDS },
  playground: drawnByHand,
  mount,
};
