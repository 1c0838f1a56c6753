//! Untapped: an M2 with a bounded `z` that is also run in reverse, from classes to examples and back, so that
//! labels without examples teach it (Gemp, Mahadevan, Parente; E20).
//!
//! ```text
//! forward:  y ~ Cat(1/K)      z ~ U(low, high)^d      x ~ Bernoulli(x | y, z)
//! reverse:  x ~ Bernoulli(1/2)     y ~ q(y | x)       z ~ q(z | x, y), a Gaussian squeezed into the box
//! ```

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::architecture::Architecture;
use super::blocks::{Emission, GaussianNet};
use super::check::{at_least_one, example, layers, widths};
use super::classifier::ClassifierConfig;
use super::common::Common;
use super::generative::{Bound, Classify, Divergence, Generative, Look, Widths};
use super::observation::{Likelihood, Observation};
use crate::dist::{Gaussian, LogisticFlow};
use crate::error::{Error, Result};
use crate::nets::{Activation, Classes, Fan, Inputs, Mlp};
use crate::noise::Noise;

/// Shape of an [`Untapped`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UntappedConfig {
    /// Shape of one example, such as `[28, 28, 1]`.
    pub shape: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Dimensions of `z`.
    pub latent: usize,
    /// Ends of the interval of each of them.
    pub range: [f64; 2],
    /// Widths of the hidden layers from `y, z` to `x`.
    pub hidden: Vec<usize>,
    /// Widths of the hidden layers from `x, y` to `z`.
    pub encoder_hidden: Vec<usize>,
    /// Widths of the hidden layers of the classifier.
    pub classifier_hidden: Vec<usize>,
    /// Nonlinearity of every hidden layer.
    pub activation: Activation,
}

impl Architecture for UntappedConfig {
    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn likelihood(&self) -> Likelihood {
        Likelihood::Bernoulli
    }

    fn baseline(&self) -> ClassifierConfig {
        let common = Common {
            shape: self.shape.clone(),
            classes: self.classes,
            hidden: self.classifier_hidden.clone(),
            activation: self.activation,
            likelihood: Likelihood::Bernoulli,
            columns: Vec::new(),
            masking: 0.0,
        };
        ClassifierConfig { common, convolution: None }
    }
}

/// The model, forward and reverse: the same three networks.
#[derive(Module, Debug)]
pub struct Untapped {
    /// Logits of `q(y|x)`.
    pub classifier: Mlp,
    /// What `q(z|x,y)` is before it is squeezed.
    pub encoder: GaussianNet,
    /// `p(x|y,z)`.
    pub decoder: Emission,
    #[module(skip)]
    flow: LogisticFlow,
    #[module(skip)]
    classes: usize,
}

impl Untapped {
    /// Builds the model, with weights from `noise`.
    ///
    /// # Errors
    /// If a size is zero, the range is empty, or there are fewer than two classes.
    pub fn new(config: &UntappedConfig, noise: &Noise, device: &Device) -> Result<Self> {
        let UntappedConfig { classes, latent, activation, range: [low, high], .. } = config;
        example(&config.shape, *classes)?;
        widths("model.classifier-hidden", &config.classifier_hidden)?;
        layers("model.hidden", &config.hidden)?;
        layers("model.encoder-hidden", &config.encoder_hidden)?;
        at_least_one("model.latent", *latent)?;
        if !(low < high && low.is_finite() && high.is_finite()) {
            let found = format!("[{low}, {high}]");
            return Err(Error::config("model.range", found, "write [low, high], low below high"));
        }
        let features = config.shape.iter().product();
        let fan = |features| Fan { features, beside: 0, classes: *classes };
        Ok(Self {
            classifier: Mlp::new(
                features,
                &config.classifier_hidden,
                *classes,
                *activation,
                &mut noise.split("classifier"),
                device,
            ),
            encoder: GaussianNet::new(
                fan(features),
                &config.encoder_hidden,
                *latent,
                *activation,
                &mut noise.split("encoder"),
                device,
            ),
            decoder: Emission::new(
                fan(*latent),
                &config.hidden,
                &config.baseline().common,
                &mut noise.split("decoder"),
                device,
            ),
            flow: LogisticFlow { low: *low, high: *high },
            classes: *classes,
        })
    }

    /// The box of `z`.
    pub fn flow(&self) -> LogisticFlow {
        self.flow
    }

    /// What `q(z|x,y)` is before it is squeezed, `[batch, latent]`, for examples `[batch, features]` with one class each,
    /// `[batch, classes]`, which may be a mixture.
    pub fn before_flow(&self, x: Tensor<2>, y: Tensor<2>) -> Gaussian {
        self.encoder.forward(Inputs::shared(x, &Classes::Given(y)))
    }
}

impl Classify for Untapped {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(x)
    }
}

impl Generative for Untapped {
    fn classes(&self) -> usize {
        self.classes
    }

    fn widths(&self) -> Widths {
        Widths { example: 0, row: self.latent() }
    }

    fn features(&self, x: Tensor<2>) -> Tensor<2> {
        self.classifier.features(x)
    }

    /// The forward bound; the divergence of the squeezed Gaussian from the uniform prior has no closed form.
    fn bound(
        &self,
        x: Tensor<2>,
        _: &Look,
        y: &Classes,
        epsilon: Tensor<2>,
        _: Divergence,
    ) -> Bound {
        let before = self.encoder.forward(Inputs::shared(x.clone(), y));
        let u = before.sample(epsilon);
        let log_q = self.flow.log_prob_at(&before, u.clone());
        Bound {
            divergences: vec![("kl_z", log_q - self.flow.log_uniform(self.latent()))],
            reconstruction: self.decode(self.flow.forward(u), y).log_prob(x),
            log_prior_y: -(self.classes as f64).ln(),
        }
    }

    fn latent(&self) -> usize {
        self.encoder.outputs()
    }

    /// Uniform on the box.
    fn prior(&self, rows: usize, noise: &mut Noise, device: &Device) -> Tensor<2> {
        let LogisticFlow { low, high } = self.flow;
        noise.uniform_tensor([rows, self.latent()], device) * (high - low) + low
    }

    fn quantile(&self, share: f64) -> f64 {
        let LogisticFlow { low, high } = self.flow;
        low + share * (high - low)
    }

    /// The median of the posterior: the squeezed mean.
    fn encode(&self, x: Tensor<2>, y: &Classes) -> Tensor<2> {
        self.flow.forward(self.encoder.forward(Inputs::shared(x, y)).mean)
    }

    fn decode(&self, z: Tensor<2>, y: &Classes) -> Observation {
        self.decoder.forward(Inputs::own(z, y))
    }
}
