// The page for one's own data, as a visitor uses it: a file, what is seen in it, a short training, predictions; and files that are none.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { writeNpz } from "./npz-write.mjs";
import { download, leave, says, Visits } from "./visit.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let visits;
before(async () => {
  visits = await new Visits().open();
});
after(() => visits?.close());

const open = (options = {}) => visits.page("own.html", { viewport: { width: 1280, height: 800 }, ...options });

const STEP = /step ([\d,]+)/;
const step = async (page) => Number((await page.textContent(".counter")).match(STEP)?.[1].replaceAll(",", "") ?? -1);
const trained = (page, steps) =>
  page.waitForFunction(
    (least) => Number(document.querySelector(".counter")?.textContent.match(/step ([\d,]+)/)?.[1].replaceAll(",", "") ?? -1) >= least,
    steps,
  );
const play = (page) => page.click("#transport .play");
const all = (page, selector) => page.locator(selector).allInnerTexts();

// A file of some text, and until the page is ready to train on it.
const choose = (page, name, text, input = "#file") => page.setInputFiles(input, { name, mimeType: "text/csv", buffer: Buffer.from(text) });
async function ready(page, name) {
  await says(page, "facts", new RegExp(name.replace(".", "\\.")));
  await says(page, "status", /^Ready/);
  await page.locator("#look-step").waitFor();
}
async function refused(page, words) {
  await says(page, "file-status", words);
  assert.equal(await page.getAttribute("#file-status", "data-kind"), "error");
  assert.match(await page.textContent("#file-status"), /^[^\n]+$/);
}
// What a hand drops: a file of some text, so many times.
const transfer = (page, name, text, times = 1) =>
  page.evaluateHandle(
    (file) => {
      const dropped = new DataTransfer();
      dropped.items.add(new File([file.text.repeat(file.times)], file.name));
      return dropped;
    },
    { name, text, times },
  );
async function example(page) {
  await page.click("#try");
  await ready(page, "leaves.csv");
}

const rows = (count, row) => `${Array.from({ length: count }, (_, at) => row(at)).join("\n")}\n`;
const table = `a,b,label\n${rows(60, (at) => `${(at * 7) % 13},${at % 2 ? 5.5 : at % 5},${at < 30 ? ["cat", "dog"][at % 2] : ""}`)}`;

test("the example: what is seen, a short training, how good it is, and what the visitor takes away", async () => {
  const page = await open();
  assert.equal(await page.isVisible("#seen-step"), false);
  await example(page);
  assert.match(await page.textContent("#facts"), /Rows300: 45 with a label, 255 without/);
  assert.deepEqual(await all(page, "#classes .of"), ["15 labels", "15 labels", "15 labels"]);
  assert.deepEqual(await all(page, "#columns .name"), ["length", "width", "stalk", "weight", "edge"]);
  assert.match(await page.textContent("#measured"), /^9 of 45 labels are held out: a fifth of each class, rounded down\..*So few rows say little/);
  assert.equal(await page.isDisabled("#save-predictions"), true);
  await play(page);
  await trained(page, 150);
  await play(page);
  for (const id of ["of-labels", "of-model"]) await says(page, id, /^\d of 9 ?95 % interval: \d+ to \d+ %$/);
  await says(page, "verdict", /^So far, .*(labels alone|rows)/);
  assert.equal(await page.textContent("#compare"), "gleaner train --data leaves.csv");
  // Every row is predicted, and those without a label are offered to be labelled.
  await says(page, "by-class", /alder15\d+/);
  const predicted = await page.locator("#by-class tbody tr td:nth-child(3)").allInnerTexts();
  assert.equal(predicted.reduce((sum, text) => sum + Number(text), 0), 300);
  assert.equal(await page.locator("#next tbody tr").count(), 8);
  const { name, bytes } = await download(page, "#save-predictions");
  assert.equal(name, "leaves-predicted.csv");
  const [header, ...lines] = bytes.toString().trimEnd().split("\n");
  assert.equal(header, "index,class,entropy,p_alder,p_beech,p_linden");
  assert.equal(lines.length, 300);
  assert.equal((await download(page, "#save-model")).name, "model.safetensors");
  const run = await download(page, "#save-run");
  assert.deepEqual([run.name, run.bytes.subarray(0, 2).toString()], ["leaves-m2-seed0.zip", "PK"]);
  // Another file with the same columns, in another order; and one without them.
  const [other] = await Promise.all([
    page.waitForEvent("download"),
    choose(page, "new.csv", "edge,weight,stalk,width,length\ntoothed,0.9,16,44,60\nsmooth,,12,40,74\n", "#other"),
  ]);
  assert.equal(other.suggestedFilename(), "new-predicted.csv");
  await says(page, "away-status", /^Saved new-predicted\.csv: 2 rows: /);
  await choose(page, "short.csv", "length,width\n60,44\n", "#other");
  await says(page, "away-status", /short\.csv: there is no column "stalk"/);
  await leave(page);
});

