//! A Gaussian squeezed into a box by a scaled sigmoid (Gemp et al., "Inverting VAEs", appendix A; E20).

use burn::tensor::{Tensor, activation};

use super::Gaussian;

/// The box `[low, high]^d`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogisticFlow {
    /// Lower end of every side.
    pub low: f64,
    /// Upper end of every side.
    pub high: f64,
}

impl LogisticFlow {
    /// How far from the ends a point is kept that the inverse is asked for, as a share of the side.
    const MARGIN: f64 = 1e-6;

    /// `low + (high - low) sigmoid(u)`, of each of `[rows, latent]`.
    pub fn forward(&self, u: Tensor<2>) -> Tensor<2> {
        activation::sigmoid(u) * (self.high - self.low) + self.low
    }

    /// The `u` that [`LogisticFlow::forward`] takes to `z`. Points on the edge are moved inside.
    pub fn inverse(&self, z: Tensor<2>) -> Tensor<2> {
        let share = (z - self.low) / (self.high - self.low);
        let share = share.clamp(Self::MARGIN, 1.0 - Self::MARGIN);
        share.clone().log() - share.neg().add_scalar(1.0).log()
    }

    /// `log |dz/du|`: `[rows]`.
    pub fn log_det(&self, u: Tensor<2>) -> Tensor<1> {
        let [_, dimensions] = u.dims();
        let slopes = activation::log_sigmoid(u.clone()) + activation::log_sigmoid(u.neg());
        slopes.sum_dim(1).squeeze_dim::<1>(1) + dimensions as f64 * (self.high - self.low).ln()
    }

    /// Log-density at `forward(u)` of what `forward` makes of draws of `base`: `[rows]`, nats.
    pub fn log_prob_at(&self, base: &Gaussian, u: Tensor<2>) -> Tensor<1> {
        base.log_prob(u.clone()) - self.log_det(u)
    }

    /// Log-density of the uniform distribution on the box, in nats.
    pub fn log_uniform(&self, dimensions: usize) -> f64 {
        -(dimensions as f64) * (self.high - self.low).ln()
    }
}
