// Pictures of every part of the pages, light, dark and on a phone: `node screenshots.mjs FOLDER [jpeg|png] [PART ...]`, of all parts
// unless some are named.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { done, says, Visits } from "./visit.mjs";

const SECTIONS = ["model", "generate", "filter", "coreset", "inside", "away"];
const LOOKS = {
  light: { colorScheme: "light", viewport: { width: 1200, height: 900 } },
  dark: { colorScheme: "dark", viewport: { width: 1200, height: 900 } },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5 },
};

// The server's rules forbid what is changed here for a picture's sake.
const OPEN = { bypassCSP: true };

const counted = (text) => Number(text?.match(/step ([\d,]+)/)?.[1].replaceAll(",", "") ?? 0);

// Waits until a training has come so far.
const trained = async (page, steps) => {
  await page.waitForFunction(([read, most]) => new Function(`return ${read}`)()(document.querySelector(".counter")?.textContent) >= most, [
    String(counted),
    steps,
  ]);
  // What is seen lags behind what is learnt.
  await page.waitForTimeout(1000);
};

const lesson = (id, step) => ({ query: `lessons.html?lesson=${id}&step=${step}`, ready: (page) => page.waitForTimeout(12_000) });

// The pages that learn: where they are, and what makes them show something.
const LEARNING = {
  first: {
    query: "?on=cpu",
    async ready(page) {
      await done(page, "samples in");
      await page.waitForTimeout(5000);
    },
  },
  play: { query: "play.html", ready: (page) => trained(page, 1500) },
  "play-energy": { query: "play.html?data=circles&model=latent-ebm", ready: (page) => trained(page, 1000) },
  digits: {
    query: "digits.html",
    async ready(page) {
      await page.click("#fill");
      await page.click("#go");
      await trained(page, 1200);
    },
  },
  own: {
    query: "own.html",
    async ready(page) {
      await page.click("#try");
      await page.locator("#transport .play").click();
      await trained(page, 300);
    },
  },
  "lesson-worth": lesson("worth", 2),
  "lesson-mier": lesson("mier", 3),
  "lesson-energy": lesson("energy", 3),
  "lesson-filter": lesson("filter", 2),
  "lesson-coreset": lesson("coreset", 2),
};

const [folder, type = "jpeg", ...named] = process.argv.slice(2);
if (!folder) throw new Error("name the folder to write to");
await mkdir(folder, { recursive: true });
for (const part of named) {
  if (!SECTIONS.includes(part) && !(part in LEARNING)) {
    process.stderr.write(`screenshots: unknown part "${part}": ${[...SECTIONS, ...Object.keys(LEARNING)].join(", ")} are those there are\n`);
    process.exit(1);
  }
}
const asked = (part) => named.length === 0 || named.includes(part);
const visits = await new Visits().open();

const picture = (of, part, look, more) =>
  of.screenshot({
    path: path.join(folder, `${part}-${look}.${type === "png" ? "png" : "jpg"}`),
    type,
    ...(type === "jpeg" && { quality: 70 }),
    ...more,
  });

async function sections(look, options) {
  const page = await visits.page(`?on=cpu&model=mnist-latent-ebm`, { ...options, ...OPEN, reducedMotion: "reduce" });
  await done(page, "samples in");
  await says(page, "compare-live", /classified as/);
  await says(page, "walk-live", /classified as/);
  await page.addStyleTag({ content: ".bar { position: static !important; }" });
  for (const section of SECTIONS.filter(asked)) await picture(page.locator(`#${section}`), section, look);
  await page.context().close();
}

async function learning(part, look, options) {
  const { query, ready } = LEARNING[part];
  const page = await visits.page(query, { ...options, ...OPEN });
  await ready(page);
  await picture(page, part, look);
  await page.context().close();
}

for (const [look, options] of Object.entries(LOOKS)) {
  if (SECTIONS.some(asked)) await sections(look, options);
  for (const part of Object.keys(LEARNING).filter(asked)) await learning(part, look, options);
}
await visits.close();
