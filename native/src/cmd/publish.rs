//! `gleaner publish`: a run as a small folder to give away, which the page can show.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use gleaner_core::checkpoint::Precision;
use gleaner_core::data::profile::Profile;
use serde_json::json;

use crate::choice::Kept;
use crate::run::{RunDir, TrainedOn};
use crate::system::output::{Output, path_text};

/// Copy a run into a small folder to share: half-precision weights, recipe, results.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner publish runs/mnist-latent-ebm-seed0 --out mnist-latent-ebm\n  \
    gleaner sample mnist-latent-ebm --per-class 10 --out samples.npz\n\n\
    The folder is a run: every command reads it. It cannot be resumed. The web page opens its model.safetensors.")]
pub struct Args {
    /// Run directory
    run: PathBuf,
    /// Folder to create
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Copies.
///
/// # Errors
/// If the run is not finished or put together from two, a weight is too large for half precision, or a file fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let run = RunDir::open(&args.run)?;
    let summary = run.read_summary()?.with_context(|| {
        format!(
            "\"{}\" has no summary.json; finish the run with: gleaner train --resume {0}",
            args.run.display()
        )
    })?;
    let named = || run.model().display().to_string();
    let checkpoint = run.checkpoint()?;
    let model = checkpoint.to_bytes_in(Precision::Half).with_context(named)?;
    let mut recipe = run.recipe()?;
    // Where the data lie on this machine is nobody else's business.
    recipe.data.forget_folders();
    let vocabulary = run.vocabulary()?;
    let profile = run
        .read_profile()?
        .map(|profile| Profile { source: file_name(&profile.source), ..profile });
    let data = run.trained_on()?.map(|data| TrainedOn { source: file_name(&data.source), ..data });
    let classifier = Kept::of(&run, &recipe, &checkpoint.config)?;
    RunDir::create_bare(&args.out, |published| {
        if let Some(vocabulary) = vocabulary {
            published.write_vocabulary(vocabulary.words())?;
        }
        if let Some(data) = &data {
            published.write_trained_on(data)?;
        }
        if let Some(profile) = &profile {
            published.write_profile(profile)?;
        }
        if let Some(kept) = &classifier {
            kept.write(published)?;
        }
        published.write("summary.json", serde_json::to_string_pretty(&summary)?.as_bytes())?;
        published.write("model.safetensors", &model)?;
        published.write("config.toml", recipe.to_toml()?.as_bytes())
    })?;
    let megabytes = model.len() as f64 / 1e6;
    let held = classifier.as_ref().map_or(0, Kept::examples_held);
    let beside = if classifier.is_some() { " and the classifier that was chosen" } else { "" };
    out.line(format!("{} holds a model of {megabytes:.2} MB{beside}", args.out.display()));
    if held > 0 {
        eprintln!(
            "note: classifier.json holds the values of {held} training examples, which it predicts from; do not give it to anyone \
             who must not see them"
        );
    }
    out.object(&json!({ "out": path_text(&args.out), "bytes": model.len(), "examples_held": held }))
}

/// Where it lies on this machine is nobody else's business.
fn file_name(source: &str) -> String {
    Path::new(source).file_name().unwrap_or_default().display().to_string()
}
