//! Label spreading (Zhou, Bousquet, Lal, Weston and Schoelkopf 2004): labels flow along a graph of
//! neighbours while the labelled rows keep feeding in their own.
//!
//! The graph is sparse throughout: 10,000 rows take 16 bytes an edge instead of a dense matrix of
//! 800 MB. For the RBF kernel that leaves out only what is far away, and it keeps a kernel that is
//! too wide for the data from averaging over everything. Kernel weights are handled by their
//! logarithms, so one that is too narrow fades to the nearest neighbour instead of to zero.

use anyhow::{Result, ensure};
use ndarray::{Array1, Array2, Axis, Zip};

use super::neighbours::{Index, Neighbour};
use super::{Rows, argmax, check_labels, check_width};

/// Which rows are joined, and how strongly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Affinity {
    /// Weight 1 to the nearest rows, as scikit-learn's "knn", which counts the row itself as one
    /// of them: 7 there are 7 here.
    Nearest {
        /// At least 2.
        neighbours: usize,
    },
    /// `exp(-gamma * |x - y|^2)`, cut off beyond the nearest rows.
    Rbf {
        /// Inverse squared length, above 0. Without it a rule of thumb: a bell whose standard
        /// deviation is a third of the usual distance to the 7th nearest other row, so 4.5 over
        /// the mean of that distance squared.
        gamma: Option<f64>,
        /// How many nearest rows to keep for each, at least 2; 100 is plenty for 10,000 rows.
        neighbours: usize,
    },
}

/// How far and how long to spread; the default is scikit-learn's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The share that a row takes from its neighbours in each round, strictly between 0 and 1.
    pub alpha: f64,
    /// Rounds at most.
    pub rounds: usize,
    /// Stop once a round changes the beliefs by less than this, summed over rows and classes.
    pub tolerance: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { alpha: 0.2, rounds: 30, tolerance: 1e-3 }
    }
}

/// Labels spread over the labelled and unlabelled rows, ready to be read off at further rows.
#[derive(Clone, Debug)]
pub struct LabelSpreading {
    index: Index,
    neighbours: usize,
    /// `None` for equal weights.
    gamma: Option<f64>,
    /// `[labelled then unlabelled rows, classes]`, summing to 1 in each row that labels reached.
    beliefs: Array2<f64>,
    labelled: usize,
}

impl LabelSpreading {
    /// Spreads the `labels` of the `labelled` rows over both sets.
    ///
    /// Time grows with the square of the number of rows (one matrix product of all with all).
    ///
    /// # Errors
    /// If the labels do not fit the rows, name fewer than two classes or one not below `classes`,
    /// the unlabelled rows differ in width, or a setting is out of range.
    pub fn fit(
        labelled: Rows,
        labels: &[usize],
        unlabelled: Rows,
        classes: usize,
        affinity: Affinity,
        settings: &Settings,
    ) -> Result<Self> {
        check_labels(labelled, labels, classes)?;
        check_width(unlabelled, labelled.width())?;
        check_settings(affinity, settings)?;
        let values = [labelled.values(), unlabelled.values()].concat();
        let index = Index::new(Rows::new(&values, labelled.width())?)?;

        let (graph, neighbours, gamma) = match affinity {
            Affinity::Nearest { neighbours } => {
                (nearest_graph(&index.nearest_others(neighbours - 1)), neighbours, None)
            }
            Affinity::Rbf { gamma, neighbours } => {
                let near = index.nearest_others(neighbours);
                let gamma = gamma.unwrap_or_else(|| usual_gamma(&near));
                (rbf_graph(&near, gamma), neighbours, Some(gamma))
            }
        };
        let mut sources = Array2::zeros((index.count(), classes));
        for (row, &class) in labels.iter().enumerate() {
            sources[[row, class]] = 1.0;
        }
        let beliefs = spread(&graph, sources, settings);
        Ok(Self { index, neighbours, gamma, beliefs, labelled: labels.len() })
    }

    /// The class of every unlabelled row that was spread over; class 0 where no label arrived.
    #[must_use]
    pub fn unlabelled(&self) -> Vec<usize> {
        self.beliefs.rows().into_iter().skip(self.labelled).map(argmax).collect()
    }

    /// The class of every query row: the weighted vote of the beliefs of its nearest rows, as in
    /// scikit-learn; class 0 where none of them got a label.
    ///
    /// # Errors
    /// If the queries are not as wide as the training rows.
    pub fn predict(&self, queries: Rows) -> Result<Vec<usize>> {
        let near = self.index.nearest(queries, self.neighbours)?;
        Ok(near.iter().map(|near| argmax(self.vote(near).view())).collect())
    }

