//! `reliability.svg`: the predictions of what a run keeps on examples that it had not seen, and how often they are right.

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::measures::eval::{confusion, reliability};

use crate::choice::{self, Watch};
use crate::data::rows::known;
use crate::pictures::reliability::reliability_svg;
use crate::run::folds::{Part, held_out_parts, parts};
use crate::run::measure::{Answered, measure};
use crate::run::recipe::Recipe;
use crate::run::source;
use crate::run::{Problem, RunDir};
use crate::system::threads::Threads;

/// Predictions and what they should have been.
#[derive(Clone, Debug)]
pub struct Predictions {
    answered: Answered,
    classes: usize,
}

impl Predictions {
    /// Those that a classifier has answered.
    pub fn new(answered: Answered, classes: usize) -> Self {
        Self { answered, classes }
    }

    /// Those of a run: of the classifier that it keeps, on its test split or, without one, on the labels that each part of a
    /// cross-validation held out.
    ///
    /// # Errors
    /// If there is nothing to measure on, a part is gone, or the device fails.
    pub fn of_run(
        dir: &RunDir,
        recipe: &Recipe,
        problem: &Problem,
        device: &Device,
    ) -> Result<Self> {
        if recipe.choice.is_some() {
            let source = source::of_run(dir, recipe)?;
            let parts = held_out_parts(dir, &source, recipe, device)?;
            let workers = Threads::start(recipe.train.threads)?;
            let watch = Watch::new(&workers);
            let answered = choice::measure(dir, problem, &parts, recipe, device, &watch)?;
            return Ok(Self::new(answered, problem.classes()));
        }
        let told: Vec<Answered> = parts(dir, recipe, device)?
            .iter()
            .map(|part| told(part, device))
            .collect::<Result<_>>()?;
        let logits: Vec<f32> = told.iter().flat_map(|part| part.logits.clone()).collect();
        let labels: Vec<i64> = told.iter().flat_map(|part| part.labels.clone()).collect();
        Ok(Self::new(Answered::of(&logits, &labels, problem.classes())?, problem.classes()))
    }

    /// The reliability diagram.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn reliability(&self) -> Result<String> {
        let Answered { logits, labels, measured, .. } = &self.answered;
        let bins = reliability(logits, labels, self.classes);
        reliability_svg("Accuracy by confidence on held-out examples", &bins, measured.ece)
    }

    /// How often each class is taken for each class.
    pub fn confusion(&self) -> Vec<Vec<usize>> {
        confusion(&self.answered.logits, &self.answered.labels, self.classes)
    }
}

/// What a model says of the examples that it had not seen.
fn told(part: &Part, device: &Device) -> Result<Answered> {
    let test = &part.problem.data.test;
    measure(&part.model, test, &known(test), part.problem.classes(), device)
        .context("the examples that were held out")
}
