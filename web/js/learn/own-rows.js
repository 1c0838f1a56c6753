// The rows of the file that is trained on, and what both networks say of them.

const TEXT = new TextDecoder();

// Features as a person counts them: a column of words is one number for each of its words, of which one is 1; of yes and no, the number
// is 1 for the one that is later in the alphabet.
function features(seen, columns, count) {
  if (columns.length !== count) {
    const name = (at) => (seen.length === count ? seen[at].name : `x${at}`);
    return Array.from({ length: count }, (_, at) => ({ name: name(at), from: at }));
  }
  const found = [];
  let from = 0;
  for (const { name, words: said } of seen) {
    if (columns[from] === name) {
      const both = said.match(/^yes\/no: (.+) \d+, (.+) \d+/)?.slice(1);
      found.push({ name, from, ...(both ? { either: both.sort((a, b) => (a < b ? -1 : 1)) } : {}) });
      from += 1;
      continue;
    }
    const start = `${name}=`;
    const words = [];
    while (from + words.length < count && columns[from + words.length].startsWith(start)) {
      words.push(columns[from + words.length].slice(start.length));
    }
    found.push({ name, from, words });
    from += words.length;
  }
  return found;
}

const brief = (value) => (Number.isNaN(value) ? "–" : String(Number(value.toPrecision(5))));

export class Rows {
  model = null; // probabilities, row by row, ...
  baseline = null; // ... and those of the network that knows the labels alone
  top = null; // the most probable class of each row, ...
  doubt = null; // ... and the entropy, nats

  // `x` are the numbers of all rows in the units of the file, `y` a class or -1 for each, `held` the rows that are held out; each is null
  // where it is not known.
  constructor({ count, x = null, y = null, held = null }, { seen, columns, features: width, classes, shape, white }) {
    Object.assign(this, { count, x, y, held, width, classes, shape: Array.from(shape), white });
    this.features = features(seen.features, columns, width);
    this.aside = new Set(held ?? []);
  }

  get tabular() {
    return this.features.some(({ name }) => !/^x\d+$/.test(name));
  }

  get picture() {
    return this.shape.length === 3;
  }

  labelOf = (row) => this.y?.[row] ?? -1;

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
    const { classes } = this;
    this.model = model;
    this.baseline = baseline;
    this.count = model.length / classes;
    this.top ??= new Int32Array(this.count);
    this.doubt ??= new Float32Array(this.count);
    for (let row = 0; row < this.count; row += 1) {
      let [top, doubt] = [0, 0];
      for (let each = 0; each < classes; each += 1) {
        const share = model[row * classes + each];
        if (share > model[row * classes + top]) top = each;
        if (share > 1e-9) doubt -= share * Math.log(share);
      }
      this.top[row] = top;
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
      if (this.labelOf(row) >= 0) continue;
      const best = most[this.top[row]];
      // A few of many rows: sorting all of them would take as long as drawing them.
      if (best.length === many && this.doubt[row] <= this.doubt[best[many - 1]]) continue;
      best.push(row);
      best.sort(byDoubt).splice(many);
    }
    const turns = Array.from({ length: many }, (_, turn) => most.map((best) => best[turn]).filter((row) => row !== undefined));
    return turns.flatMap((turn) => turn.sort(byDoubt)).slice(0, many);
  }

  // For each class: its labels, the rows that are predicted to be of it and, where it is known which rows are held out, how many of them
  // both get right.
  byClass() {
    const table = Array.from({ length: this.classes }, () => ({ labels: 0, predicted: 0, asked: 0, model: 0, baseline: 0 }));
    for (let row = 0; row < this.count; row += 1) {
      const label = this.labelOf(row);
      if (label >= 0) table[label].labels += 1;
      if (this.top) table[this.top[row]].predicted += 1;
      if (!this.top || label < 0 || !this.aside.has(row)) continue;
      table[label].asked += 1;
      if (this.top[row] === label) table[label].model += 1;
      if (this.baseline && most(this.baseline, row, this.classes) === label) table[label].baseline += 1;
    }
    return table;
  }
}

function most(shares, row, classes) {
  let top = 0;
  for (let each = 1; each < classes; each += 1) if (shares[row * classes + each] > shares[row * classes + top]) top = each;
  return top;
}

// The probabilities in a table of predictions: its last columns.
function parsed(bytes, classes) {
  const lines = TEXT.decode(bytes).trimEnd().split("\n").slice(1);
  const model = new Float32Array(lines.length * classes);
  lines.forEach((line, row) => {
    let end = line.length;
    for (let each = classes - 1; each >= 0; each -= 1) {
      const start = line.lastIndexOf(",", end - 1);
      model[row * classes + each] = Number(line.slice(start + 1, end));
      end = start;
    }
  });
  return { model, baseline: null };
}

const lacks = (error, method) => error.message.includes(`cannot "${method}"`);

// What the program that is asked does not offer is read from what it offers.
export async function rowsOf(training, { name, bytes, settings, seen }) {
  const { about } = training;
  const shown = { ...about, seen };
  try {
    return new Rows({ count: seen.rows, ...(await training.ask("rows")) }, shown);
  } catch (error) {
    if (!lacks(error, "rows")) throw error;
  }
  // Numbers and labels in the order of the file, if it is read without choices and has no splits.
  if (Object.keys(settings).length > 0 || seen.test > 0) return new Rows({ count: seen.rows }, shown);
  const { x, y } = await training.askProgram("pictures", { name, bytes });
  return new Rows({ count: y.length, x, y }, shown);
}

export async function answersOf(ask, classes) {
  try {
    return await ask("answers");
  } catch (error) {
    if (!lacks(error, "answers")) throw error;
    return parsed(await ask("predictions"), classes);
  }
}
