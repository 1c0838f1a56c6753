//! ADGM: the auxiliary deep generative model (Maaløe et al. 2016; E18). The generative model is M2's; `a` is
//! there for the recognition model alone.
//!
//! ```text
//! y ~ Cat(1/K)      z ~ N(0, I)      x ~ p(x | y, z)      a ~ p(a | x, y, z)
//! ```

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::auxiliary::{AuxiliaryConfig, Recognition};
use super::blocks::{Emission, GaussianNet};
use super::generative::{Bound, Classify, Divergence, Generative, Look, Widths};
use super::observation::Observation;
use super::view::View;
use crate::dist::Gaussian;
use crate::error::Result;
use crate::nets::{Classes, Fan, Inputs};
use crate::noise::Noise;

/// The model.
#[derive(Module, Debug)]
pub struct Adgm {
    /// `q(a|x)`, `q(y|a,x)`, `q(z|a,y,x)`.
    pub recognition: Recognition,
    /// `p(a|x,y,z)`.
    pub auxiliary: GaussianNet,
    /// `p(x|y,z)`.
    pub decoder: Emission,
    #[module(skip)]
    classes: usize,
}

impl Adgm {
    /// Builds the model, with weights from `noise`.
    ///
    /// # Errors
    /// If a size is zero or there are fewer than two classes.
    pub fn new(config: &AuxiliaryConfig, noise: &Noise, device: &Device) -> Result<Self> {
        config.check()?;
        let (classes, latent) = (config.common.classes, config.latent);
        let seen = View::new(&config.common).width(config.common.features());
        let of_a = Fan { features: seen, beside: latent, classes };
        let of_x = Fan { features: latent, beside: 0, classes };
        let mut stream = noise.split("generated auxiliary");
        Ok(Self {
            recognition: Recognition::new(config, noise, device),
            auxiliary: config.gaussian(of_a, config.auxiliary, &mut stream, device),
            decoder: config.emission(of_x, &mut noise.split("decoder"), device),
            classes,
        })
    }
}

impl Classify for Adgm {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.recognition.classify(x)
    }
}

impl Generative for Adgm {
    fn classes(&self) -> usize {
        self.classes
    }

    fn widths(&self) -> Widths {
        Widths { example: self.auxiliary.outputs(), row: self.latent() }
    }

    fn infer(&self, x: Tensor<2>, look: &Look) -> Option<Gaussian> {
        Some(self.recognition.infer(x, look))
    }

    fn logits(&self, x: Tensor<2>, look: &Look) -> Tensor<2> {
        self.recognition.logits(x, look)
    }

    fn features(&self, x: Tensor<2>) -> Tensor<2> {
        self.recognition.features(x)
    }

    /// `a` is drawn once for an example. Its divergence has no closed form, for `p(a|x,y,z)` depends on `z`,
    /// which depends on `a`.
    fn bound(
        &self,
        x: Tensor<2>,
        look: &Look,
        y: &Classes,
        epsilon: Tensor<2>,
        divergence: Divergence,
    ) -> Bound {
        let seen = self.recognition.seen(x.clone(), look.training.as_ref());
        let (q_a, a) = self.recognition.draw(seen.clone(), look);
        let q_z = self.recognition.z(a.clone(), seen.clone(), y);
        let z = q_z.sample(epsilon);
        let p_a = self.auxiliary.forward(Inputs::shared(seen, y).beside(z.clone()));
        let kl_z = divergence.from_standard(&q_z, &z);
        Bound {
            divergences: vec![("kl_z", kl_z), ("kl_a", log_ratio(&q_a, &p_a, a))],
            reconstruction: self.decode(z, y).log_prob(x),
            log_prior_y: -(self.classes as f64).ln(),
        }
    }

    fn latent(&self) -> usize {
        self.recognition.encoder.outputs()
    }

    fn encode(&self, x: Tensor<2>, y: &Classes) -> Tensor<2> {
        let seen = self.recognition.seen(x, None);
        let a = self.recognition.a(seen.clone()).mean;
        self.recognition.z(a, seen, y).mean
    }

    fn decode(&self, z: Tensor<2>, y: &Classes) -> Observation {
        self.decoder.forward(Inputs::own(z, y))
    }
}

/// `log q(a|x) - log p(a|...)` at `a [batch, dimensions]`, of which `p` has a row for each class: `[rows]`.
pub(super) fn log_ratio(q: &Gaussian, p: &Gaussian, a: Tensor<2>) -> Tensor<1> {
    let log_p = p.log_prob(a.clone());
    let ([batch, _], [rows]) = (a.dims(), log_p.dims());
    let log_q = q.log_prob(a).unsqueeze::<2>();
    (log_q - log_p.reshape([rows / batch, batch])).reshape([rows])
}
