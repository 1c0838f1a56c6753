//! A perceptron on the CPU that is asked for its gradient over the input many times, as chains do: weights packed once, bias,
//! nonlinearity and slope taken while sums are in registers.

use burn::backend::flex::FlexTensor;
use pulp::Simd;

use super::activation::Activation;
use super::matrix::{Finish, Packed};
use super::tile::load;
use crate::simd::{dims, whole};

/// One layer.
#[derive(Clone, Debug)]
struct Layer {
    forward: Packed,
    backward: Packed,
    bias: Vec<f32>,
}

/// Layers whose hidden ones have a nonlinearity of two straight halves.
#[derive(Clone, Debug)]
pub struct Perceptron {
    layers: Vec<Layer>,
    /// What is left of negative values.
    leak: f32,
}

/// What a pass through the hidden layers leaves behind, and the output.
#[derive(Clone, Debug)]
pub struct Passed {
    hidden: Vec<Vec<f32>>,
    /// `[rows, outputs]`.
    pub output: Vec<f32>,
}

impl Perceptron {
    /// Of weights `[inputs, outputs]` and biases `[outputs]`, the input's side first; `None` where the nonlinearity is another.
    pub fn new(layers: Vec<[FlexTensor; 2]>, activation: Activation) -> Option<Self> {
        let leak = match activation {
            Activation::Relu => 0.0,
            Activation::LeakyRelu => Activation::LEAK,
            Activation::Identity => 1.0,
            Activation::Softplus | Activation::Silu | Activation::Tanh => return None,
        };
        let layers = layers.into_iter().map(|layer| {
            let [weight, bias] = layer.map(whole);
            let ([inputs, outputs], values) = (dims(&weight), weight.storage::<f32>());
            Layer {
                forward: Packed::of(values, [inputs, outputs], [outputs, 1]),
                backward: Packed::of(values, [outputs, inputs], [1, outputs]),
                bias: bias.storage::<f32>().to_vec(),
            }
        });
        Some(Self { layers: layers.collect(), leak })
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.bias.len())
    }

    /// Through all layers, from rows of inputs.
    pub fn forward(&self, rows: &[f32]) -> Passed {
        let mut hidden: Vec<Vec<f32>> = Vec::with_capacity(self.layers.len());
        for (number, layer) in self.layers.iter().enumerate() {
            let is_last = number + 1 == self.layers.len();
            let leak = if is_last { 1.0 } else { self.leak };
            let from = hidden.last().map_or(rows, |rows| &rows[..]);
            hidden.push(layer.forward.product(from, Biased { bias: &layer.bias, leak }));
        }
        let output = hidden.pop().unwrap_or_else(|| rows.to_vec());
        Passed { hidden, output }
    }

    /// Back through all of them: the gradient over the input from that over the output.
    pub fn back(&self, passed: &Passed, gradient: &[f32]) -> Vec<f32> {
        let mut gradient = gradient.to_vec();
        for (number, layer) in self.layers.iter().enumerate().rev() {
            // What goes into a layer is what came out of the one before it.
            let before = number.checked_sub(1).map(|number| &passed.hidden[number][..]);
            gradient = match before {
                Some(values) => {
                    let [_, width] = layer.backward.widths();
                    let slope = TimesSlope { values, width, leak: self.leak };
                    layer.backward.product(&gradient, slope)
                }
                None => layer.backward.product(&gradient, super::matrix::AsTheyAre),
            };
        }
        gradient
    }
}

/// `f(sum + bias)`.
#[derive(Clone, Copy)]
struct Biased<'a> {
    bias: &'a [f32],
    leak: f32,
}

impl Finish for Biased<'_> {
    #[inline(always)]
    fn finish<S: Simd, const N: usize>(
        self,
        simd: S,
        _: usize,
        at: usize,
        mut sums: [S::f32s; N],
    ) -> [S::f32s; N] {
        let (bias, leak) = (load::<S, N>(simd, &self.bias[at..]), simd.splat_f32s(self.leak));
        for n in 0..N {
            let sum = simd.add_f32s(sums[n], bias[n]);
            sums[n] = leaky(simd, sum, sum, leak);
        }
        sums
    }
}

/// The sum times the slope where the layer's value is such.
#[derive(Clone, Copy)]
struct TimesSlope<'a> {
    /// `[rows, width]`.
    values: &'a [f32],
    width: usize,
    leak: f32,
}

impl Finish for TimesSlope<'_> {
    #[inline(always)]
    fn finish<S: Simd, const N: usize>(
        self,
        simd: S,
        row: usize,
        at: usize,
        mut sums: [S::f32s; N],
    ) -> [S::f32s; N] {
        let row = &self.values[row * self.width..][..self.width];
        let (values, leak) = (load::<S, N>(simd, &row[at..]), simd.splat_f32s(self.leak));
        for n in 0..N {
            sums[n] = leaky(simd, sums[n], values[n], leak);
        }
        sums
    }
}

/// `x` where `side` is positive, else `leak` of it.
#[inline(always)]
fn leaky<S: Simd>(simd: S, x: S::f32s, side: S::f32s, leak: S::f32s) -> S::f32s {
    let is_positive = simd.greater_than_f32s(side, simd.splat_f32s(0.0));
    simd.select_f32s(is_positive, x, simd.mul_f32s(leak, x))
}
