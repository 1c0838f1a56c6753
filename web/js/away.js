// What a visitor leaves with: arrays, a picture, a link.

import { element, save } from "./dom.js";

export function setUp(page) {
  const say = (text) => {
    element("away-status").textContent = text;
  };
  // Whether the files have the last hidden layer: where the picks are compared by it.
  const featured = () => ["last-layer", "embedding"].includes(page.coreset?.space);
  const name = () => `${page.model.id ?? "samples"}-seed${page.samples.asked.seed}`;

  for (const what of ["samples", "kept", "coreset"]) {
    element(`save-${what}`).addEventListener("click", () =>
      page.attempt(
        async () => {
          if (!page.samples) return;
          const file = `${name()}-${what}.npz`;
          const bytes = await page.engine.call("main", "npz", what, featured());
          save(file, new Blob([bytes], { type: "application/octet-stream" }));
          say(`Saved ${file}, ${(bytes.length / 1e6).toFixed(2)} MB.`);
        },
        () => page.filtered,
      ),
    );
  }
  element("save-png").addEventListener("click", () => {
    element("samples").toBlob((blob) => {
      save(`${name()}.png`, blob);
      say(`Saved ${name()}.png, the grid under Generate.`);
    });
  });
  element("copy-link").addEventListener("click", async () => {
    page.remember();
    const restores = page.model.id
      ? "It restores the model, the settings and the seed."
      : "It restores the settings and the seed. It does not contain your own model: send the file too.";
    try {
      await navigator.clipboard.writeText(location.href);
      say(`The link is copied. ${restores}`);
    } catch {
      say(`The browser does not let the page copy. Copy this link: ${location.href} ${restores}`);
    }
  });

  // What the command line would be told to write the same files.
  function commands() {
    const { about, samples, filtered, coreset, model } = page;
    if (!about || !samples) return;
    const { per_class, seed, classes: chosen, ...of } = samples.asked;
    const chains = about.chains ? ` --steps ${of.steps} --step-size ${of.step_size} --temperature ${of.temperature}` : "";
    const run = model.id ? `checkpoints/${model.id}` : "RUN";
    const lines = [
      `gleaner sample ${run} --per-class ${per_class} --seed ${seed}${chains}${featured() ? " --features" : ""} --out samples.npz`,
      `gleaner filter samples.npz --max-entropy ${Number((10 ** element("threshold").valueAsNumber).toPrecision(6))}` +
        `${element("keep-agreeing").checked ? " --keep-agreeing" : ""} --out kept.npz`,
    ];
    if (coreset) {
      const { method, space, size } = coreset;
      lines.push(`gleaner coreset kept.npz --method ${method} --space ${space} --size ${size} --seed ${seed} --out coreset.npz`);
    }
    if (chosen.length < about.classes) lines.unshift(`# These commands draw all classes. The page has drawn the same samples, but only of the classes ${chosen.join(", ")}.`);
    element("commands").textContent = lines.join("\n");
    element("save-samples").disabled = false;
    element("save-png").disabled = false;
    element("save-kept").disabled = !filtered?.kept.length;
    element("save-coreset").disabled = !coreset;
  }
  for (const news of ["samples", "kept", "coreset"]) page.addEventListener(news, commands);
  page.addEventListener("model", () => {
    element("commands").textContent = "";
    for (const id of ["save-samples", "save-kept", "save-coreset", "save-png"]) element(id).disabled = true;
  });
}
