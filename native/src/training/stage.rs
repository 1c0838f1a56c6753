//! One training from its baseline to its results: the parts of a cross-validation, the objective of the model, the loop, the summary, the
//! comparison of methods.

use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use burn::module::Module;
use burn::tensor::Device;
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::course::{Course, Outline, Progressed, SavedState};
use gleaner_core::data::Resident;
use gleaner_core::data::schema::Schema;
use gleaner_core::infer;
use gleaner_core::models::{Generative, M1M2, M1M2Config, Model, ModelConfig, with_background};
use gleaner_core::objective::{
    LatentEbmObjective, Objective, Ramp, Unsupervised, UntappedObjective,
};
use gleaner_core::train::away::Aim;
use gleaner_core::workers::Workers as _;

use super::augmentation::Augmenter;
use super::features::{active_units, features_recipe};
use super::fit::{Fit, Outcome};
use super::session::Session;
use crate::choice::{self, Watch};
use crate::run::Problem;
use crate::run::RunDir;
use crate::run::folds::{fold_path, fold_recipes, held_out_parts};
use crate::run::measure::Answered;
use crate::run::recipe::Recipe;
use crate::run::summary::{self, Run, Summary};
use crate::system::device::{self, is_remote, on_cpu};
use crate::system::interrupt::Interrupt;
use crate::system::progress::Progress;

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

