//! M2: the generative semi-supervised model of Kingma et al. 2014 (section 2.2).
//!
//! ```text
//! y ~ Cat(1/K)      z ~ N(0, I)      x ~ p(x | y, z)
//! q(y | x) = Cat(classifier(x))      q(z | x, y) = N(mean(x, y), diag(exp(log_var(x, y))))
//! ```

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::architecture::{Architecture as _, architecture};
use super::blocks::{Emission, GaussianNet, Pair};
use super::check::at_least_one;
use super::classifier::ClassifierNet;
use super::common::configuration;
use super::generative::{Bound, Classify, Divergence, Generative, Look, Widths};
use super::observation::Observation;
use super::view::View;
use crate::dist::Gaussian;
use crate::error::Result;
use crate::nets::{Classes, Convolution, Inputs, Training};
use crate::noise::Noise;

configuration! {
    /// Shape of an [`M2`].
    pub struct M2Config {
        /// What most configurations say; the hidden layers are those of encoder and decoder (the decoder's in reverse).
        pub common: Common,
        /// Dimensions of `z`.
        pub latent: usize,
        /// Widths of the hidden layers of the classifier.
        pub classifier_hidden: Vec<usize>,
        /// Convolutions in all three networks, for images.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub convolution: Option<Convolution>,
    }
}

architecture!(M2Config, baseline: classifier_hidden, convolution);

/// The model: `q(y|x)`, `q(z|x,y)` and `p(x|y,z)`.
#[derive(Module, Debug)]
pub struct M2 {
    /// Logits of `q(y|x)`.
    pub classifier: ClassifierNet,
    /// `q(z|x,y)`.
    pub encoder: GaussianNet,
    /// `p(x|y,z)`.
    pub decoder: Emission,
    #[module(skip)]
    classes: usize,
    #[module(skip)]
    view: View,
}

impl M2 {
    /// Builds the model, with weights from `noise`.
    ///
    /// # Errors
    /// If a size is zero or there are fewer than two classes.
    pub fn new(config: &M2Config, noise: &Noise, device: &Device) -> Result<Self> {
        config.common.check()?;
        at_least_one("model.latent", config.latent)?;
        let classifier = config.baseline().network(noise, device)?;
        let pair = Pair {
            common: &config.common,
            classes: config.common.classes,
            latent: config.latent,
            convolution: config.convolution.as_ref(),
        };
        let (encoder, decoder) = pair.init(noise, device)?;
        let view = View::new(&config.common);
        Ok(Self { classifier, encoder, decoder, classes: config.common.classes, view })
    }

    /// `q(z|x,y)`, `[rows, latent]`.
    fn posterior(&self, x: Tensor<2>, y: &Classes, training: Option<&Training>) -> Gaussian {
        let x = self.encoder.look(self.view.of(x, training), training);
        self.encoder.forward(Inputs::shared(x, y))
    }
}

impl Classify for M2 {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(self.view.of(x, None), None)
    }
}

impl Generative for M2 {
    fn classes(&self) -> usize {
        self.classes
    }

    fn widths(&self) -> Widths {
        Widths { example: 0, row: self.latent() }
    }

    fn logits(&self, x: Tensor<2>, look: &Look) -> Tensor<2> {
        let training = look.training.as_ref();
        self.classifier.forward(self.view.of(x, training), training)
    }

    fn features(&self, x: Tensor<2>) -> Tensor<2> {
        self.classifier.features(self.view.of(x, None))
    }

    fn bound(
        &self,
        x: Tensor<2>,
        look: &Look,
        y: &Classes,
        epsilon: Tensor<2>,
        divergence: Divergence,
    ) -> Bound {
        let q = self.posterior(x.clone(), y, look.training.as_ref());
        let z = q.sample(epsilon);
        Bound {
            divergences: vec![("kl_z", divergence.from_standard(&q, &z))],
            reconstruction: self.decode(z, y).log_prob(x),
            log_prior_y: -(self.classes as f64).ln(),
        }
    }

    fn measure(&mut self, x: Tensor<2>) {
        self.encoder.measure(x.clone());
        self.classifier.measure(x);
    }

    fn latent(&self) -> usize {
        self.encoder.outputs()
    }

    fn encode(&self, x: Tensor<2>, y: &Classes) -> Tensor<2> {
        self.posterior(x, y, None).mean
    }

    fn decode(&self, z: Tensor<2>, y: &Classes) -> Observation {
        self.decoder.forward(Inputs::own(z, y))
    }
}
