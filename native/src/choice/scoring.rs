//! The scores of all candidates as a verdict.

use gleaner_core::measures::uncertainty::{Paired, interval};

use super::contest::{Candidate, Score};
use super::methods::Method;
use crate::run::verdict::{AVERAGE, Row, Verdict};

/// What a candidate is called; the run's model is called `model`.
fn name(candidate: Candidate, model: &str) -> String {
    match candidate {
        None => AVERAGE.to_owned(),
        Some(Method::Model) => model.to_owned(),
        Some(method) => method.title().to_owned(),
    }
}

/// The best method that looks at labels alone.
pub(super) fn label_only(scores: &[Score]) -> Option<&Score> {
    let mean = |score: &&Score| score.losses.mean().unwrap_or(f64::INFINITY);
    let label_only =
        scores.iter().filter(|score| score.candidate.is_some_and(Method::is_label_only));
    label_only.min_by(|a, b| mean(a).total_cmp(&mean(b)))
}

/// The verdict, with the candidate that is kept and the weights of the average.
pub(super) fn verdict(
    scores: &[Score],
    kept: &Score,
    weights: &[(Method, f64)],
    [unlabelled, parts]: [usize; 2],
    model: &str,
) -> Verdict {
    let row = |score: &Score| {
        let accuracy = score.answered.measured.accuracy;
        let known = weights.iter().find(|(method, _)| Some(*method) == score.candidate);
        Row {
            name: name(score.candidate, model),
            accuracy,
            interval: interval(accuracy, score.answered.right.len()),
            log_loss: score.losses.mean().unwrap_or_default(),
            weight: known.map_or(0.0, |(_, weight)| *weight),
        }
    };
    let labels_alone = label_only(scores);
    let added = labels_alone.map_or([0.0; 3], |labels| {
        let [kept, labels] = [&kept.answered, &labels.answered];
        let [low, high] = Paired::count(&kept.right, &labels.right).difference();
        [kept.measured.accuracy - labels.measured.accuracy, low, high]
    });
    Verdict {
        kept: name(kept.candidate, model),
        labels: kept.answered.right.len(),
        unlabelled,
        parts,
        candidates: scores.iter().map(row).collect(),
        label_only: labels_alone.map_or_else(String::new, |score| name(score.candidate, model)),
        added,
        ece: None,
    }
}