test("who leaves what took a while to learn is asked, unless something of it was taken away", async () => {
  const page = await open();
  const asked = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    dialog.dismiss();
  });
  const leaves = async () => {
    const before = asked.length;
    await page.evaluate(() => setTimeout(() => location.reload()));
    await page.waitForTimeout(1000);
    return asked.length === before;
  };
  await example(page);
  await play(page);
  await trained(page, 5);
  // As if it had trained for 20 seconds.
  await page.evaluate(() => {
    const now = performance.now.bind(performance);
    performance.now = () => now() + 20_000;
  });
  await play(page);
  await trained(page, 6);
  assert.equal(await leaves(), false);
  assert.deepEqual(asked, ["beforeunload"]);
  await download(page, "#save-predictions");
  assert.equal(await leaves(), true);
  await page.locator("#seen-step").waitFor({ state: "hidden" });
  await leave(page);
});

test("a file that is no data, or not enough, gets one sentence, and what was there goes on", async () => {
  const page = await open();
  await choose(page, "empty.csv", "");
  await refused(page, /^empty\.csv is empty: choose a file/);
  await choose(page, "paper.pdf", "%PDF");
  await refused(page, /^paper\.pdf: the page reads tables/);
  await example(page);
  await play(page);
  await trained(page, 10);
  const cases = [
    ["header.csv", "a,b,label\n", /there is no row below the header/],
    ["none.csv", "a,b,label\n1,2,\n3,4,\n", /no row has a label; give some rows a label/],
    ["one.csv", `a,b,label\n${rows(20, (at) => `${at},${at % 3},x`)}`, /All 20 labels of one\.csv are "x": rows of at least two classes/],
    ["many.csv", `a,label\n${rows(300, (at) => `${at % 7},${at % 100}`)}`, /100 different numbers, and a tab takes at most 40 classes/],
    ["long.csv", `a,label\n${rows(20_001, (at) => `${at % 7},${at % 2}`)}`, /20,001 rows; a tab takes at most 20,000 rows\..*gleaner train --data long\.csv/],
  ];
  for (const [name, text, words] of cases) {
    const before = await step(page);
    await choose(page, name, text);
    await refused(page, words);
    await says(page, "file-status", /The page goes on with leaves\.csv\.$/);
    await trained(page, before + 1);
  }
  // A large file is made in the page: it is refused before anybody reads it.
  await page.dispatchEvent("body", "drop", { dataTransfer: await transfer(page, "large.csv", "1,2\n", 3_000_000) });
  await refused(page, /large\.csv has 12 MB; a tab takes at most 10 MB\..*The page goes on with leaves\.csv\.$/);
  // The label column is the visitor's to choose.
  await choose(page, "which.csv", `kind,a,b\n${rows(60, (at) => `${["x", "y"][at % 2]},${at % 7},${at / 7}`)}`);
  await refused(page, /which column is the label\?.*choose it below/);
  await page.selectOption("#mend-label", "kind");
  await ready(page, "which.csv");
  assert.match(await page.textContent("#facts"), /Labelkind as requested/);
  assert.equal(await page.isVisible("#mend"), false);
  assert.equal(await step(page), 0);
  await leave(page);
});

test("columns, labels held out and the label itself are chosen; few labels are not measured", async () => {
  const page = await open();
  await choose(page, "pets.csv", table);
  await ready(page, "pets.csv");
  // By keyboard, which stays where it was.
  await page.focus('[data-column="a"]');
  await page.keyboard.press("Space");
  await says(page, "compare", /--leave-out a$/);
  await says(page, "status", /^Ready/);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.column), "a");
  assert.equal(await page.isChecked('[data-column="a"]'), false);
  // Its rows are drawn all the same, and both networks are judged by the same rows.
  await page.locator("#scatter-box").waitFor();
  assert.deepEqual(await all(page, "#by-class thead th"), ["class", "labels", "predicted", "labels only", "all rows"]);
  // The last one cannot go.
  await page.click('[data-column="b"]');
  await says(page, "seen-status", /no column is left to learn from/);
  assert.equal(await page.isChecked('[data-column="b"]'), true);
  await page.selectOption("#share", "0.5");
  await says(page, "measured", /^1[45] of 30 labels are held out/);
  await page.selectOption("#share", "");
  await says(page, "measured", /^All labels are used for training\./);
  assert.equal(await page.isVisible("#scores"), false);
  await choose(page, "few.csv", `a,b,label\n${rows(40, (at) => `${at % 7},${at % 5},${at < 6 ? at % 2 : ""}`)}`);
  await ready(page, "few.csv");
  await says(page, "measured", /fewer than 5 labels: accuracy cannot be told reliably/);
  await choose(page, "split.csv", `a,split,label\n${rows(60, (at) => `${at % 7},${at % 3 ? "train" : "test"},${at % 2}`)}`);
  await ready(page, "split.csv");
  await says(page, "measured", /^The 20 rows of the file's own test split measure the accuracy/);
  assert.equal(await page.isVisible("#share"), false);
  await page.locator("#scatter-box").waitFor();
  // What has learned nothing yet is not judged.
  await says(page, "by-class", /A?–/);
  await page.click('#transport button:has-text("One step")');
  await says(page, "by-class", /of 10/);
  await leave(page);
});

