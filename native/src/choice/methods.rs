//! The methods that are compared, each with the settings that it is tried in, and what a fitted one needs for predicting.

use anyhow::{Context as _, Result, ensure};
use gleaner_core::noise::Noise;
use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::encoder::{Encoded, Metric};
use crate::classical::Rows;
use crate::classical::graph::{Graph, Spreading};
use crate::classical::logistic::{self, LogisticRegression};
use crate::classical::mixture::{Mixture, Problem, Settings, Shrink};
use crate::classical::network::{self, Ensemble};
use crate::classical::probabilistic::Probabilistic as _;
use crate::classical::self_training::{self, self_training};

/// Steps of a network.
const NETWORK_STEPS: usize = 150;

/// Networks of an ensemble while methods are compared, and of one that is kept.
const NETWORKS: [usize; 2] = [2, 8];

/// The graph that a mixture's first beliefs are spread over.
const FIRST_BELIEFS: (Metric, usize, f64) = (Metric::Standard, 12, 0.9);

/// Unlabelled rows that a mixture learns from: more would drown the labels.
const MOST_IN_MIXTURE: usize = 1000;

/// Numbers of a row that a mixture has a full covariance of; more are projected to so many principal components.
const MOST_DIMENSIONS: usize = 20;

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Logistic regression on the labelled rows.
    Logistic,
    /// Networks on the labelled rows.
    Network,
    /// Logistic regression that labels rows by itself.
    SelfTraining,
    /// Label spreading over a graph of neighbours.
    LabelSpreading,
    /// A mixture of Gaussians and words for each class.
    Mixture,
    /// The generative model of the run.
    Model,
}

impl Method {
    /// All of them, the simplest first.
    pub const ALL: [Self; 6] = [
        Self::Logistic,
        Self::Network,
        Self::SelfTraining,
        Self::LabelSpreading,
        Self::Mixture,
        Self::Model,
    ];

    /// How probable it is to be the best before labels are seen; 0 of a method that is not averaged with the others, because another one is
    /// of its kind. What mixtures count for was chosen on five tables (docs/decisions.md).
    #[must_use]
    pub fn prior(self) -> f64 {
        match self {
            Self::Logistic | Self::SelfTraining => 0.0,
            Self::Network | Self::LabelSpreading | Self::Model => 1.0,
            Self::Mixture => 4.0,
        }
    }

    /// What a table calls it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Logistic => "logistic regression",
            Self::Network => "network",
            Self::SelfTraining => "self-training",
            Self::LabelSpreading => "label spreading",
            Self::Mixture => "mixture",
            Self::Model => "model",
        }
    }

    /// Whether it looks at labelled rows alone.
    #[must_use]
    pub fn is_label_only(self) -> bool {
        matches!(self, Self::Logistic | Self::Network)
    }

    /// The settings that it is tried in.
    #[must_use]
    pub fn variants(self, rows: &Encoded, classes: usize) -> Vec<Variant> {
        use Metric::{Between, Common, Standard};
        match self {
            Self::Logistic => [0.1, 1.0].map(|penalty| Variant::Logistic { penalty }).into(),
            Self::Network => [(Standard, 256, 0.3), (Standard, 64, 0.0), (Common, 64, 0.3)]
                .map(|(metric, hidden, noise)| Variant::Network { metric, hidden, noise })
                .into(),
            Self::SelfTraining => vec![Variant::SelfTraining],
            Self::LabelSpreading => {
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
                    alphas.map(|alpha| Variant::LabelSpreading { metric, neighbours, alpha })
                };
                graphs.into_iter().flat_map(of_graph).collect()
            }
            Self::Mixture => mixtures(rows, classes),
            Self::Model => vec![Variant::Model],
        }
    }
}

/// Mixtures: one component or several for each class, with the same covariance or their own; where there are only numbers, on both
/// scales, and on few principal components.
fn mixtures(rows: &Encoded, classes: usize) -> Vec<Variant> {
    use Metric::{Common, Standard};
    let numbers = rows.numbers.ncols();
    let dims = numbers.min(MOST_DIMENSIONS);
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
    if numbers > 5 {
        all.extend([Standard, Common].map(|metric| of(metric, 1, true, 5)));
    }
    all
}

/// Components of a class, if one is not enough.
fn several(classes: usize) -> usize {
    if classes < 10 { 6 } else { 2 }
}

/// A method with its settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// With this L2 penalty.
    Logistic {
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
    SelfTraining,
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

/// The rows of a contest: those with labels first.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Labelled, then unlabelled.
    pub rows: Encoded,
    /// The class of each labelled row.
    pub labels: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Where what is drawn comes from.
    pub noise: Noise,
}

