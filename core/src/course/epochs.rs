//! Steps, epochs, the best model so far, roll-backs.

use burn::module::Module;
use burn::tensor::Device;
use serde_json::{Map, Value, json};

use super::ledger::Ledger;
use super::plan::Plan;
use super::state::{Progressed, SavedState};
use super::validation::Validation;
use crate::data::{Batches, Resident, evenly};
use crate::error::{Result, refuse};
use crate::infer;
use crate::measures::eval::Classification;
use crate::models::Generative;
use crate::objective::{Elapsed, Objective, Terms};
use crate::problem::Problem;
use crate::train::{Learner, TrainState};

/// An objective this many times the first one's size means that the run has diverged.
const EXPLODED: f64 = 100.0;

/// A run that keeps diverging is given up after this many roll-backs.
const MOST_ROLL_BACKS: u32 = 10;

/// Training examples that networks which normalise take their statistics from.
pub const MEASURED_ON: usize = 500;

/// A model on its way. Whoever has it calls [`Course::step`] until [`Course::has_epoch_to_end`], measures the model, calls
/// [`Course::end_epoch`], and so on until [`Course::is_done`].
#[derive(Clone, Debug)]
pub struct Course<M, O> {
    /// Objective, clipping and noise.
    pub learner: Learner<O>,
    /// How long, and at which rates.
    pub plan: Plan,
    /// Where to compute, without autodiff.
    pub device: Device,
    /// The training examples, if they are there.
    pub resident: Option<Resident>,
    /// The model, its optimiser and the progress.
    pub state: SavedState<M>,
    last_good: SavedState<M>,
}

/// What a step came to.
#[derive(Clone, Debug)]
pub struct Stepped {
    /// What it minimised.
    pub terms: Terms,
    /// Whether the run has diverged, as far as is known: it is to be rolled back.
    pub diverged: bool,
}

/// What an epoch came to.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// Its line of `metrics.jsonl`.
    pub line: Map<String, Value>,
    /// The same for people, shorter.
    pub headline: String,
    /// Whether its model is the best so far. Without a validation split there is nothing to choose by: the last model is the result.
    pub is_best: bool,
}

impl<M: Module + Generative, O: Objective<M>> Course<M, O> {
    /// A course from a state on.
    pub fn new(
        learner: Learner<O>,
        plan: Plan,
        (device, resident): (Device, Option<Resident>),
        state: SavedState<M>,
    ) -> Self {
        let last_good = state.clone();
        Self { learner, plan, device, resident, state, last_good }
    }

    /// Goes on by another objective, at other rates or on other examples. `settings` are those that it follows from now on, as TOML.
    pub fn follow(
        &mut self,
        learner: Learner<O>,
        plan: Plan,
        resident: Option<Resident>,
        settings: &str,
    ) {
        (self.learner, self.plan, self.resident) = (learner, plan, resident);
        // What it would go back to follows them, too; and objectives are compared with the first one of the new kind.
        for SavedState { progress, .. } in [&mut self.state, &mut self.last_good] {
            settings.clone_into(&mut progress.settings);
            progress.first_objective = None;
        }
    }

    /// The state at the end of the last epoch, or at the start.
    pub fn last_good(&self) -> &SavedState<M> {
        &self.last_good
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.state.train.step >= self.plan.rate.total_steps && !self.has_epoch_to_end()
    }

