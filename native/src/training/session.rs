//! One training from its settings to its results, new or resumed: baseline, choice of the objective, the loop, the summary.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use burn::module::Module;
use burn::tensor::Device;
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::Batches;
use gleaner_core::data::profile::Profile;
use gleaner_core::data::schema::Schema;
use gleaner_core::infer;
use gleaner_core::models::{
    Architecture as _, Generative, M1M2, M1M2Config, Model, ModelConfig, with_background,
};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{
    LatentEbmObjective, Objective, Ramp, SemiSupervised, SemiSupervisedConfig, Supervision,
    Unsupervised, UntappedObjective, effective_alpha,
};
use gleaner_core::train::{Learner, RateSchedule};
use gleaner_core::workers::Workers as _;

use super::augmentation::Augmenter;
use super::baseline::train_baseline;
use super::features::{active_units, features_recipe};
use super::fit::{Fit, Outcome, Plan};
use super::ledger::READ_EVERY;
use super::state::{Progressed, SavedState};
use super::validation::Criterion;
use crate::choice::{self, Watch};
use crate::data::dataset::AG_NEWS_SAMPLE_NAME;
use crate::run::Problem;
use crate::run::RunDir;
use crate::run::folds::{fold_path, fold_recipes, held_out_parts};
use crate::run::measure::{Answered, Baseline, measure_baseline};
use crate::run::recipe::Recipe;
use crate::run::source::Source;
use crate::run::summary::{self, Run, Summary};
use crate::system::device;
use crate::system::interrupt::Interrupt;
use crate::system::progress::Progress;
use crate::system::threads::Threads;

/// Parts of a batch that is normalised part by part, on whatever number of cores.
const PARTS_OF_NORMALISED: usize = 2;

/// What is done with a run that has been measured, such as drawing its pictures.
pub type Afterwards<'a> = &'a dyn Fn(&RunDir, &Recipe, &Problem, &Results, &Device) -> Result<()>;

/// How a run did.
#[derive(Debug)]
pub struct Results {
    /// The figures.
    pub summary: Summary,
    /// What the classifier that was chosen says of the examples that it was measured on, where one was.
    pub kept: Option<Answered>,
}

/// A run whose settings and data have been found good.
pub struct Session {
    recipe: Recipe,
    source: Arc<Source>,
    problem: Arc<Problem>,
    config: ModelConfig,
    /// Of counts.
    background: Option<Vec<f32>>,
    device: Device,
    workers: Arc<Threads>,
    noise: Noise,
    alpha: f64,
    read_every: usize,
}

