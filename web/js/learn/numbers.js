// Numbers as people read them.

export const many = (count) => count.toLocaleString("en");

// With so many digits after the point, and a minus as long as a plus is wide; none before 0.
export function fixed(value, digits = 2) {
  const text = value.toFixed(digits);
  return text.replace("-", Number(text) === 0 ? "" : "−");
}

export const percent = (share, digits = 1) => `${fixed(100 * share, digits)} %`;
