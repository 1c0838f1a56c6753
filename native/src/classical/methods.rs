//! The classical methods by name, as rows of a table.

use anyhow::Result;
use gleaner_core::data::{Dataset, Examples, Split};
use gleaner_core::problem::Problem;
use serde::{Deserialize, Serialize};

use super::label_spreading::{ALPHA, Affinity, LabelSpreading};
use super::logistic::LogisticRegression;
use super::self_training::self_training;
use super::svm::{Kernel, Svm};
use super::{Rows, accuracy, logistic, self_training};
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

impl<'a> Task<'a> {
    /// What a run is to learn, to a classical method.
    pub fn of(problem: &'a Problem) -> Self {
        let Problem { data: Dataset { train, test, .. }, split, .. } = problem;
        Self { train, test, split, classes: problem.classes() }
    }
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

    /// How it does on the test split.
    ///
    /// # Errors
    /// If the examples are not ones that the method can work with.
    pub fn measure(self, task: &Task) -> Result<Measured> {
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
        let (predicted, unreached) = self.predict(&set, Rows::new(&queries, width)?)?;
        let accuracy = accuracy(&predicted, &classes(test, &known));
        let rows = labelled.len() + pool.len();
        Ok(Measured { accuracy, reach: unreached.map(|unreached| Reach { unreached, rows }) })
    }

    /// The classes of the queries and, of label spreading, how many rows it did not reach.
    fn predict(self, set: &Set, queries: Rows) -> Result<(Vec<usize>, Option<usize>)> {
        let Set { labelled, labels, unlabelled, classes } = set;
        let regression = logistic::Settings::default();
        let svm = |kernel| Svm::fit(*labelled, labels, *classes, kernel, 1.0)?.predict(queries);
        let spread = |affinity| {
            let model =
                LabelSpreading::fit(*labelled, labels, *unlabelled, *classes, affinity, ALPHA)?;
            Ok((model.predict(queries)?, Some(model.unreached())))
        };
        let predicted = match self {
            Self::SpreadingKnn => return spread(Affinity::Nearest { neighbours: 7 }),
            Self::SpreadingRbf => return spread(Affinity::Rbf { gamma: None, neighbours: 100 }),
            Self::Logistic => {
                LogisticRegression::fit(*labelled, labels, *classes, &regression)?.predict(queries)
            }
            Self::LinearSvm => svm(Kernel::Linear),
            Self::RbfSvm => svm(Kernel::Rbf { gamma: None }),
            Self::SelfTraining => {
                let fit = |rows: Rows, labels: &[usize]| {
                    LogisticRegression::fit(rows, labels, *classes, &regression)
                };
                let settings = self_training::Settings::default();
                self_training(*labelled, labels, *unlabelled, *classes, &settings, fit)?
                    .model
                    .predict(queries)
            }
        };
        Ok((predicted?, None))
    }
}

/// How a method does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Share of test examples that it tells right.
    pub accuracy: f64,
    /// How far labels spread, where they do.
    pub reach: Option<Reach>,
}

/// How far labels spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Rows that no label reached; each has the class of the nearest labelled row.
    pub unreached: usize,
    /// All rows, labelled and unlabelled.
    pub rows: usize,
}

impl Reach {
    /// Of both graphs.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { unreached: self.unreached + other.unreached, rows: self.rows + other.rows }
    }
}

struct Set<'a> {
    labelled: Rows<'a>,
    labels: Vec<usize>,
    unlabelled: Rows<'a>,
    classes: usize,
}
