//! The loop: steps, epochs, the best model so far, saved states, roll-backs.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};
use burn::module::Module;
use burn::tensor::Device;
use gleaner_core::data::{Batches, Resident};
use gleaner_core::infer;
use gleaner_core::measures::eval::Classification;
use gleaner_core::models::Generative;
use gleaner_core::objective::{Elapsed, Objective};
use gleaner_core::train::{Learner, RateSchedule, TrainState};
use serde_json::{Map, Value, json};

use super::augmentation::Augmenter;
use super::augmented_file;
use super::state::{Progressed, SavedState};
use super::validation::{Criterion, Validation};
use crate::data::rows::evenly;
use crate::run::Problem;
use crate::run::RunDir;
use crate::system::interrupt::Interrupt;
use crate::system::progress::Progress;

/// An objective this many times the first one's size means that the run has diverged.
const EXPLODED: f64 = 100.0;

/// A run that keeps diverging is given up after this many roll-backs.
const MOST_ROLL_BACKS: u32 = 10;

/// Seconds between two savings: epochs on few examples are shorter than what it takes to write one down.
const SAVED_EVERY: f64 = 2.0;

/// Training examples that networks which normalise take their statistics from.
pub(super) const MEASURED_ON: usize = 500;

/// How long, and at which rates.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Learning rates.
    pub rate: RateSchedule,
    /// Steps between two looks at the validation split.
    pub steps_per_epoch: u64,
    /// What the best model is chosen by.
    pub criterion: Criterion,
    /// Steps whose terms are read back together.
    pub read_every: usize,
}

/// How a fit ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// All steps are done.
    Done,
    /// The user asked to stop; the state is saved.
    Interrupted,
}

/// A model being fitted.
pub struct Fit<'a, M, O> {
    /// The data.
    pub problem: &'a Problem,
    /// Objective, clipping and noise.
    pub learner: Learner<O>,
    /// How long, and at which rates.
    pub plan: Plan,
    /// Where to compute, without autodiff.
    pub device: &'a Device,
    /// The training examples, if they are there.
    pub resident: Option<Resident>,
    /// Who makes the sets that the run is augmented by, if it is.
    pub augmenter: Option<Augmenter<'a>>,
    /// Where the run's files are.
    pub dir: &'a RunDir,
    /// The model, its optimiser and the loop's progress.
    pub state: SavedState<M>,
}

