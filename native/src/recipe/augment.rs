//! The settings of what a model adds to the labelled examples.

use anyhow::{Result, bail};
use gleaner_core::coreset::Method;
use serde::{Deserialize, Serialize};

use super::ModelSettings;

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
    /// By what they are chosen: `craig`, `adacore`, `random` or `confidence`.
    pub method: Method,
    /// Steps after which all this is done again.
    pub every: u64,
    /// Weight of the cross-entropy of one of them against that of a labelled example.
    pub weight: f64,
    /// Whether unlabelled examples of low entropy are trained on as what they are taken for.
    pub pseudo_label: bool,
}

impl AugmentSettings {
    /// # Errors
    /// If a setting is none that a run can have, or the model has no classifier.
    pub(super) fn check(&self, model: &ModelSettings) -> Result<()> {
        let Self { pool, max_entropy, coreset, every, weight, .. } = *self;
        if pool == 0 || every == 0 {
            bail!("augment.pool and augment.every must be at least 1");
        }
        if let Some(threshold) = max_entropy.filter(|t| t.is_nan() || *t <= 0.0) {
            bail!("augment.max-entropy = {threshold}: no entropy is below it; give nats above 0");
        }
        if let Some(share) = coreset.filter(|share| !(*share > 0.0 && *share <= 1.0)) {
            bail!("augment.coreset = {share} is not valid: a share above 0 and at most 1");
        }
        if !(weight.is_finite() && weight >= 0.0) {
            bail!("augment.weight = {weight} is not valid: it must be zero or more");
        }
        if !model.shares_objective() {
            let kind = model.kind();
            bail!("{kind} has no classifier to train on samples; leave --augment-at out");
        }
        Ok(())
    }
}