impl Session {
    /// Loads the data and checks the settings against them. Nothing is written.
    ///
    /// # Errors
    /// If the settings, the data or the device do not allow the run.
    pub fn prepare(recipe: Recipe) -> Result<Self> {
        let source = Source::open(&recipe, None)?;
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

    /// A run that is there, with its own settings and words.
    ///
    /// # Errors
    /// As [`Session::prepare`].
    pub fn resume(dir: &RunDir) -> Result<Self> {
        let recipe = dir.recipe()?;
        let source = Source::of_run(dir, &recipe)?;
        Self::of(Arc::new(source), recipe)
    }

    /// The same on data that are divided already, as the recipe has them.
    fn on(source: Arc<Source>, problem: Arc<Problem>, mut recipe: Recipe) -> Result<Self> {
        device::set_threads(recipe.train.threads)?;
        let workers = Arc::new(Threads::start(recipe.train.threads)?);
        if recipe.train.parts == 0 {
            // Written down, so that the run can be repeated to the bit on a machine with other cores.
            recipe.train.parts = match device::on_cpu(&recipe.train.device) {
                true if recipe.model.normalises() => PARTS_OF_NORMALISED,
                true => workers.count(),
                false => 1,
            };
        }
        let device = device::parse(&recipe.train.device)?;
        let noise = Noise::new(recipe.train.seed);
        let labelled = problem.split.labelled.len();
        let alpha = effective_alpha(recipe.objective.alpha, problem.pool(), labelled);
        // Shapes are checked before anything is written.
        recipe.augmentation(&problem.data.train.shape)?;
        let config = problem.model(&recipe)?;
        let background = problem.background(config.likelihood())?;
        config.init(&noise, &device)?;
        let read_every = READ_EVERY;
        Ok(Self {
            recipe,
            source,
            problem,
            config,
            background,
            device,
            workers,
            noise,
            alpha,
            read_every,
        })
    }

    /// Reads every term back after every step, so that the first one to turn NaN is named at its very step.
    #[must_use]
    pub fn validating(self, validating: bool) -> Self {
        Self { read_every: if validating { 1 } else { self.read_every }, ..self }
    }

    /// What a run's folder is called.
    pub fn name(&self) -> String {
        let seed = self.recipe.train.seed;
        format!("{}-{}-seed{seed}", self.problem.data.name, self.config.name())
    }

    /// Writes the settings down, and the words of texts.
    ///
    /// # Errors
    /// If the disk does not take them.
    pub fn begin(&self, dir: &RunDir) -> Result<()> {
        if let Some(words) = &self.problem.data.words {
            dir.write_vocabulary(words)?;
        }
        if let Some(profile) = self.profile()? {
            dir.write_profile(&profile)?;
        }
        dir.write("config.toml", self.recipe.to_toml()?.as_bytes())
    }

    /// What was seen of data of the user's own.
    ///
    /// # Errors
    /// If the recipe's model does not have such settings.
    pub fn profile(&self) -> Result<Option<Profile>> {
        self.source.profile(&self.recipe)
    }

    /// Trains, or goes on from the folder's saved state, measures the best model on the test split, and does what is
    /// to be done `afterwards`.
    ///
    /// # Errors
    /// If the device or the disk fails, the run keeps diverging, or the user stops it.
    pub fn train(
        &self,
        dir: &RunDir,
        interrupt: &Interrupt,
        afterwards: Afterwards<'_>,
    ) -> Result<Summary> {
        let (session, resumable) = (self, dir.path());
        let stage = Stage { session, dir, resumable, interrupt, afterwards, quiet: false };
        let parts = stage.cross_validate()?;
        stage.run(&parts)
    }

    fn introduce(&self, dir: &RunDir) {
        let Problem { data, split, .. } = &*self.problem;
        if data.name == AG_NEWS_SAMPLE_NAME {
            eprintln!(
                "{}: 10,000 of the 120,000 training texts of AG News; results are not comparable with published ones",
                data.name
            );
        }
        if let Some(words) = &data.words {
            eprintln!("{}: texts as counts of {} words", data.name, words.len());
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

    /// None for an objective of its own, which weighs no classifier against a bound.
    fn alpha_in_use(&self) -> Option<f64> {
        self.recipe.model.shares_objective().then_some(self.alpha)
    }

    fn baseline(&self, resumable: &Path, interrupt: &Interrupt) -> Result<Option<Baseline>> {
        let Self { recipe, problem, noise, device, .. } = self;
        // Where methods are compared, there is a network among them.
        let unwanted = recipe.train.baseline_steps == 0 || recipe.choice.is_some();
        if unwanted || problem.data.test.is_empty() {
            return Ok(None);
        }
        match train_baseline(recipe, problem, noise, device, interrupt)? {
            Some(model) => measure_baseline(&model, problem, device).map(Some),
            None => bail!(
                "stopped while training the baseline; continue with: gleaner train --resume {}",
                resumable.display()
            ),
        }
    }

    fn batches(&self) -> Result<Batches<'_>> {
        let Recipe { train, data, .. } = &self.recipe;
        Ok(Batches::new(
            &self.problem.data.train,
            &self.problem.split,
            self.problem.classes(),
            [train.batch_size, train.labelled_batch_size],
            data.binarise,
            &self.noise,
        )?)
    }

    fn plan(&self, steps_per_epoch: u64) -> Plan {
        let train = &self.recipe.train;
        let total_steps = train.steps.unwrap_or(train.epochs * steps_per_epoch);
        Plan {
            rate: RateSchedule {
                peak: train.lr,
                warm_up_steps: train.warm_up_steps.min(total_steps / 10),
                total_steps,
                schedule: train.schedule,
            },
            steps_per_epoch,
            criterion: match self.config {
                ModelConfig::M1(_) => Criterion::Bound,
                _ => Criterion::Accuracy,
            },
            read_every: self.read_every,
        }
    }

    fn semi_supervised(&self) -> Result<SemiSupervised> {
        let settings = &self.recipe.objective;
        let gradient =
            Ramp::rising(settings.classifier_gradient, settings.classifier_warm_up_epochs);
        Ok(SemiSupervised::new(SemiSupervisedConfig {
            alpha: self.alpha,
            labelled_weight: settings.labelled_weight,
            kl: Ramp::rising(1.0, settings.kl_warm_up_epochs),
            classifier_gradient: gradient,
            supervision: Supervision {
                draws: settings.classifier_draws,
                average: settings.classifier_average,
            },
            augmentation: self.recipe.augmentation(&self.problem.data.train.shape)?,
            marginalize: settings.marginalize,
            mier: settings.mier,
            augment_weight: self.recipe.augment.as_ref().map_or(0.0, |augment| augment.weight),
        }))
    }
}

/// Where the loop runs: a folder, which is the run's own or, in the first half of an M1+M2, one inside that of the run
/// that can be resumed.
#[derive(Clone, Copy)]
struct Stage<'a> {
    session: &'a Session,
    dir: &'a RunDir,
    resumable: &'a Path,
    interrupt: &'a Interrupt,
    afterwards: Afterwards<'a>,
    /// Whether somebody else reports the progress.
    quiet: bool,
}

impl Stage<'_> {
    /// The runs that each hold out a part of the labels, in folders of their own within that of the run; none if the recipe
    /// asks for none.
    fn cross_validate(&self) -> Result<Vec<Summary>> {
        let session = self.session;
        let recipes = fold_recipes(&session.recipe);
        if recipes.is_empty() {
            return Ok(Vec::new());
        }
        eprintln!(
            "cross-validation: {} models, each without a part of the {} labels",
            recipes.len(),
            session.problem.split.labelled.len()
        );
        let progress = Progress::steps("cross-validation", recipes.len());
        let done = Mutex::new((recipes.iter().map(|_| None).collect::<Vec<_>>(), progress));
        let (dir, resumable, interrupt) = (self.dir, self.resumable, self.interrupt);
        let one = |number: usize| {
            let summary = hold_out(session, (dir, number), &recipes[number], resumable, interrupt);
            if let Ok(mut done) = done.lock() {
                done.0[number] = Some(summary);
                done.1.step(String::new);
            }
        };
        // Steps on few examples do not divide among threads: whole parts do.
        match recipes[0].train.parts {
            1 => session.workers.run(recipes.len(), &one),
            _ => (0..recipes.len()).for_each(one),
        }
        let (summaries, progress) = done.into_inner().ok().context("a thread was stopped")?;
        progress.finish();
        summaries.into_iter().map(|summary| summary.context("a part is missing")?).collect()
    }

