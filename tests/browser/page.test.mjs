// The page as visitors use it: what it shows and what it lets them take away. Its picks are in pick.test.mjs.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { assertClose } from "./close.mjs";
import { asked, link } from "./native.mjs";
import { readNpz } from "./npz.mjs";
import { done, download, leave, reference, says, shaded, Visits } from "./visit.mjs";

let visits;

before(async () => {
  visits = await new Visits().open();
});

after(() => visits?.close());

test("a visitor sees samples without a click, and a badge that says where they come from", async (context) => {
  const started = performance.now();
  const page = await visits.page("?on=cpu");
  await done(page, "300 samples");
  context.diagnostic(`first samples after ${((performance.now() - started) / 1000).toFixed(2)} s`);
  assert.match(await page.textContent("#badge"), /CPU: 128-bit SIMD/);
  assert.equal(await page.isChecked("#card-mnist-m2-mier"), true);
  assert.match(await page.textContent("#facts"), /MNIST.*M2 \+ MIER.*labels100, plus 54,000 unlabelled.*accuracy.*%.*entropy.*nats/);
  await leave(page);
});

test("dragging the threshold keeps more or fewer, and says why samples are rejected", async () => {
  const page = await visits.page(link("mnist-m2-mier"));
  await done(page, "samples in");
  const kept = async () => Number((await page.textContent("#filter-live")).match(/^(\d+) of/)[1]);
  await says(page, "filter-live", /kept/);
  const start = await kept();
  // By hand on the histogram, nearly to its left end.
  const box = await page.locator("#histogram").boundingBox();
  await page.locator("#histogram").scrollIntoViewIfNeeded();
  const place = await page.locator("#histogram").boundingBox();
  await page.mouse.move(place.x + 0.6 * place.width, place.y + 40);
  await page.mouse.down();
  await page.mouse.move(place.x + 0.35 * place.width, place.y + 40, { steps: 5 });
  await page.mouse.up();
  assert.ok(box);
  await page.waitForFunction((before) => !document.getElementById("filter-live").textContent.startsWith(`${before} of`), start);
  const few = await kept();
  assert.ok(few < start, `${few} of ${start}`);
  const threshold = await page.inputValue("#threshold");
  assert.ok(Number(threshold) < -5, threshold);
  // By keyboard, to the right end; then without asking for the class.
  await page.focus("#threshold");
  await page.keyboard.press("End");
  await page.uncheck("#keep-agreeing");
  await says(page, "filter-live", /^(\d+) of \1 kept; 0 rejected/);
  await page.check("#keep-agreeing");
  await says(page, "filter-live", /0 with H not below .*, [1-9]\d* look like another class/);
  // The table adds up.
  const rows = await page.locator("#filter-classes tbody tr").allInnerTexts();
  const sums = rows.map((row) => row.split(/\s+/).map(Number)).reduce((sum, row) => sum.map((value, at) => value + row[at]));
  assert.equal(rows.length, 10);
  assert.equal(sums[1], 10 * asked.per_class);
  assert.equal(sums[3], await kept());
  await leave(page);
});

test("chains are watched step by step, stopped, played and begun anew", async () => {
  const page = await visits.page(link("mnist-latent-ebm", { n: "3", steps: "8" }));
  await done(page, "30 samples");
  await page.click("#restart");
  await says(page, "chain-live", /step 0 of 8/);
  const energy = async () => (await page.textContent("#chain-live")).match(/energy −log p\(z\|y\) (\S+?)gradient/)[1];
  const first = await energy();
  await page.click("#step");
  await says(page, "chain-live", /step 1 of 8/);
  assert.notEqual(await energy(), first);
  await page.check("#slow");
  await page.click("#play");
  await says(page, "chain-live", /step 2 of 8/);
  await page.click("#play");
  await done(page);
  const stopped = Number((await page.textContent("#chain-live")).match(/step (\d)/)[1]);
  assert.ok(stopped < 8, `stopped at ${stopped}`);
  await page.uncheck("#slow");
  await page.click("#play");
  await says(page, "chain-live", /step 8 of 8/);
  await done(page);
  // The same chains as in one go.
  const stepped = readNpz((await download(page, "#save-samples")).bytes);
  await page.click("#draw");
  await done(page, "30 samples in");
  const straight = readNpz((await download(page, "#save-samples")).bytes);
  assert.deepEqual(stepped, straight);
  // Other settings, other samples; some classes only.
  await page.fill("#temperature", "0.2");
  await page.click('#classes label:has-text("3")');
  await page.click("#draw");
  await done(page, "27 samples in");
  const cold = readNpz((await download(page, "#save-samples")).bytes);
  assert.deepEqual([...new Set(cold.y.values)], [0, 1, 2, 4, 5, 6, 7, 8, 9]);
  assert.notEqual(cold.z.values[0], straight.z.values[0]);
  await leave(page);
});

test("a click on a sample looks inside it; chains on their way, and more of them than before, have nothing to tell", async () => {
  const page = await visits.page(link("mnist-latent-ebm", { n: "2", steps: "8" }));
  await done(page, "20 samples");
  await says(page, "walk-live", /classified as/);
  const last = async () => {
    const box = await page.locator("#samples").boundingBox();
    return { x: 40, y: box.height - 10 };
  };
  await page.locator("#samples").click({ position: await last() });
  await says(page, "walk-caption", /^Class 9\./);
  await page.fill("#per-class", "4");
  await page.click("#restart");
  await says(page, "chain-live", /step 0 of 8/);
  for (const x of [40, 60, 100]) await page.locator("#samples").hover({ position: { ...(await last()), x } });
  await page.locator("#samples").click({ position: await last() });
  assert.equal(await page.isVisible("#tip"), false);
  assert.notEqual(await page.getAttribute("#status", "data-kind"), "error");
  await leave(page);
});

