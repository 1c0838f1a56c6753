//! Multi-class support vector machines (Cortes and Vapnik 1995), one against one.
//!
//! `linfa-svm` solves each pair of classes by sequential minimal optimisation (a port of LIBSVM's
//! solver); the pairs are put together here. Features are used as they come, as scikit-learn's
//! `SVC` does: on principal components, bringing every column to variance 1 blows up the columns
//! that are mostly noise (measured on MNIST: 9 points lost at 10 labels per class).

use anyhow::{Result, ensure};
use linfa::prelude::{Dataset, Fit};
use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::distance::{BLOCK, squared_distances, squared_lengths};
use super::{Rows, argmax, check_labels, check_width};

/// How alike two rows are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// The inner product.
    Linear,
    /// `exp(-gamma * |x - y|^2)`; without `gamma`, scikit-learn's "scale": 1 over the number of
    /// columns times the variance of all training values.
    Rbf {
        /// Inverse squared length, above 0.
        gamma: Option<f64>,
    },
}

/// A fitted machine: one separating surface per pair of classes over shared support vectors.
#[derive(Clone, Debug)]
pub struct Svm {
    /// `None` for the linear kernel.
    gamma: Option<f64>,
    centre: Array1<f64>,
    /// `[vectors, width]`, centred.
    vectors: Array2<f64>,
    lengths: Array1<f64>,
    /// `[vectors, pairs]`.
    weights: Array2<f64>,
    offsets: Array1<f64>,
    pairs: Vec<(usize, usize)>,
    classes: usize,
}

impl Svm {
    /// Fits on `rows` and their `labels`; `cost` is the usual C (1 in scikit-learn), above 0.
    ///
    /// Memory and time grow with the square of the rows of the two largest classes. As with every
    /// solver of this kind, the linear kernel on overlapping classes wants features of about unit
    /// size: values in the thousands at cost 1 take minutes.
    ///
    /// # Errors
    /// If the labels do not fit the rows, name fewer than two classes or one not below `classes`,
    /// or `cost` or `gamma` is not a positive number.
    pub fn fit(
        rows: Rows,
        labels: &[usize],
        classes: usize,
        kernel: Kernel,
        cost: f64,
    ) -> Result<Self> {
        let present = check_labels(rows, labels, classes)?;
        ensure!(cost.is_finite() && cost > 0.0, "the SVM cost must be above 0, not {cost}");
        let mut values = rows.to_array()?;
        let gamma = resolve_gamma(kernel, values.view())?;
        // A shift changes neither machine, and rounding hurts least around zero.
        let centre = values.sum_axis(Axis(0)) / values.nrows() as f64;
        values -= &centre;

        let pairs: Vec<(usize, usize)> = present
            .iter()
            .enumerate()
            .flat_map(|(at, &first)| present[at + 1..].iter().map(move |&second| (first, second)))
            .collect();
        let mut weights = Array2::zeros((values.nrows(), pairs.len()));
        let mut offsets = Array1::zeros(pairs.len());
        for (pair, &(first, second)) in pairs.iter().enumerate() {
            let members: Vec<usize> = (0..labels.len())
                .filter(|&row| labels[row] == first || labels[row] == second)
                .collect();
            let targets = members.iter().map(|&row| labels[row] == first).collect();
            let (shares, offset) =
                separate(values.select(Axis(0), &members), targets, gamma, cost)?;
            for (&row, share) in members.iter().zip(shares) {
                weights[[row, pair]] = share;
            }
            offsets[pair] = offset;
        }

        let used: Vec<usize> = (0..values.nrows())
            .filter(|&row| weights.row(row).iter().any(|&weight| weight != 0.0))
            .collect();
        let vectors = values.select(Axis(0), &used);
        let lengths = squared_lengths(vectors.view());
        let weights = weights.select(Axis(0), &used);
        Ok(Self { gamma, centre, vectors, lengths, weights, offsets, pairs, classes })
    }

    /// The class of every query row: most pairs won, a tie going to the larger sum of decision
    /// values.
    ///
    /// # Errors
    /// If the queries are not as wide as the training rows.
    pub fn predict(&self, queries: Rows) -> Result<Vec<usize>> {
        Ok(self.scores(queries)?.rows().into_iter().map(argmax).collect())
    }

    /// `[queries, classes]`: pairs won plus a confidence between -1/3 and 1/3 from the sum of
    /// decision values, as scikit-learn's `decision_function`; a class without training rows has
    /// minus infinity.
    fn scores(&self, queries: Rows) -> Result<Array2<f64>> {
        check_width(queries, self.vectors.ncols())?;
        let queries = queries.to_array()? - &self.centre;
        let mut scores = Array2::from_elem((queries.nrows(), self.classes), f64::NEG_INFINITY);
        let mut row = 0;
        for block in queries.axis_chunks_iter(Axis(0), BLOCK) {
            let decisions = self.kernel(block).dot(&self.weights) - &self.offsets;
            for decision in decisions.rows() {
                let mut wins = vec![None; self.classes];
                for (&(first, second), &value) in self.pairs.iter().zip(decision) {
                    for (class, value) in [(first, value), (second, -value)] {
                        let (won, sum) = wins[class].get_or_insert((0.0, 0.0));
                        *won += f64::from(u8::from(value > 0.0));
                        *sum += value;
                    }
                }
                for (score, wins) in scores.row_mut(row).iter_mut().zip(wins) {
                    if let Some((won, sum)) = wins {
                        *score = won + sum / (3.0 * (f64::abs(sum) + 1.0));
                    }
                }
                row += 1;
            }
        }
        Ok(scores)
    }