    /// Takes a step.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn step(&mut self, batches: &mut Batches<'_>) -> Result<Stepped> {
        let step = self.state.train.step;
        let batch = batches.at(step, &self.device);
        let rate = self.plan.rate.at(step) * self.state.progress.rate_scale;
        let elapsed = Elapsed((step + 1) as f64 / self.plan.steps_per_epoch as f64);
        // The moments are given away, not lent: only what nobody else holds is updated in place.
        let optimizer = std::mem::take(&mut self.state.train.optimizer);
        let train = TrainState { optimizer, ..self.state.train.clone() };
        let (train, terms) = self.learner.step(train, &batch, rate, elapsed);
        self.state.train = train;
        let progress = &mut self.state.progress;
        progress.step = step + 1;
        let mut largest = progress.ledger.add(&terms, self.plan.read_every).await?;
        // The very first objective is read at once: it is what later ones are compared with.
        if self.at_epoch_end() || self.state.progress.first_objective.is_none() {
            let last = self.state.progress.ledger.settle().await?;
            largest = last.into_iter().chain(largest).reduce(f64::max);
        }
        let diverged = largest.is_some_and(|objective| self.has_diverged(objective));
        Ok(Stepped { terms, diverged })
    }

    fn has_diverged(&mut self, objective: f64) -> bool {
        if !objective.is_finite() {
            return true;
        }
        let first = *self.state.progress.first_objective.get_or_insert(objective);
        objective > EXPLODED * first.abs().max(1.0)
    }

    fn at_epoch_end(&self) -> bool {
        let step = self.state.train.step;
        step.is_multiple_of(self.plan.steps_per_epoch) || step == self.plan.rate.total_steps
    }

    /// Whether the steps of an epoch are done and it has no line yet: it may have been stopped while it was measured.
    pub fn has_epoch_to_end(&self) -> bool {
        let (step, progress) = (self.state.train.step, &self.state.progress);
        // Not by counting: with other labels, an epoch may have another number of steps than the ones before.
        let ended = progress.ended.unwrap_or_else(|| {
            (progress.lines as u64).saturating_mul(self.plan.steps_per_epoch).min(step)
        });
        self.at_epoch_end() && ended < step
    }

    /// The model as it is evaluated.
    pub fn measured(&self, problem: &Problem) -> M {
        let mut model = self.state.train.model.valid();
        let rows = evenly(&problem.split.unlabelled, MEASURED_ON);
        model.measure(match &self.resident {
            Some(examples) => examples.rows(&rows),
            None => infer::upload(&problem.data.train, &rows, &self.device),
        });
        model
    }

    /// Measures a model of this course on the validation split. `go_on` is asked now and then: its error ends it.
    ///
    /// # Errors
    /// If the device fails, or that of `go_on`.
    pub async fn validate(
        &self,
        model: &M,
        problem: &Problem,
        go_on: &dyn Fn() -> Result<()>,
    ) -> Result<Option<Validation>> {
        let place = (&self.device, self.resident.as_ref());
        Validation::measure(model, self.plan.criterion, problem, place, go_on).await
    }

    /// Ends an epoch whose model was measured, and whose validation is made of numbers.
    pub fn end_epoch(&mut self, validation: Option<Validation>) -> Epoch {
        let epoch = self.state.train.step.div_ceil(self.plan.steps_per_epoch);
        let line = self.metrics_line(epoch, validation);
        let Progressed { ledger, best, lines, ended, .. } = &mut self.state.progress;
        let headline = headline(&ledger.means(), validation);
        *ledger = Ledger::default();
        *lines += 1;
        *ended = Some(self.state.train.step);
        let is_best =
            validation.is_none_or(|v| best.as_ref().is_none_or(|(_, b)| v.better_than(b)));
        if is_best {
            *best = validation.map(|v| (epoch, v));
        }
        self.last_good = self.state.clone();
        Epoch { line, headline, is_best }
    }

    fn metrics_line(&self, epoch: u64, validation: Option<Validation>) -> Map<String, Value> {
        let step = self.state.train.step;
        let mut line = Map::new();
        line.insert("epoch".into(), json!(epoch));
        line.insert("step".into(), json!(step));
        let rate = self.plan.rate.at(step - 1) * self.state.progress.rate_scale;
        line.insert("learning_rate".into(), json!(rate));
        for (name, mean) in self.state.progress.ledger.means() {
            line.insert(name, json!(mean));
        }
        match validation {
            Some(Validation::Bound(bound)) => {
                line.insert("validation_bound".into(), json!(bound));
            }
            Some(Validation::Classification(measured)) => {
                let Classification { accuracy, nll, ece, brier, entropy } = measured;
                line.insert("validation_accuracy".into(), json!(accuracy));
                line.insert("validation_nll".into(), json!(nll));
                line.insert("validation_ece".into(), json!(ece));
                line.insert("validation_brier".into(), json!(brier));
                line.insert("validation_entropy".into(), json!(entropy));
            }
            None => {}
        }
        line
    }

    /// Goes back to the end of the last epoch, with half the learning rate; what there is to say of it.
    ///
    /// # Errors
    /// If the run has diverged too often.
    pub fn roll_back(&mut self) -> Result<String> {
        let Progressed { roll_backs, rate_scale, .. } = self.state.progress;
        let at = self.state.train.step;
        let cause = self.state.progress.ledger.culprit().unwrap_or("objective").to_owned();
        if roll_backs >= MOST_ROLL_BACKS {
            let usual = || "try a smaller --lr or a smaller train.clip-norm".to_owned();
            refuse!(
                "training diverged {MOST_ROLL_BACKS} times, last at step {at} in {cause}; \
                 the best model so far is kept; {}",
                self.learner.objective.remedy(&cause).unwrap_or_else(usual)
            );
        }
        self.state = self.last_good.clone();
        self.state.progress.roll_backs = roll_backs + 1;
        self.state.progress.rate_scale = rate_scale / 2.0;
        Ok(format!(
            "diverged at step {at} ({cause}): back to step {}, learning rate halved to {:.2e}",
            self.state.train.step,
            self.plan.rate.peak * self.state.progress.rate_scale
        ))
    }
}

fn headline(means: &[(String, f64)], validation: Option<Validation>) -> String {
    let mut text = means.first().map_or(String::new(), |(name, mean)| format!("{name} {mean:.3}"));
    match validation {
        Some(Validation::Bound(bound)) => text += &format!(", validation bound {bound:.3} nats"),
        Some(Validation::Classification(Classification { accuracy, .. })) => {
            text += &format!(", validation accuracy {:.2} %", 100.0 * accuracy);
        }
        None => {}
    }
    text
}
