// What the visitor leaves with: predictions, the model, the run, and the commands that go on from there.

import { element, save } from "../dom.js";
import { copies } from "./copy.js";
import * as handOver from "./hand-over.js";
import { many } from "./numbers.js";
import { inWords } from "./own-accuracy.js";
import { bytesOf, command } from "./own-file.js";

const PICTURE = 3; // lengths of the shape of a picture: the other page draws these
const CLASS = 1; // column of a table of predictions
const TEXT = new TextDecoder();

const stem = (name) => name.replace(/\.gz$/i, "").replace(/\.[^.]*$/, "");

// How often each class was predicted, in words. The names of classes may hold commas, which this does not read: then
// the sum is enough.
function counted(bytes, names) {
  const lines = TEXT.decode(bytes).trimEnd().split("\n").slice(1);
  const counts = names.map((name) => [name, lines.filter((line) => line.split(",")[CLASS] === name).length]);
  const some = counts.filter(([, count]) => count > 0).map(([name, count]) => `${name} ${many(count)}`);
  const all = counts.reduce((sum, [, count]) => sum + count, 0) === lines.length;
  return `${many(lines.length)} row${lines.length === 1 ? "" : "s"}${all && some.length > 0 && some.length <= 12 ? `: ${some.join(", ")}` : ""}`;
}

function say(text, kind = "done") {
  element("away-status").dataset.kind = kind;
  element("away-status").textContent = text;
}

export class Away {
  #training;
  #current;

  // `current` says what is trained on: { name, settings, seen }.
  constructor(training, current) {
    this.#training = training;
    this.#current = current;
    this.#on("save-predictions", async () => this.#predictions(await training.ask("predictions"), current().name));
    this.#on("save-model", async () => this.#save("model.safetensors", await training.ask("model"), "application/octet-stream"));
    this.#on("save-run", async () => this.#save(`${training.about.name}.zip`, await training.ask("run"), "application/zip"));
    this.#on("open-models", () => this.#open());
    element("other").addEventListener("change", ({ target }) => {
      const [file] = target.files;
      target.value = "";
      if (file) this.predict(file);
    });
    for (const [id, what] of [["copy-compare", "compare"], ["copy-commands", "commands"]]) copies(element(id), () => element(what).textContent, say);
  }

  // Classes of the rows of another file.
  async predict(file) {
    const mine = this.#training.about;
    if (!mine || !this.#ready) {
      say("Train first: what has not learned cannot predict.", "error");
      return;
    }
    try {
      say(`Predicting ${file.name}…`, "busy");
      const bytes = await bytesOf(file);
      if (mine !== this.#training.about) throw new Error("Another training has begun: choose the file again when it has learned something.");
      this.#predictions(await this.#training.ask("predictions", { name: file.name, bytes }), file.name);
    } catch (error) {
      say(error.message, "error");
    }
  }

  describe() {
    // What was saved before is of another training.
    say("");
    const { about } = this.#training;
    element("open-models").hidden = about?.shape.length !== PICTURE;
    const { name, settings, share } = this.#current();
    element("compare").textContent = command(name, settings);
    const same = `${command(name, settings)} --model m2${share ? ` --test-share ${share}` : ""}`;
    const folder = about?.name ?? "RUN";
    element("commands").textContent = [
      "# the same training, from its beginning",
      same,
      "",
      `# goes on with this one: unpack ${folder}.zip first`,
      `cd ${folder} && gleaner train --resume .`,
      "gleaner predict . new.csv --out predicted.csv",
    ].join("\n");
  }

  // What takes something away needs something that has learned.
  enable() {
    for (const id of ["save-predictions", "save-model", "save-run", "open-models"]) element(id).disabled = !this.#ready;
  }

  get #ready() {
    const { about, told } = this.#training;
    return Boolean(about) && (told?.step ?? about.step) > 0;
  }

  #on(id, task) {
    element(id).addEventListener("click", async () => {
      try {
        await task();
      } catch (error) {
        say(error.message, "error");
      }
    });
  }

  // The model goes on to the page that draws, filters and picks.
  async #open() {
    const training = this.#training;
    const { about } = training;
    training.pause();
    const { held, name, rows, labelled, parameters } = about;
    const known = { data: this.#current().name, model: "M2", labels: `${many(labelled)}, plus ${many(rows - labelled)} unlabelled` };
    if (held > 0) known.accuracy = inWords((await training.ask("score")).model)[0];
    known.parameters = many(parameters);
    const bytes = await training.ask("model");
    if (training.about !== about) throw new Error("Another training has begun: open its model when it has learned something.");
    await handOver.put({ name, title: `M2, ${this.#current().name}`, known, bytes });
    training.taken();
    location.href = "./?model=own#generate";
  }

  #save(name, bytes, type) {
    save(name, new Blob([bytes], { type }));
    this.#training.taken();
    say(`Saved ${name}.`);
  }

  #predictions(bytes, name) {
    const file = `${stem(name)}-predicted.csv`;
    save(file, new Blob([bytes], { type: "text/csv" }));
    this.#training.taken();
    say(`Saved ${file}: ${counted(bytes, this.#current().names)}.`);
  }
}
