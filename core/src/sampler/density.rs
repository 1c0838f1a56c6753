//! The trait of densities that chains can sample.

use std::ops::Range;

use burn::tensor::Tensor;

use crate::dist::Gaussian;

/// A log-density, up to a constant, and its gradient at some points.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// `[rows]`, nats.
    pub log_density: Tensor<1>,
    /// `[rows, dimensions]`.
    pub gradient: Tensor<2>,
}

/// A target of chains.
pub trait LogDensity: Sync {
    /// The target at the points `z [rows, dimensions]`. `chains` says which chains these rows are, for a target that
    /// differs from chain to chain.
    fn evaluate(&self, z: Tensor<2>, chains: Range<usize>) -> Evaluation;

    /// The gradient alone, for those who do not ask how high they are.
    fn gradient(&self, z: Tensor<2>, chains: Range<usize>) -> Tensor<2> {
        self.evaluate(z, chains).gradient
    }
}

/// N(0, I).
#[derive(Clone, Copy, Debug)]
pub struct StandardNormal;

impl LogDensity for StandardNormal {
    fn evaluate(&self, z: Tensor<2>, _: Range<usize>) -> Evaluation {
        Evaluation { log_density: Gaussian::standard_log_prob(z.clone()), gradient: z.neg() }
    }
}
