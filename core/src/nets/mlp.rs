//! Multilayer perceptron.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::{Activation, dense, glorot_linear};
use crate::noise::Noise;
use gleaner_kernels::activate::Activated;

/// Hidden layers with one nonlinearity, then a linear output.
#[derive(Module, Debug)]
pub struct Mlp {
    /// Hidden layers, input side first.
    pub hidden: Vec<Linear>,
    /// The last layer; nothing follows it.
    pub output: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Mlp {
    /// A perceptron `inputs -> hidden[0] -> ... -> outputs` with Glorot weights.
    pub fn new(
        inputs: usize,
        hidden: &[usize],
        outputs: usize,
        activation: Activation,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let (layers, width) = linear_stack(inputs, hidden, noise, device);
        Self { hidden: layers, output: glorot_linear(width, outputs, noise, device), activation }
    }

    /// # Shapes
    /// - `x`: `[batch, inputs]`
    /// - output: `[batch, outputs]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        dense(&self.output, self.features(x), None)
    }

    /// The nonlinearity of the hidden layers.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The output at `x`, and the gradient over `x` of `Σ output * weight(output)`, the weight held constant: by hand,
    /// two products a layer, no tape (E29).
    ///
    /// # Shapes
    /// - `x`, gradient: `[batch, inputs]`
    /// - output and its weight: `[batch, outputs]`
    pub fn pull_back(
        &self,
        x: Tensor<2>,
        weight: impl FnOnce(&Tensor<2>) -> Tensor<2>,
    ) -> (Tensor<2>, Tensor<2>) {
        let mut passed = Vec::with_capacity(self.hidden.len());
        let mut h = x;
        for layer in &self.hidden {
            let activated = through(layer, h, self.activation);
            h = activated.value.clone();
            passed.push(activated);
        }
        let output = dense(&self.output, h, None);
        let mut gradient = back(weight(&output), &self.output);
        for (layer, activated) in self.hidden.iter().zip(passed).rev() {
            gradient = back(activated.pull_back(gradient), layer);
        }
        (output, gradient)
    }

    /// The last hidden layer, which the output is linear in: `[batch, width]`. `x` itself where there is none.
    pub fn features(&self, x: Tensor<2>) -> Tensor<2> {
        forward_hidden(x, &self.hidden, self.activation)
    }
}

/// A hidden layer's output, with the way back through its nonlinearity.
fn through(layer: &Linear, x: Tensor<2>, activation: Activation) -> Activated {
    let weight = layer.weight.val();
    let bias = match &layer.bias {
        Some(bias) => bias.val().unsqueeze(),
        None => Tensor::zeros([1, weight.dims()[1]], &weight.device()),
    };
    Activated::new(x.matmul(weight), bias, activation)
}

/// The gradient over a layer's input from that over its output.
fn back(gradient: Tensor<2>, layer: &Linear) -> Tensor<2> {
    gradient.matmul(layer.weight.val().transpose())
}

/// Runs hidden layers, each followed by the nonlinearity: `[rows, inputs]` to `[rows, units of the last]`.
pub fn forward_hidden(x: Tensor<2>, layers: &[Linear], activation: Activation) -> Tensor<2> {
    layers.iter().fold(x, |h, layer| dense(layer, h, Some(activation)))
}

/// The layers `inputs -> widths[0] -> widths[1] -> ...` and the width they end with.
pub fn linear_stack(
    inputs: usize,
    widths: &[usize],
    noise: &mut Noise,
    device: &Device,
) -> (Vec<Linear>, usize) {
    let mut width = inputs;
    let layers = widths
        .iter()
        .map(|&next| {
            let layer = glorot_linear(width, next, noise, device);
            width = next;
            layer
        })
        .collect();
    (layers, width)
}