test("what a pen draws is classified, rebuilt, and drawn in every class", async () => {
  const page = await visits.page(link("mnist-latent-ebm", { n: "5" }));
  await done(page, "samples in");
  // Everything is in its place.
  await says(page, "compare-live", /classified as/);
  // A one: a stroke from top to bottom.
  await page.locator("#pad").scrollIntoViewIfNeeded();
  const pad = await page.locator("#pad").boundingBox();
  const to = (x, y) => page.mouse.move(pad.x + x * pad.width, pad.y + y * pad.height, { steps: 8 });
  await page.click("#clear");
  await to(0.5, 0.15);
  await page.mouse.down();
  await to(0.48, 0.85);
  await page.mouse.up();
  await says(page, "bars-live", /classified as 1, H = .* nats/);
  const percents = await page.locator("#bars .percent").allInnerTexts();
  const sum = percents.map(Number.parseFloat).reduce((a, b) => a + b);
  assert.ok(percents.length === 10 && Math.abs(sum - 100) < 1, percents.join());
  for (const id of ["seen", "reconstruction", "styles", "walk"]) {
    await shaded(page, id);
  }
  // The model beside it saw the same picture.
  await page.selectOption("#compare-with", "mnist-m2");
  await says(page, "compare-live", /classified as \d, H = /);
  assert.equal(await page.locator("#compare-bars [role=listitem]").count(), 10);
  // The walk, by keyboard.
  const place = await page.textContent("#walk-live");
  assert.match(place, /to the right, .* up: classified as \d, H = .* nats/);
  await page.focus("#walk");
  await page.keyboard.press("ArrowRight");
  assert.notEqual(await page.textContent("#walk-live"), place);
  await page.click('#walk-classes label:has-text("7")');
  await says(page, "walk-caption", /Class 7/);
  await leave(page);
});

test("a link restores model, settings and seed", async (context) => {
  const first = await visits.page(link("mnist-latent-ebm", { n: "4", seed: "11", steps: "5", size: "0.3", temperature: "0.7" }));
  await done(first, "40 samples");
  await first.click('#classes label:has-text("8")');
  await first.click("#draw");
  await done(first, "36 samples");
  await first.locator("#threshold").fill("-2");
  await first.selectOption("#method", "adacore");
  await first.selectOption("#space", "gradient");
  await first.fill("#budget", "50");
  await says(first, "filter-live", /with H not below 0.01,/);
  await says(first, "map-chosen-caption", /AdaCore/);
  const address = first.url();
  assert.match(address, /model=mnist-latent-ebm/);
  const kept = await first.textContent("#filter-live");
  const samples = readNpz((await download(first, "#save-samples")).bytes);
  const second = await visits.page(new URL(address).search);
  await done(second, "36 samples");
  await second.waitForFunction((text) => document.getElementById("filter-live").textContent === text, kept);
  assertClose(context, "x", readNpz((await download(second, "#save-samples")).bytes).x.values, samples.x.values, 0);
  const controls = ["per-class", "seed", "steps", "step-size", "temperature", "threshold", "method", "space", "budget"];
  const values = await Promise.all(controls.map((id) => second.inputValue(`#${id}`)));
  assert.deepEqual(values, ["4", "11", "5", "0.3", "0.7", "-2", "adacore", "gradient", "50"]);
  assert.equal(second.url(), address);
  await leave(first);
  await leave(second);
});

test("links that make no sense leave the page whole", async () => {
  const page = await visits.page("?on=cpu&model=nonsense&n=1e9&seed=-3&classes=77&entropy=x&method=best&space=pixels&budget=0");
  await done(page, 'The link names the model "nonsense"');
  const values = await Promise.all(["per-class", "seed", "method", "space", "budget"].map((id) => page.inputValue(`#${id}`)));
  assert.deepEqual(values, ["30", "0", "craig", "embedding", "10"]);
  assert.match(await page.textContent("#samples-caption"), /300 samples/);
  await leave(page);
});

test("one's own checkpoint works as those of the page do", async () => {
  const page = await visits.page(link("mnist-m2-mier", { n: "4" }));
  await done(page, "40 samples");
  await page.setInputFiles("#checkpoint", path.join(reference, "latent-ebm.safetensors"));
  await done(page, "40 samples in");
  assert.equal(await page.locator("#cards input:checked").count(), 0);
  assert.equal(await page.inputValue("#steps"), "6");
  const { x, z } = readNpz((await download(page, "#save-samples")).bytes);
  assert.deepEqual([x.shape, z.shape], [[40, 8, 8, 1], [40, 8]]);
  // A browser that does not let the page copy shows the link; what the link lacks is said in either case.
  for (const refuses of [true, false]) {
    await page.evaluate((refuses) => {
      const writeText = () => (refuses ? Promise.reject(new Error("no")) : Promise.resolve());
      Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
    }, refuses);
    await page.click("#copy-link");
    const says = refuses ? /Copy this link: http.*does not contain your own model/ : /^The link is copied\. .*does not contain your own model/;
    await page.waitForFunction((says) => new RegExp(says).test(document.getElementById("away-status").textContent), says.source);
  }
  await leave(page);
});

test("the picture of the grid is what is shown", async () => {
  const page = await visits.page(link("mnist-m2-mier", { n: "4" }));
  await done(page, "40 samples");
  const { name, bytes } = await download(page, "#save-png");
  assert.equal(name, `mnist-m2-mier-seed${asked.seed}.png`);
  assert.deepEqual(bytes.subarray(1, 4).toString(), "PNG");
  const size = await page.evaluate(() => [document.getElementById("samples").width, document.getElementById("samples").height]);
  assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], size);
  await leave(page);
});