impl<M: Module + Generative, O: Objective<M>> Fit<'_, M, O> {
    /// Runs to the end of the plan or to the user's interruption, which is heard after every step and within whatever takes longer.
    ///
    /// `write_best` is called whenever the state is saved, with the model that is best on the validation split so far if that is a new one.
    ///
    /// # Errors
    /// If a file cannot be written, the device fails, or the run keeps diverging.
    pub fn run(
        &mut self,
        batches: &mut Batches<'_>,
        progress: &mut Progress,
        interrupt: &Interrupt,
        write_best: impl Fn(&M) -> Result<()>,
    ) -> Result<Outcome> {
        let polite = interrupt.politely();
        let started = Instant::now();
        let seconds_before = self.state.progress.seconds;
        let mut unsaved = Unsaved { best: None, since: None };
        let mut last_good = self.state.clone();
        self.go_on_augmented(batches)?;
        while self.state.train.step < self.plan.rate.total_steps || self.has_epoch_to_end() {
            if interrupt.requested() {
                self.state.progress.ledger.settle()?;
                self.save(&mut unsaved, &write_best)?;
                return Ok(Outcome::Interrupted);
            }
            if !self.has_epoch_to_end() {
                let augmented = self.augment(batches, progress);
                if interrupt.requested() {
                    continue;
                }
                augmented?;
                let largest = self.step(batches, progress)?;
                if largest.is_some_and(|objective| self.has_diverged(objective)) {
                    unsaved.write(&write_best)?;
                    self.roll_back(&last_good, progress)?;
                    self.go_on_augmented(batches)?;
                    continue;
                }
            }
            if self.has_epoch_to_end() {
                let model = self.measured();
                let criterion = self.plan.criterion;
                let place = (self.device, self.resident.as_ref());
                let validation =
                    Validation::measure(&model, criterion, self.problem, place, interrupt);
                if interrupt.requested() {
                    continue;
                }
                let validation = validation?;
                if validation.is_some_and(|v| !v.is_finite()) {
                    unsaved.write(&write_best)?;
                    self.roll_back(&last_good, progress)?;
                    self.go_on_augmented(batches)?;
                    continue;
                }
                self.state.progress.seconds = seconds_before + started.elapsed().as_secs_f64();
                let line = self.end_epoch(model, validation, progress, &mut unsaved);
                let ends = self.state.train.step == self.plan.rate.total_steps;
                let is_due = ends || unsaved.is_due();
                // The model first: whoever reads a line that is saved finds the best model up to it.
                if is_due {
                    unsaved.write(&write_best)?;
                }
                self.dir.append_metrics(&Value::Object(line))?;
                if is_due {
                    self.save(&mut unsaved, &write_best)?;
                }
                last_good = self.state.clone();
            }
        }
        drop(polite);
        // What was asked for while the last step was saved.
        Ok(if interrupt.requested() { Outcome::Interrupted } else { Outcome::Done })
    }

    /// Makes a new set before this step if one is due, and trains on it from here on.
    fn augment(&mut self, batches: &mut Batches<'_>, progress: &mut Progress) -> Result<()> {
        let step = self.state.train.step;
        let Some(augmenter) = self.augmenter.as_ref().filter(|it| it.is_due(step)) else {
            return Ok(());
        };
        let last = self.state.progress.refresh.as_ref();
        // A run that was stopped here has made it already.
        if last.is_some_and(|last| last.step == step) {
            return Ok(());
        }
        let before = last.and_then(|last| last.validation_accuracy);
        let mut curvature = self.state.progress.curvature.clone();
        let (set, refresh) = augmenter.refresh(&self.measured(), step, before, &mut curvature)?;
        progress.note(&refresh.in_words());
        augmented_file::save(self.dir, step, &set)?;
        self.dir.append_augmentation(&serde_json::to_value(&refresh)?)?;
        batches.augment(Some(Arc::new(set)));
        self.state.progress.refreshes += 1;
        self.state.progress.curvature = curvature;
        self.state.progress.refresh = Some(refresh);
        Ok(())
    }

    /// Trains on the set that the state was trained on, if it was on any.
    fn go_on_augmented(&self, batches: &mut Batches<'_>) -> Result<()> {
        let Progressed { refresh, refreshes, lines, .. } = &self.state.progress;
        self.dir.keep_lines(*lines, *refreshes)?;
        let set = refresh.as_ref().map(|refresh| augmented_file::load(self.dir, refresh.step));
        batches.augment(set.transpose()?);
        Ok(())
    }

    fn step(&mut self, batches: &mut Batches<'_>, progress: &mut Progress) -> Result<Option<f64>> {
        let step = self.state.train.step;
        let batch = batches.at(step, self.device);
        let rate = self.plan.rate.at(step) * self.state.progress.rate_scale;
        let elapsed = Elapsed((step + 1) as f64 / self.plan.steps_per_epoch as f64);
        // The moments are given away, not lent: only what nobody else holds is updated in place.
        let optimizer = std::mem::take(&mut self.state.train.optimizer);
        let train = TrainState { optimizer, ..self.state.train.clone() };
        let (train, terms) = self.learner.step(train, &batch, rate, elapsed);
        self.state.train = train;
        self.state.progress.step = step + 1;
        let mut largest = self.state.progress.ledger.add(&terms, self.plan.read_every)?;
        // The very first objective is read at once: it is what later ones are compared with.
        if self.at_epoch_end() || self.state.progress.first_objective.is_none() {
            let last = self.state.progress.ledger.settle()?;
            largest = last.into_iter().chain(largest).reduce(f64::max);
        }
        let ledger = &self.state.progress.ledger;
        progress
            .step(|| ledger.means().first().map_or(String::new(), |(n, v)| format!("{n} {v:.3}")));
        Ok(largest)
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
    fn has_epoch_to_end(&self) -> bool {
        let epochs = self.state.train.step.div_ceil(self.plan.steps_per_epoch);
        self.at_epoch_end() && (self.state.progress.lines as u64) < epochs
    }

    /// The model as it is evaluated.
    fn measured(&self) -> M {
        let mut model = self.state.train.model.valid();
        let rows = evenly(&self.problem.split.unlabelled, MEASURED_ON);
        model.measure(match &self.resident {
            Some(examples) => examples.rows(&rows),
            None => infer::upload(&self.problem.data.train, &rows, self.device),
        });
        model
    }

    fn end_epoch(
        &mut self,
        model: M,
        validation: Option<Validation>,
        progress: &mut Progress,
        unsaved: &mut Unsaved<M>,
    ) -> Map<String, Value> {
        let epoch = self.state.train.step.div_ceil(self.plan.steps_per_epoch);
        let line = self.metrics_line(epoch, validation);
        let Progressed { ledger, best, lines, .. } = &mut self.state.progress;
        progress.epoch(&headline(&ledger.means(), validation));
        *ledger = super::ledger::Ledger::default();
        *lines += 1;
        // Without a validation split there is nothing to choose by: the last model is the result.
        if validation.is_none_or(|v| best.as_ref().is_none_or(|(_, b)| v.better_than(b))) {
            *best = validation.map(|v| (epoch, v));
            unsaved.best = Some(model);
        }
        line
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

    fn roll_back(&mut self, last_good: &SavedState<M>, progress: &mut Progress) -> Result<()> {
        let Progressed { roll_backs, rate_scale, .. } = self.state.progress;
        let at = self.state.train.step;
        let cause = self.state.progress.ledger.culprit().unwrap_or("objective").to_owned();
        if roll_backs >= MOST_ROLL_BACKS {
            let usual = || "try a smaller --lr or a smaller train.clip-norm".to_owned();
            bail!(
                "training diverged {MOST_ROLL_BACKS} times, last at step {at} in {cause}; \
                 the best model so far is kept; {}",
                self.learner.objective.remedy(&cause).unwrap_or_else(usual)
            );
        }
        self.state = last_good.clone();
        self.state.progress.roll_backs = roll_backs + 1;
        self.state.progress.rate_scale = rate_scale / 2.0;
        progress.note(&format!(
            "diverged at step {at} ({cause}): back to step {}, learning rate halved to {:.2e}",
            self.state.train.step,
            self.plan.rate.peak * self.state.progress.rate_scale
        ));
        Ok(())
    }

    /// The best model first: a run that goes on from a state finds the best one up to there, or a later one, which it will find
    /// again.
    fn save(&self, unsaved: &mut Unsaved<M>, write_best: &impl Fn(&M) -> Result<()>) -> Result<()> {
        unsaved.write(write_best)?;
        unsaved.since = Some(Instant::now());
        self.dir.settle_lines()?;
        self.state.save(&self.dir.state())?;
        if let Some(refresh) = &self.state.progress.refresh {
            augmented_file::forget_others(self.dir, refresh.step);
        }
        Ok(())
    }
}

/// What is not on disk yet.
struct Unsaved<M> {
    /// The best model, if it is newer than the file.
    best: Option<M>,
    /// When the last state was saved.
    since: Option<Instant>,
}

impl<M> Unsaved<M> {
    fn write(&mut self, write_best: &impl Fn(&M) -> Result<()>) -> Result<()> {
        match self.best.take() {
            Some(best) => write_best(&best),
            None => Ok(()),
        }
    }

    fn is_due(&self) -> bool {
        self.since.is_none_or(|since| since.elapsed().as_secs_f64() > SAVED_EVERY)
    }
}

impl<M: Module> SavedState<M> {
    /// A run before its first step.
    pub fn fresh(model: M) -> Self {
        let progress = Progressed { rate_scale: 1.0, ..Progressed::default() };
        Self { train: TrainState::new(model), progress }
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
