// Boxes of the plane: left, right, low, high.

// The box that just holds points.
function bounds(x) {
  const box = [Infinity, -Infinity, Infinity, -Infinity];
  x.forEach((value, at) => {
    const axis = 2 * (at % 2);
    box[axis] = Math.min(box[axis], value);
    box[axis + 1] = Math.max(box[axis + 1], value);
  });
  return box;
}

// A square around points, so that circles are round. Its side is `times` as long as the points need, and at least `least`.
export function around(x, times, least = 1e-3) {
  if (x.length === 0) return [-1, 1, -1, 1];
  const [left, right, low, high] = bounds(x);
  const half = Math.max(least, times * (right - left), times * (high - low)) / 2;
  const [across, up] = [(left + right) / 2, (low + high) / 2];
  return [across - half, across + half, up - half, up + half];
}

// Where a place lies in a picture of the box.
export const spot = ([left, right, low, high], size, x, y) => [(size * (x - left)) / (right - left), (size * (high - y)) / (high - low)];

// The box to ask for so that the middles of its outer cells lie on the edges of the picture.
export function widened([left, right, low, high], cells) {
  const [across, up] = [(right - left) / (cells - 1) / 2, (high - low) / (cells - 1) / 2];
  return [left - across, right + across, low - up, high + up];
}
