//! A run before its first step: what follows from its settings and its data.

use std::sync::Arc;

use burn::tensor::Device;

use super::plan::Plan;
use super::validation::Criterion;
use crate::data::Batches;
use crate::error::Result;
use crate::models::{Architecture as _, Model, ModelConfig};
use crate::noise::Noise;
use crate::objective::{Ramp, SemiSupervised, SemiSupervisedConfig, Supervision, effective_alpha};
use crate::problem::Problem;
use crate::recipe::{Recipe, devices, on_cpu};
use crate::train::{Learner, RateSchedule};
use crate::workers::Workers;

/// Parts that a batch is split into on the CPU, on whatever number of cores: sums over parts are rounded by their number, and the same
/// recipe should give the same model everywhere.
pub const FEWEST_PARTS: usize = 2;
const MOST_PARTS: usize = 8;

/// Examples of a part. With fewer, what each part costs by itself (its copy of the gradients, most of all) is more than a twentieth of
/// the step.
const EXAMPLES_OF_PART: usize = 200;

/// Settings, the data that they divide, and all that follows from the two.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The settings; into how many parts a batch is split is settled.
    pub recipe: Recipe,
    /// The data.
    pub problem: Arc<Problem>,
    /// The model's shape.
    pub config: ModelConfig,
    /// How frequent each word is, of counts.
    pub background: Option<Vec<f32>>,
    /// Root of all randomness of the run.
    pub noise: Noise,
    /// Weight of the cross-entropy (E3).
    pub alpha: f64,
}

impl Outline {
    /// Checks settings against data that they divided.
    ///
    /// # Errors
    /// If the settings do not fit the data.
    pub fn new(mut recipe: Recipe, problem: Arc<Problem>) -> Result<Self> {
        if recipe.train.parts == 0 {
            // Written down, so that the run can be repeated to the bit with a later version.
            recipe.train.parts = default_parts(&recipe);
        }
        let noise = Noise::new(recipe.train.seed);
        let labelled = problem.split.labelled.len();
        let alpha = effective_alpha(recipe.objective.alpha, problem.pool(), labelled);
        // Shapes are checked before anything is built.
        recipe.augmentation(&problem.data.train.shape)?;
        let config = problem.model(&recipe)?;
        let background = problem.background(config.likelihood())?;
        Ok(Self { recipe, problem, config, background, noise, alpha })
    }

    /// The model before its first step.
    ///
    /// # Errors
    /// If its configuration is not one that a model can have.
    pub fn model(&self, device: &Device) -> Result<Model> {
        self.config.init(&self.noise.split("model"), device)
    }

    /// The batches of all steps.
    ///
    /// # Errors
    /// If they are larger than the data.
    pub fn batches(&self) -> Result<Batches<'_>> {
        let Recipe { train, data, .. } = &self.recipe;
        Batches::new(
            &self.problem.data.train,
            &self.problem.split,
            self.problem.classes(),
            [train.batch_size, train.labelled_batch_size],
            data.binarise,
            &self.noise.clone().drawn_on(train.noise),
        )
    }

    /// How long, and at which rates. Terms are read back after `read_every` steps.
    pub fn plan(&self, steps_per_epoch: u64, read_every: usize) -> Plan {
        let train = &self.recipe.train;
        let total_steps = train.steps.unwrap_or(train.epochs * steps_per_epoch);
        let criterion = match self.config {
            ModelConfig::M1(_) => Criterion::Bound,
            _ => Criterion::Accuracy,
        };
        Plan { rate: rate(&self.recipe, total_steps), steps_per_epoch, criterion, read_every }
    }

    /// Who takes the steps, by an objective.
    pub fn learner<O>(&self, objective: O, workers: Arc<dyn Workers>) -> Learner<O> {
        let train = &self.recipe.train;
        Learner {
            objective,
            clip_norm: train.clip_norm,
            adam: train.adam,
            noise: self.noise.split("training").drawn_on(train.noise),
            parts: train.parts,
            workers,
            devices: Vec::new(),
            #[cfg(feature = "away")]
            away: None,
        }
    }

    /// The objective that most models share.
    ///
    /// # Errors
    /// As [`semi_supervised`].
    pub fn semi_supervised(&self) -> Result<SemiSupervised> {
        let shape = &self.problem.data.train.shape;
        Ok(SemiSupervised::new(semi_supervised(&self.recipe, shape, self.alpha)?))
    }
}

/// The learning rates of so many steps.
pub(super) fn rate(recipe: &Recipe, total_steps: u64) -> RateSchedule {
    let train = &recipe.train;
    RateSchedule {
        peak: train.lr,
        warm_up_steps: train.warm_up_steps.min(total_steps / 10),
        total_steps,
        schedule: train.schedule,
    }
}

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
    let parts = match on_cpu(&recipe.train.device) {
        // The statistics of a part are noise that the learning rate was chosen with.
        true if recipe.model.normalises() => FEWEST_PARTS,
        true => parts,
        false => 1,
    };
    // No device is left without one.
    parts.max(devices(&recipe.train.device).count())
}
