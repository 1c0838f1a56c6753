//! `gleaner train`: from a recipe to a run directory.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use burn::tensor::Device;
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::Batches;
use gleaner_core::infer;
use gleaner_core::models::{M2, ModelConfig};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{M2Objective, M2ObjectiveConfig, Marginalize, effective_alpha};
use gleaner_core::train::{Learner, RateSchedule};
use toml::Table;

use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::Progress;
use crate::recipe::{ObjectiveSettings, Recipe, merge, nested, on_cpu};
use crate::run_dir::RunDir;
use crate::summary::{self, Baseline, Run};
use crate::threads::Threads;
use crate::training::{Fit, Outcome, Plan, Problem, SavedState, train_baseline};
use crate::{device, figures};

/// Train a model, evaluate it on the test split, and leave a run directory.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner train\n  \
    gleaner train recipes/mnist-100.toml --data-dir ~/data\n  \
    gleaner train --data fashion-mnist --labels-per-class 100 --mier --epochs 30\n  \
    gleaner train --data samples.npz --set model.likelihood=gaussian\n  \
    gleaner train --resume runs/mnist-m2-seed0")]
pub struct Args {
    /// Recipe to follow; a run's config.toml repeats that run
    recipe: Option<PathBuf>,
    /// Data set name, .npz, .csv, or folder of class folders
    #[arg(long, help_heading = "Data")]
    data: Option<String>,
    /// Folder of the data sets [default: $GLEANER_DATA, then the user's cache folder]
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    data_dir: Option<PathBuf>,
    /// Labelled examples of each class
    #[arg(long, value_name = "N", conflicts_with = "labels", help_heading = "Data")]
    labels_per_class: Option<i64>,
    /// Labelled examples in all
    #[arg(long, value_name = "N", help_heading = "Data")]
    labels: Option<i64>,
    /// Model [m2]
    #[arg(long, help_heading = "Model")]
    model: Option<String>,
    /// Regularise with mutual information and entropy (MIER)
    #[arg(long, help_heading = "Model")]
    mier: bool,
    /// MIER's weight of the entropy [default: 5]
    #[arg(long, value_name = "X", requires = "mier", help_heading = "Model")]
    mier_beta: Option<f64>,
    /// MIER's weight of the mutual information [default: 1]
    #[arg(long, value_name = "X", requires = "mier", help_heading = "Model")]
    mier_gamma: Option<f64>,
    /// How the sum over classes is taken: exact or sum-and-sample:K
    #[arg(long, help_heading = "Model")]
    marginalize: Option<Marginalize>,
    /// Passes over the unlabelled examples
    #[arg(long, value_name = "N", conflicts_with = "steps", help_heading = "Training")]
    epochs: Option<i64>,
    /// Training steps
    #[arg(long, value_name = "N", help_heading = "Training")]
    steps: Option<i64>,
    /// Unlabelled examples in a step
    #[arg(long, value_name = "N", help_heading = "Training")]
    batch_size: Option<i64>,
    /// Highest learning rate
    #[arg(long, value_name = "X", help_heading = "Training")]
    lr: Option<f64>,
    /// Seed of the label draw, the weights and all noise
    #[arg(long, value_name = "N", help_heading = "Training")]
    seed: Option<i64>,
    /// Where to compute: cpu, wgpu, vulkan, metal, cuda[:N]
    #[arg(long, help_heading = "Training")]
    device: Option<String>,
    /// CPU threads; 0 takes all
    #[arg(long, value_name = "N", help_heading = "Training")]
    threads: Option<i64>,
    /// Where noise is drawn: host (the same numbers on every device) or device (faster on a GPU)
    #[arg(long, value_name = "WHERE", value_parser = ["host", "device"], help_heading = "Training")]
    noise: Option<String>,
    /// Any setting of a recipe, such as train.clip-norm=10
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    /// Folder of the run [default: runs/DATA-MODEL-seedN]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Continue an interrupted run
    #[arg(long, value_name = "DIR", conflicts_with = "recipe")]
    resume: Option<PathBuf>,
}

