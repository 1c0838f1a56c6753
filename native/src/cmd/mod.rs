//! One verb per file.

pub mod bench;
pub mod data;
pub mod devices;
pub mod embed;
pub mod eval;
mod opening;
pub mod reconstruct;
pub mod report;
pub mod sample;
pub mod train;
pub mod traverse;
