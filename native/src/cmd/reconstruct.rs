//! `gleaner reconstruct`: test images above what the model makes of them.

use std::path::PathBuf;

use anyhow::{Result, bail};
use gleaner_core::models::Architecture as _;
use serde_json::json;

use super::opening::Opening;
use crate::figures::{Subject, reconstructions};
use crate::files::write_atomic;
use crate::output::Output;
use crate::picture::image_shape;
use crate::training::Problem;

/// Draw test images above their reconstructions.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gleaner reconstruct runs/digits-m2-seed0")]
pub struct Args {
    #[command(flatten)]
    opening: Opening,
    /// Picture to write [default: RUN/reconstructions.png]
    #[arg(long, value_name = "X.png")]
    out: Option<PathBuf>,
    /// Images, taken evenly from the test split
    #[arg(long, value_name = "N", default_value_t = 30)]
    count: usize,
}

/// Draws.
///
/// # Errors
/// If the run, its data, the device or the file fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if args.count == 0 {
        bail!("--count 0 draws nothing; ask for at least 1");
    }
    let found = args.opening.find(args.out.as_deref(), "reconstructions.png")?;
    let (config, model) = found.dir.load(&found.device)?;
    image_shape(config.shape())?;
    let test = Problem::of_run(&found.dir, &found.recipe)?.data.test;
    let subject = Subject { config: &config, model: &model, device: &found.device };
    let pairs = reconstructions(&subject, &test, args.count)?;
    write_atomic(&found.out, &pairs.png)?;
    out.line(format!(
        "{} test images above their reconstructions in {}; mean squared error {:.3} per image",
        pairs.count,
        found.out.display(),
        pairs.squared_error
    ));
    out.object(&json!({
        "out": found.out, "images": pairs.count, "squared_error": pairs.squared_error,
    }))
}
