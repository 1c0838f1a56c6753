//! `gleaner eval`: measures a trained run again.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use burn::tensor::Device;
use gleaner_core::data::Examples;
use gleaner_core::infer;
use gleaner_core::measures::estimate::Estimate;
use gleaner_core::measures::eval::Classification;
use gleaner_core::measures::uncertainty::interval;
use gleaner_core::measures::units::ActiveUnits;
use gleaner_core::noise::Noise;
use serde_json::json;

use super::ceilings::at_most;
use crate::choice::{self, Watch};
use crate::data::rows::{evenly, every, known};
use crate::run::Problem;
use crate::run::RunDir;
use crate::run::folds::{Part, held_out_parts, parts};
use crate::run::judge::Judge;
use crate::run::measure::{Told, active_units, bound_in_words, elbo, ensure_finite, mean_in_words};
use crate::run::readout::Readout;
use crate::run::recipe::Recipe;
use crate::run::source::{self, problem_of_run};
use crate::run::summary::{MOST_FOR_UNITS, share_in_words};
use crate::system::device;
use crate::system::output::{Output, path_text};
use crate::system::threads::Threads;

/// Evaluate a trained run again, or judge samples by its classifier.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner eval runs/digits-m2-seed0\n  \
    gleaner eval runs/digits-m2-seed0 --split val --iwae-samples 50 --json\n  \
    gleaner eval runs/other --samples coreset.npz                 how good another run's samples are\n\n\
    With --samples, the classifier of the run judges samples. Use a run that did not draw them. The result says how often the \
    classifier agrees with the class that each sample was drawn for. It also says, in the space of its last hidden layer, how many \
    samples lie among the examples (precision, density) and how many examples lie among the samples (recall, coverage).")]
