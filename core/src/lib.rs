//! The core of Gleaner. Read top to bottom, one example travels from disk bytes to a trained model's sample:
//!
//! [`simd`] → [`eigen`] → [`noise`] → [`workers`] → [`data`] → [`nets`] → [`dist`] → [`sampler`] → [`models`] → [`objective`] →
//! [`train`] → [`checkpoint`] → [`sample`] → [`drawing`] → [`traverse`] → [`eval`] → [`units`] → [`predictions`] → [`filter`] →
//! [`coreset`] → [`fidelity`] → [`ink`] → [`tile`] → [`infer`]
//!
//! Nothing points left. There are no files here, no clock, no threads it did not get, no global randomness
//! and no synchronous read-back, so that the same code trains natively and samples in a browser. Numbers
//! such as E1 refer to `docs/equations.md`.

// Tests compare on the host, where reading back and waiting are fine.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod checkpoint;
pub mod coreset;
pub mod data;
pub mod dist;
pub mod drawing;
pub mod eigen;
pub mod error;
pub mod eval;
pub mod fidelity;
pub mod filter;
pub mod infer;
pub mod ink;
pub mod models;
pub mod module_path;
pub mod nets;
pub mod noise;
pub mod objective;
pub mod predictions;
pub mod sample;
pub mod sampler;
pub mod simd;
pub mod tile;
pub mod train;
pub mod traverse;
pub mod units;
pub mod workers;

pub use error::{Error, Result};
