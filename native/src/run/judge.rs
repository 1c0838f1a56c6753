//! `gleaner eval --samples`: samples of any generator, measured by a run's classifier.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use burn::tensor::Device;
use gleaner_core::data::schema::Schema;
use gleaner_core::data::{Copies, Examples};
use gleaner_core::infer;
use gleaner_core::measures::eval::{Classification, classification};
use gleaner_core::measures::fidelity::{Cloud, Fidelity, NEIGHBOURS};
use gleaner_core::models::Model;
use serde_json::json;

use super::measure::{ensure_finite, mean_in_words};
use crate::data::rows::{evenly, every};
use crate::data::samples::SampleFile;
use crate::system::output::Output;
use crate::system::threads::Threads;

/// Most samples and most examples that are compared, taken evenly: every pair of them is.
const MOST: usize = 10_000;

/// Who judges, and beside which examples.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// The classifier.
    pub model: &'a Model,
    /// What its examples are.
    pub schema: &'a Schema,
    /// Real examples.
    pub examples: &'a Examples,
    /// Those of them that count.
    pub rows: &'a [usize],
    /// Where to compute.
    pub device: &'a Device,
}

/// What came out.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// Samples and examples that were compared.
    counts: [usize; 2],
    /// Of the samples, by the classes that they were drawn for.
    told: Classification,
    /// Of the samples among the examples.
    fidelity: Fidelity,
}

impl Judge<'_> {
    /// Judges the samples of a file.
    ///
    /// # Errors
    /// If the file is broken or holds other things than the examples, or the device fails.
    pub fn of(&self, samples: &Path, classes: usize) -> Result<Judged> {
        let mut file = SampleFile::open(samples)?;
        let all: Vec<usize> = (0..file.rows()).collect();
        let made = file.examples(&evenly(&all, MOST))?;
        let (expected, name) = (&self.examples.shape, samples.display());
        ensure!(
            made.shape == *expected,
            "{name}: the samples have shape {:?}, but the examples of the run have {expected:?}; give a run of the same data",
            made.shape
        );
        let made = if file.is_standardised() { made } else { self.schema.scaling.apply(&made) };
        let known = made.labels.iter().all(|&label| (0..classes as i64).contains(&label));
        ensure!(
            known,
            "{name}: y must hold the class that each sample was drawn for, 0 to {} for this run",
            classes - 1
        );
        let rows = every(&made);
        let logits = infer::classify(self.model, &made, &rows, self.device);
        let logits = pollster::block_on(logits)?;
        ensure_finite("the predictions for the samples", logits.iter().copied())?;
        let told = classification(&logits, &made.labels, classes).context("no samples")?;
        let examples = evenly(self.rows, MOST);
        let beside = different(self.examples, &examples);
        ensure!(
            rows.len().min(beside.len()) > NEIGHBOURS,
            "{name}: {} samples and {} different examples are too few to compare; more than {NEIGHBOURS} of each are needed",
            rows.len(),
            beside.len()
        );
        say_copies(examples.len() - beside.len(), rows.len() - different(&made, &rows).len());
        let features = |examples: &Examples, rows: &[usize]| {
            pollster::block_on(infer::features(self.model, examples, rows, self.device))
        };
        let (real, drawn) = (features(self.examples, &beside)?, features(&made, &rows)?);
        let threads = Threads::start(0)?;
        let width = drawn.len() / rows.len();
        let real = Cloud::new(&real, width, NEIGHBOURS, &threads)?;
        let drawn = Cloud::new(&drawn, width, NEIGHBOURS, &threads)?;
        let fidelity = Fidelity::of(&real, &drawn, &threads);
        Ok(Judged { counts: [rows.len(), examples.len()], told, fidelity })
    }
}

/// Those of the rows that are no copy of one before.
fn different(examples: &Examples, rows: &[usize]) -> Vec<usize> {
    let copies = Copies::of(examples).among(rows);
    let is_first = |(at, &row): (usize, &usize)| (copies.first(at) == at).then_some(row);
    rows.iter().enumerate().filter_map(is_first).collect()
}

/// The ball of what stands more often than it has neighbours holds nothing. Examples are given to compare with, and count once;
/// samples that are the same are what is to be found out.
fn say_copies(examples: usize, samples: usize) {
    if examples > 0 {
        eprintln!(
            "note: {examples} examples are copies of others; precision, density, recall and coverage count each once"
        );
    }
    if samples > 0 {
        eprintln!(
            "note: {samples} samples are copies of others; recall counts that as a lack of variety"
        );
    }
}

impl Judged {
    /// Prints.
    ///
    /// # Errors
    /// If standard output fails.
    pub fn show(&self, samples: &Path, run: &Path, split: &str, out: &Output) -> Result<()> {
        let Self { counts: [drawn, beside], told, fidelity } = *self;
        let (path, by) = (samples.display(), run.display());
        out.line(format!(
            "{drawn} samples of {path} and {beside} examples of the {split} split, judged by {by}"
        ));
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        out.table(&[
            (
                "agreement",
                format!(
                    "{}   (classified as the class that they were drawn for)",
                    percent(told.accuracy)
                ),
            ),
            ("classifier entropy", mean_in_words(told.entropy, drawn) + " nats"),
            (
                "precision",
                format!(
                    "{}   (share of the samples that lie among the examples)",
                    percent(fidelity.precision)
                ),
            ),
            (
                "density",
                format!(
                    "{}    (1 on average for real examples)",
                    mean_in_words(fidelity.density, drawn)
                ),
            ),
            (
                "recall",
                format!(
                    "{}   (share of the examples that lie among the samples)",
                    percent(fidelity.recall)
                ),
            ),
            (
                "coverage",
                format!(
                    "{}   (share of the examples with a sample near them)",
                    percent(fidelity.coverage)
                ),
            ),
        ]);
        out.object(&json!({
            "run": run, "samples": samples, "split": split, "drawn": drawn, "examples": beside,
            "agreement": told.accuracy, "entropy": told.entropy, "neighbours": NEIGHBOURS,
            "precision": fidelity.precision, "density": fidelity.density,
            "recall": fidelity.recall, "coverage": fidelity.coverage,
        }))
    }
}
