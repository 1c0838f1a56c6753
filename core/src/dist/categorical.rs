//! Categorical distribution over classes.

use burn::tensor::{Tensor, activation};

#[cfg(feature = "cube")]
use gleaner_kernels::categorical_gpu::{self, Term};

/// A distribution over classes given by logits, `[batch, classes]`.
#[derive(Clone, Debug)]
pub struct Categorical {
    log_probs: Tensor<2>,
}

impl Categorical {
    /// From unnormalised log-probabilities `[batch, classes]`.
    pub fn from_logits(logits: Tensor<2>) -> Self {
        #[cfg(feature = "cube")]
        if categorical_gpu::suits(logits.dims()[1], &logits.device()) {
            return Self { log_probs: categorical_gpu::log_softmax(logits) };
        }
        Self { log_probs: activation::log_softmax(logits, 1) }
    }

    /// Normalised log-probabilities `[batch, classes]`.
    pub fn log_probs(&self) -> Tensor<2> {
        self.log_probs.clone()
    }

    /// Probabilities `[batch, classes]`.
    pub fn probs(&self) -> Tensor<2> {
        self.log_probs.clone().exp()
    }

    /// Shannon entropy per row, `[batch]`, nats (E9). In log-space: `0 log 0` is 0.
    pub fn entropy(&self) -> Tensor<1> {
        #[cfg(feature = "cube")]
        if self.suits_gpu() {
            return categorical_gpu::sum(self.log_probs(), self.log_probs(), Term::Entropy);
        }
        (self.probs() * self.log_probs()).sum_dim(1).squeeze_dim::<1>(1).neg()
    }

    /// `Σ_y q(y) f(y)` of each row, `f` `[batch, classes]`: `[batch]`.
    pub fn expectation(&self, f: Tensor<2>) -> Tensor<1> {
        #[cfg(feature = "cube")]
        if self.suits_gpu() {
            return categorical_gpu::sum(self.log_probs(), f, Term::Expected);
        }
        (self.probs() * f).sum_dim(1).squeeze_dim::<1>(1)
    }

    #[cfg(feature = "cube")]
    fn suits_gpu(&self) -> bool {
        categorical_gpu::suits(self.log_probs.dims()[1], &self.log_probs.device())
    }

    /// The same distribution, its gradient multiplied by `factor` on the way back to the logits.
    #[must_use]
    pub fn scale_gradient(self, factor: f64) -> Self {
        if factor == 1.0 {
            return self;
        }
        let held = self.log_probs.clone().detach();
        Self { log_probs: held.clone() + (self.log_probs - held) * factor }
    }

    /// Log-probability of the class that the one-hot `y` picks, `[batch]`, nats.
    pub fn log_prob(&self, y: Tensor<2>) -> Tensor<1> {
        #[cfg(feature = "cube")]
        if self.suits_gpu() {
            return categorical_gpu::sum(self.log_probs(), y, Term::Product);
        }
        (self.log_probs() * y).sum_dim(1).squeeze_dim::<1>(1)
    }
}

/// `log Σ exp` of a matrix along `dim`, which is removed: `[rows, columns]` to `[rows]` along 1. The largest term is
/// taken out first.
pub fn log_sum_exp(x: Tensor<2>, dim: usize) -> Tensor<1> {
    let max = x.clone().detach().max_dim(dim);
    let sum = (x - max.clone()).exp().sum_dim(dim).log();
    (sum + max).squeeze_dim::<1>(dim)
}
