// What a pen drew, as a picture of the kind that a set of digits is made of. The page that opens models has it from the core
// (core/src/ink.rs); here it must also know digits of 8 x 8 pixels, which fill their picture.

// Distance from a point to a segment.
function distance(x, y, [fromX, fromY], [toX, toY]) {
  const [alongX, alongY] = [toX - fromX, toY - fromY];
  const length = alongX * alongX + alongY * alongY;
  const dot = (x - fromX) * alongX + (y - fromY) * alongY;
  const share = length > 0 ? Math.max(0, Math.min(1, dot / length)) : 0;
  return Math.hypot(fromX + share * alongX - x, fromY + share * alongY - y);
}

// Darkens the pixels near a segment: an edge is one pixel wide.
function ink(picture, side, radius, from, to) {
  const reach = radius + 1;
  const range = (axis) => [
    Math.max(0, Math.floor(Math.min(from[axis], to[axis]) - reach)),
    Math.min(side, Math.ceil(Math.max(from[axis], to[axis]) + reach)),
  ];
  const [[left, right], [top, bottom]] = [range(0), range(1)];
  for (let row = top; row < bottom; row += 1) {
    for (let column = left; column < right; column += 1) {
      const covered = Math.max(0, Math.min(1, radius + 0.5 - distance(column + 0.5, row + 0.5, from, to)));
      const at = row * side + column;
      if (covered > picture[at]) picture[at] = covered;
    }
  }
}

function drawn(strokes, side, radius, scale, shift) {
  const picture = new Float32Array(side * side);
  for (const stroke of strokes) {
    const points = stroke.map(([x, y]) => [x * scale + shift[0], y * scale + shift[1]]);
    for (let at = 0; at < Math.max(1, points.length - 1); at += 1) ink(picture, side, radius, points[at], points[Math.min(at + 1, points.length - 1)]);
  }
  return picture;
}

// How far the middle of the mass is from the middle of the picture.
function aside(picture, side) {
  let [mass, x, y] = [0, 0, 0];
  picture.forEach((value, at) => {
    mass += value;
    x += value * ((at % side) + 0.5);
    y += value * (Math.floor(at / side) + 0.5);
  });
  return [x / mass - side / 2, y / mass - side / 2];
}

// A picture from 0 to 1 of strokes on a sheet from (0, 0) to (1, 1); `how` is as in digit-data.js. A stroke of one point is a dot.
export function picture(strokes, side, { pen, wide, high, byMass, fine }) {
  const points = strokes.flat();
  if (points.length === 0) return new Float32Array(side * side);
  const large = side * fine;
  const radius = pen * fine;
  const ends = [0, 1].map((axis) => {
    const along = points.map((point) => point[axis]);
    return [Math.min(...along), Math.max(...along)];
  });
  const room = [wide, high].map((size) => size * fine - 2 * radius);
  const scales = ends.map(([low, high], axis) => room[axis] / Math.max(high - low, 1e-9));
  const scale = points.every(([x, y]) => x === points[0][0] && y === points[0][1]) ? large : Math.min(...scales);
  let shift = ends.map(([low, high]) => large / 2 - ((low + high) / 2) * scale);
  if (byMass) {
    const off = aside(drawn(strokes, large, radius, scale, shift), large);
    shift = shift.map((value, axis) => value - off[axis]);
  }
  const detailed = drawn(strokes, large, radius, scale, shift);
  if (fine === 1) return detailed;
  const coarse = new Float32Array(side * side);
  detailed.forEach((value, at) => {
    const [row, column] = [Math.floor(at / large / fine), Math.floor((at % large) / fine)];
    coarse[row * side + column] += value / (fine * fine);
  });
  return coarse;
}
