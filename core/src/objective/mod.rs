//! Objectives: from a model, a batch and noise to the terms of one scalar to minimise.

mod augment;
mod m2;
mod marginalize;
mod mier;
mod supervised;
mod terms;

pub use augment::{Augmentation, Shift};
pub use m2::{
    LabelledBound, LatentDraws, M2Draws, M2Objective, M2ObjectiveConfig, Predictions, Seen,
    UnlabelledBound,
};
pub use m2::{
    effective_alpha, estimated_bound_under, importance_log_weights, labelled_bound,
    unlabelled_bound, unlabelled_bound_under,
};
pub use marginalize::{Marginalize, Picks};
pub use mier::{MierConfig, mutual_information};
pub use supervised::SupervisedObjective;
pub use terms::{Objective, Terms, WarmUp};
