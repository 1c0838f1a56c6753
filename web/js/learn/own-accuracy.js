// What an accuracy on few rows is worth, in plain words.

import { many, percent } from "./numbers.js";

const Z = 1.959963984540054; // 95 % of a normal distribution lie within so many deviations

// Wilson's interval of a share.
function interval(right, count) {
  const share = right / count;
  const shrunk = 1 + Z ** 2 / count;
  const middle = (share + Z ** 2 / (2 * count)) / shrunk;
  const half = (Z / shrunk) * Math.sqrt((share * (1 - share)) / count + Z ** 2 / (4 * count ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

export function inWords({ right, count }) {
  const [low, high] = interval(right, count);
  return [`${many(right)} of ${many(count)}`, `95 % interval: ${Math.round(100 * low)} to ${percent(high, 0)}`];
}

// Where two networks differ on fewer rows than this, it is chance in more than one of twenty cases, even if all of them speak for the
// same one: 2 · (1/2)^5 > 0.05.
const FEWEST = 6;

// Which of the two does better, and whether the rows can tell. `early` as long as both still learn.
export function verdict({ model, baseline }, early) {
  const more = model.right - baseline.right;
  const of = `${many(Math.abs(more))} of ${many(model.count)} held-out rows`;
  const start = (text) => (early ? `So far, ${text[0].toLowerCase()}${text.slice(1)}` : text);
  if (more === 0) return start("Labels alone are as good: the rows without a label add nothing that the held-out rows show.");
  if (Math.abs(more) < FEWEST) {
    const better = more > 0 ? "The model with all rows" : "The network with labels alone";
    return start(`${better} gets ${many(Math.abs(more))} more of ${many(model.count)} held-out rows right. So small a difference may be chance: these rows cannot tell which is better.`);
  }
  const [a, b] = [model, baseline].map(({ right, count }) => interval(right, count));
  const apart = more > 0 ? a[0] > b[1] : b[0] > a[1];
  const caveat = apart ? "" : " The intervals overlap, so some of it may be chance.";
  if (more > 0) return start(`The rows without a label help: ${of} more are right.${caveat}`);
  const advice = apart ? "Use the labels alone, or let the command line choose." : "Let the command line choose.";
  return start(`Labels alone are better: with all rows, ${of} fewer are right.${caveat} ${advice}`);
}
