//! Independent Bernoulli variables.

use burn::tensor::{Tensor, activation};

use super::groups;
use crate::nets::softplus;

/// Bernoulli variables given by `logits`, `[rows, dimensions]`.
#[derive(Clone, Debug)]
pub struct Bernoulli {
    /// `log(p / (1 - p))`.
    pub logits: Tensor<2>,
}

impl Bernoulli {
    /// Log-probability of `x`: `Σ_d x l - log(1 + exp(l))` (E6). Grey levels in [0, 1] count as expected
    /// bits.
    ///
    /// # Shapes
    /// - `x`: `[batch, dimensions]`, where `rows` is a multiple of `batch`: group `g` of rows, `g * batch`
    ///   and following, is compared with the whole of `x`
    /// - output: `[rows]`, nats
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        let [rows, _] = self.logits.dims();
        let (logits, x) = groups(self.logits.clone(), x);
        (logits.clone() * x - softplus(logits)).sum_dim(2).reshape([rows])
    }

    /// Probabilities, `[rows, dimensions]`.
    pub fn mean(&self) -> Tensor<2> {
        activation::sigmoid(self.logits.clone())
    }
}