impl Args {
    fn flags(&self) -> Result<Table> {
        let mut flags = Table::new();
        let mut set = |path: &str, value: Option<toml::Value>| {
            if let Some(value) = value {
                merge(&mut flags, nested(path, value));
            }
        };
        set("data.name", self.data.clone().map(Into::into));
        let dir = self.data_dir.as_ref().map(std::path::absolute).transpose()?;
        set("data.dir", dir.map(|dir| dir.display().to_string().into()));
        set("data.labels-per-class", self.labels_per_class.map(Into::into));
        set("data.labels", self.labels.map(Into::into));
        set("model.kind", self.model.clone().map(Into::into));
        set("objective.marginalize", self.marginalize.map(|m| m.to_string().into()));
        if self.mier {
            set("objective.mier.beta", Some(self.mier_beta.unwrap_or(5.0).into()));
            set("objective.mier.gamma", Some(self.mier_gamma.unwrap_or(1.0).into()));
        }
        set("train.epochs", self.epochs.map(Into::into));
        set("train.steps", self.steps.map(Into::into));
        set("train.batch-size", self.batch_size.map(Into::into));
        set("train.lr", self.lr.map(Into::into));
        set("train.seed", self.seed.map(Into::into));
        set("train.device", self.device.clone().map(Into::into));
        set("train.threads", self.threads.map(Into::into));
        set("train.noise", self.noise.clone().map(Into::into));
        Ok(flags)
    }
}

/// Trains, or continues.
///
/// # Errors
/// If the settings, the data, the device or the disk do not allow it.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let flags = args.flags()?;
    if let Some(path) = &args.resume {
        if !flags.is_empty() || !args.set.is_empty() {
            bail!(
                "--resume continues a run with its own settings; to change them, start a new run from \
                 {}",
                path.join("config.toml").display()
            );
        }
        let dir = RunDir::reopen(path)?;
        return Session::prepare(dir.recipe()?)?.train(&dir, out);
    }
    let recipe = Recipe::resolve(args.recipe.as_deref(), flags, &args.set)?;
    let session = Session::prepare(recipe)?;
    let dir = match &args.out {
        Some(path) => RunDir::create(path)?,
        None => RunDir::create_named(&session.name())?,
    };
    dir.write("config.toml", session.recipe.to_toml()?.as_bytes())?;
    session.train(&dir, out)
}

/// A run whose settings and data have been found good.
struct Session {
    recipe: Recipe,
    problem: Problem,
    device: Device,
    workers: Arc<Threads>,
    noise: Noise,
    alpha: f64,
}

impl Session {
    fn prepare(mut recipe: Recipe) -> Result<Self> {
        device::set_threads(recipe.train.threads)?;
        let workers = Arc::new(Threads::start(recipe.train.threads)?);
        if recipe.train.parts == 0 {
            // Written down, so that the run can be repeated to the bit on a machine with other cores.
            recipe.train.parts = if on_cpu(&recipe.train.device) { workers.count() } else { 1 };
        }
        let device = device::parse(&recipe.train.device)?;
        let problem = Problem::load(&recipe)?;
        let noise = Noise::new(recipe.train.seed);
        let labelled = problem.split.labelled.len();
        let alpha = effective_alpha(recipe.objective.alpha, problem.pool(), labelled);
        // Shapes are checked before anything is written.
        recipe.augmentation(&problem.data.train.shape)?;
        recipe.m2(&problem.data.train.shape, problem.classes()).init(&noise, &device)?;
        Ok(Self { recipe, problem, device, workers, noise, alpha })
    }

    fn name(&self) -> String {
        format!("{}-m2-seed{}", self.problem.data.name, self.recipe.train.seed)
    }

