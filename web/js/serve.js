// A worker's side of an engine: it runs a program off the page's own thread. Messages in: { id, key, method, args }; out: { id, result }
// or { id, error }, and news without an id: { news: "progress" | "ready" | "failed" | "lost" }. The very first message is
// { alive, program }.

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

// What can be handed over without a copy.
function transferable(value) {
  if (value instanceof ImageBitmap) return [value];
  if (ArrayBuffer.isView(value)) return [value.buffer];
  if (value && typeof value === "object") return Object.values(value).flatMap(transferable);
  return [];
}

// Answers calls of one class of a program: `load` brings its JavaScript, whose module lies at the address `wasm`. What `create` makes is
// kept under the key that the page gives it. A call without a key goes to the class itself. `nothing` is what is said where nothing was
// created yet.
export function serve({ load, name, wasm, nothing }) {
  const made = new Map();
  let Program = null;
  let turn = Promise.resolve(); // calls are answered one after the other
  let started = null;

  async function answer({ key, method, args }) {
    if (method === "create") {
      made.set(key, await Program.create(...args));
      return made.get(key).describe();
    }
    const owner = key === null ? Program : made.get(key);
    if (method === "close") {
      made.delete(key);
      return owner?.free();
    }
    if (!owner) throw new Error(nothing);
    if (typeof owner[method] !== "function") throw new Error(`the program cannot "${method}": reload the page`);
    return owner[method](...args);
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
    const [glue, compiled] = await Promise.all([
      load().catch(() => {
        throw new Error("the worker could not be loaded: reload the page");
      }),
      program ?? WebAssembly.compileStreaming(download(wasm)),
    ]);
    await glue.default({ module_or_path: compiled });
    Program = glue[name];
    await hold(alive);
    return compiled;
  }

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
}
