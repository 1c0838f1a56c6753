// Colours and shapes of the classes. The colours are apart for those who confuse red and green, too, and nothing is told by colour
// alone: each class has a shape of its own.

const DARK = matchMedia("(prefers-color-scheme: dark)");

// Blue, orange, green and purple after Okabe and Ito, as red, green and blue.
const LIGHT_LOOK = {
  ground: [255, 255, 255],
  ink: [34, 33, 29],
  muted: [98, 96, 88],
  classes: [[0, 114, 178], [213, 94, 0], [0, 138, 102], [160, 80, 150]],
};

const DARK_LOOK = {
  ground: [31, 35, 38],
  ink: [240, 240, 236],
  muted: [160, 164, 160],
  classes: [[86, 180, 233], [240, 160, 60], [60, 190, 145], [214, 140, 200]],
};

export const look = () => (DARK.matches ? DARK_LOOK : LIGHT_LOOK);

export const onLook = (task) => DARK.addEventListener("change", task);

export const css = ([red, green, blue], opacity = 1) => `rgb(${red} ${green} ${blue} / ${opacity})`;

export const mix = (from, to, share) => from.map((value, at) => Math.round(value + share * (to[at] - value)));

// The mark of a class: four colours and four shapes make sixteen.
export const markOf = (each) => ({ colour: each % 4, shape: (each + Math.floor(each / 4)) % 4 });

// Puts the outline of a shape into a path: circle, square, triangle or diamond. All look equally large.
export function outline(context, shape, x, y, radius) {
  if (shape === 1) {
    const half = 0.88 * radius;
    context.rect(x - half, y - half, 2 * half, 2 * half);
  } else if (shape === 2) {
    const tall = 1.2 * radius;
    context.moveTo(x, y - tall);
    context.lineTo(x + 1.08 * radius, y + 0.72 * tall);
    context.lineTo(x - 1.08 * radius, y + 0.72 * tall);
    context.closePath();
  } else if (shape === 3) {
    const reach = 1.28 * radius;
    context.moveTo(x, y - reach);
    context.lineTo(x + reach, y);
    context.lineTo(x, y + reach);
    context.lineTo(x - reach, y);
    context.closePath();
  } else {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  }
}

// A ring around what is pointed at, to be seen on any ground.
export function ring(context, x, y, radius, { ink, ground }) {
  for (const [colour, width] of [[ground, 5], [ink, 2.5]]) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.strokeStyle = css(colour);
    context.lineWidth = width;
    context.stroke();
  }
}
