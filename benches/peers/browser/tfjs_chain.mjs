// Conditional Langevin chains in a latent energy in TensorFlow.js on its WebAssembly back end: the peer of the page's
// own program.
//
// The formulas are those of docs/equations.md (E21, E22): z <- z + (s^2/2) grad(F(z)[y] - |z|^2/2) + s sqrt(T) noise,
// all chains at once. The gradient comes by tf.grad, as one writes it first, or in the closed form of E29, as one
// writes it when it has to be quick.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";

const LEAK = 0.2;

// A float16, of which JavaScript knows nothing yet in every browser.
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const READERS = {
  F16: (bytes) => Float32Array.from(new Uint16Array(bytes), half),
  F32: (bytes) => new Float32Array(bytes),
};

// A safetensors file: its configuration, and a function from a name to { values, shape }.
export function safetensors(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const read = (name) => {
    const { dtype, shape, data_offsets } = header[name];
    const [from, to] = data_offsets.map((offset) => 8 + length + offset);
    return { values: READERS[dtype](buffer.slice(from, to)), shape };
  };
  return { config: JSON.parse(header.__metadata__.config), read };
}

// One layer as tensors. The transpose is for the way back: where a product is told to transpose, this back end takes
// ten times as long, as it does under tf.grad.
function layer(read, name) {
  const [weight, bias] = [read(`${name}.weight`), read(`${name}.bias`)];
  const matrix = tf.tensor2d(weight.values, weight.shape);
  return { weight: matrix, bias: tf.tensor1d(bias.values), transposed: matrix.transpose() };
}

class Energy {
  constructor({ config, read }) {
    const names = config.energy_hidden.map((_, at) => `prior.energy.hidden.${at}`);
    this.hidden = names.map((name) => layer(read, name));
    this.output = layer(read, "prior.energy.output");
    this.latent = config.latent;
    this.classes = config.classes;
  }

  // F(z), in operations whose gradients are taken only where they are asked for: fused ones give those of the weights
  // as well.
  logits(z) {
    const activate = (x, { weight, bias }) => x.matMul(weight).add(bias).leakyRelu(LEAK);
    const { weight, bias } = this.output;
    return this.hidden.reduce(activate, z).matMul(weight).add(bias);
  }

  // log p(z|y) but for a constant, `[chains]`.
  logDensity(z, oneHot) {
    return this.logits(z).mul(oneHot).sum(1).sub(z.square().sum(1).div(2));
  }

  // What is known of chains of the classes `y` before they move, and their gradient.
  slopes = {
    autodiff: (y) => {
      const oneHot = tf.oneHot(tf.tensor1d(y, "int32"), this.classes);
      return tf.grad((z) => this.logDensity(z, oneHot).sum());
    },
    closed: (y) => {
      const rows = this.output.transposed.gather(tf.tensor1d(y, "int32"));
      return (z) => this.pullBack(z, rows).sub(z);
    },
  };

  // The gradient of F(z)[y], of which `rows` are the last layer's. Where a layer is positive its step is 1, elsewhere
  // the leak: this back end multiplies by it ten times as fast as it takes its own leaky ReLU.
  pullBack(z, rows) {
    let below = z;
    const slopes = this.hidden.map(({ weight, bias }) => {
      const height = tf.fused.matMul({ a: below, b: weight, bias });
      const slope = height.step(LEAK);
      below = height.mul(slope);
      return slope;
    });
    const back = (above, slope, at) => above.mul(slope).matMul(this.hidden[at].transposed);
    return slopes.reduceRight(back, rows);
  }
}

// Where chains end, as numbers. Without a `start` they start at N(0, I).
async function run(energy, { gradient, y, start, steps, stepSize, temperature }) {
  const shape = [y.length, energy.latent];
  const spread = stepSize * Math.sqrt(temperature);
  tf.engine().startScope();
  const slope = energy.slopes[gradient](y);
  let z = start ? tf.tensor2d(start, shape) : tf.randomNormal(shape);
  for (let step = 0; step < steps; step += 1) {
    const next = tf.tidy(() => {
      const drifted = z.add(slope(z).mul(stepSize ** 2 / 2));
      return spread > 0 ? drifted.add(tf.randomNormal(shape, 0, spread)) : drifted;
    });
    z.dispose();
    z = next;
  }
  const values = await z.data();
  tf.engine().endScope();
  return values;
}

function meanLogDensity(energy, values, y) {
  return tf.tidy(() => {
    const oneHot = tf.oneHot(tf.tensor1d(y, "int32"), energy.classes);
    const z = tf.tensor2d(values, [y.length, energy.latent]);
    return energy.logDensity(z, oneHot).mean().dataSync()[0];
  });
}

// The chains of a checkpoint, given as an ArrayBuffer. `folder` holds the three builds of the back end, of which it
// takes one.
export async function open(buffer, folder) {
  setWasmPaths(folder);
  await tf.setBackend("wasm");
  const energy = new Energy(safetensors(buffer));
  return {
    about: {
      version: tf.version_core,
      backend: tf.getBackend(),
      simd: await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"),
      threads: await tf.env().getAsync("WASM_HAS_MULTITHREAD_SUPPORT"),
    },
    run: (options) => run(energy, options),
    meanLogDensity: (values, y) => meanLogDensity(energy, values, y),
    tensors: () => tf.memory().numTensors,
  };
}
