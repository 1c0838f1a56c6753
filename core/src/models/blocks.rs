//! The two networks that the whole family is made of: vectors and a class to a Gaussian, and to an example.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::observation::{Likelihood, Observation};
use crate::dist::{Bernoulli, Gaussian, clamp_log_var};
use crate::nets::{
    Activation, ConditionalLinear, Fan, Inputs, dense, forward_hidden, glorot_linear, linear_stack,
};
use crate::noise::Noise;

/// A diagonal Gaussian whose mean and log-variance are functions of vectors and a class.
#[derive(Module, Debug)]
pub struct GaussianNet {
    input: ConditionalLinear,
    hidden: Vec<Linear>,
    mean: Linear,
    log_var: Linear,
    #[module(skip)]
    activation: Activation,
}

impl GaussianNet {
    /// A network `fan -> hidden[0] -> ... -> outputs`, twice `outputs` at its end. `hidden` has a layer.
    pub fn new(
        fan: Fan,
        hidden: &[usize],
        outputs: usize,
        activation: Activation,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let input = ConditionalLinear::new(fan, hidden[0], noise, device);
        let (layers, width) = linear_stack(hidden[0], &hidden[1..], noise, device);
        Self {
            input,
            hidden: layers,
            mean: glorot_linear(width, outputs, noise, device),
            log_var: glorot_linear(width, outputs, noise, device),
            activation,
        }
    }

    /// The distribution of each row: `[rows, outputs]`.
    pub fn forward(&self, inputs: Inputs) -> Gaussian {
        self.at(self.trunk(inputs))
    }

    /// The last hidden layer, `[rows, width]`.
    pub fn trunk(&self, inputs: Inputs) -> Tensor<2> {
        let h = self.input.forward(inputs, self.activation);
        forward_hidden(h, &self.hidden, self.activation)
    }

    /// The distribution that follows from the last hidden layer.
    pub fn at(&self, h: Tensor<2>) -> Gaussian {
        Gaussian {
            mean: dense(&self.mean, h.clone(), None),
            log_var: clamp_log_var(dense(&self.log_var, h, None)),
        }
    }

    /// Dimensions of the Gaussian.
    pub fn outputs(&self) -> usize {
        let [_, outputs] = self.mean.weight.dims();
        outputs
    }
}

/// The distribution of an example as a function of vectors and a class.
#[derive(Module, Debug)]
pub struct Emission {
    input: ConditionalLinear,
    hidden: Vec<Linear>,
    output: Linear,
    log_var: Option<Linear>,
    #[module(skip)]
    activation: Activation,
}

impl Emission {
    /// A network `fan -> hidden[0] -> ... -> features`. `hidden` has a layer.
    pub fn new(
        fan: Fan,
        hidden: &[usize],
        features: usize,
        (activation, likelihood): (Activation, Likelihood),
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let input = ConditionalLinear::new(fan, hidden[0], noise, device);
        let (layers, width) = linear_stack(hidden[0], &hidden[1..], noise, device);
        let output = glorot_linear(width, features, noise, device);
        let log_var = match likelihood {
            Likelihood::Bernoulli => None,
            Likelihood::Gaussian => Some(glorot_linear(width, features, noise, device)),
        };
        Self { input, hidden: layers, output, log_var, activation }
    }

    /// The distribution of each row: `[rows, features]`.
    pub fn forward(&self, inputs: Inputs) -> Observation {
        let h = self.input.forward(inputs, self.activation);
        let h = forward_hidden(h, &self.hidden, self.activation);
        let output = dense(&self.output, h.clone(), None);
        match &self.log_var {
            None => Observation::Bernoulli(Bernoulli { logits: output }),
            Some(head) => Observation::Gaussian(Gaussian {
                mean: output,
                log_var: clamp_log_var(dense(head, h, None)),
            }),
        }
    }
}
