//! Means and standard deviations of columns.

use ndarray::{Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

/// Those of the numbers that are there; 0 and 1 of a column without any.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// One for each column.
    pub mean: Vec<f64>,
    /// One for each column.
    pub sd: Vec<f64>,
}

impl Moments {
    /// Of `[rows, columns]`, NaN where a number is missing.
    #[must_use]
    pub fn of(rows: &Array2<f64>) -> Self {
        let moments = |column: ArrayView1<f64>| {
            let present: Vec<f64> =
                column.iter().copied().filter(|value| !value.is_nan()).collect();
            if present.is_empty() {
                return (0.0, 1.0);
            }
            let count = present.len() as f64;
            let mean = present.iter().sum::<f64>() / count;
            let variance = present.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            (mean, variance.sqrt())
        };
        let (mean, sd) = rows.columns().into_iter().map(moments).unzip();
        Self { mean, sd }
    }

    /// Whether they are of so many columns.
    #[must_use]
    pub fn fits(&self, columns: usize) -> bool {
        self.mean.len() == columns && self.sd.len() == columns
    }

    /// What [`scaled`](Self::scaled) made these rows of.
    #[must_use]
    pub fn unscaled(&self, rows: &Array2<f64>, scale: impl Fn(usize) -> f64) -> Array2<f64> {
        let mut unscaled = rows.clone();
        for (column, mut values) in unscaled.axis_iter_mut(Axis(1)).enumerate() {
            let (mean, scale) = (self.mean[column], scale(column));
            let scale = if scale > 1e-12 { scale } else { 1.0 };
            values.mapv_inplace(|value| value * scale + mean);
        }
        unscaled
    }

    /// Rows less the mean, each column over its scale; a missing number is NaN still.
    #[must_use]
    pub fn scaled(&self, rows: &Array2<f64>, scale: impl Fn(usize) -> f64) -> Array2<f64> {
        let mut scaled = rows.clone();
        for (column, mut values) in scaled.axis_iter_mut(Axis(1)).enumerate() {
            let (mean, scale) = (self.mean[column], scale(column));
            let scale = if scale > 1e-12 { scale } else { 1.0 };
            values.mapv_inplace(|value| (value - mean) / scale);
        }
        scaled
    }
}
