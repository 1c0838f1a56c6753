// The lessons as students use them: each opens by its address at each step, with a question and live values.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { leave, says, Visits } from "./visit.mjs";
import { workerOf } from "./worker.mjs";

const LESSONS = { worth: 4, mier: 4, energy: 4, filter: 4, coreset: 4 };
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let visits;

before(async () => {
  visits = await new Visits().open();
});

after(() => visits?.close());

const values = (page) => page.locator(".tiles-now output").allInnerTexts();

// Waits until every live value is there.
const live = (page) =>
  page.waitForFunction(() => {
    const outputs = [...document.querySelectorAll(".tiles-now output")];
    return outputs.length > 0 && outputs.every((output) => output.textContent !== "–");
  });

const chosen = (page, step) => page.waitForFunction((number) => document.querySelector('#steps [aria-current="step"] .number')?.textContent === String(number), step);

async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), []);
}

const source = (name) => readFile(new URL(`../../${name}`, import.meta.url), "utf8");

test("every page leads to the others in the same words", async () => {
  const head = (page) =>
    [...page.matchAll(/<li><a href="([^"]+)"(?: aria-current="page")?>([^<]+)<\/a><\/li>/g)].slice(0, 5).map(([, to, words]) => `${to.replace("./#", "#")} ${words}`);
  const first = head(await source("index.html"));
  assert.deepEqual(first, ["play.html Play", "digits.html Digits", "own.html Your own data", "lessons.html Lessons", "#model Models"]);
  for (const name of ["play", "digits", "own", "lessons"]) {
    const page = await source(`web/pages/${name}.html`);
    assert.deepEqual(head(page), first, name);
    assert.ok(page.includes(`<a href="${name}.html" aria-current="page">`), name);
  }
});

test("what keeps the pages for when there is no network knows every file of theirs", async () => {
  const kept = await source("web/offline.js");
  const [, list] = kept.match(/const FILES = (\[.*?\n\]);/s);
  const files = new Set(Function(`return ${list}`)());
  const inside = async (folder, ending) => (await readdir(new URL(`../../web/${folder}`, import.meta.url))).filter((name) => ending.test(name));
  const wanted = [
    ...(await inside("js", /\.js$/)).map((name) => `js/${name}`),
    ...(await inside("js/learn", /\.js$/)).map((name) => `js/learn/${name}`),
    ...(await inside("data", /./)).map((name) => `data/${name}`),
    ...(await inside("pages", /\.html$/)),
    ...(await inside("", /\.(css|svg)$/)),
  ];
  assert.deepEqual(wanted.filter((name) => !files.has(name)), []);
});

test("every model that comes with the page has a picture of ten samples, one below the other", async () => {
  for (const { id, picture } of JSON.parse(await source("web/checkpoints/index.json"))) {
    const png = await readFile(new URL(`../../web/checkpoints/${id}/${picture}`, import.meta.url));
    const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
    // Samples are square, with lines of two pixels between and around them.
    assert.equal((height - 2) / 10, width - 2, id);
    assert.ok(png.length < 20_000, `${id}: ${png.length} bytes`);
  }
});

test("the overview shows five lessons, without loading the program", async () => {
  const page = await visits.page("lessons.html");
  assert.equal(await page.locator(".lesson-card").count(), 5);
  assert.equal(await page.locator(".lesson-card svg").count(), 5);
  assert.ok(!page.asked.some((address) => address.includes("_bg.wasm")));
  await accessible(page);
  await page.click(".lesson-card:nth-child(5) a");
  await live(page);
  assert.match(page.url(), /lesson=coreset&step=1/);
  await leave(page);
});

for (const [id, steps] of Object.entries(LESSONS)) {
  test(`${id}: each step opens by its address, with a question and live values`, async () => {
    const page = await visits.page(`lessons.html?lesson=${id}&step=1`);
    const questions = new Set();
    for (let step = 1; step <= steps; step += 1) {
      const address = `${visits.server.address}lessons.html?lesson=${id}&step=${step}`;
      // The last one anew, as from a link; those between as by the browser's own buttons, which is faster.
      if (step === steps) await page.goto(address);
      else if (step > 1) await page.evaluate((to) => (history.pushState(null, "", to), dispatchEvent(new PopStateEvent("popstate"))), address);
      await chosen(page, step);
      questions.add(await page.textContent("#question"));
      assert.match(await page.textContent("#question"), /\?/);
      assert.ok((await page.textContent("#attempt")).length > 20);
      assert.match(await page.textContent("#seen-text"), /\d/, "what was seen has figures");
      await live(page);
      assert.notEqual(await page.getAttribute("#status", "data-kind"), "error");
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), page.viewportSize().width);
    }
    assert.equal(questions.size, steps);
    await leave(page);
  });
}

