//! What a fitted method needs for predicting.

use anyhow::{Context as _, Result, ensure};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::encoder::{Encoded, Metric};
use crate::classical::Rows;
use crate::classical::graph::Spreading;
use crate::classical::logistic::LogisticRegression;
use crate::classical::mixture::Mixture;
use crate::classical::network::Ensemble;
use crate::classical::probabilistic::Probabilistic as _;

/// A fitted method.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fitted {
    /// Logistic regression.
    Logistic {
        /// Scale of the columns.
        #[serde(default = "standard")]
        metric: Metric,
        /// The regression.
        #[serde(flatten)]
        regression: LogisticRegression,
    },
    /// Networks.
    Network {
        /// Scale of the columns.
        metric: Metric,
        /// The networks.
        networks: Ensemble,
    },
    /// Labels that were spread.
    LabelSpreading {
        /// Scale of the columns.
        metric: Metric,
        /// The beliefs.
        spreading: Spreading,
    },
    /// A mixture.
    Mixture {
        /// Scale of the numbers.
        metric: Metric,
        /// The components.
        mixture: Mixture,
    },
    /// The run's own model.
    Model,
}

impl Fitted {
    /// Whether its parts belong together, and it tells so many classes apart.
    pub fn is_whole(&self, classes: usize) -> bool {
        match self {
            Self::Logistic { regression, .. } => regression.is_whole(classes),
            Self::Network { networks, .. } => networks.is_whole(classes),
            Self::LabelSpreading { spreading, .. } => spreading.is_whole(classes),
            Self::Mixture { mixture, .. } => mixture.is_whole(classes),
            Self::Model => true,
        }
    }

    /// Log-probabilities of each class, `[rows, classes]`; `None` of the run's own model, which is asked elsewhere.
    ///
    /// # Errors
    /// If the rows are not of the kind that it was fitted to.
    pub fn log_probs(&self, rows: &Encoded) -> Result<Option<Array2<f64>>> {
        let log = |probabilities: Array2<f64>| probabilities.mapv_into(|p| p.max(1e-300).ln());
        Ok(match self {
            Self::Logistic { metric, regression } => {
                Some(log(of_regression(regression, rows.on(*metric))?))
            }
            Self::Network { metric, networks } => {
                ensure!(
                    networks.fits(rows.on(*metric).ncols()),
                    "the networks are for other columns"
                );
                Some(log(networks.probabilities(rows.on(*metric))))
            }
            Self::LabelSpreading { metric, spreading } => {
                Some(log(spreading.probabilities(rows.on(*metric))?))
            }
            Self::Mixture { metric, mixture } => {
                Some(mixture.log_probs(numbers(rows, *metric), &rows.categories)?)
            }
            Self::Model => None,
        })
    }
}

/// The numbers of a mixture: where a row has none but numbers, on either scale.
pub(super) fn numbers(rows: &Encoded, metric: Metric) -> &Array2<f64> {
    match metric {
        Metric::Common if rows.categories.is_empty() => rows.on(Metric::Common),
        _ => &rows.numbers,
    }
}

/// The scale of a regression that was kept without one: older builds knew one alone.
fn standard() -> Metric {
    Metric::Standard
}

fn of_regression(regression: &LogisticRegression, rows: &Array2<f64>) -> Result<Array2<f64>> {
    let (values, width) = flat(rows);
    let found = regression.probabilities(Rows::new(&values, width)?)?;
    let classes = found.len() / rows.nrows().max(1);
    Array2::from_shape_vec((rows.nrows(), classes), found).context("probabilities of a regression")
}

/// Row-major single precision, and the width.
pub(super) fn flat(rows: &Array2<f64>) -> (Vec<f32>, usize) {
    (rows.iter().map(|&value| value as f32).collect(), rows.ncols())
}
