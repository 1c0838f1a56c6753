//! Gleaner.
#![warn(missing_docs)]

pub mod cmd;
pub mod dataset;
pub mod fetch;
pub mod registry;
