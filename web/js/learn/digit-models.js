// The models of digits: settings by their dotted names, as the command line's `--set` takes them. They were chosen on other pictures and
// other labels than the page shows.

const SHARED = {
  "data.validation": 0, // ten labels a class are too few to lay some aside
  "model.activation": "relu",
  "train.lr": 2e-3,
  "train.parts": 1,
  "train.baseline-steps": 1000,
};

const SMALL_M2 = {
  ...SHARED,
  "model.kind": "m2",
  "model.latent": 16,
  "model.hidden": [128],
  "model.classifier-hidden": [128],
  "objective.alpha": 0.1,
  "objective.labelled-weight": 1,
  "objective.classifier-gradient": 1,
  "objective.classifier-warm-up-epochs": 0,
  "objective.classifier-noise": 0,
  "objective.classifier-shift": 0,
  "objective.marginalize": "exact",
  "train.batch-size": 32,
  "train.labelled-batch-size": 100,
  "train.steps": 2640,
};

// Few latent variables: more of them take over what the class should say, and its samples are of all classes.
const LARGE_M2 = {
  ...SHARED,
  "model.kind": "m2",
  "model.latent": 10,
  "model.hidden": [256],
  "model.classifier-hidden": [256, 256],
  "objective.alpha": 0.1,
  "objective.labelled-weight": 0.02,
  "objective.classifier-gradient": 0.02,
  "objective.classifier-warm-up-epochs": 25,
  "objective.classifier-noise": 0.2,
  "objective.classifier-shift": 2,
  "objective.marginalize": "sum-and-sample:1",
  "train.batch-size": 100,
  "train.labelled-batch-size": 50,
  "train.steps": 5000,
};

// Without the two terms of MIER, and in the right measure, the energy forgets the classes.
const EBM = {
  ...SHARED,
  "model.kind": "latent-ebm",
  "model.langevin.steps": 60,
  "objective.alpha": 5,
  "objective.mier.beta": 2,
  "objective.classifier-gradient": 0.1,
  "objective.classifier-warm-up-epochs": 5,
  "objective.latent-ebm.start": "prior",
  "objective.latent-ebm.chains.steps": 10,
  "objective.latent-ebm.chains.step-size": 0.4,
  "objective.latent-ebm.energy-rate": 0.05,
  "objective.latent-ebm.energy-penalty": 0.02,
  "train.labelled-batch-size": 50,
};

const SMALL_EBM = {
  ...EBM,
  "model.latent": 16,
  "model.hidden": [128],
  "model.energy-hidden": [64, 64],
  "objective.labelled-weight": 0.07,
  "objective.mier.gamma": 10,
  "objective.classifier-noise": 0.1,
  "train.batch-size": 64,
  "train.steps": 1500,
};

const LARGE_EBM = {
  ...EBM,
  "model.latent": 50,
  "model.hidden": [256],
  "model.energy-hidden": [128, 128],
  "objective.labelled-weight": 0.02,
  "objective.mier.gamma": 20,
  "objective.classifier-noise": 0.2,
  "objective.classifier-shift": 2,
  "train.batch-size": 100,
  "train.steps": 2000,
};

export const MODELS = {
  m2: {
    title: "M2",
    settings: { "8x8": SMALL_M2, "28x28": LARGE_M2 },
    hints: {
      "8x8": "The class and a style z together make a picture. The classifier is part of the model.",
      "28x28": "The class and a style z together make a picture. The classifier is part of the model.",
    },
  },
  "latent-ebm": {
    title: "Latent EBM",
    settings: { "8x8": SMALL_EBM, "28x28": LARGE_EBM },
    hints: {
      "8x8": "An energy says which styles z are probable, and which class each has. It classifies as well as M2 here; its samples are worse.",
      "28x28": "An energy says which styles z are probable, and which class each has. In so short a training it is no better than the labels alone.",
    },
  },
};

export const stepsOf = (model, set) => MODELS[model].settings[set]["train.steps"];

export const settingsOf = ({ model, data, seed, steps }) => ({
  ...MODELS[model].settings[data],
  "train.steps": steps ?? stepsOf(model, data),
  "train.seed": seed,
});
