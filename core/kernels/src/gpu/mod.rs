//! Elementwise kernels for GPUs, written once in CubeCL: how they are launched, and the functions that they share.
//!
//! What the framework composes of ten operations is ten launches and ten trips through memory unless it fuses them. A kernel of our own
//! is one, fused or not. Its functions are good for all numbers, also where a GPU's own are not: `log(1 + t)` loses small `t`, and `tanh`
//! overflows.

mod functions;
mod launch;
mod pack;
mod sums;

pub(crate) use functions::{sigmoid, softplus, softplus_slope};
pub use launch::is_gpu;
pub(crate) use launch::{Elementwise, new, stretched};
pub use pack::Places;
pub use sums::{share_of_mean, sum_of_rows};
