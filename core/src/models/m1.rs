//! M1: a variational autoencoder (Kingma et al. 2014, section 2.1). It knows nothing of classes; a classifier
//! is fitted to what it makes of the labelled examples afterwards.
//!
//! ```text
//! z ~ N(0, I)      x ~ p(x | z)      q(z | x) = N(mean(x), diag(exp(log_var(x))))
//! ```

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::architecture::architecture;
use super::blocks::{Emission, GaussianNet, Pair};
use super::check::at_least_one;
use super::common::configuration;
use super::generative::{Bound, Classify, Divergence, Generative, Look, Widths};
use super::observation::Observation;
use super::view::View;
use crate::dist::Gaussian;
use crate::error::Result;
use crate::nets::{Classes, Convolution, Inputs, Training};
use crate::noise::Noise;

configuration! {
    /// Shape of an [`M1`].
    pub struct M1Config {
        /// What most configurations say; the hidden layers are those of encoder and decoder (the decoder's in reverse).
        pub common: Common,
        /// Dimensions of `z`.
        pub latent: usize,
        /// Convolutions in both networks, for images.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub convolution: Option<Convolution>,
    }
}

architecture!(M1Config, baseline: common.hidden, convolution);

/// The model: `q(z|x)` and `p(x|z)`.
#[derive(Module, Debug)]
pub struct M1 {
    /// `q(z|x)`.
    pub encoder: GaussianNet,
    /// `p(x|z)`.
    pub decoder: Emission,
    #[module(skip)]
    classes: usize,
    #[module(skip)]
    view: View,
}

impl M1 {
    /// Builds the model, with weights from `noise`.
    ///
    /// # Errors
    /// If a size is zero or there are fewer than two classes.
    pub fn new(config: &M1Config, noise: &Noise, device: &Device) -> Result<Self> {
        config.common.check()?;
        at_least_one("model.latent", config.latent)?;
        let pair = Pair {
            common: &config.common,
            classes: 0,
            latent: config.latent,
            convolution: config.convolution.as_ref(),
        };
        let (encoder, decoder) = pair.init(noise, device)?;
        let view = View::new(&config.common);
        Ok(Self { encoder, decoder, classes: config.common.classes, view })
    }

    /// `q(z|x)`: `[batch, features]` to `[batch, latent]`.
    pub fn posterior(&self, x: Tensor<2>, training: Option<&Training>) -> Gaussian {
        let x = self.encoder.look(self.view.of(x, training), training);
        self.encoder.forward(Inputs::shared(x, &Classes::Every))
    }

    /// `p(x|z)`: `[rows, latent]` to `[rows, features]`.
    pub fn emit(&self, z: Tensor<2>) -> Observation {
        self.decoder.forward(Inputs::own(z, &Classes::Every))
    }
}

/// Every class alike: M1 does not tell them apart.
impl Classify for M1 {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        let [batch, _] = x.dims();
        Tensor::zeros([batch, self.classes], &x.device())
    }
}

impl Generative for M1 {
    fn classes(&self) -> usize {
        self.classes
    }

    fn widths(&self) -> Widths {
        Widths { example: 0, row: self.latent() }
    }

    fn features(&self, x: Tensor<2>) -> Tensor<2> {
        self.posterior(x, None).mean
    }

    /// With `q(y|x)` and `p(y)` uniform, `U(x)` is the bound of the autoencoder itself. The class makes no
    /// difference, so an example's first draw serves them all: `K` importance samples of `z` are `K`, not `K`
    /// for each class.
    fn bound(
        &self,
        x: Tensor<2>,
        look: &Look,
        y: &Classes,
        epsilon: Tensor<2>,
        divergence: Divergence,
    ) -> Bound {
        let [batch, _] = x.dims();
        let q = self.posterior(x.clone(), look.training.as_ref());
        let z = q.sample(epsilon.slice_dim(0, 0..batch));
        let each =
            |shared: Tensor<1>| y.spread(shared.unsqueeze_dim(1), self.classes).squeeze_dim::<1>(1);
        Bound {
            divergences: vec![("kl_z", each(divergence.from_standard(&q, &z)))],
            reconstruction: each(self.emit(z).log_prob(x)),
            log_prior_y: -(self.classes as f64).ln(),
        }
    }

    fn measure(&mut self, x: Tensor<2>) {
        self.encoder.measure(x);
    }

    fn latent(&self) -> usize {
        self.encoder.outputs()
    }

    fn encode(&self, x: Tensor<2>, _: &Classes) -> Tensor<2> {
        self.posterior(x, None).mean
    }

    fn decode(&self, z: Tensor<2>, _: &Classes) -> Observation {
        self.emit(z)
    }
}
