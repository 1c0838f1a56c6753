//! What a model is chosen by: how it does on the validation split.

use anyhow::Result;
use burn::tensor::Device;
use gleaner_core::eval::{Classification, classification};
use gleaner_core::infer;
use gleaner_core::models::{Classify, Generative};
use gleaner_core::noise::Noise;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::summary::mean;

/// Validation examples whose bound is taken at most.
const MOST_BOUNDS: usize = 2000;

/// What makes one model better than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// More right, or as many right and more certain of them.
    Accuracy,
    /// A higher bound, for a model that does not classify.
    Bound,
}

/// How a model does on the validation split.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Validation {
    /// As a classifier.
    pub classification: Classification,
    /// Mean bound, nats, if that is what it is chosen by.
    pub bound: Option<f64>,
}

impl Validation {
    /// Measures a model; `None` if there is no validation split.
    ///
    /// # Errors
    /// If the device fails.
    pub fn measure(
        model: &impl Generative,
        criterion: Criterion,
        problem: &Problem,
        device: &Device,
    ) -> Result<Option<Self>> {
        let Some(classification) = measure(model, problem, device)? else { return Ok(None) };
        let bound = match criterion {
            Criterion::Accuracy => None,
            Criterion::Bound => {
                let rows = &problem.split.validation;
                let rows = &rows[..rows.len().min(MOST_BOUNDS)];
                // The same draws every time: models differ, not luck.
                let noise = Noise::new(0).split("validation");
                let data = &problem.data.train;
                let bounds = infer::evidence_lower_bound(model, data, rows, &noise, device);
                Some(mean(&pollster::block_on(bounds)?))
            }
        };
        Ok(Some(Self { classification, bound }))
    }

    /// Whether this model is to be preferred.
    pub fn better_than(&self, other: &Self) -> bool {
        match (self.bound, other.bound) {
            (Some(a), Some(b)) => a > b,
            _ => better(&self.classification, &other.classification),
        }
    }

    /// Whether the measures are numbers.
    pub fn is_finite(&self) -> bool {
        self.classification.nll.is_finite() && self.bound.is_none_or(f64::is_finite)
    }
}

/// Measures a classifier on the validation split of a problem; `None` if there is none.
pub(super) fn measure(
    model: &impl Classify,
    problem: &Problem,
    device: &Device,
) -> Result<Option<Classification>> {
    let rows = &problem.split.validation;
    let logits = pollster::block_on(infer::classify(model, &problem.data.train, rows, device))?;
    let labels: Vec<i64> = rows.iter().map(|&row| problem.data.train.labels[row]).collect();
    Ok(classification(&logits, &labels, problem.classes()))
}

/// More accurate, or as accurate and more certain of what is right.
pub(super) fn better(a: &Classification, b: &Classification) -> bool {
    a.accuracy > b.accuracy || (a.accuracy >= b.accuracy && a.nll < b.nll)
}
