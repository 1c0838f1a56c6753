//! One verb per file.

pub mod baselines;
pub mod bench;
mod ceilings;
pub mod coreset;
pub mod data;
pub mod devices;
pub mod embed;
pub mod eval;
pub mod export;
pub mod filter;
pub mod licences;
mod opening;
mod option_error;
mod own_options;
pub mod predict;
pub mod publish;
pub mod reconstruct;
pub mod report;
pub mod reproduce;
pub mod sample;
pub mod serve;
pub mod serve_device;
mod shard_option;
pub mod show;
mod target;
pub mod train;
pub mod traverse;
