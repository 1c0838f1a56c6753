//! Gleaner's command line: files, progress, run directories, pictures and loops around [`gleaner_core`].

pub mod files;
pub mod interrupt;
pub mod picture;
pub mod plot;
pub mod progress;
