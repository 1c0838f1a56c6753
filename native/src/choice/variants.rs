//! The settings that each method is tried in.

use serde::{Deserialize, Serialize};

use super::encoder::{Encoded, Metric};
use super::methods::Method;

/// Numbers of a row that a mixture has a full covariance of; more are projected to so many principal components.
pub const MOST_DIMENSIONS: usize = 20;

/// Principal components of a mixture that looks at few.
const FEW_DIMENSIONS: usize = 5;

/// A method with its settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// With this L2 penalty.
    Logistic {
        /// Scale of the columns.
        metric: Metric,
        /// Half of this times the squared weights is added to the summed loss.
        penalty: f64,
    },
    /// One hidden layer.
    Network {
        /// Scale of the columns.
        metric: Metric,
        /// Its units.
        hidden: usize,
        /// Noise on the inputs.
        noise: f64,
    },
    /// Scikit-learn's rule.
    SelfTraining {
        /// Scale of the columns.
        metric: Metric,
    },
    /// Over a graph.
    LabelSpreading {
        /// Scale of the columns.
        metric: Metric,
        /// Nearest rows that a row is joined to.
        neighbours: usize,
        /// Share of a row's belief that comes from its neighbours.
        alpha: f64,
    },
    /// Of components.
    Mixture {
        /// Scale of the numbers.
        metric: Metric,
        /// Of each class.
        components: usize,
        /// Whether all have one covariance.
        tied: bool,
        /// Principal components, if there are more numbers than that.
        dims: usize,
    },
    /// The run's own.
    Model,
}

impl Variant {
    /// Of which method it is.
    #[must_use]
    pub fn method(&self) -> Method {
        match self {
            Self::Logistic { .. } => Method::Logistic,
            Self::Network { .. } => Method::Network,
            Self::SelfTraining { .. } => Method::SelfTraining,
            Self::LabelSpreading { .. } => Method::LabelSpreading,
            Self::Mixture { .. } => Method::Mixture,
            Self::Model => Method::Model,
        }
    }

    /// The settings that it is tried in.
    #[must_use]
    pub fn all(method: Method, rows: &Encoded, classes: usize) -> Vec<Self> {
        let mut all = Self::on_all_scales(method, rows, classes);
        all.retain(|variant| variant.metric().is_none_or(|metric| rows.metrics.contains(&metric)));
        all
    }

    /// The scale of the columns, if it looks at them.
    fn metric(&self) -> Option<Metric> {
        match *self {
            Self::Logistic { metric, .. }
            | Self::Network { metric, .. }
            | Self::SelfTraining { metric }
            | Self::LabelSpreading { metric, .. }
            | Self::Mixture { metric, .. } => Some(metric),
            Self::Model => None,
        }
    }

    fn on_all_scales(method: Method, rows: &Encoded, classes: usize) -> Vec<Self> {
        use Metric::{Between, Common, Standard};
        match method {
            Method::Logistic => {
                [0.1, 1.0].map(|penalty| Self::Logistic { metric: rows.linear, penalty }).into()
            }
            Method::Network => [(rows.linear, 256, 0.3), (rows.linear, 64, 0.0), (Common, 64, 0.3)]
                .map(|(metric, hidden, noise)| Self::Network { metric, hidden, noise })
                .into(),
            Method::SelfTraining => vec![Self::SelfTraining { metric: rows.linear }],
            Method::LabelSpreading => {
                let graphs = [
                    (Standard, 6),
                    (Standard, 12),
                    (Standard, 30),
                    (Common, 6),
                    (Common, 12),
                    (Between, 6),
                    (Between, 12),
                ];
                let alphas = [0.5, 0.9, 0.97, 0.99];
                let of_graph = |(metric, neighbours)| {
                    alphas.map(|alpha| Self::LabelSpreading { metric, neighbours, alpha })
                };
                graphs.into_iter().flat_map(of_graph).collect()
            }
            Method::Mixture => mixtures(rows, classes),
            Method::Model => vec![Self::Model],
        }
    }
}

/// Mixtures: one component or several for each class, with the same covariance or their own; where there are only numbers, on both
/// scales, and on few principal components.
fn mixtures(rows: &Encoded, classes: usize) -> Vec<Variant> {
    use Metric::{Common, Standard};
    let numbers = rows.numbers.ncols();
    // Without numbers there is nothing to project, and a mixture asks for a dimension all the same.
    let dims = numbers.clamp(1, MOST_DIMENSIONS);
    let of = |metric, components, tied, dims| Variant::Mixture { metric, components, tied, dims };
    if !rows.categories.is_empty() {
        return [(1, false), (1, true), (3, false), (3, true)]
            .map(|(components, tied)| of(Standard, components, tied, dims))
            .into();
    }
    let several = several(classes);
    let mut all: Vec<Variant> = [Standard, Common]
        .into_iter()
        .flat_map(|metric| {
            [(1, false), (1, true), (several, false)]
                .map(|(components, tied)| of(metric, components, tied, dims))
        })
        .collect();
    if numbers > FEW_DIMENSIONS {
        all.extend([Standard, Common].map(|metric| of(metric, 1, true, FEW_DIMENSIONS)));
    }
    all
}

/// Components of a class, if one is not enough.
pub fn several(classes: usize) -> usize {
    if classes < 10 { 6 } else { 2 }
}
