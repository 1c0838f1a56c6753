//! A run: its settings, its folder, its data as it sees them, and what its model is worth.

mod belonging;
pub mod classify;
mod defaults;
pub mod folds;
pub mod judge;
pub mod measure;
mod problem;
pub mod readout;
pub mod recipe;
mod run_dir;
pub mod source;
pub mod summary;
mod trained_on;
pub mod unseen;
pub mod verdict;

pub use problem::{Places, Problem};
pub use run_dir::RunDir;
pub use trained_on::TrainedOn;
