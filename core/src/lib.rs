//! Semi-supervised deep generative models, samplers, filters and coresets, for native programs and web pages.
//!
//! The filter and the coreset take samples of any generator:
//!
//! ```
#![doc = include_str!("../examples/filter_and_pick.rs")]
//! ```
//!
//! `examples/train_m2.rs` trains a model, measures it and draws from it.
//!
//! # The map
//!
//! Read from left to right, one example travels from the bytes of a file to a weighted set of samples:
//!
//! [`data`] → [`nets`] → [`dist`] → [`sampler`] → [`models`] → [`objective`] → [`train`] → [`checkpoint`] → [`measures`] →
//! [`sample`] → [`drawing`] → [`traverse`] → [`filter`] → [`coreset`] → [`ink`] → [`tile`] → [`infer`] → [`recipe`] → [`problem`] →
//! [`course`]
//!
//! on the ground of [`error`], [`simd`], [`noise`], [`mod@module_path`], [`eigen`], [`quantile`] and [`workers`]. Nothing points left.
//!
//! There are no files here, no clock, no threads that the caller did not lend, no global randomness and no synchronous
//! read-back, so that the same code trains natively and samples in a browser. Natural logarithms, nats; sums over
//! dimensions, means over the batch. Numbers such as E1 refer to `docs/equations.md`.

// Tests compare on the host, where reading back and waiting are fine.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod checkpoint;
pub mod coreset;
pub mod course;
pub mod data;
pub mod dist;
pub mod drawing;
pub mod eigen;
pub mod error;
pub mod filter;
pub mod infer;
pub mod ink;
pub mod measures;
pub mod models;
pub mod module_path;
pub mod nets;
pub mod objective;
pub mod problem;
pub mod quantile;
pub mod recipe;
pub mod sample;
pub mod sampler;
pub mod tile;
pub mod train;
pub mod traverse;
pub mod workers;

pub use error::{Error, Result};
pub use gleaner_kernels::{noise, simd};
