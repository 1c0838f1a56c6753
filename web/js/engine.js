// The page's side of a worker: calls that answer, and news of what becomes of it.

export class Engine extends EventTarget {
  #script;
  #worker = null;
  #calls = new Map();
  #last = 0;
  #ready = null; // null when no worker is there or on its way
  #refuse = null; // rejects it
  #program = null; // compiled, for the next worker

  // `script` is the address of the worker, which serves one program (see serve.js).
  constructor(script = new URL("worker.js", import.meta.url)) {
    super();
    this.#script = script;
  }

  // Starts the program; a second call starts it anew, with all that the one before held given back, on the GPU, too. Resolves when it
  // can be called.
  start() {
    this.#drop(new Gone("the program was restarted"));
    const alive = `gleaner-${crypto.randomUUID?.() ?? Math.random()}`;
    const worker = new Worker(this.#script, { type: "module" });
    this.#worker = worker;
    let running = false;
    this.#ready = new Promise((resolve, reject) => {
      this.#refuse = reject;
      worker.addEventListener("message", ({ data }) => {
        if (worker !== this.#worker) return;
        if (data.news === "ready") {
          running = true;
          this.#program = data.program;
          this.#watch(worker, alive);
          resolve();
        } else if (data.news === "failed") reject(new Error(data.reason));
        else if (data.news === "lost") this.#end(worker, "gpu", data.reason);
        else if (data.news) this.dispatchEvent(new CustomEvent(data.news, { detail: data }));
        else this.#answered(worker, data);
      });
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        // What nobody has caught leaves a call without an answer, and the program in the middle of something.
        if (running) this.#end(worker, "worker", event.message);
        else reject(new Error(event.message || "the worker could not be loaded: reload the page"));
      });
      worker.addEventListener("messageerror", () => this.#end(worker, "worker", "an answer could not be read"));
    });
    // Whoever calls is told; nobody needs to be.
    this.#ready.catch(() => {});
    worker.postMessage({ alive, program: this.#program });
    return this.#ready;
  }

  // Ends the program, with all that it held given back.
  stop() {
    this.#drop(new Gone("the program was ended"));
  }

  // Calls a method of what was created under a key, or of the program's class where the key is null; what is returned is a promise of
  // its result.
  async call(key, method, ...args) {
    await this.#ready;
    const worker = this.#worker;
    if (!worker) throw new Gone("the program is not running");
    this.#last += 1;
    const id = this.#last;
    worker.postMessage({ id, key, method, args });
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
    });
  }

  #answered(worker, { id, result, error, fatal }) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error));
    if (fatal) this.#end(worker, "worker", error);
  }

  // The lock that the worker holds is free when the worker is not there any more.
  async #watch(worker, alive) {
    await navigator.locks?.request(alive, () => this.#end(worker, "worker", "the browser ended it"));
  }

  #end(worker, what, reason) {
    if (worker !== this.#worker) return;
    this.#drop(new Gone(what === "gpu" ? `the GPU was lost: ${reason}` : `the program stopped: ${reason}`));
    this.dispatchEvent(new CustomEvent("gone", { detail: { what, reason } }));
  }

  #drop(gone) {
    this.#worker?.terminate();
    this.#worker = null;
    this.#refuse?.(gone);
    this.#ready = null;
    for (const { reject } of this.#calls.values()) reject(gone);
    this.#calls.clear();
  }
}

// The error of calls that were under way when the worker ended: the page says so once, not for each.
export class Gone extends Error {}
