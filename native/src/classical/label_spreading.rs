//! Label spreading (Zhou, Bousquet, Lal, Weston and Schoelkopf 2004): labels flow along a graph of
//! neighbours while the labelled rows keep feeding in their own.
//!
//! The graph is sparse throughout: 10,000 rows take 16 bytes an edge instead of a dense matrix of
//! 800 MB. For the RBF kernel that leaves out only what is far away, and it keeps a kernel that is
//! too wide for the data from averaging over everything. Weights and beliefs are handled by their
//! logarithms: a kernel that is too narrow fades to the nearest neighbour instead of to zero, and a
//! row a thousand edges away from every label still knows which class reaches it first.

use anyhow::{Result, ensure};
use ndarray::{Array1, Array2};

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

/// Round after round changes no row by more than this share of itself once the beliefs are found.
const TOLERANCE: f64 = 1e-10;
/// Rounds at most: an alpha of 0.999 needs some tens of thousands.
const ROUNDS: usize = 100_000;

/// scikit-learn's share that a row takes from its neighbours.
pub const ALPHA: f64 = 0.2;

/// Labels spread over the labelled and unlabelled rows, ready to be read off at further rows.
#[derive(Clone, Debug)]
pub struct LabelSpreading {
    index: Index,
    neighbours: usize,
    /// `None` for equal weights.
    gamma: Option<f64>,
    /// `[labelled then unlabelled rows, classes]`, each row summing to 1.
    beliefs: Array2<f64>,
    unreached: usize,
}

impl LabelSpreading {
    /// Spreads the `labels` of the `labelled` rows over both sets: `(1 - alpha) (I - alpha S)^-1 Y`,
    /// where `alpha` is the share that a row takes from its neighbours.
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
        alpha: f64,
    ) -> Result<Self> {
        check_labels(labelled, labels, classes)?;
        check_width(unlabelled, labelled.width())?;
        check_settings(affinity, alpha)?;
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
        let spread = Spread::of(&graph, labels, classes, alpha)?;
        let unreached = spread.unreached();
        let mut beliefs = spread.beliefs;
        let nearest = Index::new(labelled)?.nearest(Rows::new(&values, labelled.width())?, 1)?;
        for row in unreached.iter().copied() {
            beliefs[[row, labels[nearest[row][0].row]]] = 1.0;
        }
        Ok(Self { index, neighbours, gamma, beliefs, unreached: unreached.len() })
    }

    /// Rows that no edges lead to from a label. Each has the class of the nearest labelled row.
    #[must_use]
    pub fn unreached(&self) -> usize {
        self.unreached
    }

    /// The class of every query row: the weighted vote of the beliefs of its nearest rows, as in
    /// scikit-learn.
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

/// What every row hears: the rows it listens to with the logarithms of the normalised weights of
/// their edges.
type Graph = Vec<Vec<(usize, f64)>>;

fn check_settings(affinity: Affinity, alpha: f64) -> Result<()> {
    let (Affinity::Nearest { neighbours } | Affinity::Rbf { neighbours, .. }) = affinity;
    ensure!(neighbours > 1, "label spreading needs at least 2 neighbours, not {neighbours}");
    if let Affinity::Rbf { gamma: Some(gamma), .. } = affinity {
        ensure!(gamma.is_finite() && gamma > 0.0, "the RBF gamma must be above 0, not {gamma}");
    }
    ensure!(alpha > 0.0 && alpha < 1.0, "alpha must lie between 0 and 1, not {alpha}");
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
        near.iter().map(|other| (other.row, -(norms[row] * norms[other.row]).ln())).collect()
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
            *weight -= (totals[row] + totals[*other]) / 2.0;
        }
    }
    edges
}

/// The logarithm of the sum of the exponentials.
fn log_sum(edges: &[(usize, f64)]) -> f64 {
    let largest = edges.iter().map(|&(_, exponent)| exponent).fold(f64::NEG_INFINITY, f64::max);
    largest + edges.iter().map(|&(_, exponent)| (exponent - largest).exp()).sum::<f64>().ln()
}

/// Beliefs on their way to the solution. What a row has of all classes together is kept by its
/// logarithm: it shrinks with every edge on the way from a label, soon below what a number can hold.
struct Spread {
    /// `[rows, classes]`, each row summing to 1, or 0 where nothing has arrived.
    beliefs: Array2<f64>,
    /// Logarithms of what the rows are to be multiplied by.
    sizes: Vec<f64>,
}

