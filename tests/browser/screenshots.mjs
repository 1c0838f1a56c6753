// Pictures of each section of the page, light, dark and on a phone: `node screenshots.mjs FOLDER [jpeg|png]`.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { done, says, Visits } from "./visit.mjs";

const SECTIONS = ["model", "generate", "filter", "coreset", "inside", "away"];
const LOOKS = {
  light: { colorScheme: "light", viewport: { width: 1200, height: 900 } },
  dark: { colorScheme: "dark", viewport: { width: 1200, height: 900 } },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5 },
};

const [folder, type = "jpeg"] = process.argv.slice(2);
if (!folder) throw new Error("name the folder to write to");
await mkdir(folder, { recursive: true });
const visits = await new Visits().open();
for (const [look, options] of Object.entries(LOOKS)) {
  const page = await visits.page(`?on=cpu`, { ...options, reducedMotion: "reduce" });
  await done(page, "samples in");
  await says(page, "compare-live", /classified as/);
  await says(page, "walk-live", /classified as/);
  await page.addStyleTag({ content: ".bar { position: static !important; }" });
  for (const section of SECTIONS) {
    await page.locator(`#${section}`).screenshot({
      path: path.join(folder, `${section}-${look}.${type === "png" ? "png" : "jpg"}`),
      type,
      ...(type === "jpeg" && { quality: 70 }),
    });
  }
  await page.context().close();
}
await visits.close();
