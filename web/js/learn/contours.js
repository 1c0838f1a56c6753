// Lines of equal height in a field of numbers, by marching squares. The lines go straight into a path: nothing is kept.

// Which sides of a square a line crosses, for each of the 16 ways in which its corners lie above: pairs of sides, with
// 0 below, 1 right, 2 above, 3 left.
const CROSSED = [
  [], [3, 0], [0, 1], [3, 1], [1, 2], [3, 0, 1, 2], [0, 2], [3, 2],
  [2, 3], [2, 0], [0, 1, 2, 3], [2, 1], [1, 3], [1, 0], [0, 3], [],
];

// A field of side * side numbers, the first row lowest, over a square picture of some size. Its outer numbers lie on the edges of the
// picture, or `inset` within.
export function trace(context, field, side, level, size, inset = 0) {
  const cell = (size - 2 * inset) / (side - 1);
  const floor = size - inset;
  for (let row = 0; row < side - 1; row += 1) {
    for (let column = 0; column < side - 1; column += 1) {
      const at = row * side + column;
      const a = field[at];
      const b = field[at + 1];
      const c = field[at + side + 1];
      const d = field[at + side];
      const which = (a > level) | ((b > level) << 1) | ((c > level) << 2) | ((d > level) << 3);
      if (which === 0 || which === 15) continue;
      const crossed = CROSSED[which];
      for (let end = 0; end < crossed.length; end += 1) {
        let x = column;
        let y = row;
        if (crossed[end] === 0) x += (level - a) / (b - a);
        else if (crossed[end] === 1) {
          x += 1;
          y += (level - b) / (c - b);
        } else if (crossed[end] === 2) {
          x += (level - d) / (c - d);
          y += 1;
        } else y += (level - a) / (d - a);
        if (end % 2) context.lineTo(inset + x * cell, floor - y * cell);
        else context.moveTo(inset + x * cell, floor - y * cell);
      }
    }
  }
}

// The heights above which given shares of the whole mass lie, of the logarithm of a density.
export function levels(field, shares, sorted = new Float32Array(field.length)) {
  sorted.set(field);
  sorted.sort();
  const most = sorted[sorted.length - 1];
  let whole = 0;
  for (const value of sorted) whole += Math.exp(value - most);
  const found = [];
  let sum = 0;
  for (let at = sorted.length - 1; at >= 0 && found.length < shares.length; at -= 1) {
    sum += Math.exp(sorted[at] - most) / whole;
    if (sum >= shares[found.length]) found.push(sorted[at]);
  }
  return found;
}

// A field as the mean of each place and its neighbours: what is estimated from a few draws is rough, and its lines would be, too.
export function smooth(field, side, into = new Float32Array(field.length)) {
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      let sum = 0;
      let weights = 0;
      for (let up = Math.max(0, row - 1); up <= Math.min(side - 1, row + 1); up += 1) {
        for (let right = Math.max(0, column - 1); right <= Math.min(side - 1, column + 1); right += 1) {
          const weight = (up === row ? 2 : 1) * (right === column ? 2 : 1);
          sum += weight * field[up * side + right];
          weights += weight;
        }
      }
      into[row * side + column] = sum / weights;
    }
  }
  return into;
}
