//! The models that can be trained here, each with its objective.

use burn::module::Module as _;
use burn::tensor::Device;
use gleaner_core::course::{Course, Epoch, Outline, SavedState, Stepped, Validation};
use gleaner_core::data::{Batches, Resident};
use gleaner_core::error::Result;
use gleaner_core::models::{LatentEbm, Model, with_background};
use gleaner_core::objective::{LatentEbmObjective, SemiSupervised};
use gleaner_core::problem::Problem;
use gleaner_core::train::Learner;
use gleaner_core::workers::InTurn;
use std::sync::Arc;

/// A model on its way.
#[derive(Clone, Debug)]
pub enum AnyCourse {
    /// By the objective that most models share.
    Shared(Course<Model, SemiSupervised>),
    /// The latent energy-based model.
    LatentEbm(Course<LatentEbm, LatentEbmObjective>),
}

/// Steps whose terms are read together: as the command line does it.
pub(crate) const READ_EVERY: usize = 20;

/// The same on whichever of the two it is.
macro_rules! each {
    ($course:expr, $one:ident => $do:expr) => {
        match $course {
            AnyCourse::Shared($one) => $do,
            AnyCourse::LatentEbm($one) => $do,
        }
    };
}

impl AnyCourse {
    /// A course from the first step on or, if there are any, from the bytes of a saved state.
    ///
    /// # Errors
    /// If the settings do not fit the data, or the state is of another run.
    pub fn new(
        outline: &Outline,
        (device, resident): (&Device, Option<Resident>),
        steps_per_epoch: u64,
        saved: Option<&[u8]>,
    ) -> Result<Self> {
        let model = outline.model(&device.clone().autodiff())?;
        let plan = outline.plan(steps_per_epoch, READ_EVERY);
        let place = (device.clone(), resident);
        let family = outline.semi_supervised()?;
        Ok(match model {
            Model::LatentEbm(model) => {
                let state = state(outline, model, device, saved)?;
                let learner = ebm_learner(outline, family);
                Self::LatentEbm(Course::new(learner, plan, place, state))
            }
            model => {
                let state = state(outline, model, device, saved)?;
                let learner = outline.learner(family, Arc::new(InTurn));
                Self::Shared(Course::new(learner, plan, place, state))
            }
        })
    }

    /// Goes on by the objective and the examples of another outline of the same model. Epochs keep their number of steps, so that the
    /// rates and the end of the run stay where they were.
    ///
    /// # Errors
    /// If the settings do not fit the data.
    pub fn follow(&mut self, outline: &Outline, resident: Option<Resident>) -> Result<()> {
        let family = outline.semi_supervised()?;
        let plan = outline.plan(self.steps_per_epoch(), READ_EVERY);
        let settings = outline.recipe.to_toml()?;
        match self {
            Self::Shared(course) => {
                let learner = outline.learner(family, Arc::new(InTurn));
                course.follow(learner, plan, resident, &settings);
            }
            Self::LatentEbm(course) => {
                course.follow(ebm_learner(outline, family), plan, resident, &settings);
            }
        }
        Ok(())
    }

    /// Takes a step.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn step(&mut self, batches: &mut Batches<'_>) -> Result<Stepped> {
        each!(self, course => course.step(batches).await)
    }

    /// Steps done, and in all.
    pub fn steps(&self) -> (u64, u64) {
        each!(self, course => (course.state.train.step, course.plan.rate.total_steps))
    }

    /// Steps of an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        each!(self, course => course.plan.steps_per_epoch)
    }

    /// Learning rate of the next step.
    pub fn rate(&self) -> f64 {
        each!(self, course => {
            course.plan.rate.at(course.state.train.step) * course.state.progress.rate_scale
        })
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        each!(self, course => course.is_done())
    }

    /// Whether an epoch is to be ended.
    pub fn has_epoch_to_end(&self) -> bool {
        each!(self, course => course.has_epoch_to_end())
    }

    /// The model as it is evaluated, with what the validation split says of it.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn measured(&self, problem: &Problem) -> Result<(Model, Option<Validation>)> {
        match self {
            Self::Shared(course) => {
                let model = course.measured(problem);
                let validation = course.validate(&model, problem, &|| Ok(())).await?;
                Ok((model, validation))
            }
            Self::LatentEbm(course) => {
                let model = course.measured(problem);
                let validation = course.validate(&model, problem, &|| Ok(())).await?;
                Ok((Model::LatentEbm(model), validation))
            }
        }
    }

    /// The model as it is now, for looking at: what networks normalise by, and `log Z`, are those of the last measurement.
    pub fn now(&self) -> Model {
        match self {
            Self::Shared(course) => course.state.train.model.valid(),
            Self::LatentEbm(course) => Model::LatentEbm(course.state.train.model.valid()),
        }
    }

    /// Ends an epoch.
    pub fn end_epoch(&mut self, validation: Option<Validation>) -> Epoch {
        each!(self, course => course.end_epoch(validation))
    }

    /// Goes back to the end of the last epoch, with half the learning rate; what there is to say of it.
    ///
    /// # Errors
    /// If the run has diverged too often.
    pub fn roll_back(&mut self) -> Result<String> {
        each!(self, course => course.roll_back())
    }

    /// Epochs that have a line.
    pub fn lines(&self) -> usize {
        each!(self, course => course.state.progress.lines)
    }

    /// The epoch of the best model so far.
    pub fn best_epoch(&self) -> Option<u64> {
        each!(self, course => course.state.progress.best.as_ref().map(|(epoch, _)| *epoch))
    }

    /// Everything that a run needs to go on.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn state(&self) -> Result<Vec<u8>> {
        each!(self, course => {
            // What waits to be read belongs to the state: the command line reads it before it saves.
            let mut state = course.state.clone();
            state.progress.ledger.settle().await?;
            state.to_bytes().await
        })
    }
}

fn ebm_learner(outline: &Outline, family: SemiSupervised) -> Learner<LatentEbmObjective> {
    let settings = outline.recipe.objective.latent_ebm.unwrap_or_default();
    outline.learner(LatentEbmObjective { family, settings }, Arc::new(InTurn))
}

/// The state that was saved, or the one before the first step.
fn state<M: burn::module::Module>(
    outline: &Outline,
    model: M,
    device: &Device,
    saved: Option<&[u8]>,
) -> Result<SavedState<M>> {
    let mut state = match saved {
        Some(bytes) => {
            let state = SavedState::from_bytes(bytes, "the saved state", model, device)?;
            state.progress.ensure_of(&outline.recipe, "the saved state")?;
            state
        }
        None => SavedState::fresh(match &outline.background {
            Some(background) => with_background(model, background)?,
            None => model,
        }),
    };
    state.progress.settings = outline.recipe.to_toml()?;
    Ok(state)
}
