//! The settings of what a model adds to the labelled examples.

use crate::coreset::{Method, Space};
use serde::{Deserialize, Serialize};

/// What the model adds to the labelled examples (coreset, algorithm 1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AugmentSettings {
    /// Step before which samples are first drawn.
    pub at: u64,
    /// Samples to draw, shared out over the classes.
    pub pool: usize,
    /// Nats that the entropy of a sample must be below; absent, all are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_entropy: Option<f64>,
    /// Whether its most probable class must be the one that it was drawn for.
    pub keep_agreeing: bool,
    /// Share of those kept that is chosen; absent, all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coreset: Option<f64>,
    /// How many are chosen at most; 0 leaves pseudo-labels alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<usize>,
    /// By what they are chosen: `craig`, `adacore`, `random` or `confidence`.
    pub method: Method,
    /// What they are compared by: `gradient`, `last-layer`, `embedding` (the last hidden layer), `cosine` (its direction) or `latent`.
    #[serde(default, skip_serializing_if = "is_gradient")]
    pub space: Space,
    /// Whether a sample that was chosen by distances counts as often as it stands for.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub weigh: bool,
    /// Steps after which all this is done again.
    pub every: u64,
    /// Weight of the cross-entropy of one of them against that of a labelled example.
    pub weight: f64,
    /// Whether unlabelled examples of low entropy are trained on as what they are taken for.
    pub pseudo_label: bool,
}

fn is_gradient(space: &Space) -> bool {
    *space == Space::Gradient
}

fn yes() -> bool {
    true
}

fn is_yes(told: &bool) -> bool {
    *told
}