    fn train(self, dir: &RunDir, out: &Output) -> Result<()> {
        let started = Instant::now();
        let interrupt = Interrupt::install()?;
        self.introduce(dir);
        let baseline = self.baseline()?;
        let mut batches = self.batches()?;
        let plan = self.plan(batches.steps_per_epoch());
        let mut fit = self.fit(dir, plan)?;
        let mut progress = progress(&fit, plan);
        let config = self.recipe.m2(&self.problem.data.train.shape, self.problem.classes());
        let write_best = |model: &M2| write_model(dir, &config, model);
        let outcome = fit.run(&mut batches, &mut progress, &interrupt, write_best)?;
        progress.finish();
        if matches!(outcome, Outcome::Interrupted) {
            bail!(
                "stopped at step {} of {}; continue with: gleaner train --resume {}",
                fit.state.train.step,
                plan.rate.total_steps,
                dir.path().display()
            );
        }
        let run = Run {
            recipe: &self.recipe,
            problem: &self.problem,
            device: &self.device,
            alpha: self.alpha,
            progress: &fit.state.progress,
            seconds: fit.state.progress.seconds.max(started.elapsed().as_secs_f64()),
        };
        let summary = summary::finish(dir, &run, baseline)?;
        figures::draw(dir, &self.recipe, &self.problem, &summary, &self.device)?;
        summary.show(dir, out)
    }

    fn introduce(&self, dir: &RunDir) {
        let Problem { data, split } = &self.problem;
        eprintln!(
            "{}: {} labelled, {} unlabelled, {} validation, {} test; effective alpha {:.4}; run {}",
            data.name,
            split.labelled.len(),
            split.unlabelled.len(),
            split.validation.len(),
            data.test.len(),
            self.alpha,
            dir.path().display()
        );
    }

    fn baseline(&self) -> Result<Option<Baseline>> {
        if self.recipe.train.baseline_steps == 0 {
            return Ok(None);
        }
        let model = train_baseline(&self.recipe, &self.problem, &self.noise, &self.device)?;
        summary::measure_baseline(&model, &self.problem, &self.device).map(Some)
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
        let Recipe { train, objective, .. } = &self.recipe;
        let total_steps = train.steps.unwrap_or(train.epochs * steps_per_epoch);
        let steps_in = |epochs: f64| (epochs * steps_per_epoch as f64) as u64;
        Plan {
            rate: RateSchedule {
                peak: train.lr,
                warm_up_steps: train.warm_up_steps.min(total_steps / 10),
                total_steps,
                schedule: train.schedule,
            },
            kl_warm_up_steps: steps_in(objective.kl_warm_up_epochs),
            classifier_warm_up_steps: steps_in(objective.classifier_warm_up_epochs),
            steps_per_epoch,
        }
    }

    fn fit<'a>(&'a self, dir: &'a RunDir, plan: Plan) -> Result<Fit<'a, M2, M2Objective>> {
        let config = self.recipe.m2(&self.problem.data.train.shape, self.problem.classes());
        let model = config.init(&self.noise.split("model"), &self.device.clone().autodiff())?;
        let state = if dir.state().exists() {
            SavedState::load(&dir.state(), model, &self.device)?
        } else {
            SavedState::fresh(model)
        };
        dir.keep_metrics(state.progress.lines)?;
        let ObjectiveSettings { labelled_weight, classifier_gradient, marginalize, mier, .. } =
            self.recipe.objective;
        let objective = M2Objective::new(M2ObjectiveConfig {
            alpha: self.alpha,
            labelled_weight,
            classifier_gradient,
            augmentation: self.recipe.augmentation(&self.problem.data.train.shape)?,
            marginalize,
            mier,
        });
        let clip_norm = self.recipe.train.clip_norm;
        let learner = Learner {
            objective,
            clip_norm,
            noise: self.noise.split("training").drawn_on(self.recipe.train.noise),
            parts: self.recipe.train.parts,
            workers: self.workers.clone(),
        };
        Ok(Fit { problem: &self.problem, learner, plan, device: &self.device, dir, state })
    }
}

fn progress(fit: &Fit<'_, M2, M2Objective>, plan: Plan) -> Progress {
    let epochs = plan.rate.total_steps.div_ceil(plan.steps_per_epoch) as usize;
    let done = (fit.state.train.step / plan.steps_per_epoch) as usize;
    Progress::epochs(epochs, plan.steps_per_epoch as usize).resumed_after(done)
}

fn write_model(dir: &RunDir, config: &gleaner_core::models::M2Config, model: &M2) -> Result<()> {
    let parameters = pollster::block_on(infer::parameters(model))?;
    let checkpoint = Checkpoint { config: ModelConfig::M2(config.clone()), parameters };
    dir.write("model.safetensors", &checkpoint.to_bytes()?).context("the model")
}