impl Spread {
    /// Solves `beliefs = alpha graph beliefs + sources`, where the first rows are those with `labels`,
    /// by Gauss and Seidel's rounds, forwards and backwards in turn. All that is added is positive,
    /// so even the smallest beliefs are found to as many digits as the largest; conjugate gradients
    /// would leave those far from every label at 0.
    ///
    /// # Errors
    /// If they do not settle.
    fn of(graph: &Graph, labels: &[usize], classes: usize, alpha: f64) -> Result<Self> {
        let mut spread = Self {
            beliefs: Array2::zeros((graph.len(), classes)),
            sizes: vec![f64::NEG_INFINITY; graph.len()],
        };
        for round in 0..ROUNDS {
            let mut change = 0.0_f64;
            for at in 0..graph.len() {
                let row = if round % 2 == 0 { at } else { graph.len() - 1 - at };
                let label = labels.get(row).copied();
                change = change.max(spread.hear(row, label, &graph[row], alpha.ln()));
            }
            if change < TOLERANCE {
                return Ok(spread);
            }
        }
        anyhow::bail!("label spreading does not settle in {ROUNDS} rounds; use a smaller alpha")
    }

    /// Sets a row to what it hears, and says by which share of itself that changes it.
    fn hear(
        &mut self,
        row: usize,
        label: Option<usize>,
        edges: &[(usize, f64)],
        log_alpha: f64,
    ) -> f64 {
        let size = |&(other, weight): &(usize, f64)| log_alpha + weight + self.sizes[other];
        let own = if label.is_some() { 0.0 } else { f64::NEG_INFINITY };
        let largest = edges.iter().map(size).fold(own, f64::max);
        if largest == f64::NEG_INFINITY {
            return 0.0;
        }
        let mut heard = Array1::zeros(self.beliefs.ncols());
        if let Some(class) = label {
            heard[class] = (-largest).exp();
        }
        for edge in edges {
            heard.scaled_add((size(edge) - largest).exp(), &self.beliefs.row(edge.0));
        }
        let sum = heard.sum();
        heard /= sum;
        let size = largest + sum.ln();
        let apart = (&heard - &self.beliefs.row(row)).mapv(f64::abs).sum();
        // As far apart as a logarithm of that size is rounded anyway counts for nothing.
        let rounding = 8.0 * f64::EPSILON * size.abs();
        let change = ((size - self.sizes[row]).abs() - rounding).max(0.0) + apart;
        self.sizes[row] = size;
        self.beliefs.row_mut(row).assign(&heard);
        change
    }

