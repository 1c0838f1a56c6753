//! What a recipe says of a training step, before there are data: the shared objective, and into how many parts a batch is split.

use anyhow::Result;
use gleaner_core::objective::{Ramp, SemiSupervisedConfig, Supervision};

use crate::run::recipe::Recipe;
use crate::system::device;

/// Parts that a batch is split into on the CPU, on whatever number of cores: sums over parts are rounded by their number, and the same
/// recipe should give the same model everywhere.
pub(super) const FEWEST_PARTS: usize = 2;
const MOST_PARTS: usize = 8;

/// Examples of a part. With fewer, what each part costs by itself (its copy of the gradients, most of all) is more than a twentieth of
/// the step.
const EXAMPLES_OF_PART: usize = 200;

/// The objective that most models share, on examples of the given shape; `alpha` weighs the cross-entropy (E3).
///
/// # Errors
/// If images are to be moved and these are none, or too small.
pub fn semi_supervised(
    recipe: &Recipe,
    shape: &[usize],
    alpha: f64,
) -> Result<SemiSupervisedConfig> {
    let settings = &recipe.objective;
    let gradient = Ramp::rising(settings.classifier_gradient, settings.classifier_warm_up_epochs);
    Ok(SemiSupervisedConfig {
        alpha,
        labelled_weight: settings.labelled_weight,
        kl: Ramp::rising(1.0, settings.kl_warm_up_epochs),
        classifier_gradient: gradient,
        supervision: Supervision {
            draws: settings.classifier_draws,
            average: settings.classifier_average,
        },
        augmentation: recipe.augmentation(shape)?,
        marginalize: settings.marginalize,
        mier: settings.mier,
        augment_weight: recipe.augment.as_ref().map_or(0.0, |augment| augment.weight),
    })
}

/// Into how many parts a batch is split where the recipe leaves it open.
pub fn default_parts(recipe: &Recipe) -> usize {
    let parts = (recipe.train.batch_size / EXAMPLES_OF_PART).clamp(FEWEST_PARTS, MOST_PARTS);
    match device::on_cpu(&recipe.train.device) {
        // The statistics of a part are noise that the learning rate was chosen with.
        true if recipe.model.normalises() => FEWEST_PARTS,
        true => parts,
        false => 1,
    }
}
