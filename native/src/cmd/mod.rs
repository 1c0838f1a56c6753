//! The verbs of the command line, one per file.

pub mod data;
