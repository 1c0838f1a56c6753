//! What every objective returns.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::data::SemiBatch;
use crate::noise::Noise;

/// A scalar to minimise and the named quantities that explain it.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What is minimised, `[1]`.
    pub total: Tensor<1>,
    /// Named means over the batch, each `[1]`, cut from the tape: for people, not for the optimiser.
    pub parts: Vec<(&'static str, Tensor<1>)>,
}

impl Terms {
    /// Starts from the scalar that is minimised.
    pub fn new(total: Tensor<1>) -> Self {
        let part = total.clone().detach();
        Self { total, parts: vec![("objective", part)] }
    }

    /// Adds a named mean.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Tensor<1>) -> Self {
        self.parts.push((name, value.detach()));
        self
    }
}

/// Something a model is trained on.
pub trait Objective<M: Module> {
    /// The terms for one batch.
    ///
    /// `kl_weight` multiplies every divergence from the prior: below one during warm-up, one after it.
    fn terms(&self, model: &M, batch: &SemiBatch, kl_weight: f64, noise: &Noise) -> Terms;
}
