//! The loop: files, progress, the user's interruptions around a course.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use burn::module::Module;
use gleaner_core::course::{Course, Progressed, Validation};
use gleaner_core::data::Batches;
use gleaner_core::models::Generative;
use gleaner_core::objective::Objective;
use pollster::block_on;
use serde_json::Value;

use super::augmentation::Augmenter;
use super::augmented_file;
use crate::run::Problem;
use crate::run::RunDir;
use crate::system::device::devices;
use crate::system::files::write_atomic;
use crate::system::interrupt::Interrupt;
use crate::system::panics::caught;
use crate::system::progress::Progress;
use crate::system::remote;

/// Between two savings at most, where epochs are shorter: those on few examples take less time than to write one down.
const SAVED_EVERY: Duration = Duration::from_secs(2);

/// What saving may cost: one part in so many of the time.
const COST_OF_SAVING: u32 = 50;

/// How a fit ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// All steps are done.
    Done,
    /// The user asked to stop; the state is saved.
    Interrupted,
    /// A device of another process is gone; the state of the last epoch is saved. What happened, in words.
    Lost(String),
}

/// A model being fitted.
pub struct Fit<'a, M, O> {
    /// The data.
    pub problem: &'a Problem,
    /// The model on its way.
    pub course: Course<M, O>,
    /// Who makes the sets that the run is augmented by, if it is.
    pub augmenter: Option<Augmenter<'a>>,
    /// Where the run's files are.
    pub dir: &'a RunDir,
    /// The devices, if they are of other processes.
    pub elsewhere: Option<&'a str>,
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
        let seconds_before = self.course.state.progress.seconds;
        let mut unsaved = Unsaved { best: None, last: None };
        self.go_on_augmented(batches)?;
        while !self.course.is_done() {
            if interrupt.requested() {
                block_on(self.course.state.progress.ledger.settle())?;
                self.save(&mut unsaved, &write_best)?;
                return Ok(Outcome::Interrupted);
            }
            if !self.course.has_epoch_to_end() {
                let augmented = self.augment(batches, progress);
                if interrupt.requested() {
                    continue;
                }
                augmented?;
                let diverged = match self.step(batches, progress)? {
                    Ok(diverged) => diverged,
                    Err(panic) => {
                        self.course.state = self.course.last_good().clone();
                        self.save(&mut unsaved, &write_best)?;
                        return Ok(Outcome::Lost(self.who_is_gone(&panic)));
                    }
                };
                if diverged {
                    unsaved.write(&write_best)?;
                    self.roll_back(batches, progress)?;
                    continue;
                }
            }
            if self.course.has_epoch_to_end() {
                let model = self.course.measured(self.problem);
                let go_on = || interrupt.check();
                let validation = block_on(self.course.validate(&model, self.problem, &go_on));
                if interrupt.requested() {
                    continue;
                }
                let validation = validation?;
                if validation.is_some_and(|v| !v.is_finite()) {
                    unsaved.write(&write_best)?;
                    self.roll_back(batches, progress)?;
                    continue;
                }
                let seconds = seconds_before + started.elapsed().as_secs_f64();
                self.course.state.progress.seconds = seconds;
                self.end_epoch(model, validation, progress, &mut unsaved, &write_best)?;
            }
        }
        drop(polite);
        // What was asked for while the last step was saved.
        Ok(if interrupt.requested() { Outcome::Interrupted } else { Outcome::Done })
    }

    /// Takes a step; whether the run has diverged. Where a device of another process is lost, the framework panics: then, its words.
    fn step(
        &mut self,
        batches: &mut Batches<'_>,
        progress: &mut Progress,
    ) -> Result<std::result::Result<bool, String>> {
        let mut step = || block_on(self.course.step(batches));
        let stepped = match self.elsewhere {
            Some(_) => caught(step),
            None => Ok(step()),
        };
        let stepped = match stepped {
            Ok(stepped) => stepped?,
            Err(panic) => return Ok(Err(panic)),
        };
        let ledger = &self.course.state.progress.ledger;
        progress
            .step(|| ledger.means().first().map_or(String::new(), |(n, v)| format!("{n} {v:.3}")));
        Ok(Ok(stepped.diverged))
    }

    fn who_is_gone(&self, panic: &str) -> String {
        let gone = remote::gone(devices(self.elsewhere.unwrap_or_default()));
        match gone.as_slice() {
            [] => format!("a device of another process has failed ({panic})"),
            gone => format!("{} no longer answers", gone.join(", ")),
        }
    }

    fn end_epoch(
        &mut self,
        model: M,
        validation: Option<Validation>,
        progress: &mut Progress,
        unsaved: &mut Unsaved<M>,
        write_best: &impl Fn(&M) -> Result<()>,
    ) -> Result<()> {
        let epoch = self.course.end_epoch(validation);
        progress.epoch(&epoch.headline);
        if epoch.is_best {
            unsaved.best = Some(model);
        }
        let ends = self.course.state.train.step == self.course.plan.rate.total_steps;
        let is_due = ends || unsaved.is_due();
        // The model first: whoever reads a line that is saved finds the best model up to it.
        if is_due {
            unsaved.write(write_best)?;
        }
        self.dir.append_metrics(&Value::Object(epoch.line))?;
        if is_due {
            self.save(unsaved, write_best)?;
        }
        Ok(())
    }

    fn roll_back(&mut self, batches: &mut Batches<'_>, progress: &mut Progress) -> Result<()> {
        progress.note(&self.course.roll_back()?);
        self.go_on_augmented(batches)
    }

    /// Makes a new set before this step if one is due, and trains on it from here on.
    fn augment(&mut self, batches: &mut Batches<'_>, progress: &mut Progress) -> Result<()> {
        let step = self.course.state.train.step;
        let Some(augmenter) = self.augmenter.as_ref().filter(|it| it.is_due(step)) else {
            return Ok(());
        };
        let last = self.course.state.progress.refresh.as_ref();
        // A run that was stopped here has made it already.
        if last.is_some_and(|last| last.step == step) {
            return Ok(());
        }
        let before = last.and_then(|last| last.validation_accuracy);
        let mut curvature = self.course.state.progress.curvature.clone();
        let (set, refresh) =
            augmenter.refresh(&self.course.measured(self.problem), step, before, &mut curvature)?;
        progress.note(&refresh.in_words());
        augmented_file::save(self.dir, step, &set)?;
        self.dir.append_augmentation(&serde_json::to_value(&refresh)?)?;
        batches.augment(Some(Arc::new(set)));
        self.course.state.progress.refreshes += 1;
        self.course.state.progress.curvature = curvature;
        self.course.state.progress.refresh = Some(refresh);
        Ok(())
    }

    /// Trains on the set that the state was trained on, if it was on any.
    fn go_on_augmented(&self, batches: &mut Batches<'_>) -> Result<()> {
        let Progressed { refresh, refreshes, lines, .. } = &self.course.state.progress;
        self.dir.keep_lines(*lines, *refreshes)?;
        let set = refresh.as_ref().map(|refresh| augmented_file::load(self.dir, refresh.step));
        batches.augment(set.transpose()?);
        Ok(())
    }

    /// The best model first: a run that goes on from a state finds the best one up to there, or a later one, which it will find
    /// again.
    fn save(&self, unsaved: &mut Unsaved<M>, write_best: &impl Fn(&M) -> Result<()>) -> Result<()> {
        let begun = Instant::now();
        unsaved.write(write_best)?;
        self.dir.settle_lines()?;
        write_atomic(self.dir.state(), &block_on(self.course.state.to_bytes())?)?;
        if let Some(refresh) = &self.course.state.progress.refresh {
            augmented_file::forget_others(self.dir, refresh.step);
        }
        unsaved.last = Some((Instant::now(), begun.elapsed()));
        Ok(())
    }
}

/// What is not on disk yet.
struct Unsaved<M> {
    /// The best model, if it is newer than the file.
    best: Option<M>,
    /// When the last state had been saved, and how long it took.
    last: Option<(Instant, Duration)>,
}

impl<M> Unsaved<M> {
    fn write(&mut self, write_best: &impl Fn(&M) -> Result<()>) -> Result<()> {
        match self.best.take() {
            Some(best) => write_best(&best),
            None => Ok(()),
        }
    }

    fn is_due(&self) -> bool {
        self.last.is_none_or(|(at, took)| at.elapsed() >= SAVED_EVERY.min(took * COST_OF_SAVING))
    }
}
