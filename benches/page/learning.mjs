// What a visitor has after so many seconds on the pages that learn, and how smoothly: scripts/browser-bench.sh learning sets this up.
//
//   node learning.mjs [--seeds 10] [--only plane,digits,pictures]
//
// The last line is JSON.

import { parseArgs } from "node:util";
import { Visits } from "../../tests/browser/visit.mjs";

const { values: given } = parseArgs({
  options: { seeds: { type: "string", default: "10" }, only: { type: "string", default: "plane,digits,pictures" } },
});
const say = (text) => process.stderr.write(`learning: ${text}\n`);
function refuse(text) {
  say(text);
  process.exit(1);
}
if (!/^[1-9]\d*$/.test(given.seeds)) refuse(`--seeds is "${given.seeds}": give a whole number from 1 on`);
const seeds = [...Array(Number(given.seeds)).keys()];

// Counts pictures and watches the page's own thread until it is asked.
const watching = () => {
  const seen = { pictures: 0, longest: 0 };
  const { prototype } = CanvasRenderingContext2D;
  const { putImageData } = prototype;
  prototype.putImageData = function (...values) {
    seen.pictures += 1;
    return putImageData.apply(this, values);
  };
  const note = (list) => list.getEntries().forEach(({ duration }) => (seen.longest = Math.max(seen.longest, duration)));
  new PerformanceObserver(note).observe({ type: "longtask" });
  globalThis.seen = seen;
};

const rows = (page) => page.evaluate(() => ({ ...seen, step: document.querySelector(".counter").textContent }));

async function trained(page, seconds) {
  await page.waitForFunction(() => /step [1-9]/.test(document.querySelector(".counter")?.textContent ?? ""));
  await page.evaluate(watching);
  const percent = (selector) => page.$eval(selector, ({ textContent }) => Number.parseFloat(textContent));
  const marks = [];
  const started = performance.now();
  for (const at of seconds) {
    await page.waitForTimeout(Math.max(0, at * 1000 - (performance.now() - started)));
    const scores = { labels: await percent(".labels .score"), model: await percent(".model .score") };
    marks.push({ seconds: at, ...scores, ...(await rows(page)) });
  }
  await page.context().close();
  return marks;
}

// What the browser calls a long task takes 50 ms and more.
const told = ({ seconds, labels, model, step, longest }) =>
  `${seconds} s: ${labels} % with the labels only, ${model} % with all, ${step}; longest task ${longest > 0 ? `${longest} ms` : "below 50 ms"}`;

// Two moons, six labels.
async function plane(visits) {
  const found = [];
  for (const seed of seeds) {
    const [early, mark] = await trained(await visits.page(`play.html?seed=${seed}`), [5, 10]);
    // Two pictures beside each other; at ten seconds, a training may have been over for a while.
    const rate = early.pictures / 2 / early.seconds;
    found.push({ seed, ...mark, rate });
    say(`seed ${seed}, ${told(mark)}; ${rate.toFixed(0)} pictures a second`);
  }
  const mean = found.reduce((sum, { model, labels }) => sum + model - labels, 0) / found.length;
  say(`two moons with six labels: ${mean.toFixed(1)} points more on average`);
  return found;
}

async function digits(visits, data, seconds) {
  const page = await visits.page(`digits.html?fill=10&data=${data}`);
  await page.click("#go:enabled");
  const marks = await trained(page, seconds);
  for (const mark of marks) say(`${data}, ten labels a class, ${told(mark)}`);
  return marks;
}

const KINDS = {
  plane,
  digits: (visits) => digits(visits, "8x8", [10, 30]),
  pictures: (visits) => digits(visits, "28x28", [60, 120, 180]),
};
const kinds = given.only.split(",");
for (const kind of kinds) if (!KINDS[kind]) refuse(`--only names "${kind}": ${Object.keys(KINDS).join(", ")} are those there are`);
const visits = await new Visits().open();
const all = {};
for (const kind of kinds) all[kind] = await KINDS[kind](visits);
await visits.close();
process.stdout.write(`${JSON.stringify(all)}\n`);
