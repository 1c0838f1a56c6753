//! The Concrete distribution, or Gumbel-softmax (Maddison et al. 2017; Jang et al. 2017): classes relaxed to
//! points of the simplex, through which gradients flow.

use burn::tensor::{Tensor, activation};

use super::log_sum_exp;

/// Relaxed classes from `logits`, `[rows, classes]`.
#[derive(Clone, Debug)]
pub struct Concrete {
    /// Logits, normalised or not.
    pub logits: Tensor<2>,
    /// The lower, the closer to one-hot.
    pub temperature: f64,
}

impl Concrete {
    /// Uniform numbers are kept this far from 0 and 1: their Gumbel numbers have to be finite in single
    /// precision.
    const MARGIN: f64 = 1e-6;

    /// The logarithm of a draw, `softmax((logits + g) / temperature)` with Gumbel `g` (Maddison et al., eq. 10).
    ///
    /// # Shapes
    /// - `uniform`, output: `[rows, classes]`
    pub fn sample_log(&self, uniform: Tensor<2>) -> Tensor<2> {
        let inside = uniform.clamp(Self::MARGIN, 1.0 - Self::MARGIN);
        let gumbel = inside.log().neg().log().neg();
        activation::log_softmax((self.logits.clone() + gumbel) / self.temperature, 1)
    }

    /// Log-density on the simplex at `exp(log_y)` (Maddison et al., eq. 11): `[rows]`, nats.
    pub fn log_prob(&self, log_y: Tensor<2>) -> Tensor<1> {
        let ([_, classes], t) = (log_y.dims(), self.temperature);
        let scores = self.logits.clone() - log_y.clone() * t;
        let sum = |terms: Tensor<2>| terms.sum_dim(1).squeeze_dim::<1>(1);
        let constant = log_uniform(classes) + (classes as f64 - 1.0) * t.ln();
        sum(scores.clone() - log_y) - log_sum_exp(scores, 1) * classes as f64 + constant
    }
}

/// Log-density of the uniform distribution on the simplex of `classes` corners: `log (classes - 1)!`.
pub fn log_uniform(classes: usize) -> f64 {
    (1..classes).map(|k| (k as f64).ln()).sum()
}
