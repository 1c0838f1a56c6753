//! `gleaner embed`: the last hidden layer of the classifier, as a picture.

use std::path::PathBuf;

use anyhow::{Result, bail};
use gleaner_core::noise::Noise;
use serde_json::json;

use super::opening::Opening;
use super::target::Format;
use crate::choice::Classifier;
use crate::pictures::tsne::FEWEST;
use crate::report::figures::{Subject, embedding};
use crate::run::source::problem_of_run;
use crate::system::files::write_atomic;
use crate::system::output::{Output, path_text};

/// Draw the last hidden layer of the classifier for test examples on a plane, by t-SNE.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner embed runs/digits-m2-seed0\n  \
    gleaner embed runs/mnist-m2-seed0 --out embedding.svg --rows 500 --seed 1")]
pub struct Args {
    #[command(flatten)]
    opening: Opening,
    /// Picture to write: a colour for each class, a cross for each example classified as another [default: RUN/embedding.svg]
    #[arg(long, value_name = "X.svg")]
    out: Option<PathBuf>,
    /// Number of examples at most, taken evenly from the test split
    #[arg(long, value_name = "N", default_value_t = 2000)]
    rows: usize,
    /// Seed of the layout
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// Draws.
///
/// # Errors
/// If the run, its data, the device or the file fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if args.rows < FEWEST {
        bail!("--rows {} is too few for t-SNE; give at least {FEWEST}", args.rows);
    }
    let found = args.opening.find(args.out.as_deref(), "embedding.svg", Format::Svg)?;
    let (config, model) = found.dir.load(&found.device)?;
    let problem = problem_of_run(&found.dir, &found.recipe)?;
    let subject = Subject { config: &config, model: &model, device: &found.device };
    let mut noise = Noise::new(args.seed).split("embedding");
    let own = (&config, model.clone());
    let classifier = Classifier::of(&found.dir, &found.recipe, own, &found.device)?;
    let scatter = embedding(&subject, &classifier, &problem, args.rows, &mut noise)?;
    write_atomic(&found.out, scatter.svg()?.as_bytes())?;
    let (rows, wrong) =
        (scatter.points.len(), scatter.points.iter().filter(|point| point.wrong).count());
    out.line(format!(
        "{rows} {} examples in {}; {wrong} of them classified as another class (crosses)",
        problem.shown().1,
        found.out.display()
    ));
    out.object(
        &json!({ "out": path_text(&found.out), "rows": rows, "wrong": wrong, "seed": args.seed }),
    )
}
