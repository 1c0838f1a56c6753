// The page: one checkpoint, one session, one grid of samples. No framework, no state but this module's.

import { drawGrid } from "./grid.js";

const element = (id) => document.getElementById(id);
const controls = element("controls");
const button = element("draw");

let bindings = null; // the WebAssembly module's exports, once it has started
let checkpoint = null; // { name, bytes } as opened by the visitor
let session = null; // the checkpoint on a device
let busy = false;

function say(kind, text) {
  const status = element("status");
  status.dataset.kind = kind;
  status.textContent = text;
}

const message = (error) => (error instanceof Error ? error.message : String(error));
const fail = (error) => say("error", message(error));

function refresh() {
  button.disabled = busy || !bindings || !checkpoint;
}

// Runs one piece of work at a time; whatever it throws becomes the status line.
async function work(task) {
  if (busy) return;
  busy = true;
  refresh();
  document.body.setAttribute("aria-busy", "true");
  try {
    await task();
  } catch (error) {
    fail(error);
  } finally {
    busy = false;
    document.body.removeAttribute("aria-busy");
    refresh();
  }
}

// Lets the browser paint the status before the CPU fallback occupies the page's only thread.
const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

function close() {
  session?.free();
  session = null;
}

async function load() {
  close();
  if (!bindings || !checkpoint) return;
  say("busy", `Loading ${checkpoint.name}…`);
  await painted();
  session = await bindings.Session.create(checkpoint.bytes, element("backend").value);
}

function placeName() {
  if (session.backend() === "webgpu") return "the GPU";
  const reason = session.fallbackReason();
  return reason ? `the CPU (no GPU: ${reason})` : "the CPU";
}

async function draw() {
  if (!session) await load();
  if (!session) return;
  const { model, shape, classes } = session.config();
  say("busy", "Drawing…");
  await painted();
  const started = performance.now();
  const samples = await session.generate({
    seed: element("seed").valueAsNumber,
    per_class: element("per-class").valueAsNumber,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(2);
  drawGrid(element("samples"), samples, shape, classes);
  const count = samples.y.length;
  element("samples").setAttribute("aria-label", `${count} samples, one row for each of ${classes} classes`);
  element("caption").textContent = `${checkpoint.name}, model ${model}: one row for each class, 0 to ${classes - 1}.`;
  element("result").hidden = false;
  say("done", `${count} samples in ${seconds} s on ${placeName()}.`);
}

async function open(file) {
  close();
  element("result").hidden = true;
  checkpoint = { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
  if (bindings) await draw();
}

function started() {
  if (bindings || !window.wasmBindings?.Session) return;
  bindings = window.wasmBindings;
  refresh();
  if (checkpoint) work(draw);
  else say("done", "Ready: open a checkpoint.");
}

controls.addEventListener("submit", (event) => {
  event.preventDefault();
  if (controls.reportValidity()) work(draw);
});
element("checkpoint").addEventListener("change", ({ target }) => {
  if (target.files.length > 0) work(() => open(target.files[0]));
});
element("backend").addEventListener("change", () => {
  close();
  if (checkpoint) work(draw);
});

const drop = element("drop");
for (const type of ["dragover", "dragleave", "drop"]) {
  addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", type === "dragover");
  });
}
addEventListener("drop", ({ dataTransfer }) => {
  if (dataTransfer.files.length > 0) work(() => open(dataTransfer.files[0]));
});

addEventListener("gleaner:progress", ({ detail: { current, total } }) => {
  say("busy", `Loading the program: ${Math.round((100 * current) / total)} %`);
});
addEventListener("gleaner:failure", ({ detail: { error } }) => {
  fail(`The program could not be started: ${message(error)}`);
});
addEventListener("error", ({ error, message: text }) => fail(error ?? text));
addEventListener("unhandledrejection", ({ reason }) => fail(reason));
addEventListener("TrunkApplicationStarted", started);
started();
