//! M2: the generative semi-supervised model of Kingma et al. 2014 (section 2.2).
//!
//! ```text
//! y ~ Cat(1/K)      z ~ N(0, I)      x ~ p(x | y, z)
//! q(y | x) = Cat(classifier(x))      q(z | x, y) = N(mean(x, y), diag(exp(log_var(x, y))))
//! ```

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use super::classifier::check_widths;
use crate::dist::{Bernoulli, Gaussian, clamp_log_var};
use crate::error::{Error, Result};
use crate::nets::{
    Activation, Classes, ConditionalLinear, Mlp, dense, forward_hidden, glorot_linear, linear_stack,
};
use crate::noise::Noise;

/// The distribution of a pixel or column given `y` and `z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likelihood {
    /// Bits, or grey levels in [0, 1] taken as expected bits.
    #[default]
    Bernoulli,
    /// Real values with a learned mean and variance per dimension.
    Gaussian,
}

/// Shape of an [`M2`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct M2Config {
    /// Shape of one example, such as `[28, 28, 1]`.
    pub shape: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Dimensions of `z`.
    pub latent: usize,
    /// Widths of the hidden layers of encoder and decoder (the decoder's in reverse).
    pub hidden: Vec<usize>,
    /// Widths of the hidden layers of the classifier.
    pub classifier_hidden: Vec<usize>,
    /// Nonlinearity of every hidden layer.
    pub activation: Activation,
    /// Distribution of `x`.
    pub likelihood: Likelihood,
}

impl M2Config {
    /// Values in one example.
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// Builds the model, with weights from `noise`.
    ///
    /// # Errors
    /// If a size is zero or there are fewer than two classes.
    pub fn init(&self, noise: &Noise, device: &Device) -> Result<M2> {
        check_widths(&self.shape, self.classes, &self.classifier_hidden)?;
        check_widths(&self.shape, self.classes, &self.hidden)?;
        if self.hidden.is_empty() {
            return Err(Error::config("model.hidden", "[]", "encoder and decoder need a layer"));
        }
        if self.latent == 0 {
            return Err(Error::config("model.latent", 0, "z needs at least one dimension"));
        }
        Ok(M2 {
            classifier: Mlp::new(
                self.features(),
                &self.classifier_hidden,
                self.classes,
                self.activation,
                &mut noise.split("classifier"),
                device,
            ),
            encoder: Encoder::new(self, &mut noise.split("encoder"), device),
            decoder: Decoder::new(self, &mut noise.split("decoder"), device),
        })
    }
}

/// The model: `q(y|x)`, `q(z|x,y)` and `p(x|y,z)`.
///
/// Methods that enumerate classes return class-major rows: row `k * batch + i` is example `i` with class
/// `k`.
#[derive(Module, Debug)]
pub struct M2 {
    /// Logits of `q(y|x)`.
    pub classifier: Mlp,
    /// `q(z|x,y)`.
    pub encoder: Encoder,
    /// `p(x|y,z)`.
    pub decoder: Decoder,
}

impl M2 {
    /// Dimensions of `z`.
    pub fn latent(&self) -> usize {
        let [_, latent] = self.encoder.mean.weight.dims();
        latent
    }