test("where the last column is full, and another one looks like the label, a note says so", async () => {
  const page = await open();
  await choose(page, "trees.csv", `kind,height,place\n${rows(60, (at) => `${at < 10 ? ["oak", "elm"][at % 2] : ""},${(at * 7) % 13},${at % 3 ? "hill" : "lake"}`)}`);
  await ready(page, "trees.csv");
  await says(page, "notes", /every row has a label, and kind is empty in 50 of 60 rows; if that is the label, choose it under "Label column"/);
  await page.selectOption("#label", "kind");
  await says(page, "facts", /60: 10 with a label, 50 without/);
  await page.waitForFunction(() => !/every row has a label/.test(document.getElementById("notes").textContent));
  // All labels are the same: the columns that could be it stay there to be chosen, whatever is tried.
  await choose(page, "one.csv", `a,b,label\n${rows(20, (at) => `${at / 7},${at % 2},beech`)}`);
  await says(page, "file-status", /rows of at least two classes need a label/);
  await page.locator("#mend-label").waitFor();
  await page.selectOption("#mend-label", "a");
  await says(page, "file-status", /measurements|numbers/);
  assert.equal(await page.isVisible("#mend-label"), true);
  await leave(page);
});

test("counts of words are trained on, and are not drawn", async () => {
  const page = await open();
  const whole = (values) => ({ shape: [values.length], bytes: Buffer.from(Int32Array.from(values).buffer) });
  // Each row has two of six words.
  const indices = Array.from({ length: 60 }, (_, row) => (row % 2 ? [0, 1 + (row % 3)] : [4, 5])).flat();
  const arrays = {
    format: { type: "|S3", shape: [], bytes: Buffer.from("csr") },
    shape: whole([60, 6]),
    data: whole(indices.map((_, at) => 1 + (at % 3))),
    indices: whole(indices),
    indptr: whole(Array.from({ length: 61 }, (_, row) => 2 * row)),
    y: whole(Array.from({ length: 60 }, (_, row) => (row < 30 ? row % 2 : -1))),
  };
  await page.setInputFiles("#file", { name: "words.npz", mimeType: "application/zip", buffer: writeNpz(arrays) });
  await ready(page, "words.npz");
  await page.locator("#no-scatter").waitFor();
  assert.equal(await page.isVisible("#scatter-box"), false);
  await play(page);
  await trained(page, 5);
  await says(page, "by-class", /15\d+/);
  // Two kinds of rows that share no word: soon there is no doubt left.
  await says(page, "next-hint", /^(Rows without a label that the model doubts|The model is sure of every row)/);
  await leave(page);
});

test("a program that ends is started again, and a file can be dropped while it trains", async () => {
  const page = await open();
  await example(page);
  await play(page);
  await trained(page, 20);
  // An ended worker takes the question with it.
  page.workers()[0].evaluate(() => self.close()).catch(() => {});
  await says(page, "status", /It was started again and goes on from step/);
  await trained(page, (await step(page)) + 5);
  const dropped = await transfer(page, "dropped.csv", table);
  await page.dispatchEvent("body", "dragover", { dataTransfer: dropped });
  assert.match(await page.getAttribute("#drop", "class"), /over/);
  await page.dispatchEvent("body", "drop", { dataTransfer: dropped });
  await ready(page, "dropped.csv");
  await play(page);
  await trained(page, 5);
  await leave(page);
});

for (const [look, options] of [["dark", { colorScheme: "dark" }], ["light, on a phone", { viewport: { width: 360, height: 740 }, hasTouch: true }]]) {
  test(`nothing stands in the way of assistive technology, ${look}`, async () => {
    const page = await open(options);
    await example(page);
    await play(page);
    await trained(page, 20);
    await play(page);
    await says(page, "verdict", /./);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), []);
    const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= screen, `${wide} > ${screen}`);
    await leave(page);
  });
}
