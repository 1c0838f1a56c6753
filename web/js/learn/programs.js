// The programs that train, each in a worker of its own: a small one on the CPU, which is there at once, and the large one, which has the
// GPU, too. One of them trains. What needs nothing to be trained is asked of the small one.
//
// Events: progress (of a download), gone (the program that trains has stopped; what has, and why, in `detail`).

import { Engine, Gone } from "../engine.js";

const SCRIPTS = { small: "worker.js", large: "worker-gpu.js" };
const TRAINER = "trainer";

const sentence = (error) => (error instanceof Error ? error.message : String(error));

export class Programs extends EventTarget {
  #engines = {};
  #started = new Set();
  #trains = "small";

  constructor() {
    super();
    for (const [name, script] of Object.entries(SCRIPTS)) {
      const engine = new Engine(new URL(script, import.meta.url));
      this.#engines[name] = engine;
      engine.addEventListener("progress", ({ detail }) => this.#tell("progress", detail));
      engine.addEventListener("gone", ({ detail }) => {
        this.#started.delete(name);
        if (name === this.#trains) this.#tell("gone", detail);
      });
    }
  }

  // Says which of them trains from now on. The other one holds nothing any more, the large one not even itself: a GPU's memory comes back
  // with the worker that had it.
  async take(name) {
    const before = this.#trains;
    this.#trains = name;
    if (before !== name && this.#started.has(before)) {
      if (before === "small") await this.#call(before, TRAINER, "close");
      else {
        this.#started.delete(before);
        this.#engines[before].stop();
      }
    }
    await this.#start(name);
  }

  // Calls a method of what is trained.
  train(method, ...args) {
    return this.#call(this.#trains, TRAINER, method, ...args);
  }

  // Calls a method that needs nothing to be trained.
  ask(method, ...args) {
    return this.#call("small", null, method, ...args);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  async #start(name) {
    if (this.#started.has(name)) return;
    try {
      await this.#engines[name].start();
    } catch (error) {
      if (error instanceof Gone) throw error;
      const why = sentence(error);
      throw new Error(why.includes("reload the page") ? why : `the program could not be loaded (${why}): reload the page`);
    }
    this.#started.add(name);
  }

  async #call(name, ...args) {
    await this.#start(name);
    return this.#engines[name].call(...args);
  }
}
