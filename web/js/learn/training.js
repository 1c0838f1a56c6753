// A model in training: one program in a worker, run in small pieces so that there is something new to see many times a second.
//
// Events: made (it begins, or begins anew), accepted (other weights or labels), advanced (after a piece), playing (it runs or rests), taken
// (the visitor has something of what was learned), halted (there is nothing to look at until something is made), canceled (there is nothing
// to train any more), news and trouble (a sentence in `detail`), progress (of the program's download).

import { latest, pause } from "../dom.js";
import { Gone } from "../engine.js";
import { Programs } from "./programs.js";

const FRAME = 28; // milliseconds from one look to the next, ...
const PIECE = [10, 20]; // ... of which so many, at least and at most, go into training
const SLOW = 350; // milliseconds for a step in slow motion
const KEEP = 2000; // milliseconds after which what was learned is kept aside, ...
const KEEPING = 25; // ... or later, if that takes long: a 25th of the time may go into it
const LOSSES = 3; // how often in a row a program that stops is started again
const GPU_LOSSES = 2; // GPUs that may be lost: after these, the CPU goes on

const sentence = (error) => (error instanceof Error ? error.message : String(error));

export class Training extends EventTarget {
  about = null; // what the program says of what it trains
  told = null; // what it said of the last piece
  playing = false;
  slow = false;
  gaveUp = null; // why the GPU is not asked for any more
  #programs = new Programs();
  #on = "cpu";
  #gpuLosses = 0;
  #turn = Promise.resolve(); // one call after the other: the program does one thing at a time
  #request = null; // what was asked to be trained
  #kept = null; // the run as it was a moment ago, to go on from if the program stops
  #keepAt = 0; // when that is due again
  #stopped = false; // whether it was running when something went wrong
  #losses = 0;
  #lost = false; // whether the program has stopped and another one is on its way, ...
  #goesOn = false; // ... and whether what is on its way plays when it is there
  #running = false;
  #looks = new Set();
  #looked = 0; // when the last look was over, and how long it took
  #lookTook = 0;
  #unseen = new Set(); // reasons why nobody sees it now
  #opened = 0; // counts what was opened: who finds another number than his own was overtaken
  #made = 0; // which of them was made last

  constructor() {
    super();
    this.#programs.addEventListener("progress", ({ detail }) => this.#tell("progress", detail));
    this.#programs.addEventListener("gone", ({ detail }) => this.#recover(detail));
    const hidden = () => this.seen("page", !document.hidden);
    document.addEventListener("visibilitychange", hidden);
    hidden();
  }

  // What is trained, or on its way.
  get request() {
    return this.#request;
  }

  // A look is shown what there is to see: an async function of `ask`, with which it calls the program. It runs between two pieces.
  addLook(look) {
    this.#looks.add(look);
  }

  // Where the next training computes: "cpu", "webgpu", or "auto", which is the GPU if its program gets one.
  computeOn(on) {
    this.#on = this.gaveUp ? "cpu" : on;
  }

  // Calls a method of what is trained, between two pieces.
  ask(method, ...args) {
    return this.#inTurn(() => this.#programs.train(method, ...args));
  }

  // Calls a method of the program that needs nothing to be trained: toy data, digits, what is in a file.
  async askProgram(method, ...args) {
    return this.#inTurn(() => this.#programs.ask(method, ...args));
  }

