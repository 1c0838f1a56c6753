//! The validation split: how models are compared while they train.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::data::{Examples, Resident, evenly};
use crate::error::Result;
use crate::infer;
use crate::measures::eval::{Classification, classification};
use crate::models::{Classify, Generative};
use crate::noise::Noise;
use crate::problem::Problem;

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

/// How a model does on the validation split, by what it is chosen by.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Validation {
    /// As a classifier.
    Classification(Classification),
    /// Mean bound, nats.
    Bound(f64),
}

impl Validation {
    /// Measures a model, from the training examples on its device if they are there; `None` if there is no validation split. `go_on`
    /// is asked now and then: its error ends it.
    ///
    /// # Errors
    /// If the device fails, or that of `go_on`.
    pub async fn measure(
        model: &impl Generative,
        criterion: Criterion,
        problem: &Problem,
        (device, resident): (&Device, Option<&Resident>),
        go_on: &dyn Fn() -> Result<()>,
    ) -> Result<Option<Self>> {
        if criterion == Criterion::Accuracy {
            let measured = measure(model, problem, (device, resident), go_on).await?;
            return Ok(measured.map(Self::Classification));
        }
        let rows = &problem.split.validation;
        if rows.is_empty() {
            return Ok(None);
        }
        let rows = evenly(rows, MOST_BOUNDS);
        // The same draws every time: models differ, not luck.
        let noise = Noise::new(0).split("validation");
        let examples = &problem.data.train;
        let bounds = infer::evidence_lower_bound(model, examples, &rows, &noise, device).await?;
        let sum: f64 = bounds.iter().map(|&bound| f64::from(bound)).sum();
        Ok(Some(Self::Bound(sum / bounds.len() as f64)))
    }

    /// Accuracy, of a model that is chosen by it.
    pub fn accuracy(&self) -> Option<f64> {
        match self {
            Self::Classification(measured) => Some(measured.accuracy),
            Self::Bound(_) => None,
        }
    }

    /// Whether this model is to be preferred.
    pub fn better_than(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Classification(a), Self::Classification(b)) => better(a, b),
            (Self::Bound(a), Self::Bound(b)) => a > b,
            _ => false,
        }
    }

    /// Whether the measures are numbers.
    pub fn is_finite(&self) -> bool {
        match self {
            Self::Classification(measured) => measured.nll.is_finite(),
            Self::Bound(bound) => bound.is_finite(),
        }
    }
}

/// Measures a classifier on the validation split of a problem, from the training examples on its device if they are there; `None` if
/// there is no split.
///
/// # Errors
/// If the device fails, or that of `go_on`.
pub async fn measure(
    model: &impl Classify,
    problem: &Problem,
    (device, resident): (&Device, Option<&Resident>),
    go_on: &dyn Fn() -> Result<()>,
) -> Result<Option<Classification>> {
    let rows = &problem.split.validation;
    let logits = match resident {
        Some(examples) => infer::classify_resident(model, examples, rows).await?,
        None => classify(model, &problem.data.train, rows, device, go_on).await?,
    };
    let labels: Vec<i64> = rows.iter().map(|&row| problem.data.train.labels[row]).collect();
    Ok(classification(&logits, &labels, problem.classes()))
}

/// Logits as [`infer::classify`] gives them, unless `go_on` says no: a large network takes minutes.
///
/// # Errors
/// If the device fails, or that of `go_on`.
pub async fn classify(
    model: &impl Classify,
    examples: &Examples,
    rows: &[usize],
    device: &Device,
    go_on: &dyn Fn() -> Result<()>,
) -> Result<Vec<f32>> {
    let mut logits = Vec::new();
    for rows in rows.chunks(infer::ROWS) {
        go_on()?;
        logits.extend(infer::classify(model, examples, rows, device).await?);
    }
    Ok(logits)
}

/// More accurate, or as accurate and more certain of what is right.
pub(super) fn better(a: &Classification, b: &Classification) -> bool {
    a.accuracy > b.accuracy || (a.accuracy >= b.accuracy && a.nll < b.nll)
}
