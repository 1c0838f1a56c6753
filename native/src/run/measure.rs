//! What a run's model is worth on rows of a split: how it tells classes apart, its bound, its latent dimensions.

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::data::Examples;
use gleaner_core::error::Error;
use gleaner_core::infer;
use gleaner_core::measures::estimate::Estimate;
use gleaner_core::measures::eval::{Classification, arg_max, classification};
use gleaner_core::measures::units::{ActiveUnits, variances};
use gleaner_core::models::{Classifier, Classify, Generative, Model};
use gleaner_core::noise::Noise;

use super::Problem;
use super::readout::Readout;
use crate::data::rows::known;

/// How the supervised baseline does on the test split.
pub type Baseline = Answered;

/// How a classifier does on rows of a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The measures.
    pub measured: Classification,
    /// Whether it is right, row by row.
    pub right: Vec<bool>,
    /// `[rows, classes]`, row-major.
    pub logits: Vec<f32>,
    /// The right classes.
    pub labels: Vec<i64>,
}

impl Answered {
    /// Of logits `[rows, classes]`, row-major, and the right classes.
    ///
    /// # Errors
    /// If there are no rows.
    pub fn of(logits: &[f32], labels: &[i64], classes: usize) -> Result<Self> {
        let measured = classification(logits, labels, classes)
            .context("there are no labelled examples to measure on; use another --split")?;
        let right = logits.chunks_exact(classes).zip(labels);
        let right = right.map(|(logits, &label)| arg_max(logits) as i64 == label).collect();
        Ok(Self { measured, right, logits: logits.to_vec(), labels: labels.to_vec() })
    }

    /// That a model answered in numbers.
    ///
    /// # Errors
    /// If one of the logits is NaN or infinite.
    pub fn ensure_finite(&self) -> Result<()> {
        ensure_finite("the predictions", self.logits.iter().copied())
    }
}

/// How a model tells classes apart.
#[derive(Clone, Debug)]
pub enum Told {
    /// By itself.
    ByItself(Answered),
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
            Self::ByItself(answered) => answered.measured.accuracy,
            Self::ByMachines(svm) => svm.accuracy(),
        }
    }

    /// That it told classes apart by numbers.
    ///
    /// # Errors
    /// If one of its logits is NaN or infinite.
    pub fn ensure_finite(&self) -> Result<()> {
        match self {
            Self::ByItself(answered) => answered.ensure_finite(),
            Self::ByMachines(_) => Ok(()),
        }
    }

    /// What there is to say of its probabilities, if it has any.
    pub fn certainty(&self) -> Option<Classification> {
        match self {
            Self::ByItself(answered) => Some(answered.measured),
            Self::ByMachines(_) => None,
        }
    }

    /// Whether it is right, row by row; `None` of machines.
    pub fn right(&self) -> Option<&[bool]> {
        match self {
            Self::ByItself(answered) => Some(&answered.right),
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
}

/// That what a model computed are numbers, before they are shown as what it is worth; `what` they are, for the error.
///
/// # Errors
/// If one is NaN or infinite.
pub fn ensure_finite(what: &'static str, values: impl IntoIterator<Item = f32>) -> Result<()> {
    match values.into_iter().all(f32::is_finite) {
        true => Ok(()),
        false => Err(Error::NotFinite(what).into()),
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
) -> Result<Answered> {
    let logits = pollster::block_on(infer::classify(model, examples, rows, device))?;
    let labels: Vec<i64> = rows.iter().map(|&row| examples.labels[row]).collect();
    Answered::of(&logits, &labels, classes)
}

/// Mean `U(x)` of rows of a split, nats, with its standard error over examples and draws.
///
/// # Errors
/// If the device fails.
pub fn elbo(
    model: &impl Generative,
    examples: &Examples,
    rows: &[usize],
    noise: &Noise,
    device: &Device,
) -> Result<Estimate> {
    let noise = noise.split("evaluation");
    let bounds = infer::evidence_lower_bound(model, examples, rows, &noise, device);
    let bounds = pollster::block_on(bounds)?;
    Ok(pollster::block_on(infer::mean_bound(model, &bounds))?)
}

/// A mean bound as far as it is known, for people.
pub fn bound_in_words(bound: Estimate) -> String {
    match bound.error {
        Some(_) => format!("{bound} nats (standard error)"),
        None => format!("{bound} nats (its standard error is not known)"),
    }
}

/// A mean over so many examples of something about as large as 1, which is known to one over their root: one digit more than that.
pub fn mean_in_words(value: f64, count: usize) -> String {
    let decimals = (count.max(1) as f64).sqrt().log10().ceil() as usize + 1;
    format!("{value:.decimals$}")
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
