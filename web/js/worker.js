// The program, off the page's own thread. Messages in: { id, key, method, args }; out: { id, result } or { id, error }, and news
// without an id: { news: "progress" | "ready" | "failed" | "lost" }. The very first message is { alive, program }.

import init, { Session } from "../gleaner-web.js";

const sessions = new Map(); // open checkpoints, by the name that the page gave them
let turn = Promise.resolve(); // calls are answered one after the other

const sentence = (error) => (error instanceof Error ? error.message : String(error));

// Holds a lock as long as this worker lives. The page asks for the same one: it is given to it when this worker is gone, whatever ended it.
const hold = (name) =>
  new Promise((resolve) => {
    if (!navigator.locks) resolve();
    else
      navigator.locks.request(name, () => {
        resolve();
        return new Promise(() => {});
      });
  });

// The framework keeps its device to itself; here is where one hears that it was lost.
if (self.GPUAdapter) {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    device.lost.then(({ message, reason }) => postMessage({ news: "lost", reason: message || reason }));
    return device;
  };
}

// The module, with news of how much of it has come.
async function download(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} is missing (the server answered ${response.status}): reload the page, or tell its owner`);
  // Of a file that comes compressed, the length says how much there is to send, not how much there will be.
  const total = response.headers.has("content-encoding") ? 0 : Number(response.headers.get("content-length"));
  let loaded = 0;
  const count = new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.length;
      postMessage({ news: "progress", loaded, total });
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(count), { headers: { "content-type": "application/wasm" } });
}

async function answer({ key, method, args }) {
  if (method === "create") {
    sessions.set(key, await Session.create(...args));
    return sessions.get(key).describe();
  }
  const session = sessions.get(key);
  if (method === "close") {
    sessions.delete(key);
    return session?.free();
  }
  if (!session) throw new Error("no model is open: choose a model first");
  if (typeof session[method] !== "function") throw new Error(`the program cannot "${method}": reload the page`);
  return session[method](...args);
}

// What can be handed over without a copy.
function transferable(value) {
  if (value instanceof ImageBitmap) return [value];
  if (ArrayBuffer.isView(value)) return [value.buffer];
  if (value && typeof value === "object") return Object.values(value).flatMap(transferable);
  return [];
}

async function handle(request) {
  try {
    const result = await answer(request);
    postMessage({ id: request.id, result }, transferable(result));
  } catch (error) {
    // A trap leaves the program's memory as it was in the middle of something: it must not be called again.
    const fatal = error instanceof WebAssembly.RuntimeError;
    postMessage({ id: request.id, error: sentence(error), fatal });
  }
}

// The first message brings the name of the lock, and the compiled program if the page has it from an earlier worker.
async function start({ alive, program }) {
  const compiled = program ?? (await WebAssembly.compileStreaming(download(new URL("../gleaner-web_bg.wasm", import.meta.url))));
  await init({ module_or_path: compiled });
  await hold(alive);
  return compiled;
}

let started = null;
addEventListener("message", ({ data }) => {
  if (!started) {
    started = start(data);
    started.then(
      (program) => postMessage({ news: "ready", program }),
      (error) => postMessage({ news: "failed", reason: sentence(error) }),
    );
  } else {
    const refuse = (error) => postMessage({ id: data.id, error: sentence(error) });
    turn = turn.then(() => started).then(() => handle(data), refuse);
  }
});
