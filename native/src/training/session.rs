//! A run from its settings to the training that they describe, new or resumed.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use burn::tensor::Device;
use gleaner_core::course::{FEWEST_PARTS, Outline, Plan};
use gleaner_core::data::profile::Profile;
use gleaner_core::models::ModelConfig;

use super::baseline::train_baseline;
use super::places::Places;
use crate::data::registry;
use crate::run::Problem;
use crate::run::RunDir;
use crate::run::measure::{Baseline, measure_baseline};
use crate::run::recipe::{AugmentSettings, OF_THE_MACHINE, Recipe};
use crate::run::source::{Source, ensure_unchanged, of_run, open, trained_on};
use crate::system::device::{self, on_cpu};
use crate::system::memory;
use crate::system::remote;
use crate::system::threads::Threads;

/// Steps whose terms are read back together: a read waits for the device, so it is made rarely.
const READ_EVERY: usize = if cfg!(feature = "validate") { 1 } else { 20 };

/// Bytes of a number that is learnt: itself, its gradient, and two moments.
const BYTES_OF_LEARNT: u64 = 4 * 4;

/// What computes, where it is not what a run began with.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// The devices.
    pub device: Option<String>,
    /// CPU threads.
    pub threads: Option<usize>,
}

impl Machine {
    fn applied(&self, mut recipe: Recipe) -> Recipe {
        if let Some(device) = &self.device {
            recipe.train.device.clone_from(device);
        }
        recipe.train.threads = self.threads.unwrap_or(recipe.train.threads);
        recipe
    }
}

/// A run whose settings and data have been found good.
pub struct Session {
    pub(super) outline: Outline,
    pub(super) source: Arc<Source>,
    pub(super) device: Device,
    /// Where the parts of a batch go.
    pub(super) places: Places,
    pub(super) workers: Arc<Threads>,
    pub(super) read_every: usize,
}

impl Session {
    /// Loads the data and checks the settings against them. Nothing is written.
    ///
    /// # Errors
    /// If the settings, the data or the device do not allow the run.
    pub fn prepare(recipe: Recipe) -> Result<Self> {
        let source = open(&recipe, None)?;
        Self::of(Arc::new(source), recipe)
    }

    /// Checks the settings against data that are open. Nothing is written.
    ///
    /// # Errors
    /// If the settings, the data or the device do not allow the run.
    pub fn of(source: Arc<Source>, recipe: Recipe) -> Result<Self> {
        let problem = Arc::new(Problem::of(&source, &recipe)?);
        Self::on(source, problem, recipe)
    }

    /// A run that is there, with its own settings and words, but for what computes.
    ///
    /// # Errors
    /// As [`Session::prepare`], and if the data have changed.
    pub fn resume(dir: &RunDir, machine: &Machine) -> Result<Self> {
        let mut recipe = machine.applied(dir.recipe()?);
        if dir.summary().exists() && device::is_remote(&recipe.train.device) {
            // Nothing is left to train.
            recipe.train.device = "cpu".to_owned();
        }
        let source = of_run(dir, &recipe)?;
        let session = Self::of(Arc::new(source), recipe)?;
        session.begin_or_go_on(dir)?;
        // The model of another run would be taken for the best so far. One that cannot be read is written anew, or named at the end.
        if let Ok(model) = dir.stored() {
            dir.ensure_own(&model)?;
        }
        Ok(session)
    }

    /// The same on data that are divided already, as the recipe has them.
    pub(super) fn on(source: Arc<Source>, problem: Arc<Problem>, recipe: Recipe) -> Result<Self> {
        device::set_threads(recipe.train.threads)?;
        let device = device::parse(&recipe.train.device)?;
        let places = Places::of(&recipe.train.device)?;
        let workers = Arc::new(Threads::start(recipe.train.threads)?);
        let outline = Outline::new(recipe, problem)?;
        ensure_room(&outline.config, &device)?;
        // Shapes are checked before anything is written.
        outline.model(&device)?;
        Ok(Self { outline, source, device, places, workers, read_every: READ_EVERY })
    }

    /// Reads every term back after every step, so that the first one to turn NaN is named at its very step.
    #[must_use]
    pub fn validating(self, validating: bool) -> Self {
        Self { read_every: if validating { 1 } else { self.read_every }, ..self }
    }

    /// The command that goes on with a run in a folder. What a run on servers needs is said; other servers, or none, will do.
    pub(super) fn command_to_go_on(&self, folder: &Path) -> String {
        let device = &self.outline.recipe.train.device;
        let mut command = format!("gleaner train --resume {}", folder.display());
        if device::is_remote(device) {
            command += &format!(" --device {device}{}, or --device cpu", remote::token_option());
        }
        command
    }

    /// What a run's folder is called.
    pub fn name(&self) -> String {
        let seed = self.outline.recipe.train.seed;
        format!("{}-{}-seed{seed}", self.outline.problem.data.name, self.outline.config.name())
    }

    /// Writes down the settings, the words of texts and what the run is trained on, in this order: a run that was stopped in the
    /// middle has settings, so that it can be resumed, which writes the rest.
    ///
    /// # Errors
    /// If the disk does not take them.
    pub fn begin(&self, dir: &RunDir) -> Result<()> {
        dir.write("config.toml", self.outline.recipe.to_toml()?.as_bytes())?;
        if let Some(words) = &self.outline.problem.data.words {
            dir.write_vocabulary(words)?;
        }
        if let Some(profile) = self.profile()? {
            dir.write_profile(&profile)?;
        }
        dir.write_trained_on(&trained_on(&self.source, &self.outline.recipe))
    }

