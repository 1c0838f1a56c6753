//! Classical methods over plain feature rows: support vector machines, label spreading, self-training, logistic regression, a small
//! network, mixtures. Equal input gives equal output: what is drawn, as in networks and mixtures, comes from noise that is passed in.

pub mod components;
mod distance;
pub mod graph;
pub mod imputation;
pub mod label_spreading;
pub mod logistic;
mod methods;
pub mod mixture;
pub mod moments;
pub mod neighbours;
pub mod network;
pub mod probabilistic;
pub mod self_training;
pub mod svm;

pub use methods::{Measured, Method, Reach, Task};

use anyhow::{Result, ensure};
use ndarray::{Array2, ArrayView1};

/// Feature rows on the host, row-major: `values[row * width + column]`, all of them finite.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    values: &'a [f32],
    width: usize,
}

impl<'a> Rows<'a> {
    /// Rows of `width` values each; no values at all are no rows.
    ///
    /// # Errors
    /// If `width` is zero, does not divide the number of values, or a value is NaN or infinite.
    pub fn new(values: &'a [f32], width: usize) -> Result<Self> {
        ensure!(width > 0, "feature rows need at least one column");
        ensure!(
            values.len().is_multiple_of(width),
            "{} values do not make whole rows of {width}",
            values.len()
        );
        let bad = values.iter().position(|value| !value.is_finite());
        if let Some(at) = bad {
            anyhow::bail!(
                "feature row {} holds {} in column {}",
                at / width,
                values[at],
                at % width
            );
        }
        Ok(Self { values, width })
    }

    /// The number of rows.
    #[must_use]
    pub fn count(&self) -> usize {
        self.values.len() / self.width
    }

    /// The number of columns, at least 1.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, row-major, `count * width` of them.
    #[must_use]
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// The rows one after the other, each a slice of `width` values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [f32]> {
        self.values.chunks_exact(self.width)
    }

    /// A copy of shape `[count, width]` in the precision that the solvers work in.
    fn to_array(self) -> Result<Array2<f64>> {
        let values = self.values.iter().copied().map(f64::from).collect();
        Ok(Array2::from_shape_vec((self.count(), self.width), values)?)
    }
}

/// Which classes occur, in rising order; fails unless the labels fit the rows and name at least
/// two classes below `classes`.
fn check_labels(rows: Rows, labels: &[usize], classes: usize) -> Result<Vec<usize>> {
    ensure!(rows.count() > 0, "no labelled rows to learn from");
    ensure!(
        rows.count() == labels.len(),
        "{} labelled rows come with {} labels",
        rows.count(),
        labels.len()
    );
    let mut present = labels.to_vec();
    present.sort_unstable();
    present.dedup();
    if let Some(&largest) = present.last() {
        ensure!(largest < classes, "label {largest} is not below the class count {classes}");
    }
    ensure!(
        present.len() > 1,
        "all labels are of class {}; at least two classes need labels",
        present[0]
    );
    Ok(present)
}

/// Fails unless the rows are as wide as those that the model was fitted on.
fn check_width(rows: Rows, width: usize) -> Result<()> {
    ensure!(
        rows.width() == width,
        "the model was fitted on rows of {width} values, these have {}",
        rows.width()
    );
    Ok(())
}

/// The share of predictions that are right; 0 of none.
#[must_use]
pub fn accuracy(predicted: &[usize], truth: &[usize]) -> f64 {
    let right = predicted.iter().zip(truth).filter(|(guess, label)| guess == label).count();
    right as f64 / truth.len().max(1) as f64
}

/// The place of the largest value, the first of equal ones.
fn argmax(values: ArrayView1<f64>) -> usize {
    values
        .iter()
        .enumerate()
        .fold(
            (0, f64::NEG_INFINITY),
            |best, (at, &value)| {
                if value > best.1 { (at, value) } else { best }
            },
        )
        .0
}

/// Synthetic data for the tests of the methods.
#[cfg(test)]
mod synthetic {
    use std::f32::consts::PI;

    /// Deterministic numbers in `[-1, 1)` with the low-discrepancy of the golden ratio: enough
    /// spread for blobs, and no generator to seed.
    fn jitter(step: usize) -> f32 {
        ((step as f64 * 0.618_033_988_749_895).fract() * 2.0 - 1.0) as f32
    }

    /// `each` points around each centre, at most `radius` off in either coordinate.
    pub fn blobs(centres: &[[f32; 2]], each: usize, radius: f32) -> (Vec<f32>, Vec<usize>) {
        let points = (0..centres.len() * each).map(|point| {
            let [x, y] = centres[point % centres.len()];
            [x + radius * jitter(2 * point + 1), y + radius * jitter(7 * point + 3)]
        });
        let labels = (0..centres.len() * each).map(|point| point % centres.len()).collect();
        (points.flatten().collect(), labels)
    }

    /// Two interleaved half circles of radius 1 with `each` points: class 0 opens downwards around
    /// (0, 0), class 1 upwards around (1, 0.5).
    pub fn moons(each: usize) -> (Vec<f32>, Vec<usize>) {
        let angle = |point: usize| PI * point as f32 / (each - 1) as f32;
        let upper = (0..each).map(|point| [angle(point).cos(), angle(point).sin()]);
        let lower = (0..each).map(|point| [1.0 - angle(point).cos(), 0.5 - angle(point).sin()]);
        let labels = [vec![0; each], vec![1; each]].concat();
        (upper.chain(lower).flatten().collect(), labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_refuse_ragged_and_unfinished_numbers() {
        assert!(Rows::new(&[1.0, 2.0, 3.0], 2).is_err());
        assert!(Rows::new(&[1.0], 0).is_err());
        let message = Rows::new(&[1.0, 2.0, 3.0, f32::NAN], 2).unwrap_err().to_string();
        assert_eq!(message, "feature row 1 holds NaN in column 1");
        assert!(Rows::new(&[f32::INFINITY], 1).is_err());
        assert_eq!(Rows::new(&[], 3).unwrap().count(), 0);
    }

    #[test]
    fn labels_must_fit_the_rows_and_name_two_classes() {
        let rows = Rows::new(&[1.0, 2.0, 3.0], 1).unwrap();
        assert_eq!(check_labels(rows, &[2, 0, 2], 3).unwrap(), [0, 2]);
        assert!(check_labels(rows, &[0, 1], 3).is_err());
        assert!(check_labels(rows, &[0, 1, 3], 3).is_err());
        assert!(check_labels(rows, &[1, 1, 1], 3).is_err());
        assert!(check_labels(Rows::new(&[], 1).unwrap(), &[], 3).is_err());
    }

    #[test]
    fn argmax_takes_the_first_of_equals() {
        assert_eq!(argmax(ndarray::array![0.1, 0.5, 0.5].view()), 1);
        assert_eq!(argmax(ndarray::array![f64::NAN, 0.5].view()), 1);
    }
}
