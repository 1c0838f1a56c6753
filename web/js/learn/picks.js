// Picks that represent points, found by the greedy search of the program or by chance, for few enough points to be seen one by one.

import { chance } from "./chance.js";

// The distances between points, row by row.
function distances(x, rows) {
  const count = rows.length;
  const all = new Float32Array(count * count);
  for (let a = 0; a < count; a += 1) {
    for (let b = 0; b < count; b += 1) all[a * count + b] = Math.hypot(x[2 * rows[a]] - x[2 * rows[b]], x[2 * rows[a] + 1] - x[2 * rows[b] + 1]);
  }
  return all;
}

// Picks some of a class: `next(gains, picked)` says which. For each pick its place, and what all so far are worth; weights at the end.
export function pick(x, rows, size, next) {
  const all = distances(x, rows);
  const count = rows.length;
  const furthest = all.reduce((most, value) => Math.max(most, value), 0);
  const nearest = new Float32Array(count).fill(furthest);
  const [picked, worths, bounds] = [[], [], []];
  // What a pick adds: by how much it is nearer to each sample than the picks before.
  const gains = () => rows.map((_, at) => rows.reduce((sum, _, other) => sum + Math.max(0, nearest[other] - all[at * count + other]), 0));
  let left = gains();
  let worth = 0;
  while (picked.length < Math.min(size, count)) {
    const at = next(left, picked);
    picked.push(at);
    worth += left[at];
    worths.push(worth);
    for (let other = 0; other < count; other += 1) nearest[other] = Math.min(nearest[other], all[at * count + other]);
    left = gains();
    bounds.push(left);
  }
  return { rows, all, picked, worths, gains: bounds, most: furthest * count };
}

export const greedy = (gains) => gains.reduce((best, gain, at) => (gain > gains[best] ? at : best), 0);

// Random picks: the same for the same address.
export function random(seed) {
  const next = chance(seed);
  return (gains, picked) => {
    for (;;) {
      const at = Math.floor(next() * gains.length);
      if (!picked.includes(at)) return at;
    }
  };
}

// The first picks of a class with their weights: each sample belongs to the nearest.
export function weigh({ rows, all, picked }, size) {
  const first = picked.slice(0, size);
  const weights = new Array(first.length).fill(0);
  for (let at = 0; at < rows.length; at += 1) {
    let best = 0;
    for (let number = 1; number < first.length; number += 1) {
      if (all[at * rows.length + first[number]] < all[at * rows.length + first[best]]) best = number;
    }
    weights[best] += 1;
  }
  return first.map((at, number) => ({ at: rows[at], weight: weights[number] }));
}

// What no picks of a number exceed: the worth of the greedy ones so far, and as many of the largest gains that are left.
export function boundOf(chosen, size) {
  let least = chosen.most;
  chosen.worths.forEach((worth, at) => {
    const largest = [...chosen.gains[at]].sort((a, b) => b - a).slice(0, size);
    least = Math.min(least, largest.reduce((sum, gain) => sum + gain, worth));
  });
  return least;
}

// What the first picks of each class are worth, together.
export const worthOf = (classes, size) => classes.reduce((sum, { worths }) => sum + worths[Math.min(size, worths.length) - 1], 0);
