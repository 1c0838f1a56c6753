//! The model that makes features for another: M1 under M2.

use anyhow::{Result, bail};
use burn::tensor::Device;
use gleaner_core::infer;
use gleaner_core::measures::units::{active, variances};
use gleaner_core::models::{Generative as _, M1};

use crate::data::rows::evenly;
use crate::run::Problem;
use crate::run::recipe::Recipe;

/// Examples that M1's dimensions are judged by.
const EXAMPLES: usize = 1000;

/// The recipe of the M1 that an M1+M2 stands on: the same data and seed, its own epochs, no baseline. It has no
/// classifier, so that nothing is added to the labelled examples before the second model is trained.
pub fn features_recipe(recipe: &Recipe) -> Result<Recipe> {
    if recipe.train.feature_epochs == 0 {
        bail!("train.feature-epochs = 0 is not valid: it must be at least 1");
    }
    let mut features = recipe.clone();
    features.model = recipe.model.of_features()?;
    features.objective.mier = None;
    features.augment = None;
    features.train.epochs = recipe.train.feature_epochs;
    features.train.steps = None;
    features.train.baseline_steps = 0;
    Ok(features)
}

/// The dimensions of `z` whose posterior mean varies over unlabelled examples (E26, with the threshold that
/// Kingma et al. 2014 released, too).
///
/// # Errors
/// If the device fails, or none does.
pub fn active_units(model: &M1, problem: &Problem, device: &Device) -> Result<Vec<usize>> {
    let rows = evenly(&problem.split.unlabelled, EXAMPLES);
    let means = pollster::block_on(infer::encode(model, &problem.data.train, &rows, device))?;
    let active = active(&variances(&means, model.latent()));
    if active.is_empty() {
        bail!(
            "M1 uses none of its latent dimensions; train it longer with a larger train.feature-epochs"
        );
    }
    Ok(active)
}
