// How long a training has taken so far, and how quick it is now.

const WINDOW = 3000; // milliseconds over which speed is measured

export class Speed {
  #spent = 0;
  #last = 0;
  #seen = []; // pairs of a time and the step that was done then

  // A training begins.
  begin() {
    [this.#spent, this.#last, this.#seen] = [0, 0, []];
  }

  // It plays or rests: the time between is not training.
  interrupt() {
    this.#last = 0;
    this.#seen = [];
  }

  count(step) {
    const now = performance.now();
    if (this.#last > 0) this.#spent += now - this.#last;
    this.#last = now;
    this.#seen.push([now, step]);
    while (this.#seen.length > 2 && this.#seen[0][0] < now - WINDOW) this.#seen.shift();
  }

  // In words; "" if too little is known.
  tell(place) {
    if (this.#seen.length < 2) return "";
    const [[from, first], [to, last]] = [this.#seen[0], this.#seen.at(-1)];
    const rate = (1000 * (last - first)) / Math.max(1, to - from);
    return `${(this.#spent / 1000).toFixed(0)} s of training, ${rate.toFixed(rate < 10 ? 1 : 0)} steps a second, on ${place}.`;
  }
}
