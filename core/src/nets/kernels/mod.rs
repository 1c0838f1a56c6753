//! Operations that exist twice: on the CPU as plain loops over memory with a backward pass of their own, and on every
//! other device composed from the framework's operations, which is also what tests hold the loops to.
//!
//! Layers call [`activate`](activate::activate), [`convolve`](convolve::convolve), [`normalise`](normalise::normalise)
//! and [`pool`](pool::pool), and do not know which of the two runs. The other files are what these share.

pub mod activate;
pub mod activation;
#[cfg(feature = "flex")]
mod clamp;
pub mod convolve;
#[cfg(feature = "flex")]
mod correlate;
#[cfg(feature = "flex")]
mod dots;
#[cfg(feature = "flex")]
mod gather;
#[cfg(feature = "flex")]
mod matrix;
#[cfg(feature = "cube")]
mod nonlinear;
pub mod normalise;
#[cfg(feature = "flex")]
mod packing;
#[cfg(feature = "flex")]
pub mod perceptron;
pub mod pool;
#[cfg(feature = "flex")]
mod reach;
pub mod rows;
#[cfg(feature = "flex")]
mod tile;
pub mod window;
#[cfg(feature = "flex")]
mod winograd;
