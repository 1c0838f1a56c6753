// The page: one program in a worker, one model, and the sections that work on what it draws, each in a file of its own.
//
//   model ─ samples ─ kept ─ coreset      (events of `page`, each when there is something new of that kind)

import * as away from "./away.js";
import { showBadge } from "./badge.js";
import * as checkpoints from "./checkpoints.js";
import * as coreset from "./coreset.js";
import { element, latest, make, pause, short } from "./dom.js";
import { Engine, Gone } from "./engine.js";
import * as fields from "./fields.js";
import * as filter from "./filter.js";
import * as generate from "./generate.js";
import * as inside from "./inside.js";
import { keepForLater } from "./keep.js";
import * as handOver from "./learn/hand-over.js";
import * as link from "./link.js";

const sentence = (error) => (error instanceof Error ? error.message : String(error));

const OWN = "own"; // in the address: a model that was trained in this browser

const cardOf = ({ id, card }) => id ?? card;

class Page extends EventTarget {
  engine = new Engine();
  models = []; // what comes with the page
  model = {}; // the open one: { id } or { name } of a file, and its bytes
  about = null; // what the program says of it
  samples = null;
  filtered = null;
  coreset = null;
  busy = false;
  playing = false;
  forced = null; // the backend that is taken after the GPU was lost, and why

  say(kind, text) {
    const status = element("status");
    status.dataset.kind = kind;
    status.textContent = text;
    if (kind !== "busy") element("progress").hidden = true;
  }

  // A share of what is under way; undefined if nobody knows.
  progress(share) {
    const bar = element("progress");
    bar.hidden = share !== undefined && share >= 1;
    if (share === undefined) bar.removeAttribute("value");
    else bar.value = share;
  }

  // Tries something; what it throws becomes the status line. Where what it works on is replaced meanwhile, nobody waits for it any more:
  // then it may fail. `on` gives what that is.
  async attempt(task, on = () => null) {
    const before = on();
    try {
      await task();
    } catch (error) {
      if (!(error instanceof Gone) && on() === before) this.say("error", sentence(error));
    }
  }

  // Runs one piece of work at a time.
  async work(task) {
    if (this.busy) return;
    this.#busy(true);
    await this.attempt(task);
    this.#busy(false);
  }

