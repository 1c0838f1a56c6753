// What samples are compared by, in words, and which map shows it.

// Gradients of samples that the classifier is sure of nearly coincide: on a map of them most samples would be one dot. Such picks are
// shown in the hidden layer, from which these gradients come.
const SPACES = {
  gradient: {
    help: "Two samples are alike if the classifier errs alike about them: g = p − y, the gradient with respect to its logits.",
    gradient: true,
    map: "embedding",
  },
  "last-layer": {
    help: "Two samples are alike if they would change the last layer of the classifier alike: g = (p − y) hᵀ, where h is its last hidden layer.",
    gradient: true,
    map: "embedding",
  },
  embedding: {
    help: "Two samples are alike if the classifier sees much the same in them: g = h, its last hidden layer.",
    place: "the last hidden layer of the classifier",
    map: "embedding",
  },
  latent: {
    help: "Two samples are alike if they were made from much the same latent variables: g = z.",
    place: "the latent variables z that it was made from",
    map: "latent",
  },
};

// What a model without a classifier has instead of a hidden layer.
const INFERRED = {
  help: "This model has no classifier. Two samples are alike if it infers much the same latent variables from them: g is the mean of q(z|x).",
  place: "the latent variables that the model infers from it",
};

const space = (name, about) => ({ ...SPACES[name], ...(name === "embedding" && !about.classifies && INFERRED) });

// AdaCore divides gradients by curvature, and a model without a classifier has no gradients.
export const goTogether = (name, method, about) => (SPACES[name].gradient ? about.classifies : method !== "adacore");

export const mapOf = (name) => SPACES[name].map;

export function help(name, method, about) {
  const why = method === "adacore" ? " AdaCore divides g by curvature, so it compares gradients only." : "";
  return space(name, about).help + why;
}

// What a map shows, of which the plane of two axes shows a share.
export function caption(name, shown, about) {
  const map = mapOf(name);
  const why =
    map === name ? "" : " Gradients of samples that the classifier is sure of nearly coincide, so the map does not show gradients.";
  return (
    `Each small dot is one kept sample of the class. Its place shows ${space(map, about).place}, ` +
    `of whose variance this plane has ${(100 * shown).toFixed(0)} %.${why}`
  );
}
