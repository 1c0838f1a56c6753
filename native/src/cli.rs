//! The command line, declared.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::cmd;
use crate::system::interrupt::Interrupt;
use crate::system::output::Output;

/// Train semi-supervised generative models, sample from them, and keep the samples worth learning from.
#[derive(Debug, Parser)]
#[command(
    name = "gleaner",
    version,
    propagate_version = true,
    after_help = "Examples:\n  \
        gleaner train                                   the built-in digits, in a few seconds\n  \
        gleaner train --data mnist --labels-per-class 10 --data-dir ~/data\n  \
        gleaner data show patients.csv                  what a file of your own holds\n  \
        gleaner train --data patients.csv\n  \
        gleaner predict runs/patients-m2-seed0 new.csv --out predicted.csv\n  \
        gleaner eval runs/digits-m2-seed0 --iwae-samples 50\n  \
        gleaner sample runs/digits-m2-seed0 --per-class 100 --out samples.npz --grid samples.png\n  \
        gleaner filter samples.npz --max-entropy 0.01 --keep-agreeing --out sure.npz\n  \
        gleaner coreset sure.npz --method craig --fraction 0.1 --out coreset.npz"
)]
pub struct Cli {
    /// Print the result as one JSON object, on the last line of stdout
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Train a model, evaluate it on the test split, and write a run directory
    Train(Box<cmd::train::Args>),
    /// Evaluate a trained run again, or judge samples by its classifier
    Eval(cmd::eval::Args),
    /// Predict the class of new examples, or of the run's own unlabelled ones
    Predict(cmd::predict::Args),
    /// Draw samples of each class and write them to an .npz or, of tables and texts, a .csv
    Sample(cmd::sample::Args),
    /// Keep the samples that the classifier is sure of
    Filter(cmd::filter::Args),
    /// Choose a few samples that represent all
    Coreset(cmd::coreset::Args),
    /// Draw test images above their reconstructions
    Reconstruct(cmd::reconstruct::Args),
    /// Measure simpler methods on the same labels
    Baselines(cmd::baselines::Args),
    /// Reproduce a table of a paper
    Reproduce(cmd::reproduce::Args),
    /// Draw images while the class or one latent dimension changes
    Traverse(cmd::traverse::Args),
    /// Draw the last hidden layer of the classifier on a plane (t-SNE)
    Embed(cmd::embed::Args),
    /// Write a report on a run as one HTML page
    Report(cmd::report::Args),
    /// Copy a run into a small folder to share: half-precision weights, recipe, results
    Publish(cmd::publish::Args),
    /// Serve the web page on this machine and open the browser
    Serve(cmd::serve::Args),
    /// Lend a device of this machine to trainings elsewhere
    ServeDevice(cmd::serve_device::Args),
    /// Show what a file of your own holds; list, fetch and verify data sets; export the examples of a run
    Data(cmd::data::Args),
    /// List the devices that this build can use
    Devices(cmd::devices::Args),
    /// Print the licences of the packages that are part of this program
    #[command(alias = "licenses")]
    Licences(cmd::licences::Args),
    /// Measure the speed of a training step, a selection or Langevin chains
    Bench(cmd::bench::Args),
}

impl Cli {
    /// Runs the verb.
    ///
    /// # Errors
    /// Whatever stops the verb, worded for the user.
    pub fn run(self) -> Result<()> {
        let out = Output::new(self.json);
        // The servers end by a signal.
        if !matches!(self.verb, Verb::Serve(_) | Verb::ServeDevice(_)) {
            Interrupt::install()?;
        }
        match self.verb {
            Verb::Train(args) => cmd::train::run(&args, &out),
            Verb::Eval(args) => cmd::eval::run(&args, &out),
            Verb::Predict(args) => cmd::predict::run(&args, &out),
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
            Verb::ServeDevice(args) => cmd::serve_device::run(&args, &out),
            Verb::Data(args) => cmd::data::run(&args, &out),
            Verb::Devices(args) => cmd::devices::run(&args, &out),
            Verb::Licences(args) => cmd::licences::run(&args, &out),
            Verb::Bench(args) => cmd::bench::run(&args, &out),
        }?;
        out.finish()
    }
}