  #busy(busy) {
    this.busy = busy;
    document.body.toggleAttribute("aria-busy", busy);
    if (!busy) element("progress").hidden = true;
    this.dispatchEvent(new Event("busy"));
  }

  // Stops what is under way and waits until it has.
  async free() {
    this.dispatchEvent(new Event("stop"));
    while (this.busy) {
      await pause(10);
      // Once more: what was under way may only have been about to begin what has to be stopped.
      this.dispatchEvent(new Event("stop"));
    }
  }

  setPlaying(playing) {
    this.playing = playing;
    this.dispatchEvent(new Event("busy"));
  }

  get names() {
    const names = this.model.names ?? this.about.names;
    return names ?? Array.from({ length: this.about.classes }, (_, number) => String(number));
  }

  get digit() {
    const { shape } = this.about;
    return this.model.digit ?? (shape.length === 3 && shape[0] === 28);
  }

  place() {
    return this.about.backend === "webgpu" ? "the GPU" : "the CPU";
  }

  // One sample in a sentence. What is in a grid may be of samples that are gone, or not there yet.
  describe = (row) => {
    const { samples, filtered } = this;
    if (!samples || row >= samples.y.length) return "";
    const { names } = this;
    const seen = `classified as ${names[samples.predicted[row]]}, H = ${short(samples.entropy[row])} nats`;
    const verdict = filtered ? `; ${filter.reason(filtered.verdicts[row])}` : "";
    return this.about.classifies ? `requested ${names[samples.y[row]]}, ${seen}${verdict}` : `sample ${row}`;
  };

  // Looks inside one sample.
  choose(row) {
    if (row < this.samples?.y.length) this.dispatchEvent(new CustomEvent("choose", { detail: row }));
  }

  async sampled(samples) {
    this.samples = samples;
    this.filtered = null;
    this.coreset = null;
    checkpoints.picture(cardOf(this.model), samples.picture, this.about.tile);
    this.remember();
    this.dispatchEvent(new Event("samples"));
  }

  // Chips, one for each class, of which `kind` is "checkbox" or "radio"; only those in `shown`.
  showChips(id, kind, classes, shown = [...Array(classes).keys()]) {
    const box = element(id);
    for (const chip of box.querySelectorAll("label")) chip.remove();
    for (const number of shown) {
      const input = make("input", { type: kind, name: id, value: number, checked: kind === "checkbox" });
      box.append(make("label", { class: "chip" }, input, make("span", {}, this.names[number])));
    }
  }

  chosenChip = (id) => Number(document.querySelector(`#${id} input:checked`)?.value ?? 0);

  checkChip(id, number) {
    const chip = document.querySelector(`#${id} input[value="${number}"]`);
    if (chip) chip.checked = true;
  }

  // The classes to draw, in order.
  classes() {
    const chosen = [...document.querySelectorAll("#classes input:checked")].map(({ value }) => Number(value));
    if (chosen.length === 0) throw new Error("no class is chosen: choose at least one class");
    return chosen;
  }

  remember = () => {
    if (!this.about) return;
    const chosen = document.querySelectorAll("#classes input:checked").length;
    const { chains } = this.about;
    link.remember({
      model: cardOf(this.model),
      classes: chosen > 0 && chosen < this.about.classes ? this.classes() : null,
      chains: chains && { steps: chains.steps, "step-size": chains["step-size"], temperature: chains.temperature },
    });
  };

  // Opens a model's bytes on the device that is asked for, and draws.
  async open(model) {
    const backend = this.forced?.backend ?? element("backend").value;
    this.say("busy", `Opening ${model.title ?? model.name}…`);
    this.progress(undefined);
    this.about = null;
    this.samples = null;
    this.filtered = null;
    this.coreset = null;
    // Neither a program's memory nor a GPU's pools shrink: what was open before is freed with the worker that held it.
    if (this.model.bytes) {
      this.dispatchEvent(new Event("gone"));
      await this.engine.start();
    }
    // The page keeps the bytes, in case the program must be started anew.
    const about = await this.engine.call("main", "create", model.bytes, backend);
    this.model = model;
    this.about = about;
    this.showBadge();
    checkpoints.markCard(cardOf(model));
    this.showChains();
    this.dispatchEvent(new Event("model"));
  }

  // The model's own settings of its chains, unless the link says others.
  showChains() {
    const { chains } = this.about;
    if (!chains) return;
    const own = { steps: chains.steps, "step-size": chains["step-size"], temperature: chains.temperature };
    const names = { steps: "steps", "step-size": "size", temperature: "temperature" };
    for (const [id, value] of Object.entries(own)) {
      if (!this.restoring || !link.given(names[id])) fields.put(id, value);
    }
  }

  showBadge() {
    const { backend, reason, parameters, model } = this.about;
    const why = this.forced?.reason ?? reason;
    const gpu = backend === "webgpu";
    const lost = this.forced ? "the GPU was lost" : "this browser offers no GPU to pages";
    const own = gpu ? "" : `CPU: 128-bit SIMD${why ? ` (${why})` : ""}. `;
    showBadge({
      backend,
      words: gpu ? "GPU: WebGPU" : `CPU${why ? ` (${lost})` : ""}`,
      why: `${own}${checkpoints.modelName(model)}, ${parameters.toLocaleString("en")} parameters.`,
    });
  }
}

const page = new Page();

async function openShipped(model) {
  page.say("busy", `Fetching ${model.title}…`);
  const bytes = await checkpoints.download(model, (share) => page.progress(share));
  await page.open({ ...model, bytes });
}

// A model that another page has laid aside.
const openOwn = ({ name, bytes }) => page.open({ name: `your model ${name}`, card: OWN, bytes });

async function openFile(file) {
  checkpoints.markCard(null);
  page.say("busy", `Reading ${file.name}…`);
  const bytes = await checkpoints.read(file);
  await page.open({ name: file.name, bytes });
}

// Opens a model and shows what it draws; where that fails, what was open before is opened again. Of several that are asked for at once,
// the last is opened.
const show = latest(async (open) => {
  await page.free();
  const before = page.model;
  let failure = null;
  await page.work(async () => {
    try {
      await open();
    } catch (error) {
      if (!before.bytes || error instanceof Gone) throw error;
      failure = error;
      // A file that was refused before it was opened has left the other one as it was.
      if (page.about) checkpoints.markCard(cardOf(before));
      else await page.open(before);
    }
  });
  if (page.about && !page.samples) await page.draw();
  if (failure) page.say("error", `${sentence(failure)}. The page continues with ${before.title ?? before.name}.`);
});