/// Trains a session, or goes on from the folder's saved state, measures the best model on the test split, and does what is to be done
/// `afterwards`.
///
/// # Errors
/// If the device or the disk fails, the run keeps diverging, or the user stops it.
pub fn train(
    session: &Session,
    dir: &RunDir,
    interrupt: &Interrupt,
    afterwards: Afterwards<'_>,
) -> Result<Summary> {
    let stage = Stage { session, dir, resumable: dir.path(), interrupt, afterwards, quiet: false };
    interrupt.advise(format!("continue with: {}", session.command_to_go_on(dir.path())));
    let parts = stage.cross_validate()?;
    stage.run(&parts)
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
        let recipes = fold_recipes(&session.outline.recipe);
        if recipes.is_empty() {
            return Ok(Vec::new());
        }
        let labels = session.outline.problem.split.labelled.len();
        match recipes.len() {
            1 => eprintln!("cross-validation: one model, without a part of the {labels} labels"),
            models => eprintln!(
                "cross-validation: {models} models, each without a part of the {labels} labels"
            ),
        }
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
            1 if on_cpu(&session.outline.recipe.train.device) => {
                session.workers.run(recipes.len(), &one);
            }
            _ => (0..recipes.len()).for_each(one),
        }
        let (summaries, progress) = done.into_inner().ok().context("a thread was stopped")?;
        progress.finish();
        summaries.into_iter().map(|summary| summary.context("a part is missing")?).collect()
    }

    /// From the baseline to what is done afterwards. The figures come from `parts` where there are any.
    fn run(&self, parts: &[Summary]) -> Result<Summary> {
        let Self { session, dir, afterwards, .. } = *self;
        let started = Instant::now();
        if !self.quiet {
            session.introduce(dir);
            session.unreached()?.iter().for_each(|note| eprintln!("{note}"));
        }
        let baseline = session.baseline()?;
        let progress = self.fit_model()?;
        let Outline { recipe, problem, .. } = &session.outline;
        let best = progress.best.as_ref();
        let side_by_side = self.side_by_side(parts.len());
        let run = Run {
            recipe,
            problem,
            device: &session.device,
            alpha: session.alpha_in_use(),
            best_epoch: best.map(|(epoch, _)| *epoch),
            validation_accuracy: best.and_then(|(_, validation)| validation.accuracy()),
            steps: progress.step,
            roll_backs: progress.roll_backs,
            seconds: progress.seconds.max(started.elapsed().as_secs_f64())
                + parts.iter().map(|part| part.seconds).sum::<f64>() / side_by_side as f64,
        };
        let summary = match (recipe.data.folds, problem.data.test.is_empty()) {
            (None, false) => summary::finish(dir, &run, baseline.as_ref())?,
            (None, true) => summary::unmeasured(&run),
            (Some(_), _) => summary::pool(dir, &run, parts)?,
        };
        let results = self.choose(summary)?;
        afterwards(dir, recipe, problem, &results, &session.device)?;
        // Last: a run that has results lacks nothing.
        results.summary.written(dir)
    }

    /// Fits the model that the settings name, by its objective.
    fn fit_model(&self) -> Result<Progressed> {
        let Session { outline, device, .. } = self.session;
        let Outline { recipe, problem, config, noise, .. } = outline;
        if let ModelConfig::M1M2(config) = config {
            let (config, model) = self.stack(config)?;
            let config = ModelConfig::M1M2(config);
            return self.fit(&config, Model::M1M2(model), outline.semi_supervised()?);
        }
        match outline.model(&device.clone().autodiff())? {
            Model::Untapped(model) => {
                let weights = recipe.objective.untapped.unwrap_or_default();
                let noise = noise.split("labels without examples");
                self.fit(config, model, UntappedObjective { weights, noise })
            }
            Model::LatentEbm(model) => {
                let family = outline.semi_supervised()?;
                let settings = recipe.objective.latent_ebm.unwrap_or_default();
                self.fit(config, model, LatentEbmObjective { family, settings })
            }
            model @ Model::M1(_) => {
                let kl = Ramp::rising(1.0, recipe.objective.kl_warm_up_epochs);
                let shift = recipe.augmentation(&problem.data.train.shape)?.shift;
                self.fit(config, model, Unsupervised { kl, shift })
            }
            model => self.fit(config, model, outline.semi_supervised()?),
        }
    }

    /// How many of some parts were trained at a time: see [`Stage::cross_validate`].
    fn side_by_side(&self, parts: usize) -> usize {
        match fold_recipes(&self.session.outline.recipe).first() {
            Some(part) if part.train.parts == 1 && on_cpu(&part.train.device) => {
                self.session.workers.count().min(parts).max(1)
            }
            _ => 1,
        }
    }

    /// Compares other methods with the model, if the recipe asks for it, and keeps the best.
    fn choose(&self, summary: Summary) -> Result<Results> {
        let Self { session, dir, .. } = *self;
        if session.outline.recipe.choice.is_none() {
            return Ok(Results { summary, kept: None });
        }
        let Session { outline: Outline { recipe, problem, .. }, source, device, workers, .. } =
            session;
        let started = Instant::now();
        let parts = held_out_parts(dir, source, recipe, device)?;
        let watch = Watch::new(&**workers);
        eprintln!("comparing methods on {} labels", problem.split.labelled.len());
        let choice::Chosen { verdict, kept, label_only } =
            choice::choose(dir, problem, &parts, recipe, device, &watch)?;
        verdict.lines().iter().for_each(|line| eprintln!("{line}"));
        let seconds = summary.seconds + started.elapsed().as_secs_f64();
        let summary = Summary { seconds, ..summary.chosen(verdict, [&kept, &label_only]) };
        Ok(Results { summary, kept: Some(kept) })
    }

    /// The first model of M1+M2, trained in a run of its own inside this one, and the second one on it.
    fn stack(&self, config: &M1M2Config) -> Result<(M1M2Config, M1M2)> {
        let Self { session, dir, .. } = self;
        let path = dir.path().join("features");
        let begun = RunDir::open(&path).is_ok();
        let inner = if begun { RunDir::reopen(&path)? } else { RunDir::create(&path)? };
        let recipe = features_recipe(&session.outline.recipe)?;
        let features =
            Session::on(session.source.clone(), session.outline.problem.clone(), recipe)?;
        let features = features.validating(session.read_every == 1);
        features.begin_or_go_on(&inner)?;
        if !inner.summary().exists() {
            Stage { session: &features, dir: &inner, ..*self }.run(&[])?;
        }
        let autodiff = session.device.clone().autodiff();
        let (_, Model::M1(features)) = inner.load(&autodiff)? else {
            bail!(
                "\"{}\" does not hold an m1; start the run again in another --out",
                path.display()
            );
        };
        let active = active_units(&features.valid(), &session.outline.problem, &session.device)?;
        eprintln!("M1 uses {} of its {} latent dimensions", active.len(), config.feature_latent);
        let config = M1M2Config { active: Some(active), ..config.clone() };
        let model = M1M2::on(features, &config, &session.outline.noise.split("model"), &autodiff)?;
        Ok((config, model))
    }

    fn fit<M: Module + Generative, O: Objective<M> + Clone + Into<Aim>>(
        &self,
        config: &ModelConfig,
        model: M,
        objective: O,
    ) -> Result<Progressed> {
        let Self { session, dir, resumable, interrupt, .. } = self;
        let Session { outline, device, workers, .. } = session;
        let Outline { recipe, problem, noise, background, .. } = outline;
        let resident = Resident::new(&problem.data.train, device);
        let mut batches = outline.batches()?.from_resident(resident.clone());
        let plan = session.plan(batches.steps_per_epoch());
        let mut state = if dir.state().exists() {
            saved_state(&dir.state(), model, recipe, device)?
        } else {
            let model = match background {
                Some(background) => with_background(model, background)?,
                None => model,
            };
            SavedState::fresh(model)
        };
        state.progress.settings = recipe.to_toml()?;
        let lent = device::workers(&recipe.train.device, workers);
        let learner = outline.learner(objective, lent);
        let learner = self.session.places.given(learner, config, dir.path())?;
        let augmenter = recipe.augment.as_ref().map(|settings| Augmenter {
            settings,
            problem,
            device,
            workers: workers.clone(),
            lent: device::workers(&recipe.train.device, workers),
            noise: noise.split("augmentation"),
            interrupt,
        });
        let course = Course::new(learner, plan, (device.clone(), resident), state);
        let elsewhere = is_remote(&recipe.train.device).then_some(recipe.train.device.as_str());
        let mut fit = Fit { problem, course, augmenter, dir, elsewhere };
        let total = plan.rate.total_steps as usize;
        let done = (fit.course.state.train.step / plan.steps_per_epoch) as usize;
        let mut progress = match self.quiet {
            true => Progress::silent(),
            false => Progress::epochs(total, plan.steps_per_epoch as usize).resumed_after(done),
        };
        let write_best = |model: &M| write_model(dir, config, &problem.schema, model);
        let outcome = fit.run(&mut batches, &mut progress, interrupt, write_best)?;
        progress.finish();
        let why = match outcome {
            Outcome::Done => None,
            Outcome::Interrupted => Some("stopped".to_owned()),
            Outcome::Lost(devices) => Some(format!("{devices}, and the training is stopped")),
        };
        if let Some(why) = why {
            let (step, all) = (fit.course.state.train.step, plan.rate.total_steps);
            let go_on = session.command_to_go_on(resumable);
            bail!("{why} at step {step} of {all}; continue with: {go_on}");
        }
        Ok(fit.course.state.progress)
    }
}

/// The state that a run saved.
fn saved_state<M: Module>(
    path: &Path,
    model: M,
    recipe: &Recipe,
    device: &Device,
) -> Result<SavedState<M>> {
    let source = path.display().to_string();
    let bytes = std::fs::read(path).with_context(|| {
        format!("cannot read the saved state {source}; start a new run from config.toml")
    })?;
    let state = SavedState::from_bytes(&bytes, &source, model, device)?;
    state.progress.ensure_of(recipe, &source)?;
    Ok(state)
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
    let held_out = Session::of(session.source.clone(), recipe.clone())?;
    let held_out = held_out.validating(session.read_every == 1);
    let begun = RunDir::open(&path).ok();
    if let Some(part) = &begun
        && let Some(summary) = part.read_summary()?
    {
        held_out.ensure_same(part)?;
        return serde_json::from_value(summary).context("a part of the cross-validation");
    }
    let part = if begun.is_some() { RunDir::reopen(&path)? } else { RunDir::create(&path)? };
    held_out.begin_or_go_on(&part)?;
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
