//! Operations that exist twice: on the CPU as plain loops over memory with a backward pass of their own, and on every
//! other device composed from the framework's operations, which is also what tests hold the loops to.
//!
//! Layers call [`activate`](activate::activate), [`convolve`](convolve::convolve), [`normalise`](normalise::normalise)
//! and [`pool`](pool::pool), and do not know which of the two runs. The other files are what these share.

pub mod activate;
pub mod activation;
pub mod convolve;
pub mod normalise;
#[cfg(feature = "flex")]
mod patches;
pub mod pool;
pub mod rows;
pub mod window;
