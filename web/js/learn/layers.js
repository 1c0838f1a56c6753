// What lies on a picture of the plane and can be left out.

export const LAYERS = {
  regions: "regions",
  entropy: "doubt (pale)",
  contours: "density p(x)",
  samples: "samples",
  truth: "hidden classes",
};

// Which of them are there at first.
export const usual = () => ({ regions: true, entropy: true, contours: true, samples: true, truth: false });
