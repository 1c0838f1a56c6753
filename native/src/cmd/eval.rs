//! `gleaner eval`: measures a trained run again.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use gleaner_core::data::Examples;
use gleaner_core::infer;
use gleaner_core::noise::Noise;
use serde_json::json;

use crate::data::rows::known;
use crate::run::Problem;
use crate::run::RunDir;
use crate::run::judge::Judge;
use crate::run::measure::{Told, active_units, elbo, mean};
use crate::system::device;
use crate::system::output::Output;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SplitName {
    Test,
    Val,
}

/// Measures.
///
/// # Errors
/// If the run, its data or the device fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let dir = RunDir::open(&args.run)?;
    let mut recipe = dir.recipe()?;
    if let Some(data_dir) = &args.data_dir {
        recipe.data.dir = Some(data_dir.clone());
    }
    let device = device::parse(args.device.as_deref().unwrap_or(&recipe.train.device))?;
    let (config, model) = dir.load(&device)?;
    let problem = Problem::of_run(&dir, &recipe)?;
    let (examples, rows): (&Examples, Vec<usize>) = match args.split {
        SplitName::Test => (&problem.data.test, known(&problem.data.test)),
        SplitName::Val => (&problem.data.train, problem.split.validation.clone()),
    };
    let [split, named] = match args.split {
        SplitName::Test => ["test"; 2],
        SplitName::Val => ["val", "validation"],
    };
    if let Some(samples) = &args.samples {
        ensure!(
            config.classifies(),
            "m1 has no classifier to judge samples with; give another run"
        );
        let judge = Judge { model: &model, examples, rows: &rows, device: &device };
        let judged = judge.of(samples, problem.classes())?;
        return judged.show(samples, &args.run, split, out);
    }
    let told = Told::measure(&model, &problem, (examples, &rows), &device)?;
    let noise = Noise::new(recipe.train.seed);
    let elbo = elbo(&model, examples, &rows, &noise, &device)?;
    let iwae = (args.iwae_samples > 0)
        .then(|| {
            let noise = noise.split("iwae");
            let bound = infer::importance_weighted_bound(
                &model,
                examples,
                &rows,
                args.iwae_samples,
                &noise,
                &device,
            );
            pollster::block_on(bound).map(|bounds| mean(&bounds))
        })
        .transpose()?;
    let units = active_units(&model, examples, &rows, &device)?;
    out.line(format!("{} on {} examples of the {named} split", args.run.display(), rows.len()));
    let mut table = told.table();
    table.push(("ELBO", format!("{elbo:.3} nats")));
    if let Some(iwae) = iwae {
        table.push(("IWAE", format!("{iwae:.3} nats ({} draws)", args.iwae_samples)));
    }
    table.push(("active units", units.to_string()));
    out.table(&table);
    let certainty = told.certainty();
    out.object(&json!({
        "run": args.run, "split": split, "examples": rows.len(),
        "accuracy": told.accuracy(), "svm": told.svm(),
        "ece": certainty.map(|c| c.ece), "brier": certainty.map(|c| c.brier),
        "nll": certainty.map(|c| c.nll), "entropy": certainty.map(|c| c.entropy), "elbo": elbo,
        "iwae": iwae, "iwae_samples": args.iwae_samples, "active_units": units,
    }))
}
