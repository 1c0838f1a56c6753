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

/// How far the warm-ups have come: factors from zero to one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp {
    /// Of every divergence from the prior.
    pub kl: f64,
    /// Of the gradient that unlabelled examples send to the classifier through their bound.
    pub classifier: f64,
}

impl WarmUp {
    /// All of them are over.
    pub const DONE: Self = Self { kl: 1.0, classifier: 1.0 };
}

/// Something a model is trained on.
pub trait Objective<M: Module> {
    /// The terms for one batch.
    fn terms(&self, model: &M, batch: &SemiBatch, warm_up: WarmUp, noise: &Noise) -> Terms;
}
