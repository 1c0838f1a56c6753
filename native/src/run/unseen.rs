//! Classes without labels: which of the model's classes stands for which of the data's, and how well it tells
//! them apart (Gemp, Mahadevan, Parente, section 3).

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::data::one_hot;
use gleaner_core::infer;
use gleaner_core::measures::eval::{Classification, classification};
use gleaner_core::models::Generative;
use gleaner_core::nets::Classes;
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::classical::Rows;
use crate::classical::logistic::{LogisticRegression, Settings};
use crate::classical::probabilistic::Probabilistic as _;
use crate::data::rows;

/// Steps of the judge's optimiser; more change nothing that matters here.
const STEPS: u64 = 60;

/// How a model does on classes that had no labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unseen {
    /// Cross-entropy on test examples of those classes, nats.
    pub unseen_cross_entropy: f64,
    /// Accuracy on them.
    pub unseen_accuracy: f64,
    /// Classes of the data that some class of the model shows, among all.
    pub distinct_classes: usize,
    /// The data's class that each class of the model stands for.
    pub stands_for: Vec<usize>,
}

impl Unseen {
    /// Lets a judge, a logistic regression that has seen every label there is, say what the model draws for each
    /// of its classes, and measures the model's predictions with its classes renamed accordingly. The judge
    /// only gives names: the model has never seen its labels.
    ///
    /// # Errors
    /// If the device fails.
    pub fn measure(
        model: &impl Generative,
        labelled_classes: &[usize],
        problem: &Problem,
        device: &Device,
    ) -> Result<Self> {
        let shown = judged(model, problem, device)?;
        let stands_for = matched(&shown, labelled_classes);
        let mut distinct: Vec<usize> = shown.iter().map(|row| arg_max(row)).collect();
        distinct.sort_unstable();
        distinct.dedup();

        let test = &problem.data.test;
        let unseen = |row: &usize| {
            usize::try_from(test.labels[*row]).is_ok_and(|class| !labelled_classes.contains(&class))
        };
        let rows: Vec<usize> = (0..test.len()).filter(unseen).collect();
        let logits = pollster::block_on(infer::classify(model, test, &rows, device))?;
        let mut renamed = vec![0.0; logits.len()];
        let classes = stands_for.len();
        for (renamed, logits) in renamed.chunks_exact_mut(classes).zip(logits.chunks_exact(classes))
        {
            for (&name, &logit) in stands_for.iter().zip(logits) {
                renamed[name] = logit;
            }
        }
        let labels: Vec<i64> = rows.iter().map(|&row| test.labels[row]).collect();
        let Classification { nll, accuracy, .. } = classification(&renamed, &labels, classes)
            .context("the test split has no examples of the classes without labels")?;
        Ok(Self {
            unseen_cross_entropy: nll,
            unseen_accuracy: accuracy,
            distinct_classes: distinct.len(),
            stands_for,
        })
    }
}

/// What the judge says of the picture that each class gives at the mean of `z` over the labelled examples:
/// probabilities `[classes][classes]`.
fn judged(model: &impl Generative, problem: &Problem, device: &Device) -> Result<Vec<Vec<f64>>> {
    let train = &problem.data.train;
    let classes = problem.classes();
    let rows = rows::known(train);
    let labels = rows::classes(train, &rows);
    let x = rows::filled(train, train, &rows);
    let settings = Settings { steps: STEPS, ..Settings::default() };
    let judge =
        LogisticRegression::fit(Rows::new(&x, train.features())?, &labels, classes, &settings)?;

    let labelled = &problem.split.labelled;
    let x = infer::upload(train, labelled, device);
    let y = one_hot(labelled.iter().map(|&row| train.labels[row]), classes, device);
    let z = model.encode(x, &Classes::Given(y)).mean_dim(0).repeat_dim(0, classes);
    let pictures = model.decode(z, &Classes::Every).mean();
    let pictures = pollster::block_on(infer::finite("the pictures of the classes", pictures))?;
    let probabilities = judge.probabilities(Rows::new(&pictures, train.features())?)?;
    Ok(probabilities.chunks_exact(classes).map(<[f64]>::to_vec).collect())
}

/// A name for each of the model's classes: its own for those with labels, and for the others the name that the
/// judge is most certain of first, every name once.
fn matched(shown: &[Vec<f64>], labelled: &[usize]) -> Vec<usize> {
    let classes = shown.len();
    let mut names: Vec<Option<usize>> =
        (0..classes).map(|class| labelled.contains(&class).then_some(class)).collect();
    let mut pairs: Vec<(usize, usize)> = (0..classes)
        .flat_map(|class| (0..classes).map(move |name| (class, name)))
        .filter(|(class, name)| !labelled.contains(class) && !labelled.contains(name))
        .collect();
    pairs.sort_by(|&(a, x), &(b, y)| shown[b][y].total_cmp(&shown[a][x]));
    for (class, name) in pairs {
        if names[class].is_none() && !names.contains(&Some(name)) {
            names[class] = Some(name);
        }
    }
    names.into_iter().enumerate().map(|(class, name)| name.unwrap_or(class)).collect()
}

fn arg_max(values: &[f64]) -> usize {
    let best = values.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
    best.map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_once_and_labelled_classes_keep_theirs() {
        let shown = vec![
            vec![0.1, 0.2, 0.3, 0.4],
            vec![0.0, 0.9, 0.05, 0.05],
            // Both show a 3; the second one shows it better.
            vec![0.0, 0.0, 0.3, 0.7],
            vec![0.0, 0.0, 0.1, 0.9],
        ];
        assert_eq!(matched(&shown, &[0, 1]), [0, 1, 2, 3]);
        let shown = [shown[0].clone(), shown[1].clone(), shown[3].clone(), shown[2].clone()];
        assert_eq!(matched(&shown, &[0, 1]), [0, 1, 3, 2]);
    }
}
