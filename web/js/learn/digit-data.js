// Pictures of digits: what there is to choose from, and how a drawing becomes a picture of the same kind.

// How the digits of a set were made: the pen's radius and the box that a digit fills, in pixels, and whether the middle of its mass or
// of its box is in the middle of the picture (LeCun et al. 1998; Alpaydin and Kaynak 1998). `fine` is into how many parts a pixel is cut
// in both directions, of which the picture has the mean.
export const SETS = {
  "8x8": {
    title: "8 × 8 pixels",
    hint: "1,437 pictures, 44 kB. A training takes seconds.",
    parts: ["digits-images-idx3-ubyte.gz", "digits-labels-idx1-ubyte.gz"],
    file: "digits.npz",
    side: 8,
    ink: { pen: 0.95, wide: 6.4, high: 8, byMass: false, fine: 4 },
  },
  "28x28": {
    title: "28 × 28 pixels",
    hint: "4,800 pictures from MNIST, 0.6 MB. A training takes two minutes or more.",
    file: "mnist-thin.npz",
    side: 28,
    ink: { pen: 1.2, wide: 20, high: 20, byMass: true, fine: 1 },
  },
};

async function fetched(name) {
  const response = await fetch(new URL(`../../data/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`data/${name} is missing (the server answered ${response.status}): reload the page, or tell its owner`);
  return new Uint8Array(await response.arrayBuffer());
}

const kept = new Map(); // what was loaded already

// The pictures of a set: { x, y, heldX, heldY, side, white, file, ink }. `y` is what people said they are; no network is told, unless the
// visitor does.
export async function load(training, id) {
  if (!kept.has(id)) {
    const { file, parts, side, ink } = SETS[id];
    const [pictures, labels] = await Promise.all((parts ?? [file]).map(fetched));
    const asked = parts ? ["digits", { images: pictures, labels }] : ["pictures", { name: file, bytes: pictures }];
    const { x, y, heldX, heldY } = await training.askProgram(...asked);
    kept.set(id, { x, y, heldX, heldY, side, file, ink, white: x instanceof Uint8Array ? 255 : 1 });
  }
  return kept.get(id);
}
