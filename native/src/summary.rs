//! The results of a run: measured once on the test split, written, shown.

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::data::Examples;
use gleaner_core::eval::{Classification, classification};
use gleaner_core::infer;
use gleaner_core::models::{Classifier, Classify, Generative, Model};
use gleaner_core::noise::Noise;
use gleaner_core::units::{ActiveUnits, variances};
use serde::{Deserialize, Serialize};

use crate::output::Output;
use crate::recipe::Recipe;
use crate::run_dir::RunDir;
use crate::training::{Problem, Progressed, Readout, Unseen};

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
    /// How training went.
    pub progress: &'a Progressed,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// How the supervised baseline does on the test split.
pub type Baseline = Classification;

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
    let best = run.progress.best.as_ref();
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
        validation_accuracy: best.and_then(|(_, v)| v.accuracy()),
        best_epoch: best.map(|(epoch, _)| *epoch),
        active_units: active_units(&model, test, &rows, run.device)?,
        labels: run.problem.split.labelled.len(),
        unlabelled: run.problem.split.unlabelled.len(),
        effective_alpha: run.alpha,
        mier: run.recipe.objective.mier.is_some(),
        seed: run.recipe.train.seed,
        steps: run.progress.step,
        roll_backs: run.progress.roll_backs,
        seconds: run.seconds,
    };
    let text = serde_json::to_string_pretty(&summary).context("summary.json")? + "\n";
    dir.write("summary.json", text.as_bytes())?;
    Ok(summary)
}

/// How a model tells classes apart.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// By itself.
    ByItself(Classification),
    /// Not by itself: support vector machines do, on its posterior means.
    ByMachines(Readout),
}

impl Told {
    /// Measures a model on rows of a split.
    ///
    /// # Errors
    /// If there are no rows, the device fails, or machines have labels of one class only.
    pub fn measure(
        model: &Model,
        problem: &Problem,
        (examples, rows): (&Examples, &[usize]),
        device: &Device,
    ) -> Result<Self> {
        let classes = problem.classes();
        match model {
            Model::M1(model) => {
                Readout::measure(model, problem, (examples, rows), device).map(Self::ByMachines)
            }
            model => measure(model, examples, rows, classes, device).map(Self::ByItself),
        }
    }

    /// Share of examples whose class is told right.
    pub fn accuracy(&self) -> f64 {
        match self {
            Self::ByItself(measured) => measured.accuracy,
            Self::ByMachines(svm) => svm.accuracy(),
        }
    }

    /// What there is to say of its probabilities, if it has any.
    pub fn certainty(&self) -> Option<Classification> {
        match self {
            Self::ByItself(measured) => Some(*measured),
            Self::ByMachines(_) => None,
        }
    }

    /// The machines, if it needs them.
    pub fn svm(&self) -> Option<Readout> {
        match self {
            Self::ByItself(_) => None,
            Self::ByMachines(svm) => Some(*svm),
        }
    }

    /// The rows of a table.
    pub fn table(&self) -> Vec<(&'static str, String)> {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let nats = |value: f64| format!("{value:.4} nats");
        match self {
            Self::ByItself(c) => vec![
                ("accuracy", percent(c.accuracy)),
                ("calibration error", format!("{:.4}", c.ece)),
                ("Brier score", format!("{:.4}", c.brier)),
                ("negative log-likelihood", nats(c.nll)),
                ("classifier entropy", nats(c.entropy)),
            ],
            Self::ByMachines(svm) => vec![
                ("accuracy", percent(svm.accuracy()) + "   (support vector machine)"),
                ("linear kernel", percent(svm.linear)),
                ("Gaussian kernel", percent(svm.rbf)),
            ],
        }
    }
}

/// Measures the baseline on the test split.
///
/// # Errors
/// If the device fails.
pub fn measure_baseline(
    model: &Classifier,
    problem: &Problem,
    device: &Device,
) -> Result<Baseline> {
    let test = &problem.data.test;
    measure(model, test, &known(test), problem.classes(), device)
}

/// Rows whose class is known.
pub fn known(examples: &Examples) -> Vec<usize> {
    (0..examples.len()).filter(|&row| examples.labels[row] >= 0).collect()
}

/// Every row.
pub fn every(examples: &Examples) -> Vec<usize> {
    (0..examples.len()).collect()
}

/// At most so many of some rows, taken evenly: examples often lie sorted by class.
pub fn evenly(rows: &[usize], most: usize) -> Vec<usize> {
    let count = most.min(rows.len());
    (0..count).map(|i| rows[i * rows.len() / count]).collect()
}

/// Classes of rows that all have one.
pub fn classes(examples: &Examples, rows: &[usize]) -> Vec<usize> {
    rows.iter().map(|&row| examples.labels[row] as usize).collect()
}

/// Measures a classifier on rows of a split.
///
/// # Errors
/// If there are no rows, or the device fails.
pub fn measure(
    model: &impl Classify,
    examples: &Examples,
    rows: &[usize],
    classes: usize,
    device: &Device,
) -> Result<Classification> {
    let logits = pollster::block_on(infer::classify(model, examples, rows, device))?;
    let labels: Vec<i64> = rows.iter().map(|&row| examples.labels[row]).collect();
    classification(&logits, &labels, classes)
        .context("there are no labelled examples to measure on; use another --split")
}

/// Mean `U(x)` of rows of a split, nats.
///
/// # Errors
/// If the device fails.
pub fn elbo(
    model: &impl Generative,
    examples: &Examples,
    rows: &[usize],
    noise: &Noise,
    device: &Device,
) -> Result<f64> {
    let noise = noise.split("evaluation");
    let bounds = infer::evidence_lower_bound(model, examples, rows, &noise, device);
    let bounds = pollster::block_on(bounds)?;
    Ok(mean(&bounds))
}

/// How much the centre of each latent dimension's posterior varies over rows of a split.
///
/// # Errors
/// If the device fails.
pub fn latent_variances(
    model: &impl Generative,
    examples: &Examples,
    rows: &[usize],
    device: &Device,
) -> Result<Vec<f64>> {
    let centres = pollster::block_on(infer::encode(model, examples, rows, device))?;
    Ok(variances(&centres, model.latent()))
}

/// Which latent dimensions are used on rows of a split (E26).
///
/// # Errors
/// If the device fails.
pub fn active_units(
    model: &impl Generative,
    examples: &Examples,
    rows: &[usize],
    device: &Device,
) -> Result<ActiveUnits> {
    let variances = latent_variances(model, examples, rows, device)?;
    Ok(ActiveUnits::count(&variances, &model.layers()))
}

/// Mean in double precision.
pub fn mean(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_evenly_and_no_more_than_there_are() {
        let rows: Vec<usize> = (10..20).collect();
        assert_eq!(evenly(&rows, 3), [10, 13, 16]);
        assert_eq!(evenly(&rows[..2], 9), [10, 11]);
        assert!(evenly(&[], 4).is_empty());
    }
}
