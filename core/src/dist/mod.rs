//! Distributions: log-densities, reparameterised draws, divergences. Natural logarithms, sums over
//! dimensions, one value per row.

mod bernoulli;
mod categorical;
mod concrete;
mod gaussian;
mod log_gamma;
mod logistic_flow;
mod mixed;
mod multinomial;

pub use bernoulli::Bernoulli;
pub use categorical::{Categorical, log_sum_exp};
pub use concrete::{Concrete, log_uniform};
pub use gaussian::{Gaussian, IsotropicGaussian, clamp_log_var};
pub use logistic_flow::LogisticFlow;
pub use mixed::{Column, Levels, LogCounts, Mixed, places};
pub use multinomial::Multinomial;

use burn::tensor::Tensor;

/// Lines parameters `[groups * batch, dimensions]` up with data `[batch, dimensions]` for broadcasting:
/// `[groups, batch, dimensions]` and `[1, batch, dimensions]`. Enumerating classes compares each image with
/// one row per class, and the image is not copied for that.
fn groups(parameters: Tensor<2>, x: Tensor<2>) -> (Tensor<3>, Tensor<3>) {
    let [rows, dimensions] = parameters.dims();
    let [batch, _] = x.dims();
    (parameters.reshape([rows / batch, batch, dimensions]), x.unsqueeze::<3>())
}
