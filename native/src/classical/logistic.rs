//! Multinomial logistic regression with an L2 penalty, by argmin's L-BFGS.
//!
//! `linfa-logistic` has the same solver, but its loss subtracts the largest score of all rows
//! instead of each row's own: once one row scores some 35 above another, loss and gradient part
//! and the line search gets lost. Self-training on MNIST ends up there: 88 s instead of 1 s.

use std::cell::RefCell;

use anyhow::{Error, Result, ensure};
use argmin::core::{CostFunction, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, Axis, s};
use serde::{Deserialize, Serialize};

use super::probabilistic::Probabilistic;
use super::{Rows, argmax, check_labels, check_width};

/// Earlier steps that the optimiser models the curvature from; scikit-learn's number.
const MEMORY: usize = 10;

/// How to fit; the default is scikit-learn's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Half of this times the squared weights is added to the summed loss: 1 over scikit-learn's
    /// C, at least 0.
    pub penalty: f64,
    /// Steps of the optimiser at most.
    pub steps: u64,
    /// Stop once the gradient of the mean loss is this short, above 0.
    pub tolerance: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { penalty: 1.0, steps: 100, tolerance: 1e-4 }
    }
}

/// A fitted regression.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogisticRegression {
    /// `[width + 1, present classes]`, the intercepts last.
    weights: Array2<f64>,
    present: Vec<usize>,
    classes: usize,
}

impl LogisticRegression {
    /// Whether its parts belong together, and it tells so many classes apart.
    #[must_use]
    pub fn is_whole(&self, classes: usize) -> bool {
        self.classes == classes
            && self.present.len() == self.weights.ncols()
            && self.present.iter().all(|&class| class < classes)
            && self.weights.nrows() > 0
    }

    /// Fits on `rows`, used as they come, and their `labels`.
    ///
    /// Takes 8 bytes a value beside the input: 380 MB for the 60,000 images of MNIST.
    ///
    /// # Errors
    /// If the labels do not fit the rows, name fewer than two classes or one not below `classes`,
    /// or a setting is out of range.
    pub fn fit(rows: Rows, labels: &[usize], classes: usize, settings: &Settings) -> Result<Self> {
        let present = check_labels(rows, labels, classes)?;
        let Settings { penalty, steps, tolerance } = *settings;
        ensure!(penalty >= 0.0 && penalty.is_finite(), "the penalty must be at least 0: {penalty}");
        ensure!(tolerance > 0.0, "the tolerance must be above 0, not {tolerance}");
        let targets = labels.iter().map(|label| present.partition_point(|class| class < label));
        let loss = Loss {
            rows: rows.to_array()?,
            targets: targets.collect(),
            classes: present.len(),
            penalty,
            latest: RefCell::default(),
        };
        let start = Array1::zeros((rows.width() + 1) * present.len());
        let solver =
            LBFGS::new(MoreThuenteLineSearch::new(), MEMORY).with_tolerance_grad(tolerance)?;
        let mut state = Executor::new(loss, solver)
            .configure(|state| state.param(start).max_iters(steps))
            .run()?
            .state;
        let weights = state
            .take_best_param()
            .ok_or_else(|| Error::msg("logistic regression found no finite loss"))?
            .into_shape_with_order((rows.width() + 1, present.len()))?;
        Ok(Self { weights, present, classes })
    }

    /// The most probable class of every query row.
    ///
    /// # Errors
    /// If the queries are not as wide as the training rows.
    pub fn predict(&self, queries: Rows) -> Result<Vec<usize>> {
        let scores = self.scores(queries)?;
        Ok(scores.rows().into_iter().map(|row| self.present[argmax(row)]).collect())
    }

    /// `[queries, present classes]`.
    fn scores(&self, queries: Rows) -> Result<Array2<f64>> {
        check_width(queries, self.weights.nrows() - 1)?;
        Ok(scores(queries.to_array()?.view(), self.weights.view()))
    }
}

impl Probabilistic for LogisticRegression {
    fn probabilities(&self, queries: Rows) -> Result<Vec<f64>> {
        let mut scores = self.scores(queries)?;
        softmax(&mut scores);
        let mut all = vec![0.0; scores.nrows() * self.classes];
        for (row, known) in all.chunks_exact_mut(self.classes).zip(scores.rows()) {
            for (&class, &probability) in self.present.iter().zip(known) {
                row[class] = probability;
            }
        }
        Ok(all)
    }
}

/// The mean negative log-likelihood plus the penalty, over `weights` laid out as in
/// [`LogisticRegression`].
struct Loss {
    rows: Array2<f64>,
    targets: Vec<usize>,
    classes: usize,
    penalty: f64,
    /// The optimiser asks for the loss and, up to twice, for the gradient at the same weights.
    latest: RefCell<Option<Evaluation>>,
}

#[derive(Clone)]
struct Evaluation {
    at: Array1<f64>,
    loss: f64,
    gradient: Array1<f64>,
}