/// A fitted method.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fitted {
    /// Logistic regression.
    Logistic(LogisticRegression),
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
    /// Log-probabilities of each class, `[rows, classes]`; `None` of the run's own model, which is asked elsewhere.
    ///
    /// # Errors
    /// If the rows are not of the kind that it was fitted to.
    pub fn log_probs(&self, rows: &Encoded) -> Result<Option<Array2<f64>>> {
        let log = |probabilities: Array2<f64>| probabilities.mapv_into(|p| p.max(1e-300).ln());
        Ok(match self {
            Self::Logistic(regression) => Some(log(of_regression(regression, rows)?)),
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
fn numbers(rows: &Encoded, metric: Metric) -> &Array2<f64> {
    match metric {
        Metric::Common if rows.categories.is_empty() => rows.on(Metric::Common),
        _ => &rows.numbers,
    }
}

fn of_regression(regression: &LogisticRegression, rows: &Encoded) -> Result<Array2<f64>> {
    let (values, width) = flat(rows.on(Metric::Standard));
    let found = regression.probabilities(Rows::new(&values, width)?)?;
    let classes = found.len() / rows.count().max(1);
    Array2::from_shape_vec((rows.count(), classes), found).context("probabilities of a regression")
}

/// Row-major single precision, and the width.
fn flat(rows: &Array2<f64>) -> (Vec<f32>, usize) {
    (rows.iter().map(|&value| value as f32).collect(), rows.ncols())
}

impl Pool {
    /// Labelled rows.
    #[must_use]
    pub fn labelled(&self) -> usize {
        self.labels.len()
    }

    /// Log-probabilities of every labelled row as it is told by what was fitted without its part, `[labelled, classes]`, for each variant.
    /// `part` says of every labelled row which one it is in.
    ///
    /// # Errors
    /// If a part leaves too few labels.
    pub fn out_of_fold(&self, variants: &[Variant], part: &[usize]) -> Result<Vec<Array2<f64>>> {
        let parts = part.iter().max().map_or(0, |&last| last + 1);
        let mut all = vec![Array2::zeros((self.labelled(), self.classes)); variants.len()];
        for number in 0..parts {
            let (held, kept): (Vec<usize>, Vec<usize>) =
                (0..self.labelled()).partition(|&row| part[row] == number);
            let mut rest = kept.clone();
            rest.extend(self.labelled()..self.rows.count());
            let pool = Self {
                rows: self.rows.pick(&rest),
                labels: kept.iter().map(|&row| self.labels[row]).collect(),
                classes: self.classes,
                noise: self.noise.at(number as u64 + 1),
            };
            let queries = self.rows.pick(&held);
            let told = pool.told(variants, &queries, NETWORKS[0])?;
            for (all, told) in all.iter_mut().zip(told) {
                for (&row, told) in held.iter().zip(told.rows()) {
                    all.row_mut(row).assign(&told);
                }
            }
        }
        Ok(all)
    }

    /// What each variant, fitted to the pool, says of other rows.
    fn told(
        &self,
        variants: &[Variant],
        queries: &Encoded,
        networks: usize,
    ) -> Result<Vec<Array2<f64>>> {
        let mut graphs = Graphs::default();
        let one = |variant: &Variant| {
            let fitted = self.fit(variant, networks, &mut graphs)?;
            Ok(fitted
                .log_probs(queries)?
                .unwrap_or_else(|| Array2::zeros((queries.count(), self.classes))))
        };
        variants.iter().map(one).collect()
    }

    /// Fits variants to the whole pool, to be kept.
    ///
    /// # Errors
    /// If there are too few labels.
    pub fn fit_all(&self, variants: &[Variant]) -> Result<Vec<Fitted>> {
        let mut graphs = Graphs::default();
        variants.iter().map(|variant| self.fit(variant, NETWORKS[1], &mut graphs)).collect()
    }

    fn fit(&self, variant: &Variant, networks: usize, graphs: &mut Graphs) -> Result<Fitted> {
        let labelled: Vec<usize> = (0..self.labelled()).collect();
        Ok(match *variant {
            Variant::Logistic { penalty } => Fitted::Logistic(self.regression(penalty)?),
            Variant::Network { metric, hidden, noise } => {
                let rows = self.rows.on(metric).select(Axis(0), &labelled);
                let settings = network::Settings {
                    hidden,
                    noise,
                    decay: 0.01,
                    steps: NETWORK_STEPS,
                    networks,
                };
                let noise = self.noise.split("network");
                let networks = Ensemble::fit(&rows, &self.labels, self.classes, &settings, &noise)?;
                Fitted::Network { metric, networks }
            }
            Variant::SelfTraining => Fitted::Logistic(self.self_trained()?),
            Variant::LabelSpreading { metric, neighbours, alpha } => {
                let rows = self.rows.on(metric);
                let graph = graphs.of(rows, metric, neighbours)?;
                let beliefs = graph.spread(&self.pairs(), self.classes, alpha)?;
                Fitted::LabelSpreading { metric, spreading: Spreading::new(rows, graph, &beliefs)? }
            }
            Variant::Mixture { metric, components, tied, dims } => {
                let beliefs = self.first_beliefs(graphs)?;
                let shrink = match tied {
                    true => Shrink::Tied,
                    false => Shrink::ToTied(dims as f64 + 5.0),
                };
                let settings = Settings { components, shrink, restarts: 3, steps: 15, dims };
                let mixture = self.mixture(&self.few(), metric, &beliefs, &settings)?;
                Fitted::Mixture { metric, mixture }
            }
            Variant::Model => Fitted::Model,
        })
    }

    fn regression(&self, penalty: f64) -> Result<LogisticRegression> {
        let (values, width) = flat(self.rows.on(Metric::Standard));
        let labelled = Rows::new(&values[..self.labelled() * width], width)?;
        let settings = logistic::Settings { penalty, ..logistic::Settings::default() };
        LogisticRegression::fit(labelled, &self.labels, self.classes, &settings)
    }

    fn self_trained(&self) -> Result<LogisticRegression> {
        let (values, width) = flat(self.rows.on(Metric::Standard));
        let (labelled, unlabelled) = values.split_at(self.labelled() * width);
        let settings = logistic::Settings::default();
        let fit = |rows: Rows<'_>, labels: &[usize]| {
            LogisticRegression::fit(rows, labels, self.classes, &settings)
        };
        let trained = self_training(
            Rows::new(labelled, width)?,
            &self.labels,
            Rows::new(unlabelled, width)?,
            self.classes,
            &self_training::Settings::default(),
            fit,
        )?;
        Ok(trained.model)
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        self.labels.iter().copied().enumerate().collect()
    }

    /// All labelled rows, and as many others as a mixture learns from, taken evenly.
    fn few(&self) -> Vec<usize> {
        let others: Vec<usize> = (self.labelled()..self.rows.count()).collect();
        let others = crate::data::rows::evenly(&others, MOST_IN_MIXTURE);
        (0..self.labelled()).chain(others).collect()
    }

    /// What spreading labels says of every row, squared, so that a mixture begins with what is sure.
    fn first_beliefs(&self, graphs: &mut Graphs) -> Result<Array2<f64>> {
        let (metric, neighbours, alpha) = FIRST_BELIEFS;
        let graph = graphs.of(self.rows.on(metric), metric, neighbours)?;
        let mut beliefs = graph.spread(&self.pairs(), self.classes, alpha)?;
        beliefs.mapv_inplace(|belief| belief * belief);
        Ok(beliefs)
    }

    fn mixture(
        &self,
        rows: &[usize],
        metric: Metric,
        beliefs: &Array2<f64>,
        settings: &Settings,
    ) -> Result<Mixture> {
        let picked = self.rows.pick(rows);
        let labels: Vec<Option<usize>> =
            rows.iter().map(|&row| self.labels.get(row).copied()).collect();
        let problem = Problem {
            numbers: numbers(&picked, metric),
            categories: &picked.categories,
            values: &picked.values,
            labels: &labels,
            classes: self.classes,
            beliefs: &beliefs.select(Axis(0), rows),
        };
        Mixture::fit(&problem, settings, 1)
    }

    /// Without the mixtures of one component for each class, or those of several, where unlabelled rows that were held out are clearly
    /// less probable under them: by more than two standard errors of the difference in log-density.
    ///
    /// # Errors
    /// If a mixture cannot be fitted.
    pub fn supported(&self, variants: Vec<Variant>) -> Result<Vec<Variant>> {
        let several = several(self.classes);
        let competes = variants
            .iter()
            .any(|v| matches!(v, Variant::Mixture { components, .. } if *components == several));
        let others: Vec<usize> = (self.labelled()..self.rows.count()).collect();
        let (held, kept): (Vec<usize>, Vec<usize>) =
            crate::data::rows::evenly(&others, MOST_IN_MIXTURE)
                .into_iter()
                .partition(|row| row % 5 == 0);
        if !competes || held.len() < 10 {
            return Ok(variants);
        }
        let beliefs = self.first_beliefs(&mut Graphs::default())?;
        let rows: Vec<usize> = (0..self.labelled()).chain(kept).collect();
        let held = self.rows.pick(&held);
        let dims = self.rows.numbers.ncols().min(MOST_DIMENSIONS);
        let density = |components| {
            let settings = Settings {
                components,
                shrink: Shrink::ToTied(dims as f64 + 5.0),
                restarts: 3,
                steps: 15,
                dims,
            };
            let mixture = self.mixture(&rows, Metric::Standard, &beliefs, &settings)?;
            mixture.log_density(numbers(&held, Metric::Standard), &held.categories)
        };
        let gain = density(several)? - density(1)?;
        let mean = gain.mean().unwrap_or_default();
        let error = gain.std(1.0) / (gain.len() as f64).sqrt();
        let keeps = |variant: &Variant| match variant {
            Variant::Mixture { components, .. } if *components == several => mean > -2.0 * error,
            Variant::Mixture { .. } => mean < 2.0 * error,
            _ => true,
        };
        Ok(variants.into_iter().filter(keeps).collect())
    }
}

/// Graphs that several variants use.
#[derive(Default)]
struct Graphs(Vec<((Metric, usize), Graph)>);

impl Graphs {
    fn of(&mut self, rows: &Array2<f64>, metric: Metric, neighbours: usize) -> Result<&Graph> {
        let key = (metric, neighbours);
        let at = match self.0.iter().position(|(known, _)| *known == key) {
            Some(at) => at,
            None => {
                self.0.push((key, Graph::new(rows, neighbours)?));
                self.0.len() - 1
            }
        };
        Ok(&self.0[at].1)
    }
}
