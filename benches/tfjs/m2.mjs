// A training step of M2 in TensorFlow.js on its WebAssembly back end: the peer of `gleaner train` on the built-in digits.
//
// The formulas are those of docs/equations.md (E1 to E6, E8, E13, E14). Three ways of writing it compute the same numbers:
//
//   plain   layers, gradients and Adam as the API has them
//   tuned   without what this back end is slow at; gradients still by tf.variableGrads
//   closed  as tuned, the gradient in closed form (closed.mjs): no tape at all
//
// Labelled and unlabelled examples go through encoder and decoder together, because small operations cost this library more
// than what they compute. Rows are class-major: each unlabelled example with the first class, with the second, ..., and then
// the labelled ones. The noise of a step is fresh, and what follows from the batch is made anew; the batch stays.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { getThreadsCount, setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { closedForm } from "./closed.mjs";

const LOG_VAR_BOUND = 8;
const BETA_2 = 0.999;
const EPSILON = 1e-8;

const PLAIN = {
  dense: (x, [weight, bias], activation = "linear") => tf.fused.matMul({ a: x, b: weight, bias, activation }),
  ofData: (x, layer, activation) => PLAIN.dense(x, layer, activation),
  ofClasses: (y, weight) => y.matMul(weight),
  logProb: (x, logits) => x.mul(logits).sub(logits.softplus()).sum(1),
  divergence: (mean, logVar) => mean.square().add(logVar.exp()).sub(logVar).sub(1).sum(1).mul(0.5),
};

// A product with a row of ones: this back end sums along the last axis, and transposes a matrix to sum along the first.
const columnSums = (dy) => tf.ones([1, dy.shape[0]]).matMul(dy).reshape([dy.shape[1]]);

const SLOPES = { linear: (dy) => dy, relu: (dy, y) => dy.mul(y.step()) };

// The API's own gradient of a product asks for products of transposed matrices. This back end leaves those to a plain loop:
// to transpose a matrix and multiply is several times as fast.
const layer = (activation) =>
  tf.customGrad((x, weight, bias, save) => {
    const y = tf.fused.matMul({ a: x, b: weight, bias, activation });
    save([x, weight, y]);
    const gradFunc = (dy, saved) => {
      const [input, matrix, output] = saved;
      const slope = SLOPES[activation](dy, output);
      return [slope.matMul(matrix.transpose()), input.transpose().matMul(slope), columnSums(slope)];
    };
    return { value: y, gradFunc };
  });

const LAYERS = { linear: layer("linear"), relu: layer("relu") };

const TUNED = {
  dense: (x, [weight, bias], activation = "linear") => LAYERS[activation](x, weight, bias),

  // Of what is not learnt no gradient is taken, which the API's fused operations do all the same.
  ofData: (x, parameters, activation = "linear") =>
    tf.customGrad((weight, bias, save) => {
      const y = tf.fused.matMul({ a: x, b: weight, bias, activation });
      save([y]);
      const gradFunc = (dy, [output]) => {
        const slope = SLOPES[activation](dy, output);
        return [x.transpose().matMul(slope), columnSums(slope)];
      };
      return { value: y, gradFunc };
    })(...parameters),

  ofClasses: (y, weight) =>
    tf.customGrad((matrix) => ({ value: y.matMul(matrix), gradFunc: (dy) => y.transpose().matMul(dy) }))(weight),

  logProb: (x, logits) =>
    tf.customGrad((l, save) => {
      save([l]);
      const gradFunc = (dy, [saved]) => x.sub(saved.sigmoid()).mul(dy.expandDims(1));
      return { value: PLAIN.logProb(x, l), gradFunc };
    })(logits),

  divergence: tf.customGrad((mean, logVar, save) => {
    const variance = logVar.exp();
    save([mean, variance]);
    const value = mean.square().add(variance).sub(logVar).sub(1).sum(1).mul(0.5);
    const gradFunc = (dy, saved) => {
      const column = dy.expandDims(1);
      return [saved[0].mul(column), saved[1].sub(1).mul(0.5).mul(column)];
    };
    return { value, gradFunc };
  }),
};

