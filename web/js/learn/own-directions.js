// The two directions in which rows differ most, once every number is measured in its own deviations (principal components): a table of
// many columns as a picture of two.

const SAMPLE = 500; // rows that the directions are found with
const TURNS = 14; // of the power iteration: the picture needs no more digits
const FAR = 4; // deviations from the mean, beyond which a number counts as that far
const NAMED = 3; // columns that a direction is called by

// How a column becomes a number around 0: of the logarithm, where it is above 0 and mostly small.
function scale(x, width, column, rows) {
  const values = rows.map((row) => x[row * width + column]).filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  if (values.length === 0) return () => 0;
  const at = (share) => values[Math.round(share * (values.length - 1))];
  const positive = values[0] > 0 && at(0.5) - at(0.05) < 0.6 * (at(0.95) - at(0.5));
  const as = positive ? (value) => Math.log(Math.max(value, Number.MIN_VALUE)) : (value) => value;
  const mean = values.reduce((sum, value) => sum + as(value), 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (as(value) - mean) ** 2, 0) / values.length;
  const deviation = Math.sqrt(variance);
  if (!(deviation > 0)) return () => 0;
  return (value) => (Number.isNaN(value) ? 0 : Math.max(-FAR, Math.min(FAR, (as(value) - mean) / deviation)));
}

const isBit = (value) => Number.isNaN(value) || value === 0 || value === 1;

export function directions({ x, width, count }) {
  const rows = Array.from({ length: Math.min(SAMPLE, count) }, (_, at) => Math.floor((at * count) / Math.min(SAMPLE, count)));
  // Two values tear a picture in two: they count where there is not much else.
  const numbers = Array.from({ length: width }, (_, column) => column).filter((column) => !rows.every((row) => isBit(x[row * width + column])));
  const counts = numbers.length < 2 ? () => true : (column) => numbers.includes(column);
  const scales = Array.from({ length: width }, (_, column) => (counts(column) ? scale(x, width, column, rows) : () => 0));
  const scaled = (row) => Float64Array.from({ length: width }, (_, column) => scales[column](x[row * width + column]));
  const data = rows.map(scaled);
  const axes = [];
  for (let number = 0; number < 2; number += 1) {
    let axis = Float64Array.from({ length: width }, (_, column) => 1 + ((column * 7919 + number * 31) % 13) / 13);
    for (let turn = 0; turn < TURNS; turn += 1) {
      const next = new Float64Array(width);
      for (const row of data) {
        let along = 0;
        for (let column = 0; column < width; column += 1) along += row[column] * axis[column];
        for (let column = 0; column < width; column += 1) next[column] += along * row[column];
      }
      for (const before of axes) {
        const along = next.reduce((sum, value, column) => sum + value * before[column], 0);
        before.forEach((value, column) => {
          next[column] -= along * value;
        });
      }
      const size = Math.hypot(...next) || 1;
      axis = next.map((value) => value / size);
    }
    axes.push(axis);
  }
  return {
    place: (row, number) => (axes[number] ? scaled(row).reduce((sum, value, column) => sum + value * axes[number][column], 0) : 0),
    // The features that make a direction, the strongest first.
    made(number, features) {
      const axis = axes[number] ?? [];
      const weight = ({ from, words }) => Math.hypot(...axis.slice(from, from + (words?.length ?? 1)));
      const sorted = features.filter((feature) => weight(feature) > 0).sort((a, b) => weight(b) - weight(a));
      return sorted.slice(0, NAMED).map(({ name }) => name);
    },
  };
}
