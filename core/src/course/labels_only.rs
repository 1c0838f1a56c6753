//! The supervised baseline: the same classifier network, the same initial weights, the same labels, the same
//! rule for choosing the best model, and no unlabelled data.

use std::sync::Arc;

use burn::module::Module as _;
use burn::tensor::{Device, Tensor};

use super::epochs::MEASURED_ON;
use super::outline::rate;
use super::validation::{better, measure};
use crate::data::{AugmentedSet, Batches, Binarise, Resident, evenly};
use crate::error::Result;
use crate::infer;
use crate::measures::eval::Classification;
use crate::models::{Architecture as _, Classifier};
use crate::noise::Noise;
use crate::objective::{Elapsed, SupervisedObjective};
use crate::problem::Problem;
use crate::recipe::Recipe;
use crate::train::{Learner, RateSchedule, TrainState};

/// Looks at the validation split in one run.
const LOOKS: u64 = 40;

/// A classifier that learns from the labels alone, on its way.
#[derive(Clone, Debug)]
pub struct LabelsOnly {
    learner: Learner<SupervisedObjective>,
    rate: RateSchedule,
    device: Device,
    resident: Option<Resident>,
    /// Its own examples: whatever it normalises by, too, it knows from them alone.
    labelled: Tensor<2>,
    state: TrainState<Classifier>,
    best: Option<(Classifier, Option<Classification>)>,
}

impl LabelsOnly {
    /// A classifier before its first step, for a problem and with settings that fit it. `resident` are the training examples on the
    /// device, if they are there.
    ///
    /// # Errors
    /// If the settings do not fit the examples.
    pub fn new(
        recipe: &Recipe,
        problem: &Problem,
        noise: &Noise,
        (device, resident): (&Device, Option<Resident>),
    ) -> Result<Self> {
        let config = problem.model(recipe)?.baseline();
        let objective = SupervisedObjective {
            augmentation: recipe.augmentation(&problem.data.train.shape)?,
            augment_weight: recipe.augment.as_ref().map_or(0.0, |augment| augment.weight),
        };
        let learner = Learner::whole(objective, recipe.train.clip_norm, noise.split("baseline"));
        let learner = Learner { adam: recipe.train.adam, ..learner };
        let labelled = evenly(&problem.split.labelled, MEASURED_ON);
        let autodiff = device.clone().autodiff();
        Ok(Self {
            learner,
            rate: rate(recipe, recipe.train.baseline_steps),
            device: device.clone(),
            resident,
            labelled: infer::upload(&problem.data.train, &labelled, device),
            state: TrainState::new(config.init(&noise.split("model"), &autodiff)?),
            best: None,
        })
    }

    /// The batches of its steps, with examples that were generated beside them if there are any `added`.
    ///
    /// # Errors
    /// If they are larger than the data.
    pub fn batches<'a>(
        &self,
        recipe: &Recipe,
        problem: &'a Problem,
        added: Option<Arc<AugmentedSet>>,
    ) -> Result<Batches<'a>> {
        let batches = Batches::new(
            &problem.data.train,
            &problem.split,
            problem.classes(),
            [1, recipe.train.labelled_batch_size],
            Binarise::None,
            &self.learner.noise,
        )?;
        let mut batches = batches.from_resident(self.resident.clone());
        batches.augment(added);
        Ok(batches)
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.state.step
    }

    /// Whether all steps are done.
    pub fn is_done(&self) -> bool {
        self.state.step >= self.rate.total_steps
    }

    /// Takes a step, and measures the model now and then.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn step(&mut self, batches: &mut Batches<'_>, problem: &Problem) -> Result<()> {
        let RateSchedule { total_steps, .. } = self.rate;
        let step = self.state.step;
        let batch = batches.at(step, &self.device);
        let optimizer = std::mem::take(&mut self.state.optimizer);
        let state = TrainState { optimizer, ..self.state.clone() };
        let (state, _) = self.learner.step(state, &batch, self.rate.at(step), Elapsed::ALL);
        self.state = state;
        let step = self.state.step;
        if !step.is_multiple_of((total_steps / LOOKS).max(1)) && step != total_steps {
            return Ok(());
        }
        let model = self.measured();
        // Nothing here is saved, so that nothing is lost where it ends.
        let place = (&self.device, self.resident.as_ref());
        let measured = measure(&model, problem, place, &|| Ok(())).await?;
        let improved = match (&self.best, &measured) {
            (Some((_, Some(old))), Some(new)) => better(new, old),
            _ => true,
        };
        if improved {
            self.best = Some((model, measured));
        }
        Ok(())
    }

    /// The model as it is now, as it is evaluated.
    pub fn measured(&self) -> Classifier {
        let mut model = self.state.model.valid();
        model.measure(self.labelled.clone());
        model
    }

    /// The model that is best on the validation split so far, or the one as it is now.
    pub fn best(&self) -> Classifier {
        self.best.as_ref().map_or_else(|| self.measured(), |(model, _)| model.clone())
    }

    /// Accuracy of the best model on the validation split, if there is one.
    pub fn best_accuracy(&self) -> Option<f64> {
        self.best.as_ref()?.1.map(|measured| measured.accuracy)
    }
}
