// The playground, as a visitor uses it: watching, labelling, changing the model, losing the program, leaving the tab.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { settingsOf } from "../../web/js/learn/models.js";
import { Choice } from "../../web/js/learn/play-choice.js";
import { download, leave, says, Visits } from "./visit.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let visits;
before(async () => {
  visits = await new Visits().open();
});
after(() => visits?.close());

const open = (query = "", options = {}) => visits.page(`play.html${query}`, { viewport: { width: 1280, height: 800 }, ...options });

const STEP = /step ([\d,]+)/;
const step = async (page) => Number((await page.textContent(".counter")).match(STEP)?.[1].replaceAll(",", "") ?? -1);

// Waits until so many steps are done.
const trained = (page, steps) =>
  page.waitForFunction(
    (least) => Number(document.querySelector(".counter")?.textContent.match(/step ([\d,]+)/)?.[1].replaceAll(",", "") ?? -1) >= least,
    steps,
  );
const labels = (page) => page.textContent(".labels .hint");
const pause = (page, milliseconds) => page.waitForTimeout(milliseconds);

async function hide(page, hidden) {
  await page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}

test("an address is read into settings, and what makes no sense in it is said and left out", () => {
  const choice = new Choice();
  assert.equal(choice.read(new URLSearchParams("data=blobs&model=mier&beta=0&seed=3&latent=2&hidden=32,16&epochs=80&sigma=1")), "");
  const { settings } = choice;
  assert.equal(settings["model.latent"], 2);
  assert.deepEqual(settings["model.hidden"], [32, 16]);
  assert.equal(settings["train.epochs"], 80);
  assert.equal(settings["train.seed"], 3);
  assert.equal(settings["objective.mier.beta"], 0);
  assert.equal(settings["model.likelihood.isotropic-gaussian.sigma"], 1);
  // Another model has its own networks; other points have their own sigma.
  choice.takeModel("m2");
  assert.deepEqual(choice.settings, { ...settingsOf("m2", "blobs"), "model.likelihood.isotropic-gaussian.sigma": 1, "train.seed": 3 });
  choice.takeData("two-moons");
  assert.deepEqual(choice.settings, { ...settingsOf("m2", "two-moons"), "train.seed": 3 });
  for (const wrong of ["latent=0", "latent=1.5", "latent=x", "hidden=8,", "hidden=0", "hidden=1,2,3,4", "epochs=1e9", "model=gan", "n=75.5", "flip=foo"]) {
    const other = new Choice();
    const complaint = other.read(new URLSearchParams(wrong));
    assert.match(complaint, new RegExp(`^Parts of this address make no sense and are ignored: ${wrong.split("=")[0]} must be .*\\.$`), wrong);
    assert.deepEqual(other.settings, new Choice().settings, wrong);
  }
  // There is a label for each class at least, and none without a point.
  const few = new Choice();
  few.read(new URLSearchParams("data=blobs&labels=2"));
  assert.equal(few.labels, 3);
  few.read(new URLSearchParams("n=50&labels=60"));
  assert.equal(few.labels, 50);
});

test("it learns at once; it pauses, takes one step, goes slowly and begins again", async () => {
  const page = await open();
  await trained(page, 20);
  await page.waitForFunction(() => /%/.test(document.querySelector(".model .score").textContent));
  await page.click(".transport .play");
  await pause(page, 200);
  const at = await step(page);
  await pause(page, 400);
  assert.equal(await step(page), at, "it rests");
  await page.click('button:has-text("One step")');
  await trained(page, at + 1);
  assert.equal(await step(page), at + 1);
  await page.check("text=slow motion");
  await page.click(".transport .play");
  await trained(page, at + 3);
  await page.click('button:has-text("Restart")');
  await page.waitForFunction(() => Number(document.querySelector(".counter").textContent.match(/step ([\d,]+)/)[1].replaceAll(",", "")) < 10);
  await leave(page);
});

test("points are labelled by keys, training goes on with the new label, and the link brings it back", async () => {
  const page = await open();
  await trained(page, 10);
  const before = await labels(page);
  await page.focus(".picture.model canvas");
  for (const key of ["ArrowRight", "ArrowRight", "ArrowUp", "Enter"]) await page.keyboard.press(key);
  await page.waitForFunction((old) => document.querySelector(".labels .hint").textContent !== old, before);
  assert.match(page.url(), /marks=\d+[AB.]/);
  const at = await step(page);
  await trained(page, at + 5);
  const { search } = new URL(page.url());
  const again = await open(search);
  await trained(again, 5);
  assert.equal(await labels(again), await labels(page));
  assert.equal(new URL(again.url()).search, search);
  await leave(again);
  await leave(page);
});