    /// Begins a run that is new or was stopped before all this was written down; another one must be of these settings and data.
    ///
    /// # Errors
    /// If it is not, or the disk fails.
    pub fn begin_or_go_on(&self, dir: &RunDir) -> Result<()> {
        if dir.config().exists() {
            self.ensure_same(dir)?;
        }
        match dir.trained_on()? {
            Some(_) => Ok(()),
            None => self.begin(dir),
        }
    }

    /// That a run which was begun is of these settings and data.
    ///
    /// # Errors
    /// If it is not; the first difference is named.
    pub(super) fn ensure_same(&self, dir: &RunDir) -> Result<()> {
        if let Some(difference) = dir.recipe()?.difference(&self.outline.recipe, &OF_THE_MACHINE)? {
            bail!(
                "\"{}\" was begun with other settings ({difference}); delete it, or choose another --out",
                dir.path().display()
            );
        }
        ensure_unchanged(&self.source, dir, &self.outline.recipe)
    }

    /// What was seen of data of the user's own.
    ///
    /// # Errors
    /// If the recipe's model does not have such settings.
    pub fn profile(&self) -> Result<Option<Profile>> {
        Ok(self.source.profile(&self.outline.recipe)?)
    }

    pub(super) fn introduce(&self, dir: &RunDir) {
        let Problem { data, split, .. } = &*self.outline.problem;
        if let Some(caveat) = registry::caveat(&data.name) {
            eprintln!("{caveat}");
        }
        if let Some(words) = &data.words {
            eprintln!("{}: texts as counts of {} words", data.name, words.len());
        }
        let (threads, parts) = (self.workers.count(), self.outline.recipe.train.parts);
        if on_cpu(&self.outline.recipe.train.device)
            && self.places.count() == 0
            && parts >= FEWEST_PARTS
            && threads > parts
        {
            eprintln!(
                "{parts} of {threads} threads share a step, so that the result does not depend on the machine; --set train.parts={threads} \
                 uses all of them, and rounds otherwise"
            );
        }
        let at_a_time = self.places.served_at_a_time();
        if at_a_time > parts {
            eprintln!(
                "the servers can work on {at_a_time} parts of a batch at a time, and there are {parts}; --set train.parts={at_a_time} uses all \
                 of them, and rounds otherwise"
            );
        } else if self.places.count() > parts {
            eprintln!(
                "note: {parts} of {} devices work: there are {parts} parts of a batch (train.parts)",
                self.places.count()
            );
        }
        let test = match data.test.len() {
            0 => String::new(),
            count => format!(", {count} test"),
        };
        let alpha = self.alpha_in_use().map(|alpha| format!("; effective alpha {alpha:.4}"));
        eprintln!(
            "{}: {} labelled, {} unlabelled, {} validation{test}{}; run {}",
            data.name,
            split.labelled.len(),
            split.unlabelled.len(),
            split.validation.len(),
            alpha.unwrap_or_default(),
            dir.path().display()
        );
    }

    /// What to say of an augmentation that training ends before.
    pub(super) fn unreached(&self) -> Result<Option<String>> {
        let Some(AugmentSettings { at, .. }) = self.outline.recipe.augment else { return Ok(None) };
        let steps = self.plan(self.outline.batches()?.steps_per_epoch()).rate.total_steps;
        Ok((at >= steps).then(|| {
            format!(
                "note: augment.at = {at} is never reached: the run has {steps} steps, and no sample is drawn; give a smaller --augment-at"
            )
        }))
    }

    /// None for an objective of its own, which weighs no classifier against a bound.
    pub(super) fn alpha_in_use(&self) -> Option<f64> {
        self.outline.recipe.model.shares_objective().then_some(self.outline.alpha)
    }

    pub(super) fn baseline(&self) -> Result<Option<Baseline>> {
        let Self { outline: Outline { recipe, problem, noise, .. }, device, .. } = self;
        // Where methods are compared, there is a network among them.
        let unwanted = recipe.train.baseline_steps == 0 || recipe.choice.is_some();
        if unwanted || problem.data.test.is_empty() {
            return Ok(None);
        }
        let model = train_baseline(recipe, problem, noise, device)?;
        measure_baseline(&model, problem, device).map(Some)
    }

    pub(super) fn plan(&self, steps_per_epoch: u64) -> Plan {
        // A read waits for all that a GPU has queued, and nothing that is read is needed before.
        let read_every = match on_cpu(&self.outline.recipe.train.device) || self.read_every == 1 {
            true => self.read_every,
            false => usize::try_from(steps_per_epoch).unwrap_or(usize::MAX),
        };
        self.outline.plan(steps_per_epoch, read_every)
    }
}

/// Whether there is memory for training a model.
fn ensure_room(config: &ModelConfig, device: &Device) -> Result<()> {
    let Ok(numbers) = config.parameters(device) else {
        // What is wrong with its settings is said where it is built.
        return Ok(());
    };
    let what = format!("a model of {numbers} numbers");
    let needed = numbers.saturating_mul(BYTES_OF_LEARNT);
    memory::ensure_free(needed, &what, "set model.hidden and its like to smaller widths")
}
