//! A step for another program to repeat: `model.safetensors`, `batch.npz` and `step.json`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_core::models::ModelConfig;
use serde_json::json;

use super::draws::{Arrays, Step, array};
use super::prepare::Prepared;
use crate::system::files::{ensure_writable_dir, write_atomic};

/// What another program must find, too.
#[derive(Clone, Copy, Debug)]
pub struct First {
    /// Of the step that takes the batch whole; of predictions, the mean negative log-probability of the right classes.
    pub objective: f64,
    /// Before it is clipped.
    pub gradient_norm: Option<f64>,
}

/// Writes the files and returns what follows from them.
///
/// # Errors
/// If the disk or the device fails, or the model is not one that the draws are known of.
pub fn write(dir: &Path, prepared: &mut Prepared) -> Result<First> {
    ensure_writable_dir(dir).context("--fixture")?;
    let (arrays, first) = match &prepared.examples {
        Some(examples) => {
            let Prepared { subject, classes, device, .. } = prepared;
            let rows: Vec<usize> = (0..examples.len()).collect();
            let shape = [examples.len(), examples.features()];
            let arrays = vec![
                ("x".to_owned(), NpyArray::f32(&shape, examples.gather(&rows))),
                ("y".to_owned(), NpyArray::i64(&shape[..1], examples.labels.clone())),
            ];
            let objective = subject.predict(examples, *classes, device)?;
            (arrays, First { objective, gradient_norm: None })
        }
        None => of_step(prepared)?,
    };
    let Prepared { recipe, config, family, subject, .. } = prepared;
    let checkpoint =
        Checkpoint { config: config.clone(), data: None, parameters: subject.parameters()? };
    write_atomic(dir.join("model.safetensors"), &checkpoint.to_bytes()?)?;
    let settings = json!({
        "objective": family, "latent_ebm": recipe.objective.latent_ebm, "rate": recipe.train.lr,
        "clip_norm": recipe.train.clip_norm, "adam": recipe.train.adam,
    });
    write_atomic(dir.join("step.json"), settings.to_string().as_bytes())?;
    let named: Vec<_> = arrays.iter().map(|(name, array)| (name.as_str(), array.clone())).collect();
    write_atomic(dir.join("batch.npz"), &write_npz(&named)?)?;
    Ok(first)
}

/// The arrays of a step, and what it finds.
fn of_step(prepared: &mut Prepared) -> Result<(Arrays, First)> {
    let Prepared { recipe, config, family, subject, batch, labels, classes, device, .. } = prepared;
    let latent_ebm = match config {
        ModelConfig::M2(_) => None,
        ModelConfig::LatentEbm(_) => Some(recipe.objective.latent_ebm.unwrap_or_default()),
        config => bail!("--fixture is for m2 and latent-ebm, not for {}", config.name()),
    };
    let [unlabelled, _] = batch.unlabelled.dims();
    let step = Step {
        config,
        family,
        batch,
        widths: subject.widths(),
        classes: *classes,
        noise: subject.noise()?,
        device,
    };
    let mut arrays = vec![
        ("x_l".to_owned(), array(batch.labelled.x.clone())?),
        ("y_l".to_owned(), NpyArray::i64(&[labels.len()], labels.clone())),
        ("x_u".to_owned(), array(batch.unlabelled.clone())?),
    ];
    arrays.extend(step.of_batch()?);
    if let Some(settings) = &latent_ebm {
        arrays.extend(step.of_chains(settings, subject.chains(unlabelled, device)?)?);
    }
    let terms = subject.first_terms()?;
    let objective = terms.get("objective").copied().context("a step without an objective")?;
    let gradient_norm = terms.get("gradient_norm").copied().map(f64::from);
    Ok((arrays, First { objective: f64::from(objective), gradient_norm }))
}
