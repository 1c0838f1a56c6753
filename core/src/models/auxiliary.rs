//! What ADGM and SDGM share (Maaløe et al. 2016): a recognition model with an auxiliary variable `a`, which
//! lets `q(y|x)` and `q(z|x,y)` be more than one Gaussian or one softmax.
//!
//! ```text
//! q(a | x)      q(y | a, x)      q(z | a, y, x)
//! ```

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::architecture::architecture;
use super::blocks::{Emission, GaussianNet};
use super::check::{at_least_one, widths};
use super::common::{Common, configuration};
use super::generative::Look;
use super::observation::Likelihood;
use crate::dist::Gaussian;
use crate::error::Result;
use crate::nets::{Classes, Fan, Inputs, Mlp};
use crate::noise::Noise;

configuration! {
    /// Shape of an [`Adgm`](super::Adgm) or an [`Sdgm`](super::Sdgm).
    pub struct AuxiliaryConfig {
        /// What most configurations say; the hidden layers are those of every network but the classifier (reversed in those of `p`).
        pub common: Common,
        /// Dimensions of `z`.
        pub latent: usize,
        /// Dimensions of `a`.
        pub auxiliary: usize,
        /// Widths of the hidden layers of the classifier.
        pub classifier_hidden: Vec<usize>,
    }
}

architecture!(AuxiliaryConfig, baseline: classifier_hidden);

impl AuxiliaryConfig {
    pub(super) fn check(&self) -> Result<()> {
        self.common.check()?;
        widths("model.classifier-hidden", &self.classifier_hidden)?;
        at_least_one("model.latent", self.latent)?;
        at_least_one("model.auxiliary", self.auxiliary)
    }

    /// A network to a Gaussian of `a` or `z`.
    pub(super) fn gaussian(
        &self,
        fan: Fan,
        outputs: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> GaussianNet {
        let Common { hidden, activation, .. } = &self.common;
        GaussianNet::new(fan, hidden, outputs, *activation, noise, device)
    }

    /// A network to `x`.
    pub(super) fn emission(&self, fan: Fan, noise: &mut Noise, device: &Device) -> Emission {
        let upwards = self.common.hidden_reversed();
        let kind = (self.common.activation, self.common.likelihood);
        Emission::new(fan, &upwards, self.common.features(), kind, noise, device)
    }
}

/// `q(a|x)`, `q(y|a,x)` and `q(z|a,y,x)`.
#[derive(Module, Debug)]
pub struct Recognition {
    /// `q(a|x)`.
    pub auxiliary: GaussianNet,
    /// Logits of `q(y|a,x)` from `[a, x]`.
    pub classifier: Mlp,
    /// `q(z|a,y,x)`, whose first vector is `[a, x]`.
    pub encoder: GaussianNet,
    #[module(skip)]
    likelihood: Likelihood,
}

impl Recognition {
    pub(super) fn new(config: &AuxiliaryConfig, noise: &Noise, device: &Device) -> Self {
        let Common { classes, activation, likelihood, .. } = config.common;
        let features = config.common.features();
        let both = config.auxiliary + features;
        let plain = Fan { features, beside: 0, classes: 0 };
        let fan = Fan { features: both, beside: 0, classes };
        let stream = |purpose| noise.split(purpose);
        Self {
            auxiliary: config.gaussian(plain, config.auxiliary, &mut stream("auxiliary"), device),
            classifier: Mlp::new(
                both,
                &config.classifier_hidden,
                classes,
                activation,
                &mut stream("classifier"),
                device,
            ),
            encoder: config.gaussian(fan, config.latent, &mut stream("encoder"), device),
            likelihood,
        }
    }

    /// Logits of `q(y|a,x)` at the mean of `q(a|x)`: `[batch, classes]`.
    pub fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        let a = self.a(x.clone()).mean;
        self.logits_at(a, x)
    }

    /// The same at a draw of `a`: `[batch, features]` to `[draws * batch, classes]`, draw by draw.
    pub fn logits(&self, x: Tensor<2>, look: &Look) -> Tensor<2> {
        let (_, a) = self.draw(x.clone(), look);
        self.logits_at(a, x)
    }

    fn logits_at(&self, a: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(self.beside(a, x))
    }

    /// What `q(y|a,x)` decides from, at the mean of `q(a|x)`: `[batch, width]`.
    pub fn features(&self, x: Tensor<2>) -> Tensor<2> {
        let a = self.a(x.clone()).mean;
        self.classifier.features(self.beside(a, x))
    }

    /// What the networks are given of examples, `[batch, features]`.
    pub fn seen(&self, x: Tensor<2>) -> Tensor<2> {
        self.likelihood.seen(x)
    }

    fn beside(&self, a: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        Tensor::cat(vec![a, self.seen(x)], 1)
    }

    /// `q(a|x)`, `[batch, auxiliary]`.
    pub fn a(&self, x: Tensor<2>) -> Gaussian {
        self.auxiliary.forward(Inputs::shared(self.seen(x), &Classes::Every))
    }

    /// `q(a|x)` and a draw of it, both `[rows, auxiliary]`; its mean where nothing is drawn.
    pub fn draw(&self, x: Tensor<2>, look: &Look) -> (Gaussian, Tensor<2>) {
        let q = self.a(x);
        let a = match &look.epsilon {
            Some(epsilon) => q.sample(epsilon.clone()),
            None => q.mean.clone(),
        };
        (q, a)
    }

    /// `q(z|a,y,x)`, `[rows, latent]`.
    pub fn z(&self, a: Tensor<2>, x: Tensor<2>, y: &Classes) -> Gaussian {
        self.encoder.forward(Inputs::shared(self.beside(a, x), y))
    }
}
