// A browser, the built page on a server of this machine, and what a visitor does there.
//
//   GLEANER_SITE       folder that `trunk build` wrote
//   GLEANER_REFERENCE  folder of the native build's numbers, see scripts/browser-test.sh

import assert from "node:assert/strict";
import path from "node:path";
import { launch } from "./chromium.mjs";
import { serve } from "./serve.mjs";

const setting = (name) => {
  if (process.env[name]) return path.resolve(process.env[name]);
  throw new Error(`${name} is not set: run scripts/browser-test.sh`);
};

export const reference = setting("GLEANER_REFERENCE");

// A software GPU takes its time.
const PATIENCE = 120_000;

export class Visits {
  async open() {
    this.server = await serve(setting("GLEANER_SITE"));
    this.browser = await launch();
    return this;
  }

  async close() {
    await this.browser?.close();
    await this.server?.close();
  }

  // A page of its own visitor, who has blocked the worker that keeps pages unless told otherwise. `before` may prepare it.
  // Everything that the console says and every address that is asked for is kept.
  async page(query = "", { before, address = this.server.address, ...options } = {}) {
    const context = await this.browser.newContext({ serviceWorkers: "block", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.said = [];
    page.asked = [];
    page.on("pageerror", (error) => page.said.push(String(error)));
    page.on("console", (entry) => {
      // Complaints that are the tests' own doing.
      if (/Service Worker registration blocked by Playwright|Multiple readback operations/.test(entry.text())) return;
      if (["error", "warning"].includes(entry.type())) page.said.push(`${entry.type()}: ${entry.text()}`);
    });
    page.on("request", (request) => page.asked.push(request.url()));
    await before?.(page);
    await page.goto(`${address}${query}`);
    return page;
  }
}

// Ends a visit in which nothing was to be complained of.
export async function leave(page) {
  assert.deepEqual(page.said, [], "the console is quiet");
  await page.context().close();
}

// Waits until the page has done what it was doing; returns its status line.
export async function done(page, words = "") {
  await page.waitForFunction(
    (expected) => {
      const status = document.getElementById("status");
      const still = !document.body.hasAttribute("aria-busy");
      return still && status.dataset.kind !== "busy" && status.textContent.includes(expected);
    },
    words,
    { timeout: PATIENCE },
  );
  return page.textContent("#status");
}

// Waits for a section to say something.
export const says = (page, id, words) =>
  page.waitForFunction(
    ([name, expected]) => new RegExp(expected).test(document.getElementById(name).textContent),
    [id, words.source],
  );

// The bytes of what a click downloads.
export async function download(page, button) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
  const parts = [];
  for await (const part of await file.createReadStream()) parts.push(part);
  return { name: file.suggestedFilename(), bytes: Buffer.concat(parts) };
}

// Waits until a canvas shows a picture: more than a few shades.
export const shaded = (page, id) =>
  page.waitForFunction((name) => {
    const canvas = document.getElementById(name);
    if (!canvas.width) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(data).size > 12;
  }, id);
