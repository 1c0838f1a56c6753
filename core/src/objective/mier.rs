//! MIER: mutual-information and entropy regularisation of the unlabelled bound (Niloy et al., "Deep Dive
//! into Semi-Supervised ELBO").

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::ramp::Ramp;
use crate::dist::Categorical;

/// Weights of `M(x) = U(x) + gamma I(y; x) - beta H(q(y|x))` (E10).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MierConfig {
    /// Weight of the entropy of each prediction, which is pushed down.
    pub beta: Ramp,
    /// Weight of the mutual information, which is pushed up.
    pub gamma: Ramp,
}

impl Default for MierConfig {
    fn default() -> Self {
        Self { beta: Ramp::constant(5.0), gamma: Ramp::constant(1.0) }
    }
}

/// `I(y; x) = H(mean_x q(y|x)) - mean_x H(q(y|x))` over a batch (E11), in nats, `[1]`. Between 0 (every
/// prediction the same) and `log K` (sharp predictions spread evenly over the classes).
pub fn mutual_information(q: &Categorical) -> Tensor<1> {
    let [batch, _] = q.log_probs().dims();
    surprise(q, log_marginal(summed_probs(q), batch)).mean()
}

/// `Σ_x q(y|x)` over some of a batch, `[classes]`.
pub(super) fn summed_probs(q: &Categorical) -> Tensor<1> {
    q.probs().sum_dim(0).squeeze_dim::<1>(0)
}

/// `log mean_x q(y|x)` from the sums over a whole batch, `[classes]`, held constant.
pub(super) fn log_marginal(summed: Tensor<1>, batch: usize) -> Tensor<1> {
    // A class that has no weight at all takes no part in any sum below; its logarithm must be finite.
    (summed.detach() / batch as f64).clamp_min(1e-30).log()
}

/// `KL(q(y|x) || mean_x q(y|x))` of each example, `[batch]`: their mean is `I(y; x)`. So is its gradient
/// with the marginal held constant, for the marginal's own share is that of `Σ_y mean_x q(y|x) = 1`: none.
pub(super) fn surprise(q: &Categorical, log_marginal: Tensor<1>) -> Tensor<1> {
    let gain = q.log_probs() - log_marginal.unsqueeze::<2>();
    q.expectation(gain)
}