    /// From the baseline to what is done afterwards. The figures come from `parts` where there are any.
    fn run(&self, parts: &[Summary]) -> Result<Summary> {
        let Self { session, dir, resumable, interrupt, afterwards, .. } = *self;
        let started = Instant::now();
        if !self.quiet {
            session.introduce(dir);
        }
        let baseline = session.baseline(resumable, interrupt)?;
        let noise = session.noise.split("model");
        let autodiff = session.device.clone().autodiff();
        let progress = match &session.config {
            ModelConfig::M1M2(config) => {
                let (config, model) = self.stack(config)?;
                let config = ModelConfig::M1M2(config);
                self.fit(&config, Model::M1M2(model), session.semi_supervised()?)?
            }
            config => match config.init(&noise, &autodiff)? {
                Model::Untapped(model) => {
                    let weights = session.recipe.objective.untapped.unwrap_or_default();
                    let noise = session.noise.split("labels without examples");
                    self.fit(config, model, UntappedObjective { weights, noise })?
                }
                Model::LatentEbm(model) => {
                    let family = session.semi_supervised()?;
                    let settings = session.recipe.objective.latent_ebm.unwrap_or_default();
                    self.fit(config, model, LatentEbmObjective { family, settings })?
                }
                model @ Model::M1(_) => {
                    let kl = Ramp::rising(1.0, session.recipe.objective.kl_warm_up_epochs);
                    let shape = &session.problem.data.train.shape;
                    let shift = session.recipe.augmentation(shape)?.shift;
                    self.fit(config, model, Unsupervised { kl, shift })?
                }
                model => self.fit(config, model, session.semi_supervised()?)?,
            },
        };
        let best = progress.best.as_ref();
        let side_by_side = match fold_recipes(&session.recipe).first() {
            Some(part) if part.train.parts == 1 => session.workers.count().min(parts.len()).max(1),
            _ => 1,
        };
        let run = Run {
            recipe: &session.recipe,
            problem: &session.problem,
            device: &session.device,
            alpha: session.alpha_in_use(),
            best_epoch: best.map(|(epoch, _)| *epoch),
            validation_accuracy: best.and_then(|(_, validation)| validation.accuracy()),
            steps: progress.step,
            roll_backs: progress.roll_backs,
            seconds: progress.seconds.max(started.elapsed().as_secs_f64())
                + parts.iter().map(|part| part.seconds).sum::<f64>() / side_by_side as f64,
        };
        let summary = match (session.recipe.data.folds, session.problem.data.test.is_empty()) {
            (None, false) => summary::finish(dir, &run, baseline.as_ref())?,
            (None, true) => summary::unmeasured(dir, &run)?,
            (Some(_), _) => summary::pool(dir, &run, parts)?,
        };
        let results = self.choose(summary)?;
        afterwards(dir, &session.recipe, &session.problem, &results, &session.device)?;
        Ok(results.summary)
    }

