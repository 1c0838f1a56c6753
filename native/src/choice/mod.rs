//! Which classifier a run keeps: plain methods and the generative model are compared by cross-validation over the labels, and what
//! predicts is the best of them or their average.

mod averaging;
mod contest;
mod encoder;
mod fitted;
mod graphs;
mod kept;
mod methods;
mod moved;
mod pool;
mod reduction;
mod scoring;
mod variants;
mod watch;

pub use kept::{Classifier, Kept};
pub use watch::Watch;

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::data::{Examples, Split};
use gleaner_core::infer;
use gleaner_core::noise::Noise;
use ndarray::Array2;

use contest::{Score, Share, Told, calibration_error, fit};
use encoder::Encoder;
use kept::{Member, log_softmax};
use pool::Pool;
use scoring::{label_only, verdict};

use crate::data::rows::{evenly, evenly_by_class, every, known};
use crate::run::folds::Part;
use crate::run::measure::Answered;
use crate::run::recipe::Recipe;
use crate::run::verdict::Verdict;
use crate::run::{Problem, RunDir};

/// Labels that methods are compared on, and learn from, at most.
const MOST_LABELS: usize = 4000;

/// Unlabelled examples that plain methods look at, at most: a graph of all of them takes time by its square.
const MOST_UNLABELLED: usize = 4000;

/// What was chosen, and how it does.
#[derive(Debug)]
pub struct Chosen {
    /// How the methods did.
    pub verdict: Verdict,
    /// How the one that is kept does: on the test split or, without one, on labels that it had not seen.
    pub kept: Answered,
    /// The same of the best method that looks at labels alone.
    pub label_only: Answered,
}

/// Compares the methods on the labels of a run and keeps one in its folder. `parts` are the runs that each held out a part of the
/// labels.
///
/// # Errors
/// If a method cannot be fitted, the device fails or the disk does not take the result.
pub fn choose(
    dir: &RunDir,
    problem: &Problem,
    parts: &[Part],
    recipe: &Recipe,
    device: &Device,
    watch: &Watch<'_>,
) -> Result<Chosen> {
    let contest = Contest::hold(problem, parts, recipe, device, watch)?;
    let kept = contest.fitted(&contest.kept, watch)?;
    kept.write(dir)?;
    let name = parts.first().map_or("model", |part| part.config.name());
    let counts = [contest.pool.rows.count() - contest.pool.labelled(), parts.len()];
    let mut verdict =
        verdict(&contest.scores, &contest.kept, &contest.told.weights(), counts, name);
    verdict.ece = calibration(&contest.kept, &contest.pool.labels);
    let (kept, label_only) = match problem.data.test.is_empty() {
        true => (contest.kept.answered, contest.label_only.answered),
        false => {
            let label_only = contest.fitted(&contest.label_only, watch)?;
            let measure = |kept: &Kept| measured(kept, dir, problem, device);
            (measure(&kept)?, measure(&label_only)?)
        }
    };
    Ok(Chosen { verdict, kept, label_only })
}

/// How the classifier that a run keeps does: on the test split or, without one, on labels that it had not seen.
///
/// # Errors
/// If the run keeps none, or a method or the device fails.
pub fn measure(
    dir: &RunDir,
    problem: &Problem,
    parts: &[Part],
    recipe: &Recipe,
    device: &Device,
    watch: &Watch<'_>,
) -> Result<Answered> {
    match problem.data.test.is_empty() {
        true => {
            let contest = Contest::hold(problem, parts, recipe, device, watch)?;
            Ok(contest.kept.answered)
        }
        false => {
            let kept = Kept::of(dir, recipe, &problem.model(recipe)?)?;
            let kept = kept.context("the run compares no methods")?;
            measured(&kept, dir, problem, device)
        }
    }
}

/// All methods on the labels of a run.
struct Contest {
    encoder: Encoder,
    pool: Pool,
    told: Told,
    scores: Vec<Score>,
    kept: Score,
    label_only: Score,
}

