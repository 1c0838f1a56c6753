//! MIER: mutual-information and entropy regularisation of the unlabelled bound (Niloy et al., "Deep Dive
//! into Semi-Supervised ELBO").

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::dist::{Categorical, log_sum_exp};

/// Weights of `M(x) = U(x) + gamma I(y; x) - beta H(q(y|x))` (E10).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MierConfig {
    /// Weight of the entropy of each prediction, which is pushed down.
    pub beta: f64,
    /// Weight of the mutual information, which is pushed up.
    pub gamma: f64,
}

impl Default for MierConfig {
    fn default() -> Self {
        Self { beta: 5.0, gamma: 1.0 }
    }
}

/// `I(y; x) = H(mean_x q(y|x)) - mean_x H(q(y|x))` over a batch (E11), in nats, `[1]`. Between 0 (every
/// prediction the same) and `log K` (sharp predictions spread evenly over the classes).
pub fn mutual_information(q: &Categorical) -> Tensor<1> {
    let log_probs = q.log_probs();
    let [batch, _] = log_probs.dims();
    let log_marginal = log_sum_exp(log_probs, 0) - (batch as f64).ln();
    let marginal_entropy = (log_marginal.clone().exp() * log_marginal).sum().neg();
    marginal_entropy - q.entropy().mean()
}
