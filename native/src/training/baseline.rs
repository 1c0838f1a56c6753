//! The loop around the supervised baseline.

use std::sync::Arc;

use anyhow::Result;
use burn::tensor::Device;
use gleaner_core::course::LabelsOnly;
use gleaner_core::data::{AugmentedSet, Resident};
use gleaner_core::models::Classifier;
use gleaner_core::noise::Noise;

use crate::run::Problem;
use crate::run::recipe::Recipe;
use crate::system::progress::Progress;

/// Trains the baseline and returns the model that is best on the validation split.
///
/// # Errors
/// If the device fails.
pub fn train_baseline(
    recipe: &Recipe,
    problem: &Problem,
    noise: &Noise,
    device: &Device,
) -> Result<Classifier> {
    train_classifier(recipe, problem, None, noise, device)
}

/// The same with examples that were generated, `added`, which count beside the labelled ones as `augment.weight` says.
///
/// # Errors
/// As [`train_baseline`].
pub fn train_classifier(
    recipe: &Recipe,
    problem: &Problem,
    added: Option<Arc<AugmentedSet>>,
    noise: &Noise,
    device: &Device,
) -> Result<Classifier> {
    let resident = Resident::new(&problem.data.train, device);
    let mut course = LabelsOnly::new(recipe, problem, noise, (device, resident))?;
    let mut batches = course.batches(recipe, problem, added)?;
    let mut progress = Progress::steps("baseline", recipe.train.baseline_steps as usize);
    while !course.is_done() {
        pollster::block_on(course.step(&mut batches, problem))?;
        progress.step(|| {
            let accuracy = course.best_accuracy();
            accuracy.map_or_else(String::new, |share| {
                format!("validation accuracy {:.2} %", 100.0 * share)
            })
        });
    }
    progress.finish();
    Ok(course.best())
}
