//! Objectives: from a model, a batch and noise to the terms of one scalar to minimise.

mod m2;
mod mier;
mod supervised;
mod terms;

pub use m2::{
    LabelledBound, M2Draws, M2Objective, M2ObjectiveConfig, UnlabelledBound, effective_alpha,
};
pub use m2::{importance_log_weights, labelled_bound, unlabelled_bound};
pub use mier::{MierConfig, mutual_information};
pub use supervised::SupervisedObjective;
pub use terms::{Objective, Terms};
