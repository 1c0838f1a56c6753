//! Self-training (Yarowsky 1995): a classifier labels the unlabelled rows that it is sure of and
//! learns from them too, round after round.

use anyhow::{Result, ensure};
use ndarray::ArrayView1;

use super::probabilistic::Probabilistic;
use super::{Rows, argmax, check_labels, check_width};

/// When to believe a prediction and when to stop; the default is scikit-learn's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Rows whose most probable class exceeds this probability are taken over with that class;
    /// from 0 to below 1.
    pub threshold: f64,
    /// Rounds of labelling at most.
    pub rounds: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { threshold: 0.75, rounds: 10 }
    }
}

/// The outcome of [`self_training`].
#[derive(Clone, Debug)]
pub struct SelfTrained<M> {
    /// The model fitted on the labelled rows and all rows taken over.
    pub model: M,
    /// How many unlabelled rows were taken over in each round; the last entry is 0 if a round
    /// found none.
    pub taken: Vec<usize>,
}

/// Trains by `fit(rows, labels)` on `labelled` and then on ever more of `unlabelled`. Labels once
/// given are kept.
///
/// # Errors
/// If the labels do not fit the rows, name fewer than two classes or one not below `classes`, the
/// unlabelled rows differ in width, a setting is out of range, or `fit` fails or its model returns
/// anything but `classes` probabilities a row.
pub fn self_training<M: Probabilistic>(
    labelled: Rows,
    labels: &[usize],
    unlabelled: Rows,
    classes: usize,
    settings: &Settings,
    fit: impl Fn(Rows, &[usize]) -> Result<M>,
) -> Result<SelfTrained<M>> {
    check_labels(labelled, labels, classes)?;
    check_width(unlabelled, labelled.width())?;
    let threshold = settings.threshold;
    ensure!(
        (0.0..1.0).contains(&threshold),
        "the self-training threshold must be at least 0 and below 1, not {threshold}"
    );

    let mut values = labelled.values().to_vec();
    let mut labels = labels.to_vec();
    let mut waiting: Vec<&[f32]> = unlabelled.iter().collect();
    let mut model = fit(labelled, &labels)?;
    let mut taken = Vec::new();
    while taken.len() < settings.rounds && !waiting.is_empty() {
        let queries = waiting.concat();
        let probabilities = model.probabilities(Rows::new(&queries, labelled.width())?)?;
        ensure!(
            probabilities.len() == waiting.len() * classes,
            "the model gave {} probabilities for {} rows of {classes} classes",
            probabilities.len(),
            waiting.len()
        );
        let mut unsure = Vec::new();
        for (row, probabilities) in waiting.iter().zip(probabilities.chunks_exact(classes)) {
            let class = argmax(ArrayView1::from(probabilities));
            if probabilities[class] > threshold {
                values.extend_from_slice(row);
                labels.push(class);
            } else {
                unsure.push(*row);
            }
        }
        taken.push(waiting.len() - unsure.len());
        if unsure.len() == waiting.len() {
            break;
        }
        waiting = unsure;
        model = fit(Rows::new(&values, labelled.width())?, &labels)?;
    }
    Ok(SelfTrained { model, taken })
}

#[cfg(test)]
mod tests {
    use super::super::logistic::{self, LogisticRegression};
    use super::*;

    /// Two classes on a line: a point is certain within 1 of a training point, to the class of
    /// that point, and even elsewhere.
    struct Reach(Vec<(f32, usize)>);

    impl Reach {
        fn fit(rows: Rows, labels: &[usize]) -> Result<Self> {
            Ok(Self(rows.values().iter().copied().zip(labels.iter().copied()).collect()))
        }
    }

    impl Probabilistic for Reach {
        fn probabilities(&self, queries: Rows) -> Result<Vec<f64>> {
            let near = |query: f32| self.0.iter().find(|(point, _)| (point - query).abs() <= 1.0);
            let certain = queries.values().iter().map(|&query| match near(query) {
                Some((_, 0)) => [1.0, 0.0],
                Some(_) => [0.0, 1.0],
                None => [0.5, 0.5],
            });
            Ok(certain.flatten().collect())
        }
    }

    fn walk(rounds: usize) -> SelfTrained<Reach> {
        let labelled = Rows::new(&[0.0, 20.0], 1).unwrap();
        let unlabelled = [3.0, 1.0, 2.0, 19.0, 10.0];
        let settings = Settings { rounds, ..Settings::default() };
        let unlabelled = Rows::new(&unlabelled, 1).unwrap();
        self_training(labelled, &[0, 1], unlabelled, 2, &settings, Reach::fit).unwrap()
    }

    #[test]
    fn labels_spread_one_step_a_round_until_nothing_is_sure() {
        let outcome = walk(10);
        assert_eq!(outcome.taken, [2, 1, 1, 0]);
        let mut learned = outcome.model.0;
        learned.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(learned, [(0.0, 0), (1.0, 0), (2.0, 0), (3.0, 0), (19.0, 1), (20.0, 1)]);
    }

    #[test]
    fn the_rounds_are_a_limit() {
        let outcome = walk(1);
        assert_eq!(outcome.taken, [2]);
        assert_eq!(outcome.model.0.len(), 4);
        assert_eq!(walk(0).model.0.len(), 2);
    }

    #[test]
    fn logistic_regression_learns_a_column_that_only_unlabelled_rows_show() {
        // The labelled rows differ in the first column only; in the others both columns agree.
        let labelled = Rows::new(&[-1.0, 0.0, 1.0, 0.0], 2).unwrap();
        let cloud = [[-1.0, -1.0], [1.0, 1.0]].concat().repeat(10);
        let cloud = Rows::new(&cloud, 2).unwrap();
        let queries = Rows::new(&[0.0, 1.0, 0.0, -1.0], 2).unwrap();
        let fit = |rows: Rows, labels: &[usize]| {
            let settings = logistic::Settings { penalty: 0.1, ..Default::default() };
            LogisticRegression::fit(rows, labels, 2, &settings)
        };
        let alone = fit(labelled, &[0, 1]).unwrap().predict(queries).unwrap();
        assert_eq!(alone[0], alone[1]);
        let settings = Settings::default();
        let together = self_training(labelled, &[0, 1], cloud, 2, &settings, fit).unwrap();
        assert_eq!(together.taken, [20]);
        assert_eq!(together.model.predict(queries).unwrap(), [1, 0]);
    }

    #[test]
    fn bad_input_is_an_error() {
        let (rows, wide) = (Rows::new(&[0.0, 1.0], 1).unwrap(), Rows::new(&[0.0, 1.0], 2).unwrap());
        let run = |labels: &[usize], unlabelled, threshold| {
            let settings = Settings { threshold, rounds: 10 };
            self_training(rows, labels, unlabelled, 2, &settings, Reach::fit)
        };
        assert!(run(&[0, 1], rows, 0.75).is_ok());
        assert!(run(&[0, 1], wide, 0.75).is_err());
        assert!(run(&[0, 1], rows, 1.0).is_err());
        assert!(run(&[0, 1], rows, f64::NAN).is_err());
        assert!(run(&[0, 0], rows, 0.75).is_err());
        let none = Rows::new(&[], 1).unwrap();
        assert!(run(&[0, 1], none, 0.75).unwrap().taken.is_empty());
    }
}
