//! Principal components of wide rows.

use ndarray::{Array1, Array2, ArrayViewMut1, Axis, s};
use serde::{Deserialize, Serialize};

use super::rows::column_moments;
use gleaner_core::eigen;

/// Directions searched beside those kept: what is left out leaves the search at the rate of the first
/// variance beyond these over the last one kept.
const SPARE: usize = 12;
/// Rounds of the search.
const ROUNDS: usize = 60;

/// A centre and orthonormal axes through it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Projection {
    /// `[columns]`: the means of the cells that were there, which also stand in for missing ones.
    centre: Array1<f64>,
    /// `[columns, dims]`, in order of falling variance.
    axes: Array2<f64>,
}

impl Projection {
    /// The `dims` axes of largest variance of `numbers`, `[rows, columns]`, NaN where missing.
    ///
    /// Takes `columns * columns` values of memory.
    pub fn new(numbers: &Array2<f64>, dims: usize) -> Self {
        let (centre, _) = column_moments(numbers);
        let centred = filled(numbers, &centre) - &centre;
        let covariance = centred.t().dot(&centred) / numbers.nrows().max(1) as f64;
        let mut axes = subspace(&covariance, (dims + SPARE).min(numbers.ncols()));
        // Within the subspace the axes are found exactly.
        let inner = axes.t().dot(&covariance.dot(&axes));
        let width = inner.nrows();
        let (_, turns) = eigen::symmetric(inner.iter().copied().collect(), width);
        let kept = dims.min(width);
        axes = axes.dot(&Array2::from_shape_fn((width, kept), |(i, j)| turns[j][i]));
        Self { centre, axes }
    }

    /// `[rows, dims]`: the coordinates of rows along the axes, the centre's where cells are missing.
    pub fn apply(&self, numbers: &Array2<f64>) -> Array2<f64> {
        (filled(numbers, &self.centre) - &self.centre).dot(&self.axes)
    }
}

/// The numbers with a column's stand-in wherever a cell is missing.
pub(super) fn filled(numbers: &Array2<f64>, stand_in: &Array1<f64>) -> Array2<f64> {
    let mut numbers = numbers.clone();
    for mut row in numbers.rows_mut() {
        row.zip_mut_with(stand_in, |value, &stand_in| {
            if value.is_nan() {
                *value = stand_in;
            }
        });
    }
    numbers
}

/// `[columns, dims]`: orthonormal directions that span the largest eigenvectors of a covariance, by
/// subspace iteration (Bauer 1957).
fn subspace(covariance: &Array2<f64>, dims: usize) -> Array2<f64> {
    let columns = covariance.nrows();
    // Any start will do that leans on no eigenvector: multiples of the golden ratio.
    let start = |(row, column): (usize, usize)| {
        ((row * dims + column + 1) as f64 * 0.618_033_988_749_895).fract() - 0.5
    };
    let mut axes = Array2::from_shape_fn((columns, dims), start);
    orthonormalise(&mut axes);
    for _ in 0..ROUNDS {
        axes = covariance.dot(&axes);
        orthonormalise(&mut axes);
    }
    axes
}

/// Gram and Schmidt's procedure, twice, since once loses digits among directions that are nearly the
/// same. Directions within the span of earlier ones become 0.
fn orthonormalise(axes: &mut Array2<f64>) {
    for column in 0..axes.ncols() {
        let (earlier, mut later) = axes.view_mut().split_at(Axis(1), column);
        let mut axis: ArrayViewMut1<f64> = later.slice_mut(s![.., 0]);
        let before = axis.dot(&axis).sqrt();
        for _ in 0..2 {
            let shares = earlier.t().dot(&axis);
            axis -= &earlier.dot(&shares);
        }
        let length = axis.dot(&axis).sqrt();
        if length > 1e-12 * before {
            axis /= length;
        } else {
            axis.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scattered(rows: usize, columns: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, columns), |(row, column)| {
            let at = (row * columns + column + 1) as f64;
            (at * at * 0.618_033_988_749_895).fract() / (1.0 + column as f64).sqrt()
        })
    }

    #[test]
    fn axes_are_the_eigenvectors_of_the_covariance() {
        let numbers = scattered(200, 30);
        let found = Projection::new(&numbers, 5);
        let centred = &numbers - &numbers.mean_axis(Axis(0)).unwrap();
        let covariance = centred.t().dot(&centred) / 200.0;
        let (_, wanted) = eigen::symmetric(covariance.iter().copied().collect(), 30);
        for (axis, wanted) in found.axes.columns().into_iter().zip(&wanted) {
            let cosine: f64 = axis.iter().zip(wanted).map(|(a, b)| a * b).sum();
            assert!((cosine.abs() - 1.0).abs() < 1e-6, "{cosine}");
        }
        let scores = found.apply(&numbers);
        let products = scores.t().dot(&scores) / 200.0;
        assert!(products.indexed_iter().all(|((i, j), p)| i == j || p.abs() < 1e-6));
    }

    #[test]
    fn fewer_directions_than_asked_for_and_missing_cells_are_fine() {
        // Rank 1, in 3 columns.
        let mut numbers =
            Array2::from_shape_fn((10, 3), |(row, column)| (row * (column + 1)) as f64);
        let projection = Projection::new(&numbers, 2);
        let scores = projection.apply(&numbers);
        assert!(scores.column(1).iter().all(|value| value.abs() < 1e-9), "{scores}");
        assert!(scores.column(0).iter().any(|value| value.abs() > 1.0));
        numbers.row_mut(4).fill(f64::NAN);
        let scores = Projection::new(&numbers, 2).apply(&numbers);
        assert!(scores.row(4).iter().all(|value| value.abs() < 1e-9));
    }
}