impl Contest {
    fn hold(
        problem: &Problem,
        parts: &[Part],
        recipe: &Recipe,
        device: &Device,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let labelled =
            evenly_by_class(&problem.split.labelled, &problem.data.train.labels, MOST_LABELS);
        let encoder = Encoder::fit(&problem.schema, &problem.data.train, &everyone(&problem.split));
        let label = |&row: &usize| problem.data.train.labels[row] as usize;
        let moved =
            moved::copies(&problem.data.train, &labelled, recipe.objective.classifier_shift);
        let encoded = |copies: Examples| encoder.encode(&copies, &every(&copies));
        let pool = Pool {
            rows: encoder.encode(&problem.data.train, &with_others(&labelled, &problem.split)),
            labels: labelled.iter().map(label).collect(),
            moved: moved.map(encoded),
            classes: problem.classes(),
            noise: Noise::new(recipe.train.seed).split("choice"),
        };
        let (part, of_model) = held_out(problem, &labelled, parts, device)?;
        let told = Told::ask(&pool, part, of_model, watch)?;
        let scores = told.scores()?;
        let candidate = Told::keep(&scores);
        let kept = scores.iter().find(|score| score.candidate == candidate).cloned();
        let (kept, label_only) =
            kept.zip(label_only(&scores).cloned()).context("methods to choose from")?;
        Ok(Self { encoder, pool, told, scores, kept, label_only })
    }

    /// A candidate, fitted to all labels.
    fn fitted(&self, of: &Score, watch: &Watch<'_>) -> Result<Kept> {
        let members = fit(&self.pool, self.told.shares(of.candidate), watch)?.into_iter();
        let member = |(share, fitted): (Share, _)| Member {
            weight: share.weight,
            power: share.power,
            fitted,
        };
        Ok(Kept {
            encoder: self.encoder.clone(),
            classes: self.pool.classes,
            members: members.map(member).collect(),
        })
    }
}

/// How a classifier does on the test split of a run.
///
/// # Errors
/// If the device fails, or there are no labels to measure on.
fn measured(kept: &Kept, dir: &RunDir, problem: &Problem, device: &Device) -> Result<Answered> {
    let test = &problem.data.test;
    let rows = known(test);
    let of_model = || {
        let (_, model) = dir.load(device)?;
        Ok(pollster::block_on(infer::classify(&model, test, &rows, device))?)
    };
    let logits = kept.logits(test, &rows, of_model)?;
    let labels: Vec<i64> = rows.iter().map(|&row| test.labels[row]).collect();
    Answered::of(&logits, &labels, problem.classes())
}

/// Calibration error of what is kept, without temperatures and with those that were learnt from other parts.
fn calibration(kept: &Score, labels: &[usize]) -> Option<[f64; 2]> {
    Some([calibration_error(&kept.raw, labels)?, kept.answered.measured.ece])
}

fn everyone(split: &Split) -> Vec<usize> {
    let mut rows: Vec<usize> = split.labelled.iter().chain(&split.unlabelled).copied().collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// Labelled rows, then some of those that have no label.
fn with_others(labelled: &[usize], split: &Split) -> Vec<usize> {
    let mut known = split.labelled.clone();
    known.sort_unstable();
    let others: Vec<usize> =
        split.unlabelled.iter().copied().filter(|row| known.binary_search(row).is_err()).collect();
    labelled.iter().copied().chain(evenly(&others, MOST_UNLABELLED)).collect()
}

/// Of each labelled row the part that it was held out in, and what the model of that part says of it: log-probabilities,
/// `[labelled, classes]`.
fn held_out(
    problem: &Problem,
    labelled: &[usize],
    parts: &[Part],
    device: &Device,
) -> Result<(Vec<usize>, Array2<f64>)> {
    let places = problem.places.as_ref().context("where the rows stand in the file")?;
    let classes = problem.classes();
    let mut found = vec![None; labelled.len()];
    for (number, part) in parts.iter().enumerate() {
        let test = &part.problem.data.test;
        let rows: Vec<usize> = (0..test.len()).collect();
        let logits = pollster::block_on(infer::classify(&part.model, test, &rows, device))?;
        let told = log_softmax(&logits, classes);
        let held = part.problem.places.as_ref().map_or(&[][..], |places| &places.held);
        for (row, of_file) in held.iter().enumerate() {
            let at = labelled.iter().position(|&row| places.rows[row] == *of_file);
            if let Some(at) = at {
                found[at].get_or_insert((number, told.row(row).to_owned()));
            }
        }
    }
    let mut told = Array2::zeros((labelled.len(), classes));
    let mut part = Vec::with_capacity(labelled.len());
    for (row, found) in found.into_iter().enumerate() {
        let (number, log_probs) = found.context("a label that no part held out")?;
        told.row_mut(row).assign(&log_probs);
        part.push(number);
    }
    Ok((part, told))
}