    fn kernel(&self, queries: ArrayView2<f64>) -> Array2<f64> {
        match self.gamma {
            None => queries.dot(&self.vectors.t()),
            Some(gamma) => squared_distances(queries, self.vectors.view(), &self.lengths)
                .mapv_into(|squared| (-gamma * squared).exp()),
        }
    }
}

/// The kernel's `gamma`, `None` for the linear one.
fn resolve_gamma(kernel: Kernel, values: ArrayView2<f64>) -> Result<Option<f64>> {
    let gamma = match kernel {
        Kernel::Linear => return Ok(None),
        Kernel::Rbf { gamma: Some(gamma) } => gamma,
        Kernel::Rbf { gamma: None } => {
            let spread = values.var(0.0);
            if spread > 0.0 { 1.0 / (values.ncols() as f64 * spread) } else { 1.0 }
        }
    };
    ensure!(gamma.is_finite() && gamma > 0.0, "the RBF gamma must be above 0, not {gamma}");
    Ok(Some(gamma))
}

/// Solves one pair of classes: the signed weight of every row, positive on the side of the
/// targets that are true, and the offset to subtract.
fn separate(
    rows: Array2<f64>,
    targets: Array1<bool>,
    gamma: Option<f64>,
    cost: f64,
) -> Result<(Vec<f64>, f64)> {
    // Without shrinking: the solver returns the weights in permuted order with it.
    let params = linfa_svm::Svm::<f64, bool>::params()
        .pos_neg_weights(cost, cost)
        .eps(1e-3)
        .shrinking(false);
    let params = match gamma {
        None => params.linear_kernel(),
        Some(gamma) => params.gaussian_kernel(1.0 / gamma),
    };
    let solved = params.fit(&Dataset::new(rows, targets))?;
    Ok((solved.alpha, solved.rho))
}

#[cfg(test)]
mod tests {
    use super::super::accuracy;
    use super::super::synthetic::{blobs, moons};
    use super::*;

    const CENTRES: [[f32; 2]; 3] = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]];

    #[test]
    fn separable_blobs_are_separated_by_both_kernels() {
        let (values, labels) = blobs(&CENTRES, 20, 1.5);
        let (queries, truth) = blobs(&CENTRES, 33, 1.5);
        for kernel in [Kernel::Linear, Kernel::Rbf { gamma: None }] {
            let rows = Rows::new(&values, 2).unwrap();
            let svm = Svm::fit(rows, &labels, 3, kernel, 1.0).unwrap();
            let predicted = svm.predict(Rows::new(&queries, 2).unwrap()).unwrap();
            assert_eq!(predicted, truth, "{kernel:?}");
        }
    }

    #[test]
    fn the_margin_between_two_points_is_known() {
        // Points at 1 and 3 with a large cost: weight 1, boundary at 2.
        let rows = Rows::new(&[1.0, 3.0], 1).unwrap();
        let svm = Svm::fit(rows, &[0, 1], 2, Kernel::Linear, 100.0).unwrap();
        let predicted = svm.predict(Rows::new(&[1.99, 2.01], 1).unwrap()).unwrap();
        assert_eq!(predicted, [0, 1]);
        // Decision values 1 and -1 at the points: one win and 1 / (3 * 2), or its opposite.
        let scores = svm.scores(rows).unwrap();
        assert!((scores[[0, 0]] - (1.0 + 1.0 / 6.0)).abs() < 1e-6, "{scores}");
        assert!((scores[[0, 1]] + 1.0 / 6.0).abs() < 1e-6, "{scores}");
    }

    #[test]
    fn moons_need_the_curved_kernel() {
        let (values, labels) = moons(60);
        let rows = Rows::new(&values, 2).unwrap();
        let score = |kernel| {
            let svm = Svm::fit(rows, &labels, 2, kernel, 10.0).unwrap();
            accuracy(&svm.predict(rows).unwrap(), &labels)
        };
        assert!(score(Kernel::Linear) < 0.95);
        assert_eq!(score(Kernel::Rbf { gamma: Some(5.0) }), 1.0);
    }

    #[test]
    fn classes_without_rows_are_never_predicted() {
        let rows = Rows::new(&[0.0, 0.1, 1.0, 1.1], 1).unwrap();
        let svm = Svm::fit(rows, &[1, 1, 4, 4], 6, Kernel::Linear, 10.0).unwrap();
        let predicted = svm.predict(Rows::new(&[-9.0, 9.0], 1).unwrap()).unwrap();
        assert_eq!(predicted, [1, 4]);
    }

    #[test]
    fn bad_settings_and_widths_are_errors() {
        let rows = Rows::new(&[0.0, 1.0], 1).unwrap();
        let fit = |kernel, cost| Svm::fit(rows, &[0, 1], 2, kernel, cost);
        assert!(fit(Kernel::Linear, 0.0).is_err());
        assert!(fit(Kernel::Linear, f64::NAN).is_err());
        assert!(fit(Kernel::Rbf { gamma: Some(-1.0) }, 1.0).is_err());
        let svm = fit(Kernel::Rbf { gamma: None }, 1.0).unwrap();
        assert!(svm.predict(Rows::new(&[0.0, 1.0], 2).unwrap()).is_err());
        assert!(svm.predict(Rows::new(&[], 1).unwrap()).unwrap().is_empty());
        let same = Rows::new(&[2.0, 2.0], 1).unwrap();
        assert!(Svm::fit(same, &[0, 1], 2, Kernel::Rbf { gamma: None }, 1.0).is_ok());
    }
}
