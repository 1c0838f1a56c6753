//! One verb per file.

pub mod baselines;
pub mod bench;
pub mod data;
pub mod devices;
pub mod embed;
pub mod eval;
mod opening;
pub mod reconstruct;
pub mod report;
pub mod reproduce;
pub mod sample;
pub mod train;
pub mod traverse;
