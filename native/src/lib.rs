//! Gleaner's command line: files, progress, run directories, pictures and loops around [`gleaner_core`].

// Tests write broken fixtures on purpose.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod files;
pub mod interrupt;
pub mod picture;
pub mod plot;
pub mod progress;
