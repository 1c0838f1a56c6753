//! `reliability.svg`: the classifier's predictions on a test split, and how often they are right.

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::data::Examples;
use gleaner_core::infer;
use gleaner_core::measures::eval::{classification, confusion, reliability};
use gleaner_core::models::Architecture as _;

use super::Subject;
use crate::data::rows::known;
use crate::pictures::reliability::reliability_svg;
use crate::run::folds::Part;

/// Predictions and what they should have been.
#[derive(Clone, Debug)]
pub struct Predictions {
    logits: Vec<f32>,
    labels: Vec<i64>,
    classes: usize,
}

impl Predictions {
    /// Of all examples whose class is known.
    ///
    /// # Errors
    /// If the device fails.
    pub fn of(subject: &Subject<'_>, examples: &Examples) -> Result<Self> {
        let rows = known(examples);
        let logits = infer::classify(subject.model, examples, &rows, subject.device);
        Ok(Self {
            logits: pollster::block_on(logits)?,
            labels: rows.iter().map(|&row| examples.labels[row]).collect(),
            classes: subject.config.classes(),
        })
    }

    /// Of all parts of a cross-validation, each by the model that has not seen it.
    ///
    /// # Errors
    /// If the device fails, or there is no part.
    pub fn of_parts(parts: &[Part], device: &Device) -> Result<Self> {
        let of = |part: &Part| {
            let subject = Subject { config: &part.config, model: &part.model, device };
            Self::of(&subject, &part.problem.data.test)
        };
        let all = parts.iter().map(of).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            classes: all.first().context("there is nothing to measure on")?.classes,
            logits: all.iter().flat_map(|part| part.logits.clone()).collect(),
            labels: all.iter().flat_map(|part| part.labels.clone()).collect(),
        })
    }

    /// The reliability diagram.
    ///
    /// # Errors
    /// If there are no predictions.
    pub fn reliability(&self) -> Result<String> {
        let Self { logits, labels, classes } = self;
        let measured = classification(logits, labels, *classes).context("no labelled examples")?;
        let bins = reliability(logits, labels, *classes);
        reliability_svg("Accuracy by confidence on held-out examples", &bins, measured.ece)
    }

    /// How often each class is taken for each class.
    pub fn confusion(&self) -> Vec<Vec<usize>> {
        confusion(&self.logits, &self.labels, self.classes)
    }
}
