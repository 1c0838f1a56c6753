//! `gleaner reconstruct`: test images above what the model makes of them.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use gleaner_core::data::one_hot;
use gleaner_core::eval::arg_max;
use gleaner_core::infer;
use gleaner_core::models::{Architecture as _, Classify as _, Generative as _};
use gleaner_core::nets::Classes;
use serde_json::json;

use crate::device;
use crate::files::{ensure_writable_file, write_atomic};
use crate::output::Output;
use crate::picture::{comfortable_scale, image_shape, pairs_png};
use crate::run_dir::RunDir;
use crate::training::Problem;

/// Draw test images above their reconstructions.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gleaner reconstruct runs/digits-m2-seed0 --out pairs.png")]
pub struct Args {
    /// Run directory
    run: PathBuf,
    /// Picture to write
    #[arg(long, value_name = "X.png")]
    out: PathBuf,
    /// Images, taken evenly from the test split
    #[arg(long, value_name = "N", default_value_t = 30)]
    count: usize,
    /// Where to compute [default: as the run]
    #[arg(long)]
    device: Option<String>,
    /// Folder of the data sets [default: as the run]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Draws.
///
/// # Errors
/// If the run, its data, the device or the file fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if args.count == 0 {
        bail!("--count 0 draws nothing; ask for at least 1");
    }
    let dir = RunDir::open(&args.run)?;
    ensure_writable_file(&args.out)?;
    let mut recipe = dir.recipe()?;
    if let Some(data_dir) = &args.data_dir {
        recipe.data.dir = Some(data_dir.clone());
    }
    let device = device::parse(args.device.as_deref().unwrap_or(&recipe.train.device))?;
    let (config, model) = dir.load(&device)?;
    let shape = image_shape(config.shape())?;
    let test = Problem::load(&recipe)?.data.test;
    let count = args.count.min(test.len());
    let rows: Vec<usize> = (0..count).map(|i| i * test.len() / count).collect();
    let x = infer::upload(&test, &rows, &device);
    let logits = pollster::block_on(infer::read(model.classify(x.clone())))?;
    let predicted: Vec<usize> = logits.chunks_exact(config.classes()).map(arg_max).collect();
    let y = one_hot(predicted.iter().map(|&class| class as i64), config.classes(), &device);
    // The posterior mean is shown: a reconstruction is no draw.
    let y = Classes::Given(y);
    let z = model.encode(x, &y);
    let x_hat = pollster::block_on(infer::read(model.decode(z, &y).mean()))?;
    let originals = test.gather(&rows);
    let error = originals.iter().zip(&x_hat).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>()
        / count as f64;
    let png = pairs_png(&originals, &x_hat, shape, count.min(10), comfortable_scale(shape))
        .context("the picture")?;
    write_atomic(&args.out, &png)?;
    out.line(format!(
        "{count} test images above their reconstructions in {}; mean squared error {error:.3} per image",
        args.out.display()
    ));
    out.object(&json!({ "out": args.out, "images": count, "squared_error": error }))
}