test("models and weights change in the course of a training, and what is downloaded says so", async () => {
  const page = await open();
  await trained(page, 5);
  await page.click('label.chip:has-text("M2 + MIER")');
  await trained(page, 10);
  const at = await step(page);
  await page.fill("#beta", "0.5");
  await page.waitForFunction(() => /mier.beta=3.16/.test(document.getElementById("command").textContent));
  await trained(page, at + 1);
  await page.click('label.chip:has-text("Latent EBM")');
  await page.waitForFunction(() => !document.querySelector(".picture.energy").hidden);
  await trained(page, 10);
  const model = await download(page, "#save-model");
  const header = JSON.parse(model.bytes.subarray(8, 8 + Number(model.bytes.readBigUInt64LE())).toString());
  assert.equal(model.name, "model.safetensors");
  assert.match(header.__metadata__.config, /latent-ebm/);
  const points = (await download(page, "#save-points")).bytes.toString().trim().split("\n");
  assert.equal(points[0], "x,y,label,split");
  assert.equal(points.length, 1 + 450 + 1000);
  assert.equal((await download(page, "#save-run")).bytes.subarray(0, 2).toString(), "PK");
  await leave(page);
});

test("a program that is killed is started again and goes on from what was kept", async () => {
  const page = await open();
  await trained(page, 5);
  await pause(page, 3000);
  const at = await step(page);
  await page.workers()[0].evaluate(() => self.close()).catch(() => {});
  await page.waitForFunction(() => /started again/.test(document.getElementById("status").textContent));
  const [, from] = (await page.textContent("#status")).match(/from step ([\d,]+)/);
  assert.ok(Number(from.replaceAll(",", "")) > 0, "not from the beginning");
  await trained(page, at + 5);
  await leave(page);
});

test("a tab that nobody sees rests, and goes on when it is seen", async () => {
  const page = await open();
  await trained(page, 5);
  await hide(page, true);
  await pause(page, 300);
  const at = await step(page);
  await pause(page, 500);
  assert.equal(await step(page), at);
  await hide(page, false);
  await trained(page, at + 5);
  await leave(page);
});

test("the main thread is never blocked for 50 ms; how many pictures a second there are", async (context) => {
  const page = await open();
  await trained(page, 50);
  const told = [];
  for (let turn = 0; turn < 3; turn += 1) {
    told.push(
      await page.evaluate(async () => {
        const tasks = [];
        new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
        let pictures = 0;
        const { prototype } = CanvasRenderingContext2D;
        const { putImageData } = prototype;
        prototype.putImageData = function (...given) {
          pictures += 1;
          return putImageData.apply(this, given);
        };
        await new Promise((resolve) => setTimeout(resolve, 3000));
        prototype.putImageData = putImageData;
        // Two pictures side by side.
        return { longest: Math.max(0, ...tasks), rate: pictures / 6 };
      }),
    );
    await page.click('button:has-text("Restart")');
    await trained(page, 20);
  }
  context.diagnostic(`longest task (0: none above 50 ms) and pictures a second, by turn: ${told.map(({ longest, rate }) => `${longest} ms, ${rate.toFixed(0)}`).join("; ")}`);
  // One quiet turn shows that nothing of the page's own takes so long: other programs are on this machine, too.
  assert.equal(Math.min(...told.map(({ longest }) => longest)), 0);
  await leave(page);
});

test("who wants no motion sees none until it is asked for", async () => {
  const page = await open("", { reducedMotion: "reduce" });
  await page.waitForFunction(() => /step 0/.test(document.querySelector(".counter")?.textContent ?? ""));
  await pause(page, 500);
  assert.equal(await step(page), 0);
  // Charts of nothing have no marks that could be taken for measurements.
  assert.deepEqual([...new Set(await page.locator("#curves svg text").allTextContents())], ["0", "steps", "Grows while the model learns"]);
  await page.click(".transport .play");
  await trained(page, 5);
  await page.waitForFunction(() => /^\d+ %$/m.test([...document.querySelectorAll("#curves svg text")].map(({ textContent }) => textContent).join("\n")));
  await leave(page);
});

test("a link sets what has no control, and it stays in the address", async () => {
  const query = "?data=circles&labels=60&latent=2&hidden=32,16&epochs=3";
  const page = await open(query);
  await says(page, "status", /^Done/);
  const command = await page.textContent("#command");
  for (const set of ["train.epochs=3", "model.latent=2", "model.hidden='[32, 16]'"]) assert.ok(command.includes(`--set ${set}`), command);
  assert.equal(decodeURIComponent(new URL(page.url()).search), query);
  assert.equal(await page.textContent("#complaint"), "");
  await leave(page);
});

test("points are drawn by keys until there are enough to learn from, and the link brings them back", async () => {
  const page = await open("?data=own");
  await says(page, "status", /put points there: at least two classes, and 8 more points\.$/);
  // The program is there when the small pictures are.
  await page.waitForFunction(() => document.querySelector("#kinds canvas").getContext("2d").getImageData(0, 0, 56, 56).data.some(Boolean));
  assert.match(await page.textContent("#status"), /^Click or drag/);
  await page.focus(".picture.model canvas");
  for (let point = 0; point < 8; point += 1) for (const key of ["ArrowRight", "Enter"]) await page.keyboard.press(key);
  await says(page, "status", /put points there: at least two classes\.$/);
  await page.click('#brushes label:has-text("class B")');
  await page.focus(".picture.model canvas");
  for (const key of ["ArrowUp", "Enter"]) await page.keyboard.press(key);
  await trained(page, 5);
  assert.match(await page.textContent(".result .hint"), /^of 9 labelled points right$/);
  const again = await open(new URL(page.url()).search);
  await trained(again, 5);
  assert.equal(await labels(again), "9 points");
  await leave(again);
  await leave(page);
});

