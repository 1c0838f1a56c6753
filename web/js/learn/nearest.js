// Which of some points, x, y, x, y, ..., is meant: by a place, or by an arrow key.

export const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// The point nearest to a place; -1 if none is within reach.
export function nearest(points, x, y, reach = Infinity) {
  let [best, least] = [-1, reach ** 2];
  for (let at = 0; at < points.length; at += 2) {
    const distance = (points[at] - x) ** 2 + (points[at + 1] - y) ** 2;
    if (distance < least) [best, least] = [at / 2, distance];
  }
  return best;
}

// The next point from one in a direction: near, and rather ahead than aside. The same one if there is none.
export function next(points, from, [right, up]) {
  let [best, least] = [from, Infinity];
  for (let at = 0; at < points.length; at += 2) {
    const [dx, dy] = [points[at] - points[2 * from], points[at + 1] - points[2 * from + 1]];
    const ahead = dx * right + dy * up;
    const aside = Math.abs(dx * up - dy * right);
    const cost = ahead + 2 * aside;
    if (ahead > 0 && aside <= 2 * ahead && cost < least) [best, least] = [at / 2, cost];
  }
  return best;
}