    /// Compares other methods with the model, if the recipe asks for it, and keeps the best.
    fn choose(&self, summary: Summary) -> Result<Results> {
        let Self { session, dir, .. } = *self;
        if session.recipe.choice.is_none() {
            return Ok(Results { summary, kept: None });
        }
        let Session { recipe, source, problem, device, workers, .. } = session;
        let started = Instant::now();
        let parts = held_out_parts(dir, source, recipe, device)?;
        let watch = Watch::new(&**workers, self.interrupt);
        eprintln!("comparing methods on {} labels", problem.split.labelled.len());
        let choice::Chosen { verdict, kept, label_only } = choice::choose(
            dir, problem, &parts, recipe, device, &watch,
        )
        .map_err(|error| match self.interrupt.requested() {
            true => anyhow!(
                "{error}; continue with: gleaner train --resume {}",
                self.resumable.display()
            ),
            false => error,
        })?;
        verdict.lines().iter().for_each(|line| eprintln!("{line}"));
        let seconds = summary.seconds + started.elapsed().as_secs_f64();
        let chosen = Summary { seconds, ..summary.chosen(verdict, [&kept, &label_only]) };
        let summary = chosen.written(dir)?;
        Ok(Results { summary, kept: Some(kept) })
    }

    /// The first model of M1+M2, trained in a run of its own inside this one, and the second one on it.
    fn stack(&self, config: &M1M2Config) -> Result<(M1M2Config, M1M2)> {
        let Self { session, dir, .. } = self;
        let path = dir.path().join("features");
        let begun = RunDir::open(&path).is_ok();
        let inner = if begun { RunDir::reopen(&path)? } else { RunDir::create(&path)? };
        if !inner.summary().exists() {
            let recipe = if begun { inner.recipe()? } else { features_recipe(&session.recipe)? };
            let features = Session::on(session.source.clone(), session.problem.clone(), recipe)?;
            let features = features.validating(session.read_every == 1);
            features.begin(&inner)?;
            Stage { session: &features, dir: &inner, ..*self }.run(&[])?;
        }
        let autodiff = session.device.clone().autodiff();
        let (_, Model::M1(features)) = inner.load(&autodiff)? else {
            bail!(
                "\"{}\" does not hold an m1; start the run again in another --out",
                path.display()
            );
        };
        let active = active_units(&features.valid(), &session.problem, &session.device)?;
        eprintln!("M1 uses {} of its {} latent dimensions", active.len(), config.feature_latent);
        let config = M1M2Config { active: Some(active), ..config.clone() };
        let model = M1M2::on(features, &config, &session.noise.split("model"), &autodiff)?;
        Ok((config, model))
    }

