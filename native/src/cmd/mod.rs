//! One verb per file.

pub mod baselines;
pub mod bench;
pub mod data;
pub mod devices;
pub mod eval;
pub mod reconstruct;
pub mod reproduce;
pub mod sample;
pub mod train;
