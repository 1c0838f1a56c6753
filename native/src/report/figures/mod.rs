//! The pictures of a run: what is drawn of it, and the files that training leaves.

mod curves;
mod drawn_rows;
mod embedding;
mod images;
mod predictions;
mod words;

use anyhow::Result;
use burn::tensor::Device;
use gleaner_core::error::Error;
use gleaner_core::models::{Model, ModelConfig};

pub use curves::curves;
pub use drawn_rows::{equal_to_data, samples as samples_of_rows};
pub use embedding::embedding;
pub use images::{
    Origin, Pairs, Refined, along, over_classes, plane, reconstructions, refined, samples,
};
pub use predictions::Predictions;
pub use words::samples as samples_of_words;

use crate::pictures::picture::image_shape;
use crate::run::Problem;
use crate::run::RunDir;
use crate::run::recipe::Recipe;
use crate::training::Results;

/// A trained model, as pictures are drawn of it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What it is.
    pub config: &'a ModelConfig,
    /// Its weights.
    pub model: &'a Model,
    /// Where it computes.
    pub device: &'a Device,
}

impl Subject<'_> {
    /// Whether it tells classes apart: M1 does not.
    pub fn classifies(&self) -> bool {
        self.config.classifies()
    }
}

/// Draws `curves.svg`, `reliability.svg` if the model classifies, and `samples.png` if the examples are images, or
/// `samples.txt` if they are texts.
///
/// # Errors
/// If the disk does not take them.
pub fn draw(
    dir: &RunDir,
    recipe: &Recipe,
    problem: &Problem,
    Results { summary, kept }: &Results,
    device: &Device,
) -> Result<()> {
    let curves = curves(&dir.read_metrics()?, summary.baseline_accuracy);
    dir.write("curves.svg", curves.svg()?.as_bytes())?;
    let (config, model) = dir.load(device)?;
    let subject = Subject { config: &config, model: &model, device };
    if subject.classifies() {
        let predictions = match kept {
            Some(answered) => Predictions::new(answered.clone(), problem.classes()),
            None => Predictions::of_run(dir, recipe, problem, device)?,
        };
        dir.write("reliability.svg", predictions.reliability()?.as_bytes())?;
    }
    if let Some(words) = &problem.data.words {
        let text = samples_of_words(&subject, words, &problem.data.classes, recipe.train.seed);
        if let Some(text) = unless_diverged(text, "samples.txt")? {
            dir.write("samples.txt", text.as_bytes())?;
        }
    }
    if image_shape(&problem.data.train.shape).is_ok() {
        let png = samples(&subject, recipe.train.seed);
        if let Some(png) = unless_diverged(png, "samples.png")? {
            dir.write("samples.png", &png)?;
        }
    }
    Ok(())
}

/// What was drawn for a file. Chains that diverge take nothing from a model that is trained: that they did is said, and the run goes on.
fn unless_diverged<T>(made: Result<T>, file: &str) -> Result<Option<T>> {
    match made {
        Ok(made) => Ok(Some(made)),
        Err(error) if matches!(error.downcast_ref(), Some(Error::Diverged { .. })) => {
            eprintln!("no {file}: {error:#} (model.langevin.step-size)");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
