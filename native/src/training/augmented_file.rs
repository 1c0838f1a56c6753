//! The set that a run is augmented by, as a file of samples: a resumed run goes on with it, and others may train on it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use gleaner_core::data::AugmentedSet;
use gleaner_core::data::formats::npy::{NpyArray, NpyValues};
use gleaner_core::data::formats::npz::{Npz, examples, write_npz};

use crate::run::RunDir;

/// Where the set made before a step lies.
fn path(dir: &RunDir, step: u64) -> PathBuf {
    dir.path().join("state").join(format!("augmented-{step}.npz"))
}

/// Writes `x`, `y` and `weight`, and `pseudo_row` and `pseudo_label` for unlabelled examples by their row in the training data.
///
/// # Errors
/// If the disk does not take it.
pub fn save(dir: &RunDir, step: u64, set: &AugmentedSet) -> Result<()> {
    let mut arrays = Vec::new();
    if let Some(generated) = &set.generated {
        let rows: Vec<usize> = (0..generated.len()).collect();
        let shape: Vec<usize> =
            std::iter::once(rows.len()).chain(generated.shape.iter().copied()).collect();
        arrays.push(("x", NpyArray::f32(&shape, generated.gather(&rows))));
        arrays.push(("y", NpyArray::i64(&[rows.len()], generated.labels.clone())));
        arrays.push(("weight", NpyArray::f32(&[rows.len()], set.weights.clone())));
    }
    let (rows, labels): (Vec<i64>, Vec<i64>) =
        set.pseudo.iter().map(|&(row, label)| (row as i64, label)).unzip();
    arrays.push(("pseudo_row", NpyArray::i64(&[rows.len()], rows)));
    arrays.push(("pseudo_label", NpyArray::i64(&[labels.len()], labels)));
    crate::system::files::write_atomic(path(dir, step), &write_npz(&arrays)?)
}

/// Reads the set made before a step.
///
/// # Errors
/// If it is missing or broken.
pub fn load(dir: &RunDir, step: u64) -> Result<Arc<AugmentedSet>> {
    let path = path(dir, step);
    let source = path.display().to_string();
    let bytes = std::fs::read(&path).with_context(|| {
        format!("{source}: the samples that augment the run are missing; start a new run from config.toml")
    })?;
    let mut npz = Npz::open(&bytes, &source)?;
    let generated = match npz.find("x")? {
        None => None,
        Some(x) => Some(examples(x, &npz.require("y")?, &source)?),
    };
    let weights = match npz.find("weight")?.map(|array| array.values) {
        Some(NpyValues::F32(weights)) => weights,
        _ => Vec::new(),
    };
    let mut integers = |name: &str| -> Result<Vec<i64>> {
        match npz.require(name)?.values {
            NpyValues::I64(values) => Ok(values),
            _ => anyhow::bail!(
                "{source}: {name} does not hold integers; start a new run from config.toml"
            ),
        }
    };
    let rows = integers("pseudo_row")?.into_iter().map(|row| row as usize);
    let pseudo = rows.zip(integers("pseudo_label")?).collect();
    Ok(Arc::new(AugmentedSet { generated, weights, pseudo }))
}

/// Removes all sets but the one made before a step: what no saved state needs.
pub fn forget_others(dir: &RunDir, step: u64) {
    let keep = path(dir, step);
    let Some(folder) = keep.parent() else { return };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_set = name.to_string_lossy().starts_with("augmented-");
        if is_set && entry.path() != keep {
            // One that stays takes up room and does no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
