//! Gleaner.
#![warn(missing_docs)]

pub mod data;
pub mod error;