test("steps go on by button and by key, and back again; values stand in the address", async () => {
  const page = await visits.page("lessons.html?lesson=filter&step=2");
  await live(page);
  await page.click("#next");
  await chosen(page, 3);
  await page.keyboard.press("ArrowRight");
  await chosen(page, 4);
  await page.goBack();
  await chosen(page, 3);
  await page.keyboard.press("ArrowLeft");
  await chosen(page, 2);
  await page.click("#next");
  const kept = async () => Number((await values(page))[3].match(/^\d+/)[0]);
  const before = await kept();
  // Arrow keys of a slider are its own.
  await page.focus("#value-entropy");
  for (let time = 0; time < 6; time += 1) await page.keyboard.press("ArrowLeft");
  assert.ok((await kept()) < before);
  await chosen(page, 3);
  assert.match(page.url(), /step=3&entropy=-0.8/);
  // A link brings all of it back.
  const other = await visits.page(page.url().slice(visits.server.address.length));
  await live(other);
  assert.equal(await other.inputValue("#value-entropy"), "-0.8");
  assert.deepEqual((await values(other)).slice(3), (await values(page)).slice(3));
  await accessible(page);
  await leave(page);
  await leave(other);
});

test("other points while the first are learned, and steps that are passed quickly, end in what is asked for last", async () => {
  for (const lesson of ["filter", "coreset"]) {
    const page = await visits.page(`lessons.html?lesson=${lesson}&step=1`);
    for (let time = 0; time < 3; time += 1) await page.click('button:has-text("Other points")');
    await live(page);
    assert.match(page.url(), /step=1&seed=3/);
    await page.click("#next");
    await page.click("#next");
    await chosen(page, 3);
    await live(page);
    // What is there is not learned anew for another step.
    await page.evaluate(() => {
      globalThis.news = [];
      const line = document.getElementById("status");
      new MutationObserver(() => news.push(line.textContent)).observe(line, { childList: true });
    });
    await page.click("#previous");
    await chosen(page, 2);
    await live(page);
    assert.deepEqual(await page.evaluate(() => news), [], lesson);
    await leave(page);
  }
});

test("a program that ends while a lesson's model learns is started again, and the lesson goes on", async () => {
  const page = await visits.page("lessons.html?lesson=filter&step=1");
  await says(page, "status", /^The model learns/);
  await workerOf(page, "js/learn/worker.js").evaluate(() => self.close()).catch(() => {});
  await live(page);
  await page.context().close();
});

test("a value in the address that makes no sense is said, and the step's own is taken", async () => {
  const page = await visits.page("lessons.html?lesson=filter&step=3&entropy=99&agreeing=0");
  await live(page);
  assert.match(await page.textContent("#complaint"), /: entropy must be a number from -3 to 0\.05\.$/);
  assert.equal(await page.inputValue("#value-entropy"), "-0.5");
  assert.equal(await page.isChecked('[name="value-agreeing"][value="0"]'), true);
  await leave(page);
});

test("a lesson or a step that there is not is said", async () => {
  const page = await visits.page("lessons.html?lesson=filters");
  await says(page, "no-lesson", /: lesson must be one of worth, mier, energy, filter, coreset\.$/);
  assert.equal(await page.locator("#cards h2").count(), 5);
  await page.goto(`${visits.server.address}lessons.html?lesson=filter&step=9`);
  await says(page, "complaint", /: step must be a whole number from 1 to \d\.$/);
  await says(page, "step-title", /^1\. /);
  await leave(page);
});

test("chains run away at too large a step, and come back; they rest where motion is unwelcome", async () => {
  const page = await visits.page("lessons.html?lesson=energy&step=2&size=2.5");
  await page.waitForFunction(() => document.getElementById("status").textContent.includes("ran away"));
  await page.fill("#value-size", "-0.9");
  await page.waitForFunction(() => document.getElementById("status").textContent === "");
  await leave(page);
  const calm = await visits.page("lessons.html?lesson=energy&step=1", { reducedMotion: "reduce" });
  await live(calm);
  const taken = async () => (await values(calm))[2];
  assert.equal(await taken(), "0");
  await calm.click('button:has-text("20 steps")');
  await calm.waitForFunction(() => document.querySelectorAll(".tiles-now output")[2].textContent === "20");
  await leave(calm);
});

test("a lesson opens in the playground with the same weights", async () => {
  const page = await visits.page("lessons.html?lesson=mier&step=4");
  await live(page);
  const link = new URL(await page.getAttribute("#playground", "href"), page.url());
  assert.equal(link.search, "?data=blobs&model=mier&alpha=0.001&beta=1&gamma=10&labels=6&seed=1&sigma=1");
  await page.click("#playground");
  await page.waitForFunction(() => /step [1-9]/.test(document.querySelector(".counter")?.textContent));
  assert.match(await page.textContent("#command"), /sigma=1 /);
  await leave(page);
});

test("a step shows the points of the seed that its address names", async () => {
  const table = (page) => page.textContent("table.counts");
  const rests = (page) => page.waitForFunction(() => document.getElementById("status").textContent === "" && document.querySelectorAll("table.counts tbody tr").length === 3);
  const page = await visits.page("lessons.html?lesson=filter&step=1");
  await rests(page);
  const first = await table(page);
  await page.click('button:has-text("Other points")');
  await page.waitForFunction((before) => document.querySelector("table.counts").textContent !== before, first);
  await rests(page);
  assert.match(page.url(), /seed=1/);
  await page.click("#next");
  await chosen(page, 2);
  assert.ok(!page.url().includes("seed="));
  // This step begins with the threshold of the one before.
  await page.waitForFunction((before) => document.querySelector("table.counts").textContent === before, first);
  await leave(page);
});
