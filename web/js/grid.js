// Samples as pictures: one row of the canvas for each class.

const GAP = 2;

// Height, width and channels of one sample; a sample without two dimensions is shown as one row.
function extent(shape) {
  if (shape.length === 3) return { height: shape[0], width: shape[1], channels: shape[2] };
  if (shape.length === 2) return { height: shape[0], width: shape[1], channels: 1 };
  return { height: 1, width: shape.reduce((product, size) => product * size, 1), channels: 1 };
}

// Lowest and highest value to show: [0, 1] for pixels, whatever occurs for other columns.
function range(values) {
  let low = 0;
  let high = 1;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

function paintSample(image, values, offset, left, top, size, { low, high }) {
  const { height, width, channels } = size;
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const from = offset + (row * width + column) * channels;
      const to = ((top + row) * image.width + left + column) * 4;
      for (let channel = 0; channel < 3; channel += 1) {
        const value = values[from + Math.min(channel, channels - 1)];
        image.data[to + channel] = (255 * (value - low)) / (high - low);
      }
      image.data[to + 3] = 255;
    }
  }
}

// Draws `x` (row-major samples of `shape`) so that row k of the grid holds the samples of class k.
export function drawGrid(canvas, { x, y }, shape, classes) {
  const size = extent(shape);
  const features = size.height * size.width * size.channels;
  const filled = new Array(classes).fill(0);
  for (const label of y) filled[label] += 1;
  const columns = Math.max(...filled);
  canvas.width = columns * (size.width + GAP) - GAP;
  canvas.height = classes * (size.height + GAP) - GAP;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const shades = range(x);
  filled.fill(0);
  y.forEach((label, index) => {
    const left = filled[label] * (size.width + GAP);
    const top = label * (size.height + GAP);
    filled[label] += 1;
    paintSample(image, x, index * features, left, top, size, shades);
  });
  context.putImageData(image, 0, 0);
}
