// The rows of the file that is trained on, and what both networks say of them.

// Columns as a person counts them: one of words is a number for each of its words, of which one is 1; of yes and no, the number is 1 for
// the one that is later in the alphabet. `numbers` are the names of all numbers; those of an array have none.
function featuresOf(columns, numbers, width) {
  if (columns.length === 0) return Array.from({ length: width }, (_, at) => ({ name: numbers[at] ?? `x${at}`, from: at }));
  let from = 0;
  return columns.map(({ name, kind, words: both = [] }) => {
    const feature = { name, from };
    if (both.length === 2) feature.either = both.map((word) => word.name).sort();
    if (kind === "categorical") {
      const start = `${name}=`;
      feature.words = [];
      for (let at = from; numbers[at]?.startsWith(start); at += 1) feature.words.push(numbers[at].slice(start.length));
    }
    from += feature.words?.length ?? 1;
    return feature;
  });
}

const SURE = 0.95; // a class that is as probable as this needs no label

const brief = (value) => (Number.isNaN(value) ? "–" : String(Number(value.toPrecision(5))));

function topOf(shares, row, classes) {
  let top = 0;
  for (let each = 1; each < classes; each += 1) if (shares[row * classes + each] > shares[row * classes + top]) top = each;
  return top;
}

export class Rows {
  model = null; // probabilities, row by row, ...
  baseline = null; // ... and those of the network that knows the labels alone
  top = null; // the most probable class of each row, ...
  doubt = null; // ... and the entropy, nats

  // `x` are the numbers of all rows in the units of the file, undefined for counts of words; `y` a class or -1 for each; `held` the rows
  // that are held out. `about` is what the program says of the training, `seen` what it saw in the file.
  constructor({ x, y, held }, { columns, features: width, classes, shape, white }, seen) {
    Object.assign(this, { x, y, width, classes, white, shape: Array.from(shape), count: y.length });
    this.features = x ? featuresOf(seen.columns, columns, width) : [];
    this.tabular = seen.columns.length > 0;
    this.aside = new Set(held);
  }

  get picture() {
    return this.shape.length === 3;
  }

  labelOf = (row) => this.y[row];

  get labelled() {
    return this.y.reduce((sum, label) => sum + Number(label >= 0), 0);
  }

  // The cell of a feature in a row, as text.
  cell(row, { from, words, either }) {
    const at = row * this.width + from;
    if (either && !Number.isNaN(this.x[at])) return either[Number(this.x[at] > 0.5)];
    if (!words) return brief(this.x[at]);
    const place = words.findIndex((_, word) => this.x[at + word] > 0.5);
    return words[place] ?? "–";
  }

  forget() {
    Object.assign(this, { model: null, baseline: null, top: null, doubt: null });
  }

  answer({ model, baseline }) {
    const { classes, count } = this;
    Object.assign(this, { model, baseline });
    this.top ??= new Int32Array(count);
    this.doubt ??= new Float32Array(count);
    for (let row = 0; row < count; row += 1) {
      let doubt = 0;
      for (const share of model.subarray(row * classes, (row + 1) * classes)) if (share > 1e-9) doubt -= share * Math.log(share);
      this.top[row] = topOf(model, row, classes);
      this.doubt[row] = doubt;
    }
  }

  share = (row, each) => this.model[row * this.classes + each];

  // The class that comes second.
  second(row) {
    let best = this.top[row] === 0 ? 1 : 0;
    for (let each = 0; each < this.classes; each += 1) {
      if (each !== this.top[row] && this.share(row, each) > this.share(row, best)) best = each;
    }
    return best;
  }

  // The rows to label next: those without a label that the model doubts most, in turns from each class that it predicts.
  next(many) {
    const most = Array.from({ length: this.classes }, () => []);
    const byDoubt = (a, b) => this.doubt[b] - this.doubt[a];
    for (let row = 0; row < this.count; row += 1) {
      if (this.labelOf(row) >= 0 || this.share(row, this.top[row]) > SURE) continue;
      const best = most[this.top[row]];
      // A few of many rows: sorting all of them would take as long as drawing them.
      if (best.length === many && this.doubt[row] <= this.doubt[best[many - 1]]) continue;
      best.push(row);
      best.sort(byDoubt).splice(many);
    }
    const turns = Array.from({ length: many }, (_, turn) => most.map((best) => best[turn]).filter((row) => row !== undefined));
    return turns.flatMap((turn) => turn.sort(byDoubt)).slice(0, many);
  }

  // For each class: its labels, the rows that are predicted to be of it and, of the rows that are held out, how many each gets right.
  byClass() {
    const table = Array.from({ length: this.classes }, () => ({ labels: 0, predicted: 0, asked: 0, model: 0, baseline: 0 }));
    for (let row = 0; row < this.count; row += 1) {
      const label = this.y[row];
      if (label >= 0) table[label].labels += 1;
      if (!this.top) continue;
      table[this.top[row]].predicted += 1;
      if (label < 0 || !this.aside.has(row)) continue;
      table[label].asked += 1;
      if (this.top[row] === label) table[label].model += 1;
      if (topOf(this.baseline, row, this.classes) === label) table[label].baseline += 1;
    }
    return table;
  }
}