impl Loss {
    fn evaluate(&self, flat: &Array1<f64>) -> Result<Evaluation> {
        if let Some(latest) = self.latest.borrow().as_ref().filter(|latest| latest.at == flat) {
            return Ok(latest.clone());
        }
        let (count, width) = self.rows.dim();
        let weights = flat.view().into_shape_with_order((width + 1, self.classes))?;
        let slopes = weights.slice(s![..-1, ..]);

        let mut errors = scores(self.rows.view(), weights);
        let hits: f64 =
            errors.rows().into_iter().zip(&self.targets).map(|(row, &target)| row[target]).sum();
        let totals = softmax(&mut errors).sum();
        let squares = slopes.fold(0.0, |sum, slope| sum + slope * slope);
        let loss = totals - hits + self.penalty / 2.0 * squares;

        for (mut row, &target) in errors.rows_mut().into_iter().zip(&self.targets) {
            row[target] -= 1.0;
        }
        let mut gradient = Array2::zeros(weights.dim());
        let pull = &slopes * self.penalty;
        gradient.slice_mut(s![..-1, ..]).assign(&(self.rows.t().dot(&errors) + pull));
        gradient.row_mut(width).assign(&errors.sum_axis(Axis(0)));

        let count = count as f64;
        let gradient = gradient.flatten().into_owned() / count;
        let evaluation = Evaluation { at: flat.clone(), loss: loss / count, gradient };
        self.latest.replace(Some(evaluation.clone()));
        Ok(evaluation)
    }
}

impl CostFunction for Loss {
    type Param = Array1<f64>;
    type Output = f64;

    fn cost(&self, flat: &Array1<f64>) -> Result<f64> {
        Ok(self.evaluate(flat)?.loss)
    }
}

impl Gradient for Loss {
    type Param = Array1<f64>;
    type Gradient = Array1<f64>;

    fn gradient(&self, flat: &Array1<f64>) -> Result<Array1<f64>> {
        Ok(self.evaluate(flat)?.gradient)
    }
}

/// `[rows, classes]`: products with the slopes plus the intercepts, the last row of `weights`.
fn scores(rows: ArrayView2<f64>, weights: ArrayView2<f64>) -> Array2<f64> {
    rows.dot(&weights.slice(s![..-1, ..])) + weights.row(rows.ncols())
}

/// Turns every row of scores into probabilities and returns the logarithms of the rows' sums of
/// exponentials.
fn softmax(scores: &mut Array2<f64>) -> Array1<f64> {
    let normalise = |mut row: ArrayViewMut1<f64>| {
        let largest = row.fold(f64::NEG_INFINITY, |largest, &score| largest.max(score));
        row.mapv_inplace(|score| (score - largest).exp());
        let sum = row.sum();
        row /= sum;
        largest + sum.ln()
    };
    scores.rows_mut().into_iter().map(normalise).collect()
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::blobs;
    use super::*;

    fn fit(values: &[f32], width: usize, labels: &[usize], classes: usize) -> LogisticRegression {
        let rows = Rows::new(values, width).unwrap();
        LogisticRegression::fit(rows, labels, classes, &Settings::default()).unwrap()
    }

    #[test]
    fn separable_blobs_are_separated() {
        let centres = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]];
        let (values, labels) = blobs(&centres, 20, 1.0);
        let (queries, truth) = blobs(&centres, 33, 1.0);
        let model = fit(&values, 2, &labels, 3);
        assert_eq!(model.predict(Rows::new(&queries, 2).unwrap()).unwrap(), truth);
    }

    #[test]
    fn probabilities_follow_the_balance_of_the_labels() {
        // One constant column: only the intercept, which is not penalised, can tell 3 to 1.
        let model = fit(&[0.0; 4], 1, &[0, 2, 2, 2], 4);
        let found = model.probabilities(Rows::new(&[0.0], 1).unwrap()).unwrap();
        for (found, wanted) in found.iter().zip([0.25, 0.0, 0.75, 0.0]) {
            assert!((found - wanted).abs() < 1e-3, "{found} is not {wanted}");
        }
    }

    #[test]
    fn the_penalty_pulls_towards_even_odds() {
        let rows = Rows::new(&[-1.0, 1.0], 1).unwrap();
        let sure = |penalty| {
            let settings = Settings { penalty, ..Settings::default() };
            let model = LogisticRegression::fit(rows, &[0, 1], 2, &settings).unwrap();
            model.probabilities(rows).unwrap()[0]
        };
        assert!(sure(0.01) > 0.95);
        assert!(sure(100.0) < 0.55);
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss_at_scores_far_apart() {
        let rows = ndarray::array![[1.0, -2.0], [0.5, 3.0], [-40.0, 0.1]];
        let latest = RefCell::default();
        let loss = Loss { rows, targets: vec![0, 2, 1], classes: 3, penalty: 0.7, latest };
        let at = Array1::from_iter((0..9).map(|weight| (f64::from(weight) * 1.7).sin() * 2.0));
        let gradient = loss.gradient(&at).unwrap();
        for weight in 0..9 {
            let moved = |by: f64| {
                let mut to = at.clone();
                to[weight] += by;
                loss.cost(&to).unwrap()
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((gradient[weight] - slope).abs() < 1e-6, "{slope} is not {gradient}");
        }
    }

    #[test]
    fn bad_input_is_an_error() {
        let rows = Rows::new(&[0.0, 1.0], 1).unwrap();
        let fails = |settings| LogisticRegression::fit(rows, &[0, 1], 2, &settings).is_err();
        assert!(fails(Settings { penalty: -1.0, ..Settings::default() }));
        assert!(fails(Settings { tolerance: 0.0, ..Settings::default() }));
        assert!(fails(Settings { penalty: f64::NAN, ..Settings::default() }));
        assert!(LogisticRegression::fit(rows, &[1, 1], 2, &Settings::default()).is_err());
        let model = fit(&[0.0, 1.0], 1, &[0, 1], 2);
        assert!(model.predict(Rows::new(&[0.0, 1.0], 2).unwrap()).is_err());
        assert!(model.predict(Rows::new(&[], 1).unwrap()).unwrap().is_empty());
    }
}