    fn vote(&self, near: &[Neighbour]) -> Array1<f64> {
        let closest = near.first().map_or(0.0, |neighbour| neighbour.squared_distance);
        let mut votes = Array1::zeros(self.beliefs.ncols());
        for neighbour in near {
            // Relative to the closest, so that the weights of a far query do not all vanish.
            let beyond = neighbour.squared_distance - closest;
            let weight = self.gamma.map_or(1.0, |gamma| (-gamma * beyond).exp());
            votes.scaled_add(weight, &self.beliefs.row(neighbour.row));
        }
        votes
    }
}

/// What every row hears: the rows it listens to with the normalised weights of their edges.
type Graph = Vec<Vec<(usize, f64)>>;

fn check_settings(affinity: Affinity, settings: &Settings) -> Result<()> {
    let (Affinity::Nearest { neighbours } | Affinity::Rbf { neighbours, .. }) = affinity;
    ensure!(neighbours > 1, "label spreading needs at least 2 neighbours, not {neighbours}");
    if let Affinity::Rbf { gamma: Some(gamma), .. } = affinity {
        ensure!(gamma.is_finite() && gamma > 0.0, "the RBF gamma must be above 0, not {gamma}");
    }
    let Settings { alpha, tolerance, .. } = *settings;
    ensure!(alpha > 0.0 && alpha < 1.0, "alpha must lie between 0 and 1, not {alpha}");
    ensure!(tolerance >= 0.0, "the tolerance must be at least 0, not {tolerance}");
    Ok(())
}

/// 4.5 over the mean squared distance to the 7th nearest other row, or to the last kept one; 1
/// if that is zero.
fn usual_gamma(near: &[Vec<Neighbour>]) -> f64 {
    let seventh = near.iter().filter_map(|near| near.get(6).or(near.last()));
    let mean = seventh.map(|near| near.squared_distance).sum::<f64>() / near.len() as f64;
    if mean > 0.0 { 4.5 / mean } else { 1.0 }
}

/// Edges of weight 1 from every row to its nearest, over the root of how often either end is
/// listened to. As in scikit-learn, the edges have a direction.
fn nearest_graph(near: &[Vec<Neighbour>]) -> Graph {
    let mut listeners = vec![0.0_f64; near.len()];
    for neighbour in near.iter().flatten() {
        listeners[neighbour.row] += 1.0;
    }
    let norms: Vec<f64> = listeners.iter().map(|count| count.max(1.0).sqrt()).collect();
    let hear = |(row, near): (usize, &Vec<Neighbour>)| {
        near.iter().map(|other| (other.row, 1.0 / (norms[row] * norms[other.row]))).collect()
    };
    near.iter().enumerate().map(hear).collect()
}

/// Kernel edges in both directions wherever one end keeps the other, over the root of both ends'
/// total weight.
fn rbf_graph(near: &[Vec<Neighbour>], gamma: f64) -> Graph {
    let mut edges: Graph = vec![Vec::new(); near.len()];
    for (row, near) in near.iter().enumerate() {
        for other in near {
            let exponent = -gamma * other.squared_distance;
            edges[row].push((other.row, exponent));
            edges[other.row].push((row, exponent));
        }
    }
    for edges in &mut edges {
        edges.sort_unstable_by_key(|&(row, _)| row);
        edges.dedup_by_key(|&mut (row, _)| row);
    }
    let totals: Vec<f64> = edges.iter().map(|edges| log_sum(edges)).collect();
    for (row, edges) in edges.iter_mut().enumerate() {
        for (other, weight) in edges {
            *weight = (*weight - (totals[row] + totals[*other]) / 2.0).exp();
        }
    }
    edges
}

/// The logarithm of the sum of the exponentials.
fn log_sum(edges: &[(usize, f64)]) -> f64 {
    let largest = edges.iter().map(|&(_, exponent)| exponent).fold(f64::NEG_INFINITY, f64::max);
    largest + edges.iter().map(|&(_, exponent)| (exponent - largest).exp()).sum::<f64>().ln()
}

/// Repeats `beliefs = alpha * graph * beliefs + (1 - alpha) * sources`, then scales every row to
/// sum 1.
fn spread(graph: &Graph, sources: Array2<f64>, settings: &Settings) -> Array2<f64> {
    let fed = &sources * (1.0 - settings.alpha);
    let mut beliefs = sources;
    for _ in 0..settings.rounds {
        let mut next = fed.clone();
        for (mut row, edges) in next.rows_mut().into_iter().zip(graph) {
            for &(other, weight) in edges {
                row.scaled_add(settings.alpha * weight, &beliefs.row(other));
            }
        }
        let change = Zip::from(&next).and(&beliefs).fold(0.0, |sum, a, b| sum + (a - b).abs());
        beliefs = next;
        if change < settings.tolerance {
            break;
        }
    }
    for mut row in beliefs.axis_iter_mut(Axis(0)) {
        let sum = row.sum();
        if sum > 0.0 {
            row /= sum;
        }
    }
    beliefs
}

