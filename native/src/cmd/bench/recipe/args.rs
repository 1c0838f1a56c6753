//! Options of `gleaner bench recipe`, and the recipe with them laid over it.

use std::path::PathBuf;

use anyhow::Result;
use toml::Table;

use crate::run::recipe::{Recipe, merge, nested, resolve};

/// Options.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner bench recipe recipes/mnist-1000.toml --set objective.marginalize=exact\n  \
    gleaner bench recipe recipes/cifar-10-4000-latent-ebm.toml --set train.batch-size=50 --steps 3\n  \
    gleaner bench recipe recipes/cifar-10-4000-latent-ebm.toml --predict 1000 --steps 3")]
pub struct Args {
    /// Recipe file. Its data are not read: examples are random, of the shape that the data have
    pub recipe: PathBuf,
    /// Steps to time, after two warm-up steps
    #[arg(long, default_value_t = 5)]
    pub steps: usize,
    /// Time the classes of this many examples instead of training steps
    #[arg(long, value_name = "N")]
    pub predict: Option<usize>,
    /// Shape of an example, such as 28,28,1 or 50 [default: that of the recipe's data set, if it has images]
    #[arg(long, value_delimiter = ',')]
    pub shape: Vec<usize>,
    /// Number of classes [default: that of the recipe's data set, else 10]
    #[arg(long)]
    pub classes: Option<usize>,
    /// Change any setting of the recipe, for example train.batch-size=50
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    pub set: Vec<String>,
    /// Where to compute: cpu, wgpu, vulkan, metal, cuda[:N]
    #[arg(long)]
    pub device: Option<String>,
    /// CPU threads; 0 uses all
    #[arg(long)]
    pub threads: Option<usize>,
    /// Write settings, weights, batch and noise of a first step that takes the batch whole to this folder, for another program to
    /// repeat
    #[arg(long, value_name = "DIR")]
    pub fixture: Option<PathBuf>,
    /// For each number N read from stdin, time N steps and print their milliseconds as a line of JSON
    #[arg(long)]
    pub serve: bool,
}

impl Args {
    /// The recipe with the options laid over it.
    ///
    /// # Errors
    /// If it cannot be read, or has unknown keys or wrong values.
    pub fn resolved(&self) -> Result<Recipe> {
        let mut flags = Table::new();
        if let Some(device) = &self.device {
            merge(&mut flags, nested("train.device", device.clone().into()));
        }
        if let Some(threads) = self.threads {
            merge(&mut flags, nested("train.threads", i64::try_from(threads)?.into()));
        }
        resolve(Some(&self.recipe), flags, &self.set)
    }
}
