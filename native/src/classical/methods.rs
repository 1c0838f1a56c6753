//! The classical methods by name, as rows of a table.

use anyhow::Result;
use gleaner_core::data::{Examples, Split};
use serde::{Deserialize, Serialize};

use super::label_spreading::{Affinity, LabelSpreading};
use super::logistic::LogisticRegression;
use super::self_training::self_training;
use super::svm::{Kernel, Svm};
use super::{Rows, accuracy, label_spreading, logistic, self_training};
use crate::data::rows::{classes, evenly, filled, known};

/// Unlabelled rows that a method sees at most: label spreading compares every row with every other.
const MOST_UNLABELLED: usize = 10_000;

/// What there is to learn from, and what to measure on.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Training examples.
    pub train: &'a Examples,
    /// Test examples.
    pub test: &'a Examples,
    /// Which training examples are labelled and unlabelled.
    pub split: &'a Split,
    /// Number of classes.
    pub classes: usize,
}

/// A classical method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Multinomial logistic regression on the labelled examples.
    Logistic,
    /// Linear support vector machine on them.
    LinearSvm,
    /// Support vector machine with a Gaussian kernel on them.
    RbfSvm,
    /// Label spreading over the 7 nearest neighbours.
    SpreadingKnn,
    /// Label spreading with a Gaussian kernel, cut off beyond the 100 nearest neighbours.
    SpreadingRbf,
    /// Self-training around logistic regression.
    SelfTraining,
}

impl Method {
    /// All of them, the supervised ones first.
    pub const ALL: [Self; 6] = [
        Self::Logistic,
        Self::LinearSvm,
        Self::RbfSvm,
        Self::SpreadingKnn,
        Self::SpreadingRbf,
        Self::SelfTraining,
    ];

    /// What a table calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Logistic => "logistic regression",
            Self::LinearSvm => "linear SVM",
            Self::RbfSvm => "RBF SVM",
            Self::SpreadingKnn => "label spreading (kNN)",
            Self::SpreadingRbf => "label spreading (RBF, 100 nearest)",
            Self::SelfTraining => "self-training (logistic regression)",
        }
    }

    /// Accuracy on the test split.
    ///
    /// # Errors
    /// If the examples are not ones that the method can work with.
    pub fn accuracy(self, task: &Task) -> Result<f64> {
        let Task { train, test, split, classes: count } = *task;
        let labelled = &split.labelled;
        let keeps_label = |row: &&usize| !labelled.contains(row);
        let pool = split.unlabelled.iter().filter(keeps_label).copied();
        let pool = evenly(&pool.collect::<Vec<usize>>(), MOST_UNLABELLED);
        let known = known(test);
        let width = train.features();
        let [x, u, queries] = [(train, labelled), (train, &pool), (test, &known)]
            .map(|(e, rows)| filled(train, e, rows));
        let set = Set {
            labelled: Rows::new(&x, width)?,
            labels: classes(train, labelled),
            unlabelled: Rows::new(&u, width)?,
            classes: count,
        };
        let predicted = self.predict(&set, Rows::new(&queries, width)?)?;
        Ok(accuracy(&predicted, &classes(test, &known)))
    }

    fn predict(self, set: &Set, queries: Rows) -> Result<Vec<usize>> {
        let Set { labelled, labels, unlabelled, classes } = set;
        let regression = logistic::Settings::default();
        let svm = |kernel| Svm::fit(*labelled, labels, *classes, kernel, 1.0)?.predict(queries);
        let spread = |affinity| {
            let settings = label_spreading::Settings::default();
            LabelSpreading::fit(*labelled, labels, *unlabelled, *classes, affinity, &settings)?
                .predict(queries)
        };
        match self {
            Self::Logistic => {
                LogisticRegression::fit(*labelled, labels, *classes, &regression)?.predict(queries)
            }
            Self::LinearSvm => svm(Kernel::Linear),
            Self::RbfSvm => svm(Kernel::Rbf { gamma: None }),
            Self::SpreadingKnn => spread(Affinity::Nearest { neighbours: 7 }),
            Self::SpreadingRbf => spread(Affinity::Rbf { gamma: None, neighbours: 100 }),
            Self::SelfTraining => {
                let fit = |rows: Rows, labels: &[usize]| {
                    LogisticRegression::fit(rows, labels, *classes, &regression)
                };
                let settings = self_training::Settings::default();
                self_training(*labelled, labels, *unlabelled, *classes, &settings, fit)?
                    .model
                    .predict(queries)
            }
        }
    }
}

struct Set<'a> {
    labelled: Rows<'a>,
    labels: Vec<usize>,
    unlabelled: Rows<'a>,
    classes: usize,
}
