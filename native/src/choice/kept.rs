//! The classifier that is kept: what predicting takes, as a file beside the model.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use burn::tensor::Device;
use gleaner_core::data::Examples;
use gleaner_core::infer;
use gleaner_core::models::{Architecture as _, Model, ModelConfig};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::averaging::tempered;
use super::encoder::Encoder;
use super::fitted::Fitted;
use crate::run::RunDir;
use crate::run::measure::ensure_finite;
use crate::run::recipe::Recipe;

/// Its name in the folder of a run.
const FILE: &str = "classifier.json";

/// A classifier: fitted methods whose probabilities are averaged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// How examples are encoded.
    pub encoder: Encoder,
    /// Number of classes.
    pub classes: usize,
    /// The methods.
    pub members: Vec<Member>,
}

/// One of the methods.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Its share in the average.
    pub weight: f64,
    /// The power of its probabilities.
    pub power: f64,
    /// What was fitted.
    pub fitted: Fitted,
}

impl Kept {
    /// That of a run whose model is configured so; `None` of a run that does not compare methods.
    ///
    /// # Errors
    /// If its file is missing, damaged or of another run.
    pub fn of(dir: &RunDir, recipe: &Recipe, config: &ModelConfig) -> Result<Option<Self>> {
        if recipe.choice.is_none() {
            return Ok(None);
        }
        let kept = Self::read(dir)?;
        let (has, wanted) = (kept.classes, config.classes());
        let dir = dir.path().display();
        ensure!(
            has == wanted,
            "{dir}: {FILE} is of {has} classes and the model of {wanted}; copy the run again"
        );
        ensure!(
            kept.encoder.fits(config.features()),
            "{dir}: {FILE} does not belong to this run; copy the run again, or delete the file and make it anew with gleaner \
             train --resume {dir}"
        );
        Ok(Some(kept))
    }

    /// That of a run that compares methods.
    ///
    /// # Errors
    /// If there is none yet, or the file is damaged.
    pub fn read(dir: &RunDir) -> Result<Self> {
        let path = dir.path().join(FILE);
        // A finished run that goes on compares the methods again, and trains nothing.
        let again = || match dir.state().exists() {
            true => {
                format!("compare the methods with gleaner train --resume {}", dir.path().display())
            }
            false => "copy the run again".to_owned(),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let damaged = || format!("{} is damaged; {}", path.display(), again());
                let kept: Self = serde_json::from_str(&text).with_context(damaged)?;
                ensure!(kept.is_whole(), damaged());
                Ok(kept)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!("{} is missing, by which the run predicts; {}", path.display(), again())
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Whether each of its methods is one of its classes, and counts for something.
    fn is_whole(&self) -> bool {
        let is_positive = |number: f64| number.is_finite() && number >= 0.0;
        let fine = |member: &Member| {
            is_positive(member.weight)
                && is_positive(member.power)
                && member.fitted.is_whole(self.classes)
        };
        !self.members.is_empty() && self.members.iter().all(fine)
    }

    /// Training examples that it holds, without their names.
    #[must_use]
    pub fn examples_held(&self) -> usize {
        let of_members = self.members.iter().map(|member| match &member.fitted {
            Fitted::LabelSpreading { spreading, .. } => spreading.held(),
            _ => 0,
        });
        of_members.max().unwrap_or(0).max(self.encoder.rows_held())
    }

    /// # Errors
    /// If the disk does not take it.
    pub fn write(&self, dir: &RunDir) -> Result<()> {
        let text = serde_json::to_string(self).context("the classifier")?;
        dir.write(FILE, text.as_bytes()).context("the classifier")
    }

    /// Logarithms of the probabilities of some rows of examples as a model sees them, `[rows, classes]` row-major. `model` gives the
    /// logits of the run's own model.
    ///
    /// # Errors
    /// If the rows are not of the kind that it was fitted to, or the model fails.
    pub fn logits(
        &self,
        examples: &Examples,
        rows: &[usize],
        model: impl FnOnce() -> Result<Vec<f32>>,
    ) -> Result<Vec<f32>> {
        let foreign = "the classifier was fitted to other examples than these; copy the run again";
        ensure!(self.encoder.fits(examples.features()), foreign);
        let encoded = self.encoder.encode(examples, rows);
        let asks = self.members.iter().any(|member| matches!(member.fitted, Fitted::Model));
        let of_model = match asks {
            true => Some(log_softmax(&model()?, self.classes)),
            false => None,
        };
        let mut sum = Array2::zeros((rows.len(), self.classes));
        for Member { weight, power, fitted } in &self.members {
            let told = fitted.log_probs(&encoded)?;
            let told = told.as_ref().or(of_model.as_ref()).context("the model's own logits")?;
            ensure!(told.dim() == (rows.len(), self.classes), foreign);
            sum = sum + tempered(told, *power) * *weight;
        }
        Ok(sum.into_iter().map(|p: f64| p.ln() as f32).collect())
    }
}

/// What predicts for a run: the classifier that was chosen or, where none was, the model itself.
#[derive(Debug)]
pub struct Classifier {
    /// The folder of the run.
    path: PathBuf,
    model: Model,
    kept: Option<Kept>,
    device: Device,
}

impl Classifier {
    /// That of a run whose model is this.
    ///
    /// # Errors
    /// If one was chosen and its file is missing, damaged or of another run.
    pub fn of(
        dir: &RunDir,
        recipe: &Recipe,
        (config, model): (&ModelConfig, Model),
        device: &Device,
    ) -> Result<Self> {
        let kept = Kept::of(dir, recipe, config)?;
        Ok(Self { path: dir.path().to_owned(), model, kept, device: device.clone() })
    }

    /// Logits of all examples as a model sees them, `[rows, classes]` row-major.
    ///
    /// # Errors
    /// If the model computes what is no number, or the device fails.
    pub fn logits(&self, examples: &Examples) -> Result<Vec<f32>> {
        let rows: Vec<usize> = (0..examples.len()).collect();
        let of_model = || {
            let logits = infer::classify(&self.model, examples, &rows, &self.device);
            let logits = pollster::block_on(logits)?;
            ensure_finite("the predictions", logits.iter().copied())?;
            Ok(logits)
        };
        let logits = match &self.kept {
            Some(kept) => kept.logits(examples, &rows, of_model),
            None => of_model(),
        };
        logits.with_context(|| self.path.display().to_string())
    }
}

/// Log-probabilities of logits, `[rows, classes]`.
pub(super) fn log_softmax(logits: &[f32], classes: usize) -> Array2<f64> {
    let rows = logits.len() / classes.max(1);
    let mut all = Array2::from_shape_fn((rows, classes), |(row, class)| {
        f64::from(logits[row * classes + class])
    });
    for mut row in all.rows_mut() {
        let largest = row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        let total = largest + row.iter().map(|value| (value - largest).exp()).sum::<f64>().ln();
        row -= total;
    }
    all
}
