//! Objectives: from a model, a batch and noise to the terms of one scalar to minimise.

mod augment;
mod latent_ebm;
mod marginalize;
mod mier;
mod ramp;
mod semi_supervised;
mod supervised;
mod terms;
mod unsupervised;
mod untapped;

pub use augment::{Augmentation, Shift};
pub use latent_ebm::{LatentEbmObjective, LatentEbmSettings, Start};
pub use marginalize::{Marginalize, Picks};
pub use mier::{MierConfig, mutual_information};
pub use ramp::{Elapsed, Ramp};
pub use semi_supervised::{
    Average, Begun, Draws, LatentDraws, Looks, Seen, SemiSupervised, SemiSupervisedConfig,
    Supervision, UnlabelledBound,
};
pub use semi_supervised::{
    effective_alpha, importance_log_weights, labelled_bound, unlabelled_bound,
    unlabelled_bound_under,
};
pub use supervised::SupervisedObjective;
pub use terms::{Objective, Terms};
pub use unsupervised::Unsupervised;
pub use untapped::{UnfeaturedZ, UntappedObjective, UntappedWeights};