    fn fit<M: Module + Generative, O: Objective<M>>(
        &self,
        config: &ModelConfig,
        model: M,
        objective: O,
    ) -> Result<Progressed> {
        let Self { session, dir, resumable, interrupt, .. } = self;
        let Session { recipe, problem, device, noise, workers, .. } = session;
        let mut batches = session.batches()?;
        let plan = session.plan(batches.steps_per_epoch());
        let state = if dir.state().exists() {
            SavedState::load(&dir.state(), model, device)?
        } else {
            let model = match &session.background {
                Some(background) => with_background(model, background)?,
                None => model,
            };
            SavedState::fresh(model)
        };
        let learner = Learner {
            objective,
            clip_norm: recipe.train.clip_norm,
            adam: recipe.train.adam,
            noise: noise.split("training").drawn_on(recipe.train.noise),
            parts: recipe.train.parts,
            workers: workers.clone(),
        };
        let augmenter = recipe.augment.as_ref().map(|settings| Augmenter {
            settings,
            problem,
            device,
            workers: workers.clone(),
            noise: noise.split("augmentation"),
        });
        let mut fit = Fit { problem, learner, plan, device, augmenter, dir, state };
        let total = plan.rate.total_steps as usize;
        let done = (fit.state.train.step / plan.steps_per_epoch) as usize;
        let mut progress = match self.quiet {
            true => Progress::silent(),
            false => Progress::epochs(total, plan.steps_per_epoch as usize).resumed_after(done),
        };
        let write_best = |model: &M| write_model(dir, config, &problem.schema, model);
        let outcome = fit.run(&mut batches, &mut progress, interrupt, write_best)?;
        progress.finish();
        if matches!(outcome, Outcome::Interrupted) {
            bail!(
                "stopped at step {} of {}; continue with: gleaner train --resume {}",
                fit.state.train.step,
                plan.rate.total_steps,
                resumable.display()
            );
        }
        Ok(fit.state.progress)
    }
}

/// The run that holds out a part of the labels, in a folder of its own within that of the run; its summary, if it is there already.
fn hold_out(
    session: &Session,
    (dir, number): (&RunDir, usize),
    recipe: &Recipe,
    resumable: &Path,
    interrupt: &Interrupt,
) -> Result<Summary> {
    let path = fold_path(dir, number);
    let begun = RunDir::open(&path).is_ok();
    let part = if begun { RunDir::reopen(&path)? } else { RunDir::create(&path)? };
    if let Some(summary) = part.read_summary()? {
        return serde_json::from_value(summary).context("a part of the cross-validation");
    }
    let held_out = Session::of(session.source.clone(), recipe.clone())?;
    let held_out = held_out.validating(session.read_every == 1);
    held_out.begin(&part)?;
    let afterwards: Afterwards<'_> = &|_, _, _, _, _| Ok(());
    let stage =
        Stage { session: &held_out, dir: &part, resumable, interrupt, afterwards, quiet: true };
    let summary = stage.run(&[])?;
    part.remove_state()?;
    Ok(summary)
}

fn write_model<M: Module>(
    dir: &RunDir,
    config: &ModelConfig,
    schema: &Schema,
    model: &M,
) -> Result<()> {
    let parameters = pollster::block_on(infer::parameters(model))?;
    let checkpoint = Checkpoint { config: config.clone(), data: Some(schema.clone()), parameters };
    dir.write("model.safetensors", &checkpoint.to_bytes()?).context("the model")
}
