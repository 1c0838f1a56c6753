// The picks: those of the command line in every space, what is said of them, and the maps.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertSameArrays } from "./close.mjs";
import { asked, link, MODELS, native, SPACES, toldBy } from "./native.mjs";
import { readNpz } from "./npz.mjs";
import { done, download, leave, says, shaded, Visits } from "./visit.mjs";

const [model] = Object.keys(MODELS);
const written = fileURLToPath(new URL("../written_before", import.meta.url));

let visits;

before(async () => {
  visits = await new Visits().open();
});

after(() => visits?.close());

// A share that the page gives in percent with one decimal place, rounded down: what is said is reached, and hardly more.
function assertRoundedDown(percent, share) {
  const over = 100 * share - Number(percent);
  assert.ok(over > -1e-3 && over < 0.1 + 1e-3, `${percent} % for ${share}`);
}

// A number that the page gives with four digits.
function assertFourDigits(text, value) {
  assert.ok(Math.abs(Number(text.replace("−", "-")) / value - 1) < 6e-4, `${text} for ${value}`);
}

const PROMISE =
  / These (\d+) picks reach at least ([\d.]+) % of what any (\d+) samples could \(as many of each class\)\. (\d+) random picks reach at least ([\d.]+) %\.$/;

// What the page says of its picks is what the command line computes.
async function assertCertificate(page, { chosen, random }) {
  const words = await page.textContent("#coreset-live");
  const [, picks, percent, any, others, percentOfOthers] = words.match(PROMISE);
  assert.deepEqual([picks, any, others], Array(3).fill(String(chosen.chosen)), words);
  assertRoundedDown(percent, chosen.ratio);
  assertRoundedDown(percentOfOthers, random.objective / chosen.bound);
  const rows = await page
    .locator("#outcomes tbody tr")
    .evaluateAll((lines) => lines.map(({ cells }) => [...cells].map(({ textContent }) => textContent)));
  assert.equal(rows.length, chosen.classes.length);
  rows.forEach((row, at) => {
    const { class: number, chosen: own, rows: all, objective, bound } = chosen.classes[at];
    assert.deepEqual(row.slice(0, 2), [String(number), `${own} of ${all}`]);
    assertFourDigits(row[2], objective);
    assertFourDigits(row[3], bound);
    assertRoundedDown(row[4], objective / bound);
    assertRoundedDown(row[5], random.classes[at].objective / bound);
  });
}

for (const [model, settled] of Object.entries(MODELS)) {
  test(`${model}: samples, kept ones, and the coreset in every space are those of the command line`, async (context) => {
    const wanted = { samples: await native(`${model}/samples`), kept: await native(`${model}/kept`) };
    const page = await visits.page(link(model));
    await done(page, "samples in");
    const [all, kept] = Object.values(wanted).map(({ y }) => y.shape[0]);
    await says(page, "filter-live", new RegExp(`^${kept} of ${all} kept`));
    for (const space of SPACES) {
      const told = { chosen: await toldBy(`${model}/craig-${space}`), random: await toldBy(`${model}/random-${space}`) };
      const coreset = settled.includes(space) && (await native(`${model}/craig-${space}`));
      await page.selectOption("#space", space);
      await says(page, "commands", new RegExp(`--method craig --space ${space} --size ${told.chosen.chosen} `));
      await says(page, "coreset-live", new RegExp(`^${told.chosen.chosen} of ${kept} picked`));
      await assertCertificate(page, told);
      const seen = ["last-layer", "embedding"].includes(space);
      for (const [what, arrays] of Object.entries({ ...wanted, ...(coreset && { coreset }) })) {
        const { name, bytes } = await download(page, `#save-${what}`);
        assert.equal(name, `${model}-seed${asked.seed}-${what}.npz`);
        const { features, ...others } = arrays;
        assertSameArrays(context, `${space}: ${what}`, readNpz(bytes), seen ? { ...others, features } : others);
      }
      assert.equal((await page.textContent("#commands")).includes("--features"), seen);
    }
    // What is shown is what is in the files.
    const agreed = await page.textContent("#samples-caption");
    const { y, logits } = wanted.samples;
    const best = y.values.map((_, row) => {
      const own = logits.values.slice(10 * row, 10 * row + 10);
      return own.indexOf(Math.max(...own));
    });
    const share = best.filter((label, row) => label === y.values[row]).length / all;
    assert.ok(agreed.includes(`in ${(100 * share).toFixed(1)} %`), agreed);
    await shaded(page, "samples");
    await leave(page);
  });
}