pub struct Args {
    /// Run directory
    run: PathBuf,
    /// Split to evaluate on
    #[arg(long, value_enum, default_value = "test")]
    split: SplitName,
    /// Draws of z per class and example for the importance-weighted bound (IWAE); 0 leaves it out
    #[arg(long, value_name = "K", default_value_t = 0)]
    iwae_samples: usize,
    /// Judge the samples of this file instead: x [n, ...] and y [n], at most 10,000 of them
    #[arg(long, value_name = "X.npz", conflicts_with = "iwae_samples")]
    samples: Option<PathBuf>,
    /// Where to compute [default: as in the run]
    #[arg(long)]
    device: Option<String>,
    /// Folder of the data sets [default: as in the run]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Draws of an importance-weighted bound at most; the papers take 5,000.
const MOST_DRAWS: usize = 100_000;

/// Why not more.
const EACH: &str = "each passes all examples through the model once more";

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SplitName {
    Test,
    Val,
}

/// Measures.
///
/// # Errors
/// If the run, its data or the device fails, or the model computes what is no number.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    at_most("--iwae-samples", args.iwae_samples, MOST_DRAWS, EACH)?;
    let dir = RunDir::open(&args.run)?;
    let mut recipe = dir.recipe()?;
    if let Some(data_dir) = &args.data_dir {
        recipe.data.dir = Some(data_dir.clone());
    }
    let device = device::of_command(args.device.as_deref(), &recipe.train.device)?;
    if let Some(samples) = &args.samples {
        return judge(args, samples, (&dir, &recipe), &device, out);
    }
    // The model that is kept, which the parts say nothing of. That it is of another run is said before they are measured.
    let whole = recipe.data.folds.map(|_| dir.load(&device)).transpose()?;
    let noise = Noise::new(recipe.train.seed);
    let parts = parts(&dir, &recipe, &device)?;
    let measured: Vec<Measured> = parts
        .iter()
        .map(|part| Measured::of(part, args, &noise, &device))
        .collect::<Result<_>>()
        .with_context(|| args.run.display().to_string())?;
    // The same examples, in every division of a cross-validation.
    let repeats = recipe.data.folds.and(recipe.data.repeats).unwrap_or(1);
    let rows = measured.iter().map(|part| part.rows).sum::<usize>() / repeats;
    let mut measured = Measured::mean(&measured, repeats);
    let mut of_model = None;
    if recipe.choice.is_some() && args.split == SplitName::Test {
        let source = source::of_run(&dir, &recipe)?;
        let problem = Problem::of(&source, &recipe)?;
        let held_out = match problem.data.test.is_empty() {
            true => held_out_parts(&dir, &source, &recipe, &device)?,
            false => Vec::new(),
        };
        let workers = Threads::start(0)?;
        let watch = Watch::new(&workers);
        let kept = choice::measure(&dir, &problem, &held_out, &recipe, &device, &watch)?.measured;
        of_model = Some(std::mem::replace(&mut measured.accuracy, kept.accuracy));
        measured.certainty = Some(kept);
    }
    if let Some((_, model)) = whole {
        let problem = problem_of_run(&dir, &recipe)?;
        let rows = evenly(&every(&problem.data.train), MOST_FOR_UNITS);
        measured.units = active_units(&model, &problem.data.train, &rows, &device)?;
    }
    let split = args.split.names();
    let of = match recipe.data.folds {
        Some(_) if args.split == SplitName::Test => "by cross-validation".to_owned(),
        _ => format!("of the {} split", split[1]),
    };
    out.line(format!("{} on {rows} examples {of}", args.run.display()));
    let mut table = measured.table(rows, args.iwae_samples);
    let said = of_model.map(|accuracy| share_in_words(accuracy, rows, None));
    table.extend(said.map(|said| ("accuracy of the model", said)));
    out.table(&table);
    let certainty = measured.certainty;
    out.object(&json!({
        "run": path_text(&args.run), "split": split[0], "examples": rows,
        "accuracy": measured.accuracy, "model_accuracy": of_model, "interval": interval(measured.accuracy, rows), "svm": measured.svm,
        "ece": certainty.map(|c| c.ece), "brier": certainty.map(|c| c.brier),
        "nll": certainty.map(|c| c.nll), "entropy": certainty.map(|c| c.entropy), "elbo": measured.elbo.value,
        "elbo_se": measured.elbo.error, "iwae": measured.iwae.map(|iwae| iwae.value), "iwae_se": measured.iwae.and_then(|iwae| iwae.error),
        "iwae_samples": args.iwae_samples, "active_units": measured.units,
    }))
}

fn judge(
    args: &Args,
    samples: &Path,
    (dir, recipe): (&RunDir, &Recipe),
    device: &Device,
    out: &Output,
) -> Result<()> {
    let (config, model) = dir.load(device)?;
    ensure!(config.classifies(), "m1 has no classifier to judge samples with; give another run");
    let problem = problem_of_run(dir, recipe)?;
    let (examples, rows, split) = match args.split {
        SplitName::Test => (problem.shown().0, known(problem.shown().0), problem.shown().1),
        SplitName::Val => (&problem.data.train, problem.split.validation.clone(), "val"),
    };
    let judge = Judge { model: &model, schema: &problem.schema, examples, rows: &rows, device };
    let judged = judge.of(samples, problem.classes())?;
    judged.show(samples, &args.run, split, out)
}

impl SplitName {
    /// In JSON and in words.
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Test => ["test"; 2],
            Self::Val => ["val", "validation"],
        }
    }
}

/// What a model is worth on a split.
#[derive(Clone, Debug)]
struct Measured {
    rows: usize,
    accuracy: f64,
    certainty: Option<Classification>,
    svm: Option<Readout>,
    elbo: Estimate,
    iwae: Option<Estimate>,
    units: ActiveUnits,
}

