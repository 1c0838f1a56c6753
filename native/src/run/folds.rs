//! Cross-validation: the runs that each hold out a part of the labelled examples, within the folder of the run that is kept.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::models::{Model, ModelConfig};

use super::Problem;
use super::recipe::{Fold, Recipe};
use super::run_dir::RunDir;
use super::source::{self, Source};

/// The recipes of a cross-validation, by which a run is measured or its classifier chosen; none if the recipe asks for neither.
pub fn fold_recipes(recipe: &Recipe) -> Vec<Recipe> {
    let of = recipe.data.folds.or(recipe.choice.map(|choice| choice.folds));
    let Some(of) = of else { return Vec::new() };
    let repeats = recipe.data.repeats.unwrap_or(1);
    let parts = recipe.data.folds_measured.unwrap_or(of);
    let folds =
        (0..repeats).flat_map(|repeat| (0..parts).map(move |part| Fold { part, of, repeat }));
    let recipe_of = |fold| {
        let mut recipe = recipe.clone();
        (recipe.data.folds, recipe.data.folds_measured) = (None, None);
        (recipe.data.repeats, recipe.data.fold) = (None, Some(fold));
        if recipe.choice.take().is_some() {
            // A network is among the methods that are compared.
            recipe.train.baseline_steps = 0;
            // Several such runs are trained side by side.
            recipe.train.parts = 1;
        }
        recipe
    };
    folds.map(recipe_of).collect()
}

/// Where such a run is, counted from 0, in the folder of the run that is kept.
pub fn fold_path(dir: &RunDir, number: usize) -> PathBuf {
    dir.path().join("folds").join((number + 1).to_string())
}

/// A model and data of which it has not seen the test split.
#[derive(Debug)]
pub struct Part {
    /// What the model is.
    pub config: ModelConfig,
    /// Its weights.
    pub model: Model,
    /// The data as it knows them.
    pub problem: Problem,
}

/// What a run is measured on: its own model with its test split or, of a cross-validation, that of each part.
///
/// # Errors
/// If the data or a model cannot be read.
pub fn parts(dir: &RunDir, recipe: &Recipe, device: &Device) -> Result<Vec<Part>> {
    let source = source::of_run(dir, recipe)?;
    if recipe.data.folds.is_none() {
        let (config, model) = dir.load(device)?;
        return Ok(vec![Part { config, model, problem: Problem::of(&source, recipe)? }]);
    }
    held_out_parts(dir, &source, recipe, device)
}

/// The runs that each held out a part of the labels.
///
/// # Errors
/// If one is gone or cannot be read.
pub fn held_out_parts(
    dir: &RunDir,
    source: &Source,
    recipe: &Recipe,
    device: &Device,
) -> Result<Vec<Part>> {
    let part = |(number, recipe): (usize, &Recipe)| {
        let path = fold_path(dir, number);
        let gone = || {
            let run = dir.path().display();
            match dir.state().exists() {
                true => format!(
                    "{} is missing; train it with gleaner train --resume {run}",
                    path.display()
                ),
                false => format!(
                    "{run} was copied without folds/, the parts of the cross-validation that it is measured by; use the run \
                     that it was copied from"
                ),
            }
        };
        let part = RunDir::open(&path).ok().with_context(gone)?;
        let damaged = || {
            format!(
                "delete {}, and train that part again with gleaner train --resume {}",
                path.display(),
                dir.path().display()
            )
        };
        let checkpoint = part.checkpoint().with_context(damaged)?;
        // The folder of a part may itself be of another run.
        dir.ensure_own(&checkpoint).with_context(damaged)?;
        let named = || part.model().display().to_string();
        let model = checkpoint.build(device).with_context(named).with_context(damaged)?;
        let config = checkpoint.config;
        Ok(Part { config, model, problem: Problem::of(source, recipe)? })
    };
    fold_recipes(recipe).iter().enumerate().map(part).collect()
}
