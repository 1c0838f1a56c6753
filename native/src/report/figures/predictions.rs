//! `reliability.svg`: the classifier's predictions on a test split, and how often they are right.

use anyhow::{Context as _, Result};
use gleaner_core::data::Examples;
use gleaner_core::infer;
use gleaner_core::measures::eval::{classification, confusion, reliability};
use gleaner_core::models::Architecture as _;

use super::Subject;
use crate::data::rows::known;
use crate::pictures::reliability::reliability_svg;

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

    /// The reliability diagram.
    ///
    /// # Errors
    /// If there are no predictions.
    pub fn reliability(&self) -> Result<String> {
        let Self { logits, labels, classes } = self;
        let measured = classification(logits, labels, *classes).context("no labelled examples")?;
        let bins = reliability(logits, labels, *classes);
        reliability_svg("Accuracy by confidence on the test split", &bins, measured.ece)
    }

    /// How often each class is taken for each class.
    pub fn confusion(&self) -> Vec<Vec<usize>> {
        confusion(&self.logits, &self.labels, self.classes)
    }
}
