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
use super::view::View;
use crate::dist::Gaussian;
use crate::error::Result;
use crate::nets::{Classes, Fan, Inputs, Mlp, Training};
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
        Emission::new(fan, &upwards, &self.common, noise, device)
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
    view: View,
}

impl Recognition {
    pub(super) fn new(config: &AuxiliaryConfig, noise: &Noise, device: &Device) -> Self {
        let Common { classes, activation, .. } = config.common;
        let view = View::new(&config.common);
        let features = view.width(config.common.features());
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
            view,
        }
    }

    /// What the networks are given of examples: the `seen` of the other methods, `[batch, features]` to `[batch, width]`.
    pub fn seen(&self, x: Tensor<2>, training: Option<&Training>) -> Tensor<2> {
        self.view.of(x, training)
    }

    /// Logits of `q(y|a,x)` at the mean of `q(a|x)`: `[batch, classes]`.
    pub fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        let seen = self.seen(x, None);
        let a = self.a(seen.clone()).mean;
        self.classifier.forward(beside(a, seen))
    }

    /// The same at a draw of `a`: `[batch, features]` to `[draws * batch, classes]`, draw by draw.
    pub fn logits(&self, x: Tensor<2>, look: &Look) -> Tensor<2> {
        let seen = self.seen(x, look.training.as_ref());
        let (_, a) = self.draw(seen.clone(), look);
        self.classifier.forward(beside(a, seen))
    }

    /// What `q(y|a,x)` decides from, at the mean of `q(a|x)`: `[batch, width]`.
    pub fn features(&self, x: Tensor<2>) -> Tensor<2> {
        let seen = self.seen(x, None);
        let a = self.a(seen.clone()).mean;
        self.classifier.features(beside(a, seen))
    }

    /// `q(a|x)`, `[batch, auxiliary]`.
    pub fn a(&self, seen: Tensor<2>) -> Gaussian {
        self.auxiliary.forward(Inputs::shared(seen, &Classes::Every))
    }

    /// `q(a|x)` of examples as they are looked at, `[batch, auxiliary]`.
    pub fn infer(&self, x: Tensor<2>, look: &Look) -> Gaussian {
        self.a(self.seen(x, look.training.as_ref()))
    }

    /// `q(a|x)` and a draw of it, both `[rows, auxiliary]`; its mean where nothing is drawn.
    pub fn draw(&self, seen: Tensor<2>, look: &Look) -> (Gaussian, Tensor<2>) {
        let q = look.inferred.clone().unwrap_or_else(|| self.a(seen));
        let a = match &look.epsilon {
            Some(epsilon) => q.sample(epsilon.clone()),
            None => q.mean.clone(),
        };
        (q, a)
    }

    /// `q(z|a,y,x)`, `[rows, latent]`.
    pub fn z(&self, a: Tensor<2>, seen: Tensor<2>, y: &Classes) -> Gaussian {
        self.encoder.forward(Inputs::shared(beside(a, seen), y))
    }
}

fn beside(a: Tensor<2>, seen: Tensor<2>) -> Tensor<2> {
    Tensor::cat(vec![a, seen], 1)
}
