// What a classifier says of each place, as a small picture: the colour of the most probable class, pale where it is unsure.

const PALE = 0.06; // how much of its colour a place has where all classes are equally probable, ...
const FULL = 0.5; // ... and where one is certain

const TINY = 1e-30; // a probability that is as good as none

export class Regions {
  #canvas = document.createElement("canvas");
  #image = null;
  #margin = null; // for the boundary: by how much a class is more probable than any other

  // `probabilities` by place, the lowest row first; `shaded` says whether doubt is to be seen.
  paint(probabilities, side, classes, { ground, classes: colours }, shaded) {
    if (this.#canvas.width !== side || !this.#image) {
      this.#canvas.width = side;
      this.#canvas.height = side;
      this.#image = new ImageData(side, side);
    }
    const { data } = this.#image;
    const most = Math.log(classes);
    for (let row = 0; row < side; row += 1) {
      for (let column = 0; column < side; column += 1) {
        const from = (row * side + column) * classes;
        const to = 4 * ((side - 1 - row) * side + column);
        let top = 0;
        let entropy = 0;
        let red = 0;
        let green = 0;
        let blue = 0;
        for (let number = 0; number < classes; number += 1) {
          const share = probabilities[from + number];
          if (share > probabilities[from + top]) top = number;
          if (share > 1e-9) entropy -= share * Math.log(share);
          const colour = colours[number % colours.length];
          red += share * colour[0];
          green += share * colour[1];
          blue += share * colour[2];
        }
        let depth = PALE + (FULL - PALE) * Math.max(0, 1 - entropy / most);
        if (!shaded) {
          [red, green, blue] = colours[top % colours.length];
          depth = 0.6 * FULL;
        }
        data[to] = ground[0] + depth * (red - ground[0]);
        data[to + 1] = ground[1] + depth * (green - ground[1]);
        data[to + 2] = ground[2] + depth * (blue - ground[2]);
        data[to + 3] = 255;
      }
    }
    this.#canvas.getContext("2d").putImageData(this.#image, 0, 0);
  }

  // Puts the picture into a square. Its outer cells are cut in half: their middles lie on its edges.
  draw(context, size) {
    const { width } = this.#canvas;
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#canvas, 0.5, 0.5, width - 1, width - 1, 0, 0, size, size);
  }

  // By how much a class is more probable than any other, at each place, as a logarithm: it is 0 on the boundary, and nearly straight
  // across it, so that the line is smooth between the places. The next call writes over it.
  margin(probabilities, side, classes, number) {
    if (this.#margin?.length !== side * side) this.#margin = new Float32Array(side * side);
    for (let at = 0; at < side * side; at += 1) {
      let other = 0;
      for (let each = 0; each < classes; each += 1) {
        if (each !== number) other = Math.max(other, probabilities[at * classes + each]);
      }
      this.#margin[at] = Math.log((probabilities[at * classes + number] + TINY) / (other + TINY));
    }
    return this.#margin;
  }
}