    fn unreached(&self) -> Vec<usize> {
        (0..self.sizes.len()).filter(|&row| self.sizes[row] == f64::NEG_INFINITY).collect()
    }
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
        alpha: f64,
    ) -> Result<LabelSpreading> {
        let (labelled, unlabelled) = (Rows::new(values.0, width)?, Rows::new(values.1, width)?);
        LabelSpreading::fit(labelled, labels, unlabelled, 2, affinity, alpha)
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
        for (affinity, alpha) in [(NEAREST, ALPHA), (NEAREST, 0.9), (RBF, 0.9)] {
            let model = fit((&labelled, &values), 2, &[0, 1], affinity, alpha).unwrap();
            assert_eq!(model.predict(all).unwrap(), truth, "{affinity:?} {alpha}");
            assert_eq!(model.unreached(), 0);
        }
    }

    /// `(I - alpha S)^-1 Y` by elimination, each row over its sum; all that elimination adds to what
    /// is off the diagonal is positive, so that small beliefs lose no digits here either.
    fn dense(graph: &Graph, labels: &[usize], alpha: f64) -> Array2<f64> {
        let count = graph.len();
        let mut system = Array2::<f64>::eye(count);
        for (row, edges) in graph.iter().enumerate() {
            edges.iter().for_each(|&(other, weight)| {
                system[[row, other]] -= alpha * weight.exp();
            });
        }
        let mut answer = Array2::zeros((count, 2));
        labels.iter().enumerate().for_each(|(row, &class)| answer[[row, class]] = 1.0 - alpha);
        for pivot in 0..count {
            for row in (0..count).filter(|&row| row != pivot) {
                let factor = system[[row, pivot]] / system[[pivot, pivot]];
                let (from, right) = (system.row(pivot).to_owned(), answer.row(pivot).to_owned());
                system.row_mut(row).scaled_add(-factor, &from);
                answer.row_mut(row).scaled_add(-factor, &right);
            }
        }
        for (mut row, diagonal) in answer.rows_mut().into_iter().zip(system.diag()) {
            row /= *diagonal;
            let sum = row.sum();
            row /= sum;
        }
        answer
    }

    #[test]
    fn beliefs_are_those_of_a_dense_solve() {
        let scattered: Vec<f32> =
            (1..=80).map(|at| (f64::from(at) * 0.618_033_988_75).fract() as f32).collect();
        // On a line, the last row is 18 edges away from a label, and what arrives there is below 1e-20.
        let line: Vec<f32> = (0..40).map(|at| at as f32).collect();
        for (values, width) in [(scattered, 2), (line, 1)] {
            let index = Index::new(Rows::new(&values, width).unwrap()).unwrap();
            let graphs =
                [nearest_graph(&index.nearest_others(4)), rbf_graph(&index.nearest_others(5), 9.0)];
            for (graph, alpha) in graphs.iter().flat_map(|g| [0.2, 0.9, 0.99].map(|a| (g, a))) {
                let labels = [0, 1, 1, 0];
                let found = Spread::of(graph, &labels, 2, alpha).unwrap();
                assert!(found.unreached().is_empty());
                for (found, wanted) in found.beliefs.iter().zip(&dense(graph, &labels, alpha)) {
                    // What is left to change is a share of 1e-10 a round, of rounds that each take
                    // away a hundredth at the least.
                    assert!((found - wanted).abs() < 1e-8, "{alpha}: {found} {wanted}");
                }
            }
        }
    }

    #[test]
    fn a_label_reaches_a_thousand_edges_away() {
        let unlabelled: Vec<f32> = (1..2001).map(|at| at as f32).collect();
        let nearest = Affinity::Nearest { neighbours: 3 };
        let model = fit((&[0.0, 2001.0], &unlabelled), 1, &[0, 1], nearest, ALPHA).unwrap();
        assert_eq!(model.unreached(), 0);
        let middle = Rows::new(&[990.0, 1011.0], 1).unwrap();
        assert_eq!(model.predict(middle).unwrap(), [0, 1]);
    }

    #[test]
    fn rows_that_no_label_reaches_have_the_class_of_the_nearest_labelled_row() {
        // Two groups that have no edge to the labelled one, beyond either end of it.
        let labelled: Vec<f32> = vec![0.0, 1.0, 2.0, 3.0];
        let unlabelled = [0.5, 1.5, 100.0, 101.0, 102.0, -50.0, -51.0, -52.0];
        let nearest = Affinity::Nearest { neighbours: 3 };
        let model = fit((&labelled, &unlabelled), 1, &[0, 0, 1, 1], nearest, ALPHA).unwrap();
        assert_eq!(model.unreached(), 6);
        let queries = Rows::new(&[101.0, -51.0, 0.2, 2.8], 1).unwrap();
        assert_eq!(model.predict(queries).unwrap(), [1, 0, 0, 1]);
    }

    #[test]
    fn the_fixed_point_of_a_chain_is_known() {
        // Rows at 0, 1, 2 with equal kernel weights along the chain only (the far pair is cut off
        // by keeping 2 neighbours, then by the kernel): S = 1/sqrt(2) between neighbours.
        let affinity = Affinity::Rbf { gamma: Some(30.0), neighbours: 2 };
        let model = fit((&[0.0, 2.0], &[1.0]), 1, &[0, 1], affinity, 0.5).unwrap();
        // f = 0.5 S f + 0.5 y for class 0 gives f(0) = 7/12, f(2) = 1/12.
        assert!((model.beliefs[[0, 0]] - 7.0 / 8.0).abs() < 1e-9, "{}", model.beliefs);
        assert!((model.beliefs[[2, 0]] - 0.5).abs() < 1e-9, "{}", model.beliefs);
    }

    #[test]
    fn a_kernel_far_too_narrow_still_asks_the_nearest_row() {
        let affinity = Affinity::Rbf { gamma: Some(1e6), neighbours: 3 };
        let values = ([0.0, 10.0], [1.0, 2.0, 3.0, 8.0, 9.0]);
        let model = fit((&values.0, &values.1), 1, &[0, 1], affinity, 0.9).unwrap();
        let queries = Rows::new(&[1.0, 2.0, 3.0, 8.0, 9.0, -50.0, 50.0], 1).unwrap();
        assert_eq!(model.predict(queries).unwrap(), [0, 0, 0, 1, 1, 0, 1]);
    }

    #[test]
    fn no_unlabelled_rows_and_equal_rows_are_fine() {
        for affinity in [NEAREST, Affinity::Rbf { gamma: None, neighbours: 5 }] {
            let model = fit((&[1.0, 1.0, 1.0], &[]), 1, &[0, 0, 1], affinity, ALPHA).unwrap();
            assert_eq!(model.predict(Rows::new(&[1.0, 7.0], 1).unwrap()).unwrap(), [0, 0]);
        }
    }

    #[test]
    fn bad_settings_are_errors() {
        let run =
            |affinity, alpha| fit((&[0.0, 1.0], &[2.0]), 1, &[0, 1], affinity, alpha).map(|_| ());
        assert!(run(NEAREST, ALPHA).is_ok());
        assert!(run(Affinity::Nearest { neighbours: 1 }, ALPHA).is_err());
        assert!(run(Affinity::Rbf { gamma: Some(f64::NAN), neighbours: 9 }, ALPHA).is_err());
        assert!(run(NEAREST, 1.0).is_err());
        assert!(run(NEAREST, f64::NAN).is_err());
    }
}