// What lies on a map: where the samples are, and of each pick its number, weight, place and radius.
const onMap = (page, id) =>
  page.evaluate((name) => {
    const numbers = (node, names) => names.map((attribute) => Number(node.getAttribute(attribute)));
    const svg = document.getElementById(name);
    const picks = [...svg.querySelectorAll(".pick")].map((node) => {
      const [, pick, weight] = node.querySelector("title").textContent.match(/^pick (\d+), weight (\d+)$/).map(Number);
      const [x, y, radius] = numbers(node.querySelector(".weight"), ["cx", "cy", "r"]);
      return { pick, weight, x, y, radius };
    });
    const samples = [...svg.querySelectorAll(".sample")].map((node) => numbers(node, ["cx", "cy"]).join());
    return { samples, picks: picks.sort((a, b) => a.pick - b.pick), label: svg.getAttribute("aria-label") };
  }, id);

test("on the maps, the area of a pick is its weight, and its place that of its sample", async () => {
  const page = await visits.page(link(model));
  await done(page, "samples in");
  const seen = {};
  const indices = [];
  for (const space of SPACES) {
    await page.selectOption("#space", space);
    indices.push((await native(`${model}/craig-${space}`)).index.values.join());
    const { classes } = await toldBy(`${model}/craig-${space}`);
    const [{ class: first, chosen, rows }] = classes;
    await says(page, "commands", new RegExp(`--space ${space} `));
    const maps = [];
    for (const [id, method] of [["map-chosen", "craig"], ["map-random", "random"]]) {
      const map = await onMap(page, id);
      const weights = (await native(`${model}/${method}-${space}`)).weight.values.slice(0, chosen);
      assert.deepEqual(map.picks.map(({ weight }) => weight), weights);
      assert.equal(map.samples.length, rows);
      for (const { x, y, radius } of map.picks) {
        assert.ok(map.samples.includes(`${x},${y}`), "a pick lies beside its sample");
        assert.ok(Math.min(x, y, 300 - x, 300 - y) >= radius, "a disc is cut off");
      }
      assert.match(map.label, new RegExp(`^Map of class ${first}: .* among ${rows} samples, weights ${weights.join(", ")}$`));
      maps.push(map);
    }
    const picks = maps.flatMap((map) => map.picks);
    assert.ok(new Set(picks.map(({ weight }) => weight)).size > 1, "all weights are the same");
    // The legend is on the same scale.
    const key = await page.locator("#map-key").evaluate((svg) =>
      [...svg.querySelectorAll(".weight")].map((disc, at) => ({
        weight: Number.parseInt(svg.querySelectorAll("text")[at].textContent, 10),
        radius: Number(disc.getAttribute("r")),
      })),
    );
    assert.equal(key.at(-1).weight, Math.max(...picks.map(({ weight }) => weight)));
    const areas = [...picks, ...key].map(({ weight, radius }) => radius ** 2 / weight);
    assert.ok(Math.max(...areas) / Math.min(...areas) < 1.002, `areas by weight: ${areas}`);
    seen[space] = maps[0];
  }
  assert.equal(new Set(indices).size, SPACES.length, "two spaces have the same picks");
  // Where samples are, in units of the furthest: maps leave more or less room for discs.
  const places = (space) => {
    const values = seen[space].samples.flatMap((place) => place.split(",").map((value) => Number(value) - 150));
    const furthest = Math.max(...values.map(Math.abs));
    return values.map((value) => value / furthest);
  };
  const apart = (one, other) => Math.max(...places(one).map((value, at) => Math.abs(value - places(other)[at])));
  assert.ok(apart("latent", "embedding") > 0.2, "z lies as the hidden layer does");
  for (const space of ["last-layer", "gradient"]) assert.ok(apart(space, "embedding") < 0.01, `${space} is not in the hidden layer`);
  const picked = (space) => seen[space].picks.map(({ x, y }) => `${x},${y}`).join(" ");
  assert.notEqual(picked("last-layer"), picked("embedding"));
  await leave(page);
});