function listen() {
  element("checkpoint").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    if (file) show(() => openFile(file));
    target.value = "";
  });
  element("backend").addEventListener("change", () => {
    page.forced = null;
    page.remember();
    if (page.model.bytes) show(() => page.open(page.model));
  });
  for (const type of ["dragover", "dragleave", "drop"]) {
    addEventListener(type, (event) => {
      event.preventDefault();
      element("drop").classList.toggle("over", type === "dragover");
    });
  }
  addEventListener("drop", ({ dataTransfer }) => {
    const [file] = dataTransfer.files;
    if (file) show(() => openFile(file));
  });
  page.engine.addEventListener("progress", ({ detail: { loaded, total } }) => {
    // The list of models may have failed meanwhile: what arrives later must not hide the error.
    if (page.about || element("status").dataset.kind === "error") return;
    page.say("busy", `Loading the program: ${(loaded / 1e6).toFixed(1)} MB…`);
    page.progress(total ? Math.min(1, loaded / total) : undefined);
  });
  page.engine.addEventListener("gone", ({ detail }) => recover(detail));
  addEventListener("error", ({ error, message }) => page.say("error", sentence(error ?? message)));
  addEventListener("unhandledrejection", ({ reason }) => {
    if (!(reason instanceof Gone)) page.say("error", sentence(reason));
  });
}

// The worker or its GPU is gone: start anew, without the GPU if that was it, and draw the same again.
let losses = 0;
async function recover({ what, reason }) {
  losses += 1;
  const { model } = page;
  page.dispatchEvent(new Event("gone"));
  const happened = what === "gpu" ? `The GPU was lost (${reason})` : `The program stopped (${reason})`;
  if (losses > 3 || !model.bytes) {
    // Nothing is left to ask.
    page.about = null;
    page.samples = null;
    page.filtered = null;
    page.coreset = null;
    page.dispatchEvent(new Event("busy"));
    page.say("error", `${happened}. Reload the page to try again.`);
    return;
  }
  if (what === "gpu") page.forced = { backend: "cpu", reason: `the GPU was lost: ${reason}` };
  page.say("busy", `${happened}. Restarting…`);
  await page.free();
  await page.work(() => page.open(model));
  if (page.about) await page.draw();
  if (!page.samples) return;
  const goes = what === "gpu" ? "The page continues on the CPU." : "The page has restarted and continues.";
  page.say("done", `${happened}. ${goes}`);
}

async function start() {
  const asked = link.restore();
  fields.setUp();
  generate.setUp(page);
  filter.setUp(page);
  coreset.setUp(page);
  inside.setUp(page);
  away.setUp(page);
  listen();
  const mine = asked.model === OWN;
  const [models, own] = await Promise.all([checkpoints.shipped(), mine ? handOver.take() : undefined, page.engine.start()]);
  page.models = models;
  const cards = own ? [{ id: OWN, title: `Your model: ${own.title}`, known: own.known }, ...models] : models;
  checkpoints.showCards(cards, (model) => show(() => (model.id === OWN ? openOwn(own) : openShipped(model))));
  page.restoring = true;
  const wanted = models.find(({ id }) => id === asked.model) ?? models[0];
  await page.work(() => (own ? openOwn(own) : openShipped(wanted)));
  if (!page.about) return;
  if (asked.classes) {
    for (const chip of document.querySelectorAll("#classes input")) chip.checked = asked.classes.includes(Number(chip.value));
    if (!document.querySelector("#classes input:checked")) page.showChips("classes", "checkbox", page.about.classes);
  }
  await page.draw();
  page.restoring = false;
  if (mine && !own) {
    page.say("error", `This browser keeps no model of yours. Train one under Digits and open it from there. The page shows ${wanted.title} instead.`);
  } else if (asked.model && !mine && asked.model !== wanted.id) {
    page.say("error", `The link names the model "${asked.model}", but this page does not have it. It shows ${wanted.title} instead.`);
  }
}

page.attempt(start);
keepForLater();
