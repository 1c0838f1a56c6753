//! M2: the generative semi-supervised model of Kingma et al. 2014 (section 2.2).
//!
//! ```text
//! y ~ Cat(1/K)      z ~ N(0, I)      x ~ p(x | y, z)
//! q(y | x) = Cat(classifier(x))      q(z | x, y) = N(mean(x, y), diag(exp(log_var(x, y))))
//! ```

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::blocks::{Emission, GaussianNet};
use super::check::{at_least_one, example, layers, widths};
use super::generative::{Bound, Classify, Divergence, Generative, Look, Widths, architecture};
use super::observation::{Likelihood, Observation};
use crate::error::Result;
use crate::nets::{Activation, Classes, Fan, Inputs, Mlp};
use crate::noise::Noise;

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

architecture!(M2Config, baseline: classifier_hidden);

/// The model: `q(y|x)`, `q(z|x,y)` and `p(x|y,z)`.
#[derive(Module, Debug)]
pub struct M2 {
    /// Logits of `q(y|x)`.
    pub classifier: Mlp,
    /// `q(z|x,y)`.
    pub encoder: GaussianNet,
    /// `p(x|y,z)`.
    pub decoder: Emission,
    #[module(skip)]
    classes: usize,
}

impl M2 {
    /// Builds the model, with weights from `noise`.
    ///
    /// # Errors
    /// If a size is zero or there are fewer than two classes.
    pub fn new(config: &M2Config, noise: &Noise, device: &Device) -> Result<Self> {
        let M2Config { classes, latent, hidden, activation, likelihood, .. } = config;
        example(&config.shape, *classes)?;
        widths("model.classifier-hidden", &config.classifier_hidden)?;
        layers("model.hidden", hidden)?;
        at_least_one("model.latent", *latent)?;
        let features = config.shape.iter().product();
        let fan = |features| Fan { features, beside: 0, classes: *classes };
        let upwards: Vec<usize> = hidden.iter().rev().copied().collect();
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
                hidden,
                *latent,
                *activation,
                &mut noise.split("encoder"),
                device,
            ),
            decoder: Emission::new(
                fan(*latent),
                &upwards,
                features,
                (*activation, *likelihood),
                &mut noise.split("decoder"),
                device,
            ),
            classes: *classes,
        })
    }
}

impl Classify for M2 {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(x)
    }
}

impl Generative for M2 {
    fn classes(&self) -> usize {
        self.classes
    }

    fn widths(&self) -> Widths {
        Widths { example: 0, row: self.latent() }
    }

    fn features(&self, x: Tensor<2>) -> Tensor<2> {
        self.classifier.features(x)
    }

    fn bound(
        &self,
        x: Tensor<2>,
        _: &Look,
        y: &Classes,
        epsilon: Tensor<2>,
        divergence: Divergence,
    ) -> Bound {
        let q = self.encoder.forward(Inputs::shared(x.clone(), y));
        let z = q.sample(epsilon);
        Bound {
            divergences: vec![("kl_z", divergence.from_standard(&q, &z))],
            reconstruction: self.decode(z, y).log_prob(x),
            log_prior_y: -(self.classes as f64).ln(),
        }
    }

    fn latent(&self) -> usize {
        self.encoder.outputs()
    }

    fn encode(&self, x: Tensor<2>, y: &Classes) -> Tensor<2> {
        self.encoder.forward(Inputs::shared(x, y)).mean
    }

    fn decode(&self, z: Tensor<2>, y: &Classes) -> Observation {
        self.decoder.forward(Inputs::own(z, y))
    }
}