test("the space is chosen and the picks are told of by keyboard", async () => {
  const page = await visits.page(link(model));
  await done(page, "samples in");
  await says(page, "coreset-live", /picked/);
  await says(page, "space-help", /sees much the same in them/);
  await page.focus("#space");
  await page.keyboard.press("ArrowDown");
  await says(page, "space-help", /would change the last layer/);
  await says(page, "commands", /--space last-layer /);
  assert.equal(await page.locator("#outcomes").isVisible(), false);
  await page.focus("#certificate summary");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#outcomes").isVisible(), true);
  await page.focus("#medoids");
  await page.keyboard.press("ArrowRight");
  const [weight] = (await native(`${model}/craig-last-layer`)).weight.values;
  await says(page, "grid-said", new RegExp(`requested 0.*; weight ${weight}$`));
  await leave(page);
});

test("spaces that do not go with a method or a model are not offered", async () => {
  const page = await visits.page(link(model, { method: "adacore", space: "latent" }));
  await done(page, "samples in");
  await says(page, "coreset-live", /picked.*Random picks are not compared/);
  const disabled = (id) => page.locator(`#${id} option:disabled`).evaluateAll((options) => options.map(({ value }) => value));
  assert.equal(await page.inputValue("#space"), "last-layer");
  assert.deepEqual(await disabled("space"), ["embedding", "latent"]);
  assert.match(await page.textContent("#space-help"), /AdaCore .* compares gradients only/);
  await page.waitForSelector("#gains .chosen", { state: "attached" });
  assert.equal(await page.locator("#gains .random").count(), 0);
  await page.selectOption("#method", "craig");
  await says(page, "coreset-live", /random picks reach at least/);
  await page.waitForSelector("#gains .random", { state: "attached" });
  assert.deepEqual(await disabled("space"), []);
  // M1 has no classifier, so its entropies are those of no knowledge.
  await page.locator("#threshold").fill("0.4");
  await page.setInputFiles("#checkpoint", path.join(written, "m1", "model.safetensors"));
  await done(page, "samples in");
  await says(page, "coreset-live", /picked.*reach at least/);
  assert.equal(await page.inputValue("#space"), "embedding");
  assert.deepEqual([await disabled("space"), await disabled("method")], [["last-layer", "gradient"], ["adacore"]]);
  await leave(page);
});

test("a coreset by each method, its picks one by one, beside random ones", async () => {
  const page = await visits.page(link("mnist-m2-mier", { entropy: "0.3", agreeing: "0", n: "20", budget: "10" }), {
    reducedMotion: "reduce",
  });
  await done(page, "samples in");
  await says(page, "coreset-live", /^20 of 200 picked/);
  const ratio = async () => Number((await page.textContent("#coreset-live")).match(/at least ([\d.]+) %/)[1]);
  const found = {};
  // AdaCore last: it leaves the hidden layer, which it cannot compare.
  for (const method of ["craig", "confidence", "random", "adacore"]) {
    await page.selectOption("#method", method);
    await page.waitForFunction(
      (name) => document.getElementById("map-chosen-caption").textContent.startsWith(name),
      { craig: "CRAIG", adacore: "AdaCore", confidence: "confidence", random: "random" }[method],
    );
    found[method] = await ratio();
  }
  assert.ok(found.craig > found.random && found.craig > found.confidence, JSON.stringify(found));
  assert.ok(found.craig <= 100 && found.random > 0, JSON.stringify(found));
  await page.selectOption("#method", "craig");
  await page.fill("#budget", "25");
  await says(page, "coreset-live", /^50 of 200 picked/);
  await page.click('#map-classes label:has-text("4")');
  await says(page, "map-chosen-caption", /CRAIG, class 4/);
  const marks = () => page.locator("#map-chosen .pick:not([visibility=hidden])").count();
  assert.equal(await marks(), await page.locator("#map-random .pick").count());
  assert.equal(await page.locator("#map-chosen .sample").count(), 20);
  const all = await marks();
  await page.click("#replay");
  await says(page, "map-chosen-caption", new RegExp(`pick ${all}: f`));
  assert.equal(await marks(), all);
  await leave(page);
});
