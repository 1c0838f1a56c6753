//! The supervised baseline: the same classifier network, the same initial weights, the same labels, the same
//! rule for choosing the best model, and no unlabelled data.

use std::sync::Arc;

use anyhow::Result;
use burn::module::Module as _;
use burn::tensor::{Device, Tensor};
use gleaner_core::data::{AugmentedSet, Batches, Binarise, Resident};
use gleaner_core::infer;
use gleaner_core::measures::eval::Classification;
use gleaner_core::models::{Architecture as _, Classifier};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{Elapsed, SupervisedObjective};
use gleaner_core::train::{Learner, RateSchedule, TrainState};

use super::fit::MEASURED_ON;
use super::validation::{better, measure};
use crate::data::rows::evenly;
use crate::run::Problem;
use crate::run::recipe::Recipe;
use crate::system::interrupt::Interrupt;
use crate::system::progress::Progress;

/// Looks at the validation split in one run.
const LOOKS: u64 = 40;

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
    let steps = recipe.train.baseline_steps;
    let autodiff = device.clone().autodiff();
    let config = problem.model(recipe)?.baseline();
    let objective = SupervisedObjective {
        augmentation: recipe.augmentation(&problem.data.train.shape)?,
        augment_weight: recipe.augment.as_ref().map_or(0.0, |augment| augment.weight),
    };
    let learner = Learner::whole(objective, recipe.train.clip_norm, noise.split("baseline"));
    let learner = Learner { adam: recipe.train.adam, ..learner };
    let rate = RateSchedule {
        peak: recipe.train.lr,
        warm_up_steps: recipe.train.warm_up_steps.min(steps / 10),
        total_steps: steps,
        schedule: recipe.train.schedule,
    };
    let batches = Batches::new(
        &problem.data.train,
        &problem.split,
        problem.classes(),
        [1, recipe.train.labelled_batch_size],
        Binarise::None,
        &learner.noise,
    )?;
    let resident = Resident::new(&problem.data.train, device);
    let mut batches = batches.from_resident(resident.clone());
    batches.augment(added);
    let mut state = TrainState::new(config.init(&noise.split("model"), &autodiff)?);
    // Its own examples: whatever it normalises by, too, it knows from them alone.
    let labelled = evenly(&problem.split.labelled, MEASURED_ON);
    let labelled = infer::upload(&problem.data.train, &labelled, device);
    // Nothing here is saved, so that nothing is lost where a signal ends the process at once.
    let never = Interrupt::never();
    let mut progress = Progress::steps("baseline", steps as usize);
    let mut best: Option<(Classifier, Option<Classification>)> = None;
    while state.step < steps {
        let batch = batches.at(state.step, device);
        let rate = rate.at(state.step);
        (state, _) = learner.step(state, &batch, rate, Elapsed::ALL);
        if state.step.is_multiple_of((steps / LOOKS).max(1)) || state.step == steps {
            let model = measured_on(&labelled, state.model.valid());
            let measured = measure(&model, problem, (device, resident.as_ref()), &never)?;
            let improved = match (&best, &measured) {
                (Some((_, Some(old))), Some(new)) => better(new, old),
                _ => true,
            };
            if improved {
                best = Some((model, measured));
            }
        }
        progress.step(|| said_of(best.as_ref().and_then(|(_, measured)| *measured)));
    }
    progress.finish();
    let last = || measured_on(&labelled, state.model.valid());
    Ok(best.map_or_else(last, |(model, _)| model))
}

fn measured_on(labelled: &Tensor<2>, mut model: Classifier) -> Classifier {
    model.measure(labelled.clone());
    model
}

fn said_of(best: Option<Classification>) -> String {
    best.map_or_else(String::new, |c| format!("validation accuracy {:.2} %", 100.0 * c.accuracy))
}
