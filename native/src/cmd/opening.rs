//! What the verbs on a finished run share: which run, where to compute, where its data are.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;

use super::target::{Format, Target, data_of};
use crate::run::RunDir;
use crate::run::recipe::Recipe;
use crate::system::device;

/// A run and how to look at it.
#[derive(Debug, clap::Args)]
pub struct Opening {
    /// Run directory
    pub run: PathBuf,
    /// Where to compute [default: as in the run]
    #[arg(long)]
    device: Option<String>,
    /// Folder of the data sets [default: as in the run]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// A run that is there.
#[derive(Debug)]
pub struct Found {
    /// Its folder.
    pub dir: RunDir,
    /// Its settings.
    pub recipe: Recipe,
    /// Where to compute.
    pub device: Device,
    /// File to write.
    pub out: PathBuf,
}

impl Opening {
    /// Finds the run, having checked that the output can be written: `out`, or else `name` in the run's folder.
    ///
    /// # Errors
    /// If there is no run, the output cannot be written or has another ending, or there is no such device.
    pub fn find(&self, out: Option<&Path>, name: &str, format: Format) -> Result<Found> {
        let dir = RunDir::open(&self.run)?;
        let out = out.map_or_else(|| self.run.join(name), Path::to_path_buf);
        let mut recipe = dir.recipe()?;
        Target { flag: "--out", path: &out }.check(&[format], &data_of(&recipe))?;
        if let Some(data_dir) = &self.data_dir {
            recipe.data.dir = Some(data_dir.clone());
        }
        let device = device::of_command(self.device.as_deref(), &recipe.train.device)?;
        Ok(Found { dir, recipe, device, out })
    }
}
