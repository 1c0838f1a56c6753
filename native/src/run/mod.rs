//! A run: its settings, its folder, its data as it sees them, and what its model is worth.

mod belonging;
pub mod classify;
pub mod folds;
pub mod judge;
pub mod measure;
pub mod readout;
pub mod recipe;
mod run_dir;
pub mod source;
pub mod summary;
pub mod unseen;
pub mod verdict;

pub use gleaner_core::problem::{Places, Problem, TrainedOn};
pub use run_dir::RunDir;
