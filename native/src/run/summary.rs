//! The results of a run: measured once on the test split, written, shown.

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::measures::units::ActiveUnits;
use gleaner_core::noise::Noise;
use serde::{Deserialize, Serialize};

use super::measure::{Baseline, Told, active_units, elbo};
use super::problem::Problem;
use super::readout::Readout;
use super::recipe::Recipe;
use super::run_dir::RunDir;
use super::unseen::Unseen;
use crate::data::rows::known;
use crate::system::output::Output;

/// A finished run, before it is measured.
#[derive(Debug)]
pub struct Run<'a> {
    /// Its settings.
    pub recipe: &'a Recipe,
    /// Its data.
    pub problem: &'a Problem,
    /// Where to compute.
    pub device: &'a Device,
    /// Weight of the cross-entropy of a labelled example, where the objective has one.
    pub alpha: Option<f64>,
    /// Epoch of the model that was kept.
    pub best_epoch: Option<u64>,
    /// Accuracy of that model on the validation split, if it classifies.
    pub validation_accuracy: Option<f64>,
    /// Steps taken.
    pub steps: u64,
    /// Times training went back after diverging.
    pub roll_backs: u32,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// What `summary.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Data set.
    pub data: String,
    /// Model.
    pub model: String,
    /// Accuracy on the test split.
    pub test_accuracy: f64,
    /// For a model that does not classify: that of support vector machines on its posterior means. One of
    /// them is `test_accuracy`; what takes probabilities is then absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub svm: Option<Readout>,
    /// Accuracy of the supervised baseline with the same labels and classifier network.
    pub baseline_accuracy: Option<f64>,
    /// How it does on classes that had no labels, if there are any; `test_accuracy` is then that of classes as
    /// the model numbers them.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Unseen>,
    /// Mean `U(x)` on the test split, nats.
    pub elbo: f64,
    /// Mean entropy of the test predictions, nats.
    pub entropy: Option<f64>,
    /// Expected calibration error on the test split.
    pub ece: Option<f64>,
    /// Brier score on the test split.
    pub brier: Option<f64>,
    /// Negative log-probability of the right class on the test split, nats.
    pub nll: Option<f64>,
    /// Calibration error of the baseline.
    pub baseline_ece: Option<f64>,
    /// Accuracy on the validation split of the model that was kept.
    pub validation_accuracy: Option<f64>,
    /// Epoch of the model that was kept.
    pub best_epoch: Option<u64>,
    /// Latent dimensions that are used on the test split.
    #[serde(default)]
    pub active_units: ActiveUnits,
    /// Labelled examples.
    pub labels: usize,
    /// Unlabelled examples.
    pub unlabelled: usize,
    /// Weight of the cross-entropy of a labelled example.
    pub effective_alpha: Option<f64>,
    /// Whether MIER was on.
    pub mier: bool,
    /// Seed.
    pub seed: u64,
    /// Steps taken.
    pub steps: u64,
    /// Times training went back after diverging.
    pub roll_backs: u32,
    /// Wall-clock seconds of training.
    pub seconds: f64,
}

/// Measures the kept model on the test split and writes `summary.json`.
///
/// # Errors
/// If the checkpoint or the disk fails.
pub fn finish(dir: &RunDir, run: &Run<'_>, baseline: Option<Baseline>) -> Result<Summary> {
    let (config, model) = dir.load(run.device)?;
    let test = &run.problem.data.test;
    let rows = known(test);
    let told = Told::measure(&model, run.problem, (test, &rows), run.device)?;
    let (certainty, svm) = (told.certainty(), told.svm());
    let labelled_classes = run.recipe.data.labelled_classes.as_deref();
    let unseen = labelled_classes
        .filter(|_| told.svm().is_none())
        .map(|classes| Unseen::measure(&model, classes, run.problem, run.device))
        .transpose()?;
    let noise = Noise::new(run.recipe.train.seed);
    let elbo = elbo(&model, test, &rows, &noise, run.device)?;
    let summary = Summary {
        data: run.problem.data.name.clone(),
        model: config.name().into(),
        test_accuracy: told.accuracy(),
        svm,
        unseen,
        baseline_accuracy: baseline.map(|b| b.accuracy),
        elbo,
        entropy: certainty.map(|c| c.entropy),
        ece: certainty.map(|c| c.ece),
        brier: certainty.map(|c| c.brier),
        nll: certainty.map(|c| c.nll),
        baseline_ece: baseline.map(|b| b.ece),
        validation_accuracy: run.validation_accuracy,
        best_epoch: run.best_epoch,
        active_units: active_units(&model, test, &rows, run.device)?,
        labels: run.problem.split.labelled.len(),
        unlabelled: run.problem.split.unlabelled.len(),
        effective_alpha: run.alpha,
        mier: run.recipe.objective.mier.is_some(),
        seed: run.recipe.train.seed,
        steps: run.steps,
        roll_backs: run.roll_backs,
        seconds: run.seconds,
    };
    let text = serde_json::to_string_pretty(&summary).context("summary.json")? + "\n";
    dir.write("summary.json", text.as_bytes())?;
    Ok(summary)
}

impl Summary {
    /// Shows the results.
    ///
    /// # Errors
    /// If the JSON cannot be written.
    pub fn show(&self, dir: &RunDir, out: &Output) -> Result<()> {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        out.line(format!("{} with {} labels, seed {}", self.data, self.labels, self.seed));
        let mut rows = Vec::new();
        if let Some(baseline) = self.baseline_accuracy {
            rows.push(("baseline accuracy", percent(baseline) + "   (labelled examples only)"));
        }
        rows.push((
            "test accuracy",
            format!("{}   (semi-supervised {})", percent(self.test_accuracy), self.model),
        ));
        let probabilities = [
            ("calibration error", self.ece, ""),
            ("Brier score", self.brier, ""),
            ("classifier entropy", self.entropy, " nats"),
        ];
        for (name, value, unit) in probabilities {
            rows.extend(value.map(|value| (name, format!("{value:.4}{unit}"))));
        }
        rows.push(("ELBO", format!("{:.3} nats", self.elbo)));
        rows.push(("active units", self.active_units.to_string()));
        rows.extend(self.effective_alpha.map(|alpha| ("effective alpha", format!("{alpha:.4}"))));
        rows.push(("time", format!("{:.1} s", self.seconds)));
        rows.push(("run", dir.path().display().to_string()));
        out.table(&rows);
        let mut object = serde_json::to_value(self).context("the summary")?;
        object["run"] = dir.path().display().to_string().into();
        out.object(&object)
    }
}
