//! `gleaner bench`: speed, measured the same way every time.

mod clock;
mod coreset;
#[cfg(feature = "counts")]
mod count;
mod langevin;
mod recipe;
mod serve;
mod step;
mod sweep;

use anyhow::Result;

use crate::system::output::Output;

/// Measure the speed of a training step, a selection or Langevin chains.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner bench step --steps 20 --json\n  \
    gleaner bench step --classes 100 --batch-size 50 --threads 1\n  \
    gleaner bench recipe recipes/mnist-1000.toml
  \
    gleaner bench coreset --points 20000 --size 2000\n  \
    gleaner bench langevin --chains 1000\n  \
    gleaner bench sweep classes --values 10,100,1000 -- --batch-size 50")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// One training step of M2 with the shapes of MNIST: 784 inputs, softplus layers, Bernoulli pixels
    Step(step::Args),
    /// One training step of a recipe, or its model's predictions, on random examples
    Recipe(recipe::Args),
    /// Facility location among standard normal points
    Coreset(coreset::Args),
    /// Conditional Langevin chains in a latent energy
    Langevin(langevin::Args),
    /// The time of a step for several values of one size, as a table and a picture
    Sweep(sweep::Args),
}

/// Times.
///
/// # Errors
/// If the device fails or the disk is full.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    match &args.what {
        What::Step(args) => step::run(args, out),
        What::Recipe(args) => recipe::run(args, out),
        What::Coreset(args) => coreset::run(args, out),
        What::Langevin(args) => langevin::run(args, out),
        What::Sweep(args) => sweep::run(args, out),
    }
}