test("a model that is chosen while other points are on their way learns from these", async () => {
  const page = await open();
  await page.click('#kinds label:has-text("Blobs")');
  await page.click('#models label:has-text("MIER")');
  await trained(page, 5);
  await says(page, "legend", /class C/);
  await page.evaluate(() => {
    for (const words of ["Spirals", "Circles"]) document.evaluate(`//*[@id="kinds"]//label[contains(., "${words}")]`, document, null, 9).singleNodeValue.click();
    document.querySelector('#models input[value="m2"]').click();
  });
  await page.waitForFunction(() => !/class C/.test(document.getElementById("legend").textContent));
  await trained(page, 5);
  assert.match(page.url(), /data=circles/);
  await leave(page);
});

test("a link that makes no sense is mended, and the page says so in one line", async () => {
  const page = await open("?data=x&n=1e9&noise=-1&labels=a&seed=&model=gan&alpha=1e9&latent=0&hidden=,&epochs=-1&marks=99999A,zz&flip=foo&points=%%%");
  await trained(page, 5);
  const complaint = await page.textContent("#complaint");
  for (const name of ["data", "n", "noise", "labels", "model", "alpha", "latent", "hidden", "epochs", "flip"]) assert.match(complaint, new RegExp(`[:;] ${name} must be `));
  assert.match(complaint, /^[^\n]+\.$/);
  assert.equal(new URL(page.url()).search, "");
  await leave(page);
});

test("there is a label for each class, whatever points are chosen", async () => {
  const page = await open("?labels=2&alpha=10");
  await trained(page, 1);
  // α times all points, divided by those with a label.
  await page.waitForFunction(() => document.querySelector(".terms .alpha .weight-now")?.textContent === "2250");
  await page.click('label.tile:has-text("Blobs")');
  await page.locator("#labels").fill("3");
  await page.waitForFunction(() => document.querySelector(".labels .hint").textContent === "3 points");
  await trained(page, 1);
  assert.equal(await page.getAttribute("#labels", "min"), "3");
  assert.equal(await page.getAttribute("#status", "data-kind"), "done");
  await leave(page);
});

test("the terms of the objective add up to it, with MIER and without", async () => {
  for (const model of ["m2", "mier"]) {
    const page = await open(`?model=${model}&beta=2&gamma=3`);
    await trained(page, 50);
    await page.click("#transport .play");
    const read = () =>
      page.evaluate(() =>
        Array.from(document.querySelectorAll("#terms li"), (term) => {
          const [sign, value, weight] = [".sign", ".value > output:last-child", ".weight-now"].map((what) => term.querySelector(what)?.textContent);
          return { sign, value: Number(value.replace("−", "-").replace(",", "")), weight: Number((weight ?? "1").replace(",", "")), words: term.textContent };
        }),
      );
    // The readings are of one moment: the row is written at once.
    const [objective, ...terms] = await read();
    assert.equal(terms.length, model === "mier" ? 5 : 3);
    const sum = terms.reduce((all, { sign, value, weight }) => all + (sign === "−" ? -1 : 1) * weight * value, 0);
    const rounding = terms.reduce((all, { weight }) => all + weight * 5e-4, 0) + 0.06;
    assert.ok(Math.abs(sum - objective.value) < rounding, JSON.stringify([objective, ...terms]));
    if (model === "mier") assert.deepEqual(terms.slice(3).map(({ weight }) => weight), [2, 3]);
    await leave(page);
  }
});

test("a sheet with classes that leave one out is not trained on, and a sentence says what is missing", async () => {
  const page = await open("?data=own");
  const canvas = page.locator("#pictures canvas").first();
  const box = await canvas.boundingBox();
  const put = async (brush, places) => {
    await page.click(`#brushes label:has(input[value="${brush}"])`);
    for (const [across, up] of places) await page.mouse.click(box.x + across * box.width, box.y + up * box.height);
  };
  await put("0", [[0.2, 0.2], [0.25, 0.3], [0.3, 0.2], [0.2, 0.4]]);
  await put("2", [[0.7, 0.7], [0.75, 0.8], [0.8, 0.7], [0.7, 0.6]]);
  await says(page, "status", /: points of class B\.$/);
  await put("1", [[0.2, 0.8]]);
  await trained(page, 5);
  await leave(page);
});

for (const [name, options] of [
  ["dark", { colorScheme: "dark" }],
  ["light on a phone", { colorScheme: "light", viewport: { width: 360, height: 740 }, hasTouch: true }],
]) {
  test(`nothing stands in the way of assistive technology, ${name}`, async () => {
    for (const query of ["?model=mier", "?model=latent-ebm&data=spirals", "?data=own"]) {
      const page = await open(query, options);
      if (query !== "?data=own") await trained(page, 5);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`), []);
      const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= screen, `${wide} of ${screen} pixels`);
      await leave(page);
    }
  });
}