impl Measured {
    fn of(part: &Part, args: &Args, noise: &Noise, device: &Device) -> Result<Self> {
        let Part { model, problem, .. } = part;
        let (examples, rows): (&Examples, Vec<usize>) = match args.split {
            SplitName::Test => (&problem.data.test, known(&problem.data.test)),
            SplitName::Val => (&problem.data.train, problem.split.validation.clone()),
        };
        let told = Told::measure(model, problem, (examples, &rows), device)?;
        told.ensure_finite()?;
        let elbo = elbo(model, examples, &rows, noise, device)?;
        ensure_finite("the bound of the examples (ELBO)", [elbo.value as f32])?;
        let draws = args.iwae_samples;
        let iwae = (draws > 0).then(|| {
            let noise = noise.split("iwae");
            let bound =
                infer::importance_weighted_bound(model, examples, &rows, draws, &noise, device);
            let bounds = pollster::block_on(bound)?;
            ensure_finite("the bound of the examples (IWAE)", bounds.iter().copied())?;
            anyhow::Ok(pollster::block_on(infer::mean_bound(model, &bounds))?)
        });
        Ok(Self {
            rows: rows.len(),
            accuracy: told.accuracy(),
            certainty: told.certainty(),
            svm: told.svm(),
            elbo,
            iwae: iwae.transpose()?,
            units: active_units(model, examples, &rows, device)?,
        })
    }

    /// Of several parts, each counted by its rows, where each example was in so many `rounds` of them. What is no mean (latent
    /// dimensions, machines) is that of the first.
    fn mean(parts: &[Self], rounds: usize) -> Self {
        let rows: usize = parts.iter().map(|part| part.rows).sum();
        let mean = |of: &dyn Fn(&Self) -> f64| {
            parts.iter().map(|part| part.rows as f64 / rows as f64 * of(part)).sum::<f64>()
        };
        let bound = |of: &dyn Fn(&Self) -> Option<Estimate>| {
            let part = |part: &Self| Some((part.rows as f64 / rows as f64, of(part)?));
            let parts: Option<Vec<_>> = parts.iter().map(part).collect();
            Some(Estimate::of_parts(&parts?, rounds))
        };
        let certain =
            |of: fn(&Classification) -> f64| mean(&|part| part.certainty.as_ref().map_or(0.0, of));
        let first = &parts[0];
        Self {
            rows,
            accuracy: mean(&|part| part.accuracy),
            certainty: first.certainty.map(|_| Classification {
                accuracy: certain(|c| c.accuracy),
                nll: certain(|c| c.nll),
                ece: certain(|c| c.ece),
                brier: certain(|c| c.brier),
                entropy: certain(|c| c.entropy),
            }),
            elbo: bound(&|part| Some(part.elbo)).unwrap_or(first.elbo),
            iwae: bound(&|part| part.iwae),
            ..first.clone()
        }
    }

    fn table(&self, rows: usize, draws: usize) -> Vec<(&'static str, String)> {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let mean = |value: f64| mean_in_words(value, rows);
        let nats = |value: f64| mean(value) + " nats";
        let accuracy = share_in_words(self.accuracy, rows, Some(interval(self.accuracy, rows)));
        let mut table = match (&self.certainty, &self.svm) {
            (Some(c), _) => vec![
                ("accuracy", accuracy),
                ("calibration error", mean(c.ece)),
                ("Brier score", mean(c.brier)),
                ("negative log-likelihood", nats(c.nll)),
                ("classifier entropy", nats(c.entropy)),
            ],
            (None, svm) => {
                let mut table = vec![("accuracy", accuracy + "   (support vector machine)")];
                let kernels = svm
                    .iter()
                    .flat_map(|svm| [("linear kernel", svm.linear), ("Gaussian kernel", svm.rbf)]);
                table.extend(kernels.map(|(name, share)| (name, percent(share))));
                table
            }
        };
        table.push(("ELBO", bound_in_words(self.elbo)));
        let iwae = self.iwae.map(|iwae| format!("{}, {draws} draws", bound_in_words(iwae)));
        table.extend(iwae.map(|iwae| ("IWAE", iwae)));
        table.push(("active units", self.units.to_string()));
        table
    }
}