    /// Logits of `q(y|x)`: `[batch, features]` to `[batch, classes]`.
    pub fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(x)
    }

    /// `q(z|x,y)` for `x [batch, features]` and one-hot `y [batch, classes]`.
    pub fn encode(&self, x: Tensor<2>, y: Tensor<2>) -> Gaussian {
        self.encoder.forward(x, Classes::Given(y))
    }

    /// `q(z|x,y)` for every class of every example: rows `[classes * batch]`.
    pub fn encode_every_class(&self, x: Tensor<2>) -> Gaussian {
        self.encoder.forward(x, Classes::EveryShared)
    }

    /// `p(x|y,z)` for `z [batch, latent]` and one-hot `y [batch, classes]`.
    pub fn decode(&self, z: Tensor<2>, y: Tensor<2>) -> Observation {
        self.decoder.forward(z, Classes::Given(y))
    }

    /// `q(z|x,y)` for several classes of every example, `[groups * batch]`: as many rows.
    pub fn encode_picked(&self, x: Tensor<2>, classes: Tensor<1, Int>) -> Gaussian {
        self.encoder.forward(x, Classes::PickedShared(classes))
    }

    /// `p(x|y,z)` for `z [rows, latent]` and a class for each row.
    pub fn decode_picked(&self, z: Tensor<2>, classes: Tensor<1, Int>) -> Observation {
        self.decoder.forward(z, Classes::Picked(classes))
    }

    /// `p(x|y,z)` for class-major `z [classes * batch, latent]`, each block with its class.
    pub fn decode_every_class(&self, z: Tensor<2>) -> Observation {
        self.decoder.forward(z, Classes::EveryInTurn)
    }
}

/// `q(z|x,y)`.
#[derive(Module, Debug)]
pub struct Encoder {
    input: ConditionalLinear,
    hidden: Vec<Linear>,
    mean: Linear,
    log_var: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Encoder {
    fn new(config: &M2Config, noise: &mut Noise, device: &Device) -> Self {
        let (first, rest) = (config.hidden[0], &config.hidden[1..]);
        let features = config.features();
        let input = ConditionalLinear::new(features, config.classes, first, noise, device);
        let (hidden, width) = linear_stack(first, rest, noise, device);
        Self {
            input,
            hidden,
            mean: glorot_linear(width, config.latent, noise, device),
            log_var: glorot_linear(width, config.latent, noise, device),
            activation: config.activation,
        }
    }

    fn forward(&self, x: Tensor<2>, y: Classes) -> Gaussian {
        let h = self.input.forward(x, y, self.activation);
        let h = forward_hidden(h, &self.hidden, self.activation);
        Gaussian {
            mean: dense(&self.mean, h.clone(), None),
            log_var: clamp_log_var(dense(&self.log_var, h, None)),
        }
    }
}

/// `p(x|y,z)`.
#[derive(Module, Debug)]
pub struct Decoder {
    input: ConditionalLinear,
    hidden: Vec<Linear>,
    output: Linear,
    log_var: Option<Linear>,
    #[module(skip)]
    activation: Activation,
}

impl Decoder {
    fn new(config: &M2Config, noise: &mut Noise, device: &Device) -> Self {
        let widths: Vec<usize> = config.hidden.iter().rev().copied().collect();
        let input = ConditionalLinear::new(config.latent, config.classes, widths[0], noise, device);
        let (hidden, width) = linear_stack(widths[0], &widths[1..], noise, device);
        let output = glorot_linear(width, config.features(), noise, device);
        let log_var = match config.likelihood {
            Likelihood::Bernoulli => None,
            Likelihood::Gaussian => Some(glorot_linear(width, config.features(), noise, device)),
        };
        Self { input, hidden, output, log_var, activation: config.activation }
    }

    fn forward(&self, z: Tensor<2>, y: Classes) -> Observation {
        let h = self.input.forward(z, y, self.activation);
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

/// The distribution `p(x|y,z)` of one example per row.
#[derive(Clone, Debug)]
pub enum Observation {
    /// Bits.
    Bernoulli(Bernoulli),
    /// Real values.
    Gaussian(Gaussian),
}

impl Observation {
    /// Log-probability of `x [batch, features]` under `[groups * batch]` rows: `[groups * batch]`, nats.
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        match self {
            Self::Bernoulli(bits) => bits.log_prob(x),
            Self::Gaussian(values) => values.log_prob(x),
        }
    }

    /// Expected `x`, `[rows, features]`: what is shown as a sample.
    pub fn mean(&self) -> Tensor<2> {
        match self {
            Self::Bernoulli(bits) => bits.mean(),
            Self::Gaussian(values) => values.mean.clone(),
        }
    }
}
