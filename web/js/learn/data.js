// Toy data in the plane: what there is to choose from, and how each begins. `sigma` is the deviation of the models' points, where
// it is not the usual one.

export const KINDS = {
  "two-moons": { title: "Two moons", classes: 2, noise: 0.1, labels: 6 },
  circles: { title: "Circles", classes: 2, noise: 0.08, labels: 12 },
  blobs: { title: "Blobs", classes: 3, noise: 0.1, labels: 6, sigma: 0.5 },
  spirals: { title: "Spirals", classes: 3, noise: 0.05, labels: 15 },
  banana: { title: "Bananas", classes: 2, noise: 0.1, labels: 6, sigma: 0.3 },
};

export const COUNT = 450; // points
export const HELD_OUT = 1000; // more of them, which no model sees before it is judged

export const NAMES = ["A", "B", "C", "D"];
