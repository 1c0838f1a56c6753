//! The command line, declared.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::cmd;
use crate::system::output::Output;

/// Train semi-supervised generative models, sample from them, keep the samples worth learning from.
#[derive(Debug, Parser)]
#[command(
    name = "gleaner",
    version,
    propagate_version = true,
    after_help = "Examples:\n  \
        gleaner train                                   the embedded digits, in about a minute\n  \
        gleaner train --data mnist --labels-per-class 10 --data-dir ~/data\n  \
        gleaner eval runs/digits-m2-seed0 --iwae-samples 50\n  \
        gleaner sample runs/digits-m2-seed0 --per-class 10 --out samples.npz --grid samples.png\n  \
        gleaner filter samples.npz --max-entropy 1e-6 --keep-agreeing --out sure.npz\n  \
        gleaner coreset sure.npz --method craig --fraction 0.1 --out coreset.npz"
)]
pub struct Cli {
    /// Make the last line of stdout one JSON object
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Train a model, evaluate it on the test split, and leave a run directory
    Train(Box<cmd::train::Args>),
    /// Measure a trained run again, with IWAE if asked
    Eval(cmd::eval::Args),
    /// Draw class-conditional samples into an .npz
    Sample(cmd::sample::Args),
    /// Keep the samples that the classifier is sure of
    Filter(cmd::filter::Args),
    /// Choose a few samples that stand for all
    Coreset(cmd::coreset::Args),
    /// Draw test images above their reconstructions
    Reconstruct(cmd::reconstruct::Args),
    /// Measure simpler methods on the same labels
    Baselines(cmd::baselines::Args),
    /// Run a paper's table again
    Reproduce(cmd::reproduce::Args),
    /// Draw images with the class or one latent dimension varied
    Traverse(cmd::traverse::Args),
    /// Lay out what the classifier decides from (t-SNE)
    Embed(cmd::embed::Args),
    /// Gather a run in one HTML page
    Report(cmd::report::Args),
    /// Copy a run into a small folder to give away: half-precision weights, recipe, results
    Publish(cmd::publish::Args),
    /// Serve the web page on this machine and open the browser
    Serve(cmd::serve::Args),
    /// List, fetch and verify data sets
    Data(cmd::data::Args),
    /// List the devices that this build can use
    Devices(cmd::devices::Args),
    /// Time the training step, or a selection
    Bench(cmd::bench::Args),
}

impl Cli {
    /// Runs the verb.
    ///
    /// # Errors
    /// Whatever stops the verb, worded for the user.
    pub fn run(self) -> Result<()> {
        let out = Output::new(self.json);
        match self.verb {
            Verb::Train(args) => cmd::train::run(&args, &out),
            Verb::Eval(args) => cmd::eval::run(&args, &out),
            Verb::Sample(args) => cmd::sample::run(&args, &out),
            Verb::Filter(args) => cmd::filter::run(&args, &out),
            Verb::Coreset(args) => cmd::coreset::run(&args, &out),
            Verb::Reconstruct(args) => cmd::reconstruct::run(&args, &out),
            Verb::Baselines(args) => cmd::baselines::run(&args, &out),
            Verb::Reproduce(args) => cmd::reproduce::run(&args, &out),
            Verb::Traverse(args) => cmd::traverse::run(&args, &out),
            Verb::Embed(args) => cmd::embed::run(&args, &out),
            Verb::Report(args) => cmd::report::run(&args, &out),
            Verb::Publish(args) => cmd::publish::run(&args, &out),
            Verb::Serve(args) => cmd::serve::run(&args, &out),
            Verb::Data(args) => cmd::data::run(&args, &out),
            Verb::Devices(args) => cmd::devices::run(&args, &out),
            Verb::Bench(args) => cmd::bench::run(&args, &out),
        }
    }
}
