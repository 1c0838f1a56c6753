//! Gradient clipping by global norm (Pascanu et al. 2013): all gradients together keep their direction.

use burn::tensor::Tensor;

/// Norm of all gradients together from the sums of their squares, `[1]` each, and the factor
/// `min(1, max_norm / norm)` (E14). Nothing is read back: both stay on the device.
pub(super) fn norm_and_factor(
    squares: impl Iterator<Item = Tensor<1>>,
    max_norm: f64,
) -> Option<(Tensor<1>, Tensor<1>)> {
    let norm = squares.reduce(|sum, square| sum + square)?.sqrt();
    // A norm of zero must give a factor of one, not a division by zero.
    let factor = norm.clone().clamp_min(max_norm).recip() * max_norm;
    Some((norm, factor))
}