#[cfg(test)]
mod tests {
    use super::super::accuracy;
    use super::super::svm::{Kernel, Svm};
    use super::super::synthetic::moons;
    use super::*;

    const NEAREST: Affinity = Affinity::Nearest { neighbours: 4 };
    const RBF: Affinity = Affinity::Rbf { gamma: Some(50.0), neighbours: 20 };

    fn fit(
        values: (&[f32], &[f32]),
        width: usize,
        labels: &[usize],
        affinity: Affinity,
        settings: &Settings,
    ) -> Result<LabelSpreading> {
        let (labelled, unlabelled) = (Rows::new(values.0, width)?, Rows::new(values.1, width)?);
        LabelSpreading::fit(labelled, labels, unlabelled, 2, affinity, settings)
    }

    #[test]
    fn moons_with_one_label_each_are_followed_where_supervised_learning_fails() {
        let (values, truth) = moons(100);
        let all = Rows::new(&values, 2).unwrap();
        // The outer tip of the upper moon and the outer tip of the lower one.
        let labelled = [[-1.0, 0.0], [2.0, 0.5]].concat();
        let rows = Rows::new(&labelled, 2).unwrap();
        for kernel in [Kernel::Linear, Kernel::Rbf { gamma: None }] {
            let svm = Svm::fit(rows, &[0, 1], 2, kernel, 1.0).unwrap();
            assert!(accuracy(&svm.predict(all).unwrap(), &truth) < 0.9);
        }
        let settings = Settings { alpha: 0.9, rounds: 2_000, tolerance: 1e-12 };
        for affinity in [NEAREST, RBF] {
            let model = fit((&labelled, &values), 2, &[0, 1], affinity, &settings).unwrap();
            assert_eq!(model.unlabelled(), truth, "{affinity:?}");
            assert_eq!(model.predict(all).unwrap(), truth, "{affinity:?}");
        }
    }

    #[test]
    fn the_fixed_point_of_a_chain_is_known() {
        // Rows at 0, 1, 2 with equal kernel weights along the chain only (the far pair is cut off
        // by keeping 2 neighbours, then by the kernel): S = 1/sqrt(2) between neighbours.
        let affinity = Affinity::Rbf { gamma: Some(30.0), neighbours: 2 };
        let settings = Settings { alpha: 0.5, rounds: 1_000, tolerance: 0.0 };
        let model = fit((&[0.0, 2.0], &[1.0]), 1, &[0, 1], affinity, &settings).unwrap();
        // f = 0.5 S f + 0.5 y for class 0 gives f(0) = 7/12, f(2) = 1/12.
        assert!((model.beliefs[[0, 0]] - 7.0 / 8.0).abs() < 1e-9, "{}", model.beliefs);
        assert!((model.beliefs[[2, 0]] - 0.5).abs() < 1e-9, "{}", model.beliefs);
    }

    #[test]
    fn a_kernel_far_too_narrow_still_asks_the_nearest_row() {
        let affinity = Affinity::Rbf { gamma: Some(1e6), neighbours: 3 };
        let values = ([0.0, 10.0], [1.0, 2.0, 3.0, 8.0, 9.0]);
        let settings = Settings { alpha: 0.9, ..Settings::default() };
        let model = fit((&values.0, &values.1), 1, &[0, 1], affinity, &settings).unwrap();
        assert_eq!(model.unlabelled(), [0, 0, 0, 1, 1]);
        let queries = Rows::new(&[-50.0, 50.0], 1).unwrap();
        assert_eq!(model.predict(queries).unwrap(), [0, 1]);
    }

    #[test]
    fn no_unlabelled_rows_and_equal_rows_are_fine() {
        for affinity in [NEAREST, Affinity::Rbf { gamma: None, neighbours: 5 }] {
            let settings = Settings::default();
            let model = fit((&[1.0, 1.0, 1.0], &[]), 1, &[0, 0, 1], affinity, &settings).unwrap();
            assert_eq!(model.predict(Rows::new(&[1.0, 7.0], 1).unwrap()).unwrap(), [0, 0]);
        }
    }

    #[test]
    fn bad_settings_are_errors() {
        let run = |affinity, settings| {
            fit((&[0.0, 1.0], &[2.0]), 1, &[0, 1], affinity, &settings).map(|_| ())
        };
        let usual = Settings::default();
        assert!(run(NEAREST, usual).is_ok());
        assert!(run(Affinity::Nearest { neighbours: 1 }, usual).is_err());
        assert!(run(Affinity::Rbf { gamma: Some(f64::NAN), neighbours: 9 }, usual).is_err());
        assert!(run(NEAREST, Settings { alpha: 1.0, ..usual }).is_err());
        assert!(run(NEAREST, Settings { tolerance: f64::NAN, ..usual }).is_err());
    }
}
