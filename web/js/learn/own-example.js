// A table to try at once: leaves of three trees, with made-up measurements. Most rows have no label, and some cells are empty, as in
// tables that people measure by hand. The table is the same for every visitor.

import { chance } from "./chance.js";

const ROWS = 300;
const LABELS = 15; // of each kind
const SEED = 2;

const KINDS = [
  { name: "alder", length: 60, width: 44, stalk: 16, weight: 0.9, toothed: 0.7 },
  { name: "beech", length: 74, width: 40, stalk: 12, weight: 0.9, toothed: 0.3 },
  { name: "linden", length: 52, width: 46, stalk: 24, weight: 1, toothed: 0.8 },
];

// How large a leaf is changes all its measurements together. So each kind is a long, narrow cloud, which a few labels do not show and
// many rows without labels do.
export function example() {
  const even = chance(SEED);
  const normal = () => Math.sqrt(-2 * Math.log(1 - even())) * Math.cos(2 * Math.PI * even());
  const spread = (share) => Math.exp(share * normal());
  const sometimes = (text) => (even() < 0.02 ? "" : text);
  const labels = new Map(KINDS.map(({ name }) => [name, LABELS]));
  const rows = Array.from({ length: ROWS }, () => {
    const { name, length, width, stalk, weight, toothed } = KINDS[Math.floor(KINDS.length * even())];
    const size = spread(0.3);
    const cells = [
      (length * size * spread(0.06)).toFixed(1),
      sometimes((width * size * spread(0.08)).toFixed(1)),
      (stalk * size * spread(0.18)).toFixed(1),
      sometimes((weight * size * size * spread(0.12)).toFixed(2)),
      even() < toothed ? "toothed" : "smooth",
    ];
    const left = labels.get(name);
    labels.set(name, left - 1);
    return [...cells, left > 0 ? name : ""].join(",");
  });
  const text = `${["length,width,stalk,weight,edge,kind", ...rows].join("\n")}\n`;
  return new File([text], "leaves.csv", { type: "text/csv" });
}
