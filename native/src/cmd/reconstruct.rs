//! `gleaner reconstruct`: test images above what the model makes of them.

use std::path::PathBuf;

use anyhow::{Result, bail};
use gleaner_core::models::Architecture as _;
use gleaner_core::sampler::{Chains, Convention, Langevin, StepSize};
use serde_json::json;

use super::ceilings::{MOST_REPEATED, at_most};
use super::opening::Opening;
use super::target::Format;
use crate::pictures::picture::image_shape;
use crate::report::figures::{Refined, Subject, reconstructions, refined};
use crate::run::source::problem_of_run;
use crate::system::files::write_atomic;
use crate::system::output::{Output, path_text};

/// Draw test images above their reconstructions.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  gleaner reconstruct runs/digits-m2-seed0\n  \
    gleaner reconstruct runs/digits-latent-ebm-seed0 --posterior-steps 100")]
pub struct Args {
    #[command(flatten)]
    opening: Opening,
    /// Picture to write [default: RUN/reconstructions.png]
    #[arg(long, value_name = "X.png")]
    out: Option<PathBuf>,
    /// Number of images, taken evenly from the test split
    #[arg(long, value_name = "N", default_value_t = 30)]
    count: usize,
    /// For a latent-ebm: move z from the mean of the encoder to a draw of its posterior p(z|x), by N steps of a chain
    #[arg(long, value_name = "N", help_heading = "Posterior")]
    posterior_steps: Option<usize>,
    /// Size of these steps, as defined by Pang et al. (S²/2 grad + S noise); moves are accepted or rejected, and
    /// steps that are too large are mostly rejected
    #[arg(
        long,
        value_name = "S",
        default_value_t = 0.1,
        requires = "posterior_steps",
        help_heading = "Posterior"
    )]
    posterior_step_size: f64,
}

impl Args {
    /// The chains asked for.
    fn chains(&self) -> Result<Option<Chains>> {
        let Some(steps) = self.posterior_steps else { return Ok(None) };
        if steps == 0 {
            bail!(
                "--posterior-steps 0 is not valid: it must be at least 1; to use no chain, leave it out"
            );
        }
        at_most("--posterior-steps", steps, MOST_REPEATED, "a chain is done after a few hundred")?;
        let size = self.posterior_step_size;
        if !(size.is_finite() && size > 0.0) {
            bail!("--posterior-step-size {size} is not valid: it must be a positive number");
        }
        let step = StepSize::new(size, Convention::Pang);
        let sampler = Langevin { step, temperature: 1.0, adjusted: true };
        Ok(Some(Chains { sampler, steps }))
    }
}

/// Draws.
///
/// # Errors
/// If the run, its data, the device or the file fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if args.count == 0 {
        bail!("--count 0 is not valid: it must be at least 1");
    }
    let chains = args.chains()?;
    let found = args.opening.find(args.out.as_deref(), "reconstructions.png", Format::Png)?;
    let (config, model) = found.dir.load(&found.device)?;
    image_shape(config.shape())?;
    let problem = problem_of_run(&found.dir, &found.recipe)?;
    let (shown, split) = problem.shown();
    let subject = Subject { config: &config, model: &model, device: &found.device };
    let (pairs, refined) = match &chains {
        None => (reconstructions(&subject, shown, args.count)?, None),
        Some(chains) => {
            let seed = found.recipe.train.seed;
            let Refined { pairs, before, accepted } =
                refined(&subject, shown, args.count, chains, seed)?;
            (pairs, Some((before, accepted, chains.steps)))
        }
    };
    write_atomic(&found.out, &pairs.png)?;
    let said = refined.map(|(before, accepted, steps)| {
        let percent = 100.0 * accepted;
        format!(
            ", {before:.3} before {steps} steps in the posterior, {percent:.0} % of them accepted"
        )
    });
    out.line(format!(
        "{} {split} images above their reconstructions in {}; mean squared error {:.3} per image{}",
        pairs.count,
        found.out.display(),
        pairs.squared_error,
        said.unwrap_or_default()
    ));
    out.object(&json!({
        "out": path_text(&found.out), "images": pairs.count, "squared_error": pairs.squared_error,
        "squared_error_before": refined.map(|(before, ..)| before),
        "accepted": refined.map(|(_, accepted, _)| accepted),
    }))
}
