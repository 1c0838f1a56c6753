//! What a run's model is worth on rows of a split: how it tells classes apart, its bound, its latent dimensions.

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::data::Examples;
use gleaner_core::infer;
use gleaner_core::measures::eval::{Classification, classification};
use gleaner_core::measures::units::{ActiveUnits, variances};
use gleaner_core::models::{Classifier, Classify, Generative, Model};
use gleaner_core::noise::Noise;

use super::problem::Problem;
use super::readout::Readout;
use crate::data::rows::known;

/// How the supervised baseline does on the test split.
pub type Baseline = Classification;

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