  // Trains something from its beginning: { data, settings }, as the program takes it.
  open = latest(async (request, { play = true } = {}) => {
    this.#opened += 1;
    this.#request = request;
    this.#kept = null;
    this.#goesOn = play;
    await this.#attempt(async () => {
      const mine = this.#opened;
      await this.#inTurn(() => this.#create());
      if (mine !== this.#opened) {
        this.halt();
        return;
      }
      this.#made = mine;
      this.#tell("made");
      await this.look();
      this.#goOnPlaying();
    });
  });

  // Nothing is to be trained any more, not even what is on its way.
  cancel() {
    this.#opened += 1;
    this.#request = null;
    this.pause();
    this.halt();
    this.#tell("canceled");
  }

  // The visitor has taken something of it away.
  taken() {
    this.#tell("taken");
  }

  // What is trained is about to be replaced: nobody looks at it any more.
  halt() {
    this.about = null;
    this.told = null;
    this.#tell("halted");
  }

  restart = ({ play = true } = {}) => this.#request && this.open(this.#request, { play });

  play() {
    if (!this.about) return;
    if (this.told?.done) {
      this.restart();
      return;
    }
    this.#setPlaying(true);
    this.#run();
  }

  pause() {
    this.#goesOn = false;
    this.#stopped = false;
    this.#setPlaying(false);
  }

  // One step, after which it rests.
  step = latest(async () => {
    this.pause();
    if (!this.about || this.told?.done) return;
    await this.#attempt(async () => {
      await this.#advance(0);
      await this.look();
    });
  });

  // Other weights of the objective, or other labels: training goes on with them. What was over begins anew.
  change = latest((settings) => this.#goOn("change", settings, { settings: { ...this.#request?.settings, ...settings } }));

  relabel = latest((given) => this.#goOn("relabel", given, { data: { ...this.#request?.data, given } }));

  // Looks at what there is now, whether it runs or not.
  look = latest(async () => {
    if (!this.about) return;
    await this.#attempt(() => this.#inTurn(() => this.#lookNow()));
  });

  // Whether somebody can see it: what nobody sees rests, and goes on when it is seen again.
  seen(what, visible) {
    if (visible) this.#unseen.delete(what);
    else this.#unseen.add(what);
    if (visible && this.playing) this.#run();
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #inTurn(task) {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #create(state) {
    this.halt();
    await this.#takeProgram();
    await this.#programs.train("close");
    // What was changed since the state was kept is asked for again.
    const { data, settings } = this.#request;
    const weights = Object.fromEntries(Object.entries(settings).filter(([name]) => name.startsWith("objective.")));
    const asked = state ? { state, data, settings: weights } : this.#request;
    this.about = await this.#programs.train("create", { ...asked, on: this.#on });
    this.#keepAt = performance.now() + KEEP;
  }

  async #takeProgram() {
    try {
      await this.#programs.take(this.#on === "cpu" ? "small" : "large");
    } catch (error) {
      // Who has the small program can do without the large one, unless it was asked for.
      if (error instanceof Gone || this.#on !== "auto") throw error;
      this.#giveUpGpu(sentence(error));
      await this.#programs.take("small");
    }
  }

  #giveUpGpu(reason) {
    this.gaveUp = reason;
    this.#on = "cpu";
  }

  async #goOn(method, value, change) {
    if (!this.#request) return;
    Object.assign(this.#request, change);
    if (!this.about || this.told?.done) {
      await this.restart();
      return;
    }
    const mine = this.#opened;
    await this.#attempt(async () => {
      await this.#inTurn(async () => {
        if (mine === this.#opened && this.about) this.about = await this.#programs.train(method, value);
      });
      this.#tell("accepted");
      await this.look();
      if (this.#stopped) this.play();
    });
  }

  // Plays what was to play, unless somebody has said otherwise while it was made.
  #goOnPlaying() {
    if (this.#goesOn) this.play();
    this.#goesOn = false;
  }

  #setPlaying(playing) {
    if (playing) this.#stopped = false;
    if (this.playing === playing) return;
    this.playing = playing;
    this.#tell("playing");
  }

  // What it throws becomes trouble, unless the program has stopped: that is said once, by what starts it again.
  async #attempt(task) {
    const mine = this.#opened;
    try {
      await task();
    } catch (error) {
      if (error instanceof Gone || this.#lost || mine !== this.#opened) return;
      this.#stopped ||= this.playing;
      this.#setPlaying(false);
      this.#tell("trouble", sentence(error));
    }
  }

  async #advance(milliseconds) {
    const told = await this.ask("advance", milliseconds);
    // What was halted meanwhile has nothing more to say.
    if (!this.about) return told;
    this.told = told;
    this.#tell("advanced", told);
    if (told.done) this.#setPlaying(false);
    for (const note of told.notes ?? []) this.#tell("news", note);
    return told;
  }

  async #lookNow() {
    const started = performance.now();
    const ask = (method, ...args) => this.#programs.train(method, ...args);
    for (const look of this.#looks) if (this.about) await look(ask);
    this.#looked = performance.now();
    this.#lookTook = this.#looked - started;
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    await this.#attempt(async () => {
      while (this.playing && this.about && this.#unseen.size === 0) await this.#frame();
    });
    this.#running = false;
  }

  async #frame() {
    const [least, most] = PIECE;
    const { done } = await this.#advance(this.slow ? 0 : Math.max(least, Math.min(most, FRAME - this.#lookTook)));
    // On a slow machine, at most half of the time goes into looking.
    if (done || performance.now() - this.#looked >= this.#lookTook - most) await this.#inTurn(() => this.#lookNow());
    const now = performance.now();
    if (done || now > this.#keepAt) {
      const mine = this.#opened;
      const state = await this.ask("run");
      if (mine === this.#opened) this.#kept = state;
      this.#keepAt = performance.now() + Math.max(KEEP, KEEPING * (performance.now() - now));
      this.#losses = 0;
    }
    if (this.slow) await pause(SLOW);
  }

  // The worker is gone, whatever ended it: another one goes on from what was kept.
  async #recover({ what, reason }) {
    const happened = what === "gpu" ? `The GPU was lost (${reason})` : `The program stopped (${reason})`;
    this.#lost = true;
    this.halt();
    this.#losses += 1;
    if (what === "gpu") this.#loseGpu(reason);
    // The next program may stop before it plays; and what a loss makes fail may have been heard of before the loss.
    this.#goesOn ||= this.playing || this.#stopped;
    this.#setPlaying(false);
    if (!this.#request || this.#losses > LOSSES) {
      this.#lost = false;
      this.#tell("trouble", `${happened}. Reload the page to try again.`);
      return;
    }
    const mine = this.#opened;
    try {
      await this.#inTurn(() => this.#create(this.#kept));
      this.#lost = false;
      if (mine !== this.#opened) return;
      // It may have been lost before anybody heard of it.
      if (this.#made !== mine) {
        this.#made = mine;
        this.#tell("made");
      }
      const step = this.about.step.toLocaleString("en");
      const there = what === "gpu" ? `Training continues on the ${this.about.backend === "webgpu" ? "GPU" : "CPU"}` : "It was started again and goes on";
      this.#tell("news", `${happened}. ${there} from step ${step}.`);
      await this.look();
      this.#goOnPlaying();
    } catch (error) {
      if (error instanceof Gone) return;
      this.#lost = false;
      if (mine !== this.#opened) return;
      this.#tell("trouble", sentence(error));
    }
  }

  // A GPU may be lost by a mishap, such as another program's: it is asked for once more, if only to learn that there is none any more.
  #loseGpu(reason) {
    this.#gpuLosses += 1;
    if (this.#gpuLosses >= GPU_LOSSES) this.#giveUpGpu(`the GPU was lost ${this.#gpuLosses} times: ${reason}`);
    else this.#on = "auto";
  }
}
