//! The loops of `gleaner-core`: what a training step spends its time in. A crate of its own, so that a page's program can be compiled for
//! size but for these.
//!
//! Operations exist twice or three times: on the CPU as plain loops over memory with a backward pass of their own, on GPUs as kernels
//! (`*_gpu`), and composed from the framework's operations, which is what tests hold the others to. Layers and distributions call
//! [`activate`](activate::activate), [`convolve`](convolve::convolve), [`normalise`](normalise::normalise) and their like. The other
//! modules are what these share: [`simd`] for vectors, [`noise`] for random numbers, `gpu` for launches.

// Tests compare on the host, where reading back and waiting are fine.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod activate;
pub mod activation;
pub mod adam;
#[cfg(feature = "cube")]
pub mod adam_gpu;
#[cfg(feature = "flex")]
pub mod bernoulli;
#[cfg(feature = "cube")]
pub mod bernoulli_gpu;
#[cfg(feature = "cube")]
pub mod categorical_gpu;
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
pub mod gaussian;
#[cfg(feature = "cube")]
pub mod gaussian_gpu;
#[cfg(feature = "cube")]
pub mod gpu;
#[cfg(feature = "flex")]
mod matrix;
pub mod noise;
#[cfg(feature = "cube")]
mod nonlinear;
pub mod normalise;
#[cfg(feature = "flex")]
mod packing;
#[cfg(feature = "flex")]
pub mod perceptron;
#[cfg(feature = "cube")]
pub mod pixels_gpu;
pub mod pool;
#[cfg(feature = "flex")]
mod reach;
pub mod rows;
pub mod simd;
#[cfg(feature = "flex")]
mod tile;
pub mod window;
#[cfg(feature = "flex")]
mod winograd;
