// Small words for the document.

export const element = (id) => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

// A new element with attributes and children; names with a colon prefix are drawings: "svg:circle".
export function make(name, attributes = {}, ...children) {
  const node = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

// A function that calls `task` with its latest arguments, one call at a time: what comes while it works waits, and of what waits
// only the last is done. What fails while something waits is of no interest any more.
export function latest(task) {
  let running = false;
  let next = null;
  return async (...args) => {
    next = args;
    if (running) return;
    running = true;
    try {
      while (next) {
        const now = next;
        next = null;
        try {
          await task(...now);
        } catch (error) {
          if (!next) throw error;
        }
      }
    } finally {
      running = false;
    }
  };
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// A number for people: four digits, a power of ten where it is small.
export function short(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(1).replace("-", "−").replace("+", "");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

// Hands a file to the visitor.
export function save(name, blob) {
  const address = URL.createObjectURL(blob);
  const link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
