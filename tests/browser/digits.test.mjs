// The page of digits, as a visitor uses it: labelling, a short training, a drawing, and the model on its way to the page of models.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { done, download, leave, says, shaded, Visits } from "./visit.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let visits;
before(async () => {
  visits = await new Visits().open();
});
after(() => visits?.close());

const open = (query = "", options = {}) => visits.page(`digits.html${query}`, { viewport: { width: 1280, height: 800 }, ...options });

// Labels by class.
const counts = (page) => page.locator("#keys .count").evaluateAll((all) => all.map(({ textContent }) => Number.parseInt(textContent, 10)));

async function trained(page) {
  await page.click("#go");
  await says(page, "status", /^Done\./);
  return Promise.all(["#labels-score", "#model-score"].map(async (id) => Number.parseFloat(await page.textContent(id))));
}

test("pictures are labelled by keys and with a brush, the page adds the rest, and the link brings them back", async () => {
  const page = await open();
  await says(page, "status", /^Label a few pictures/);
  assert.equal(await page.isDisabled("#go"), true);
  // A key labels and moves on; Delete takes the label of the one before away.
  await page.click("#tray .shot >> nth=0");
  for (const key of ["4", "4", "7", "ArrowLeft", "Delete", "ArrowDown"]) await page.keyboard.press(key);
  assert.deepEqual(await counts(page), [0, 0, 0, 0, 2, 0, 0, 0, 0, 0]);
  assert.match(await page.textContent("#said"), /no label/);
  await says(page, "status", /^Only 4 has a label/);
  assert.equal(await page.getAttribute("#tray .shot >> nth=1", "aria-label"), "Picture 2, label 4");
  await page.click('#keys label:has-text("9")');
  await page.click("#tray .shot >> nth=20");
  await page.click("#tray .shot >> nth=21");
  await page.click("#tray .shot >> nth=21");
  // The chosen picture was labelled by choosing a digit for it, the first click labelled another, and the second one took that back.
  assert.deepEqual(await counts(page), [0, 0, 0, 0, 2, 0, 0, 0, 0, 2]);
  await says(page, "classes-told", /^Only 4 and 9 have labels, so only these can be learned/);
  assert.equal(await page.isDisabled("#go"), false);
  await page.fill("#each", "5");
  assert.equal(await page.textContent("#fill"), "Label five of each for me");
  await page.click("#fill");
  assert.deepEqual(await counts(page), new Array(10).fill(5));
  await says(page, "status", /^50 labels, 1,387 pictures without/);
  await page.click('#views label:has-text("labelled")');
  await says(page, "tray-told", /^Pictures 1 to 50 of 50 with a label/);
  const { search } = new URL(page.url());
  assert.match(search, /fill=5.*marks=/);
  const again = await open(search);
  await says(again, "status", /^50 labels/);
  assert.equal(new URL(again.url()).search, search);
  await again.click("#wipe");
  await says(again, "status", /^Label a few pictures/);
  await leave(again);
  await leave(page);
});

test("a link that makes no sense is mended, and the page says so", async () => {
  const page = await open("?data=9x9&fill=1000&seed=4");
  await says(page, "status", /^Label a few pictures/);
  assert.match(await page.textContent("#complaint"), /: data must be one of 8x8, 28x28; fill must be a whole number from 1 to 100\.$/);
  assert.equal(await page.inputValue("#seed"), "4");
  assert.equal(new URL(page.url()).search, "?seed=4");
  await leave(page);
});

test("a training says how good it is, shows samples and mistakes, and reads what is drawn", async (context) => {
  const page = await open("?fill=10&steps=100");
  await says(page, "status", /Press Train/);
  const [labelsOnly, model] = await trained(page);
  context.diagnostic(`100 steps: labels only ${labelsOnly} %, all pictures ${model} %`);
  assert.ok(labelsOnly > 60 && model > 60, `${labelsOnly}, ${model}`);
  assert.equal(await page.textContent("#model-of"), "of 360 held-out digits");
  await shaded(page, "samples");
  await says(page, "wrong-told", /of 360 held-out digits are still wrong/);
  assert.match(await page.textContent("#wrong li >> nth=0"), /^\d read as \d$/);
  // A one, with the keys alone.
  await page.focus("#pad");
  for (const key of ["Space", ...new Array(14).fill("ArrowDown"), "Space"]) await page.keyboard.press(key);
  await says(page, "readings-told", /^The labels-only network reads \d \(.*%\), the model \d \(.*%\)\.$/);
  await page.click('#add button:has-text("1")');
  assert.equal((await counts(page))[1], 11);
  await says(page, "status", /^The labels have changed/);
  await page.fill("#steps", "30");
  await trained(page);
  await leave(page);
});

test("the model, the run and its predictions are taken away, and the very model opens on the other page", async () => {
  const page = await open("?fill=3&steps=40&seed=2");
  await says(page, "status", /Press Train/);
  await trained(page);
  const model = await download(page, "#save-model");
  assert.equal(model.name, "model.safetensors");
  // The length of the header, then the header.
  const header = JSON.parse(model.bytes.subarray(8, 8 + Number(model.bytes.readBigUInt64LE(0))).toString());
  assert.ok(Object.keys(header).length > 5, Object.keys(header).join());
  const run = await download(page, "#save-run");
  assert.equal(run.name, "digits-m2-seed2.zip");
  assert.equal(run.bytes.subarray(0, 2).toString(), "PK");
  assert.match(await page.textContent("#command"), /unzip digits-m2-seed2\.zip\ncd digits-m2-seed2 && gleaner train --resume \.$/);
  const predictions = await download(page, "#save-predictions");
  assert.match(predictions.bytes.toString(), /^index,class,entropy,p_0,.*,p_9\n0,\d,/);
  await page.click('button:has-text("Look inside")');
  await page.waitForURL(/\/\?model=own.*#inside$/);
  // On the CPU, which needs no minutes to warm up in a browser without a GPU.
  await page.goto(new URL("?model=own&on=cpu&n=3", page.url()).href);
  await done(page, "30 samples");
  assert.equal(await page.isChecked("#card-own"), true);
  assert.match(await page.textContent("#facts"), /digits, 8 × 8 pixels.*M2.*30, plus 1,407 unlabelled/);
  assert.match(page.url(), /model=own/);
  await says(page, "bars-live", /classified as \d/);
  await leave(page);
});

test("where nothing was trained, the other page says so", async () => {
  const page = await visits.page("?model=own&on=cpu&n=3");
  await done(page, "This browser keeps no model of yours");
  await leave(page);
});

test("light, dark and on a phone: nothing that axe knows to be an obstacle, nothing wider than the screen", async () => {
  const page = await open("?fill=10&steps=30");
  await says(page, "status", /Press Train/);
  await trained(page);
  await page.evaluate(axe);
  for (const [colorScheme, width, height] of [["light", 1280, 800], ["dark", 1280, 800], ["dark", 360, 740]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height });
    const { violations } = await page.evaluate(() => axe.run());
    const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
    assert.deepEqual(told, [], `${colorScheme}, ${width} pixels wide`);
    const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= screen, `${wide} pixels on a screen of ${screen}`);
  }
  await leave(page);
});