// What the objective takes of a batch.
function rows({ x_l, y_l, x_u, everyClass }, alpha) {
  const [[labelled, classes], [unlabelled]] = [y_l.shape, x_u.shape];
  const x = tf.concat([...Array(classes).fill(x_u), x_l]);
  const y = tf.concat([everyClass, y_l]);
  return {
    labelled,
    unlabelled,
    classes,
    examples: tf.concat([x_u, x_l]),
    // What log q(y|x) of each example is multiplied by in the cross-entropy.
    targets: tf.concat([tf.zeros([unlabelled, classes]), y_l.mul(-alpha / labelled)]),
    x,
    y,
    both: tf.concat([x, y], 1),
  };
}

// `J` (E3). `weights` by name, `epsilon` `[rows, latent]`.
function objective(weights, batch, epsilon, { dense, ofData, ofClasses, logProb, divergence }) {
  const { labelled, unlabelled, classes } = batch;
  const of = (name) => [weights[`${name}.weight`], weights[`${name}.bias`]];
  const logQ = dense(ofData(batch.examples, of("classifier.hidden.0"), "relu"), of("classifier.output")).logSoftmax();

  // Not split as in E4: here a few operations more take as long as the image's part of this layer for each class.
  const [weight, bias] = of("encoder.input.features");
  const h = ofData(batch.both, [tf.concat([weight, weights["encoder.input.classes"]]), bias], "relu");
  const mean = dense(h, of("encoder.mean"));
  const logVar = dense(h, of("encoder.log_var")).div(LOG_VAR_BOUND).tanh().mul(LOG_VAR_BOUND);
  const z = logVar.mul(0.5).exp().mul(epsilon).add(mean);
  const first = dense(z, of("decoder.input.features")).add(ofClasses(batch.y, weights["decoder.input.classes"]));
  const logits = dense(first.relu(), of("decoder.output"));
  // L(x, y) but for log p(y), `[rows]`.
  const bound = logProb(batch.x, logits).sub(divergence(mean, logVar));

  // Rows are weighted where one would take slices: the gradient of a slice is as large as what it was taken from.
  const logQu = logQ.slice(0, unlabelled);
  const q = logQu.exp();
  const ofUnlabelled = q.transpose().reshape([classes * unlabelled]).mul(-1 / unlabelled);
  const share = tf.concat([ofUnlabelled, tf.fill([labelled], -1 / labelled)]);
  const entropy = q.mul(logQu).sum().div(-unlabelled);
  const crossEntropy = logQ.mul(batch.targets).sum();
  // Both halves have log p(y) = -log K once.
  return bound.mul(share).sum().add(2 * Math.log(classes)).sub(entropy).add(crossEntropy);
}

// Clipping (E14) and Adam (E13), variable by variable.
class PlainAdam {
  constructor(weights, { rate, clip_norm, adam }) {
    this.clipNorm = clip_norm;
    this.adam = tf.train.adam(rate, adam["beta-1"], BETA_2, EPSILON);
  }

  apply(gradients) {
    const entries = Object.entries(gradients);
    const norm = tf.addN(entries.map(([, gradient]) => gradient.square().sum())).sqrt();
    const factor = tf.scalar(this.clipNorm).div(norm.maximum(this.clipNorm));
    this.adam.applyGradients(Object.fromEntries(entries.map(([name, gradient]) => [name, gradient.mul(factor)])));
    return norm;
  }
}

// The same on all variables as one vector: one long operation costs less than sixteen short ones. Its parts are taken
// outside of the library, whose slices copy the whole vector each time.
class FlatAdam {
  constructor(weights, { rate, clip_norm, adam }) {
    Object.assign(this, { weights, rate, clipNorm: clip_norm, beta: adam["beta-1"], time: 0 });
    const size = Object.values(weights).reduce((sum, weight) => sum + weight.size, 0);
    this.moments = [tf.zeros([size]), tf.zeros([size])];
  }

