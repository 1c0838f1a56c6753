//! Data sets on this machine: which there are, getting them, opening them, and files of samples.

pub mod dataset;
pub mod fetch;
pub mod registry;
pub mod rows;
pub mod samples;
