// How good picks are at least: what they are worth beside what no picks exceed.

import { element, make, short } from "./dom.js";

// A share in percent, rounded down: it is said of it that it is reached at least.
const share = (part, whole) => (Math.floor(1000 * (whole > 0 ? part / whole : 1) + 1e-6) / 10).toFixed(1);

// Four digits each, so that the columns of a table are even; of samples that the classifier is sure of, worths are tiny.
function worth(value) {
  if (value === 0 || value >= 1e4) return short(value);
  return value < 1e-3 ? value.toExponential(3).replace("-", "−") : value.toPrecision(4);
}

const INCOMPARABLE =
  "Random picks are not compared with these: AdaCore divides distances by curvature, so its f(S) has other units.";

// Whether the worth of random picks is in the same units.
export const comparable = ({ method }) => method !== "adacore";

export function inWords({ chosen, random, method }, all) {
  const count = chosen.row.length;
  const picked = `${count} of ${all} picked.`;
  if (!(chosen.bound > 0)) return `${picked} In this space all kept samples of a class are equal, so any picks represent them.`;
  const [these, any] = count === 1 ? ["This pick reaches", "any 1 sample"] : [`These ${count} picks reach`, `any ${count} samples`];
  const promise = `${these} at least ${share(chosen.objective, chosen.bound)} % of what ${any} could (as many of each class).`;
  const beside = count === 1 ? "1 random pick reaches" : `${count} random picks reach`;
  const chance = comparable({ method }) ? `${beside} at least ${share(random.objective, chosen.bound)} %.` : INCOMPARABLE;
  return `${picked} ${promise} ${chance}`;
}

// The same by class, in a table.
export function byClass(table, names, told) {
  const { chosen, random } = told;
  const others = new Map(random.classes.map((outcome) => [outcome.class, outcome]));
  const line = (name, { rows, chosen: picks, objective, bound }, other) => {
    const chance = comparable(told) ? share(other, bound) : "–";
    const cells = [`${picks} of ${rows}`, worth(objective), worth(bound), share(objective, bound), chance];
    return make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((text) => make("td", {}, text)));
  };
  const sum = (field) => chosen.classes.reduce((all, outcome) => all + outcome[field], 0);
  const { objective, bound } = chosen;
  const all = { rows: sum("rows"), chosen: sum("chosen"), objective, bound };
  table.tBodies[0].replaceChildren(
    ...chosen.classes.map((outcome) => line(names[outcome.class], outcome, others.get(outcome.class).objective)),
  );
  table.tFoot.replaceChildren(line("all", all, random.objective));
  element("certificate").hidden = false;
}

export function clear(table) {
  table.tBodies[0].replaceChildren();
  table.tFoot.replaceChildren();
  element("certificate").hidden = true;
}
