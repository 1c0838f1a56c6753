//! `gleaner bench recipe`: times the training step of a recipe, or its model's predictions, on random examples.

mod draws;
mod fixture;
mod prepare;
mod subject;

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde_json::json;
use toml::Table;

use super::clock::Clock;
use super::serve::serve;
use crate::cmd::ceilings::{MOST_REPEATED, at_most};
use crate::run::recipe::{Recipe, merge, nested};
use crate::system::device::on_cpu;
use crate::system::memory;
use crate::system::output::Output;
use prepare::prepare;

/// Rounds that are not timed: the first ones also allocate.
const WARM_UP: usize = 2;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner bench recipe recipes/mnist-1000.toml --set objective.marginalize=exact\n  \
    gleaner bench recipe recipes/cifar-10-4000-latent-ebm.toml --set train.batch-size=50 --steps 3\n  \
    gleaner bench recipe recipes/cifar-10-4000-latent-ebm.toml --predict 1000 --steps 3")]
pub struct Args {
    /// Recipe file. Its data are not read: examples are random, of the shape that the data have
    recipe: PathBuf,
    /// Steps to time, after two warm-up steps
    #[arg(long, default_value_t = 5)]
    steps: usize,
    /// Time the classes of this many examples instead of training steps
    #[arg(long, value_name = "N")]
    predict: Option<usize>,
    /// Shape of an example, such as 28,28,1 or 50 [default: that of the recipe's data set, if it has images]
    #[arg(long, value_delimiter = ',')]
    shape: Vec<usize>,
    /// Number of classes [default: that of the recipe's data set, else 10]
    #[arg(long)]
    classes: Option<usize>,
    /// Change any setting of the recipe, for example train.batch-size=50
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    /// Where to compute: cpu, wgpu, vulkan, metal, cuda[:N]
    #[arg(long)]
    device: Option<String>,
    /// CPU threads; 0 uses all
    #[arg(long)]
    threads: Option<usize>,
    /// Write settings, weights, batch and noise of a first step that takes the batch whole to this folder, for another program to
    /// repeat
    #[arg(long, value_name = "DIR")]
    fixture: Option<PathBuf>,
    /// For each number N read from stdin, time N steps and print their milliseconds as a line of JSON
    #[arg(long)]
    serve: bool,
}

impl Args {
    fn resolved(&self) -> Result<Recipe> {
        let mut flags = Table::new();
        if let Some(device) = &self.device {
            merge(&mut flags, nested("train.device", device.clone().into()));
        }
        if let Some(threads) = self.threads {
            merge(&mut flags, nested("train.threads", i64::try_from(threads)?.into()));
        }
        Recipe::resolve(Some(&self.recipe), flags, &self.set)
    }
}

/// Times.
///
/// # Errors
/// If the recipe cannot be read, its model cannot be built, or the device fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if args.steps == 0 || args.predict == Some(0) {
        bail!("--steps and --predict must be at least 1");
    }
    at_most("--steps", args.steps, MOST_REPEATED, "the time of each is kept")?;
    let recipe = args.resolved()?;
    let mut prepared = prepare(args, recipe)?;
    let first =
        args.fixture.as_deref().map(|dir| fixture::write(dir, &mut prepared)).transpose()?;
    let mut clock = Clock::new(!on_cpu(&prepared.recipe.train.device) && args.predict.is_none());
    let threads = prepared.subject.threads();
    if args.serve {
        let ready = json!({
            "ready": true, "threads": threads, "resident_bytes": memory::peak(),
            "objective": first.map(|first| first.objective),
            "gradient_norm": first.and_then(|first| first.gradient_norm),
        });
        return serve(&ready, |steps| clock.time(steps, |count| prepared.take(count)));
    }
    clock.time(WARM_UP, |count| prepared.take(count))?;
    let mut times = clock.time(args.steps, |count| prepared.take(count))?;
    times.sort_by(f64::total_cmp);
    let [min, median, max] = [0, times.len() / 2, times.len() - 1].map(|i| times[i]);
    let train = &prepared.recipe.train;
    let what = match args.predict {
        Some(count) => format!("the classes of {count} examples"),
        None => format!(
            "a step, batch {} + {} labelled in {} parts",
            train.batch_size, train.labelled_batch_size, train.parts
        ),
    };
    let peak = memory::peak();
    let in_words =
        peak.map_or(String::new(), |peak| format!(", at most {} MB of memory", peak >> 20));
    out.line(format!(
        "{}: {what}: {median:.1} ms (fastest {min:.1}, slowest {max:.1}), {} times{in_words}",
        args.recipe.display(),
        args.steps
    ));
    out.object(&json!({
        "ms": median, "ms_min": min, "ms_max": max, "steps": args.steps, "predict": args.predict,
        "batch_size": train.batch_size, "labelled_batch_size": train.labelled_batch_size,
        "parts": train.parts, "threads": threads, "device": train.device,
        "objective": args.predict.is_none().then_some(clock.objective), "peak_bytes": peak,
    }))
}
