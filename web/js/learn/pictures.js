// Grey pictures on canvases.

// Puts a picture into pixels, with its upper left corner at a place.
function put({ data, width }, values, side, white, left, top) {
  for (let row = 0; row < side; row += 1) {
    let to = 4 * ((top + row) * width + left);
    for (let column = 0; column < side; column += 1) {
      const grey = (255 * values[row * side + column]) / white;
      data[to] = grey;
      data[to + 1] = grey;
      data[to + 2] = grey;
      data[to + 3] = 255;
      to += 4;
    }
  }
}

// One picture, as large as it is; the style sheet makes it larger.
export function paint(canvas, values, side, white) {
  if (canvas.width !== side) {
    canvas.width = side;
    canvas.height = side;
  }
  const image = new ImageData(side, side);
  put(image, values, side, white, 0, 0);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Many pictures in one, row after row.
export class Sheet {
  canvas = document.createElement("canvas");
  #image = null;

  show(values, side, white, across) {
    const count = values.length / (side * side);
    const [width, height] = [across * side, Math.ceil(count / across) * side];
    if (this.#image?.width !== width || this.#image.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.#image = new ImageData(width, height);
    }
    for (let at = 0; at < count; at += 1) {
      const picture = values.subarray(at * side * side, (at + 1) * side * side);
      put(this.#image, picture, side, white, (at % across) * side, Math.floor(at / across) * side);
    }
    this.canvas.getContext("2d").putImageData(this.#image, 0, 0);
    return this.canvas;
  }
}