  apply(gradients) {
    const { weights, beta } = this;
    const flat = tf.concat(Object.keys(weights).map((name) => gradients[name].flatten()));
    const norm = flat.square().sum().sqrt();
    const gradient = flat.mul(tf.scalar(this.clipNorm).div(norm.maximum(this.clipNorm)));
    const first = this.moments[0].mul(beta).add(gradient.mul(1 - beta));
    const second = this.moments[1].mul(BETA_2).add(gradient.square().mul(1 - BETA_2));
    tf.dispose(this.moments);
    this.moments = [tf.keep(first), tf.keep(second)];
    this.time += 1;
    const correction = Math.sqrt(1 - BETA_2 ** this.time);
    const rate = (this.rate * correction) / (1 - beta ** this.time);
    const changes = first.div(second.sqrt().add(EPSILON * correction)).mul(rate).dataSync();
    let at = 0;
    for (const weight of Object.values(weights)) {
      const change = tf.tensor(changes.subarray(at, at + weight.size), weight.shape);
      weight.assign(weight.sub(change));
      at += weight.size;
    }
    return norm;
  }
}

const autodiff = (operations) => (weights, batch, epsilon) => {
  const { value, grads } = tf.variableGrads(() => objective(weights, batch, epsilon, operations));
  return { value, gradients: grads };
};

const VARIANTS = {
  plain: [autodiff(PLAIN), PlainAdam],
  tuned: [autodiff(TUNED), FlatAdam],
  closed: [closedForm, FlatAdam],
};

export class Step {
  constructor(variant, { weights, batch, settings }) {
    if (!VARIANTS[variant]) throw new Error(`variants are ${Object.keys(VARIANTS).join(", ")}, not ${variant}`);
    const tensor = ({ values, shape }) => tf.tensor(values, shape);
    const entries = Object.entries(weights).map(([name, array]) => [name, tf.variable(tensor(array), true, name)]);
    this.weights = Object.fromEntries(entries);
    const [unlabelled] = batch.x_u.shape;
    const [classes] = weights["encoder.input.classes"].shape;
    const oneHot = (y) => tf.oneHot(tf.tensor1d(y, "int32"), classes).cast("float32");
    this.batch = {
      x_l: tensor(batch.x_l),
      y_l: oneHot(batch.y_l.values),
      x_u: tensor(batch.x_u),
      everyClass: oneHot(Array.from({ length: classes * unlabelled }, (_, row) => Math.floor(row / unlabelled))),
    };
    this.alpha = settings.objective.alpha;
    // That of the first step, to be compared.
    this.epsilon = tf.concat([tensor(batch.eps_u), tensor(batch.eps_l)]);
    const [gradients, Adam] = VARIANTS[variant];
    this.gradients = gradients;
    this.adam = new Adam(this.weights, settings);
  }

  // Objective and norm of the gradient at the noise that was given; nothing is learnt.
  first() {
    return tf.tidy(() => {
      const { value, gradients } = this.gradients(this.weights, rows(this.batch, this.alpha), this.epsilon);
      const norm = tf.addN(Object.values(gradients).map((gradient) => gradient.square().sum())).sqrt();
      return { objective: value.dataSync()[0], gradient_norm: norm.dataSync()[0] };
    });
  }

  // One step. What it found stays on the back end until somebody asks for it.
  take() {
    tf.dispose(this.found);
    this.found = tf.tidy(() => {
      const epsilon = tf.randomNormal(this.epsilon.shape);
      const { value, gradients } = this.gradients(this.weights, rows(this.batch, this.alpha), epsilon);
      return [value, this.adam.apply(gradients)];
    });
  }

  last() {
    const [objective, norm] = this.found.map((tensor) => tensor.dataSync()[0]);
    return { objective, gradient_norm: norm };
  }
}

// The back end, from the folder with its builds: that with SIMD and without threads.
export async function start(folder) {
  setWasmPaths(folder);
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  setThreadsCount(1);
  await tf.setBackend("wasm");
  return { version: tf.version_core, backend: tf.getBackend(), threads: getThreadsCount() };
}

export const tensors = () => tf.memory().numTensors;
