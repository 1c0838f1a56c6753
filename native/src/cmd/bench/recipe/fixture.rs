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

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use gleaner_core::data::formats::npy::NpyValues;
    use gleaner_core::data::formats::npz::Npz;
    use gleaner_core::data::{Labelled, SemiBatch, one_hot};
    use gleaner_core::dist::Categorical;
    use gleaner_core::infer;
    use gleaner_core::models::{Generative as _, Look};
    use gleaner_core::objective::{
        Draws, Elapsed, LatentDraws, Looks, Picks, Seen, SemiSupervised,
    };

    use super::super::args::Args;
    use super::super::prepare::prepare;
    use super::*;

    fn args(sets: &[&str]) -> Args {
        Args {
            recipe: Path::new(env!("CARGO_MANIFEST_DIR")).join("../recipes/digits.toml"),
            steps: 1,
            predict: None,
            shape: Vec::new(),
            classes: None,
            set: sets.iter().map(|&pair| pair.to_owned()).collect(),
            device: None,
            threads: Some(1),
            fixture: None,
            serve: false,
        }
    }

    /// An array of a fixture as a matrix, with the classes as a column.
    fn matrix(arrays: &mut Npz<'_>, name: &str) -> Tensor<2> {
        let NpyArray { shape, values } = arrays.require(name).unwrap();
        let NpyValues::F32(values) = values else { panic!("{name} has no floats") };
        Tensor::from_data(TensorData::new(values, [shape[0], shape[1]]), &Device::flex())
    }

    /// What another program does, by the core's objective at given draws: a stream that goes by another name than the core's is noticed.
    #[test]
    fn the_files_are_enough_to_find_the_objective_again() {
        for marginalize in ["exact", "sum-and-sample:1"] {
            let sets = [
                &format!("objective.marginalize={marginalize}"),
                "objective.classifier-noise=0.2",
                "objective.classifier-shift=1",
                "train.batch-size=5",
                "train.labelled-batch-size=4",
            ];
            let args = args(&sets);
            let mut prepared = prepare(&args, args.resolved().unwrap()).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let first = write(folder.path(), &mut prepared).unwrap();

            let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
            let device = Device::flex();
            let model = Checkpoint::from_bytes(&read("model.safetensors")).unwrap();
            let model = model.build(&device).unwrap();
            let (bytes, settings) = (read("batch.npz"), read("step.json"));
            let mut arrays = Npz::open(&bytes, "batch.npz").unwrap();
            let mut array = |name: &str| matrix(&mut arrays, name);
            let (labelled, unlabelled) = (array("seen_l"), array("seen_u"));
            let seen = Seen { labelled, unlabelled, disturbed: true };
            let picks = (marginalize != "exact").then(|| {
                let logits = model.logits(seen.unlabelled.clone(), &Look::default());
                Picks::draw(&Categorical::from_logits(logits), 1, array("pick"))
            });
            let latent =
                LatentDraws { labelled: array("eps_l"), unlabelled: array("eps_u"), picks };
            let labels = 0..4;
            let batch = SemiBatch {
                labelled: Labelled { x: array("x_l"), y: one_hot(labels, 10, &device) },
                unlabelled: array("x_u"),
                augmented: None,
            };
            let settings: serde_json::Value = serde_json::from_slice(&settings).unwrap();
            let family = serde_json::from_value(settings["objective"].clone()).unwrap();
            let draws = Draws { looks: Looks::default(), latent, seen: Some(seen) };
            let terms = SemiSupervised::new(family).terms_at(&model, &batch, Elapsed::ALL, draws);
            let again = f64::from(pollster::block_on(infer::read(terms.total)).unwrap()[0]);
            // Both in single precision, summed in one order but for the tape.
            let difference = (again - first.objective).abs() / first.objective.abs();
            assert!(difference < 1e-6, "{marginalize}: {again} and {}", first.objective);
            assert!(first.gradient_norm.is_some_and(|norm| norm > 0.0));
        }
    }
}
