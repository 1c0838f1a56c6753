//! SDGM: the skip deep generative model (Maaløe et al. 2016, section 3.3; E18), which the authors of ADGM
//! released. Its `a` is a latent variable like any other: `x` is made of it.
//!
//! ```text
//! y ~ Cat(1/K)      z ~ N(0, I)      a ~ p(a | y, z)      x ~ p(x | a, y, z)
//! ```

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::adgm::log_ratio;
use super::auxiliary::{AuxiliaryConfig, Recognition};
use super::blocks::{Emission, GaussianNet};
use super::generative::{Bound, Classify, Divergence, Generative, Look, Widths};
use super::observation::Observation;
use crate::dist::Gaussian;
use crate::error::Result;
use crate::nets::{Classes, Fan, Inputs};
use crate::noise::Noise;

/// The model.
#[derive(Module, Debug)]
pub struct Sdgm {
    /// `q(a|x)`, `q(y|a,x)`, `q(z|a,y,x)`.
    pub recognition: Recognition,
    /// `p(a|y,z)`.
    pub auxiliary: GaussianNet,
    /// `p(x|a,y,z)`, whose first vector is `z`.
    pub decoder: Emission,
    #[module(skip)]
    classes: usize,
}

impl Sdgm {
    /// Builds the model, with weights from `noise`.
    ///
    /// # Errors
    /// If a size is zero or there are fewer than two classes.
    pub fn new(config: &AuxiliaryConfig, noise: &Noise, device: &Device) -> Result<Self> {
        config.check()?;
        let AuxiliaryConfig { latent, auxiliary, .. } = *config;
        let classes = config.common.classes;
        let of_a = Fan { features: latent, beside: 0, classes };
        let of_x = Fan { features: latent, beside: auxiliary, classes };
        let mut stream = noise.split("generated auxiliary");
        Ok(Self {
            recognition: Recognition::new(config, noise, device),
            auxiliary: config.gaussian(of_a, auxiliary, &mut stream, device),
            decoder: config.emission(of_x, &mut noise.split("decoder"), device),
            classes,
        })
    }
}

impl Classify for Sdgm {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.recognition.classify(x)
    }
}

impl Generative for Sdgm {
    fn classes(&self) -> usize {
        self.classes
    }

    fn widths(&self) -> Widths {
        let row = self.recognition.encoder.outputs();
        Widths { example: self.auxiliary.outputs(), row }
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
        let q_z = self.recognition.z(a.clone(), seen, y);
        let z = q_z.sample(epsilon);
        let p_a = self.auxiliary.forward(Inputs::own(z.clone(), y));
        let p_x = self.decoder.forward(Inputs::own(z.clone(), y).beside(a.clone()));
        let kl_z = divergence.from_standard(&q_z, &z);
        Bound {
            divergences: vec![("kl_z", kl_z), ("kl_a", log_ratio(&q_a, &p_a, a))],
            reconstruction: p_x.log_prob(x),
            log_prior_y: -(self.classes as f64).ln(),
        }
    }

    /// `z`, then the noise of `a`.
    fn latent(&self) -> usize {
        self.recognition.encoder.outputs() + self.auxiliary.outputs()
    }

    fn layers(&self) -> Vec<(&'static str, usize)> {
        vec![("z", self.recognition.encoder.outputs()), ("a", self.auxiliary.outputs())]
    }

    fn encode(&self, x: Tensor<2>, y: &Classes) -> Tensor<2> {
        let seen = self.recognition.seen(x, None);
        let a = self.recognition.a(seen.clone()).mean;
        let z = self.recognition.z(a.clone(), seen, y).mean;
        let noise = self.auxiliary.forward(Inputs::own(z.clone(), y)).noise_of(a);
        Tensor::cat(vec![z, noise], 1)
    }

    fn decode(&self, z: Tensor<2>, y: &Classes) -> Observation {
        let split = self.recognition.encoder.outputs();
        let (z, noise) = (z.clone().slice_dim(1, 0..split), z.slice_dim(1, split..self.latent()));
        let a = self.auxiliary.forward(Inputs::own(z.clone(), y)).sample(noise);
        // A row of its own for each, so both are what one row has: there is nothing to share.
        let inputs = Inputs::own(z, y).beside(a);
        self.decoder.forward(inputs)
    }
}
