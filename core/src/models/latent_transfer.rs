//! The nearest `z` of a class: how an example is moved from class to class where nothing but `z` knows the class (E42).

use std::ops::Range;

use burn::tensor::{Tensor, activation};

use super::latent_prior::LatentPrior;
use crate::dist::{Categorical, Gaussian};
use crate::noise::Noise;
use crate::sampler::{Chains, Evaluation, Langevin, LogDensity, StepSize};
use crate::workers::InTurn;

/// Steps of the climb.
const STEPS: usize = 100;

/// Factor of the gradient in each.
const DRIFT: f64 = 0.05;

/// `log p(y|z) + log N(z; near, I)`: a class, and a place not to leave further than that takes, for each row.
#[derive(Clone, Debug)]
pub struct TransferDensity<'a> {
    prior: &'a LatentPrior,
    near: Tensor<2>,
    y: Tensor<2>,
}

impl<'a> TransferDensity<'a> {
    /// From `near [rows, latent]` to the classes `y [rows, classes]`, one-hot.
    pub fn new(prior: &'a LatentPrior, near: Tensor<2>, y: Tensor<2>) -> Self {
        Self { prior, near, y }
    }

    /// Climbs from there, `[rows, latent]`.
    pub fn climb(&self) -> Tensor<2> {
        let sampler =
            Langevin { step: StepSize { drift: DRIFT }, temperature: 0.0, adjusted: false };
        // At temperature 0 nothing is drawn.
        Chains { sampler, steps: STEPS }.run(self, self.near.clone(), &Noise::new(0), &InTurn)
    }
}

impl LogDensity for TransferDensity<'_> {
    fn evaluate(&self, z: Tensor<2>, chains: Range<usize>) -> Evaluation {
        let of = |all: &Tensor<2>| all.clone().slice_dim(0, chains.clone());
        let (y, away) = (of(&self.y), z.clone() - of(&self.near));
        let short_of = |logits: &Tensor<2>| y.clone() - activation::softmax(logits.clone(), 1);
        let (logits, gradient) = self.prior.energy.pull_back(z, short_of);
        let log_class = Categorical::from_logits(logits).log_prob(y.clone());
        Evaluation {
            log_density: log_class + Gaussian::standard_log_prob(away.clone()),
            gradient: gradient - away,
        }
    }
}
