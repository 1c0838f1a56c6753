//! Principal components: the axes along which rows vary most (Pearson 1901), by subspace iteration (Bauer 1957). Of rows that are
//! wider than they are many, no covariance is made (Halko, Martinsson and Tropp 2011).

use gleaner_core::eigen;
use ndarray::{Array1, Array2, ArrayViewMut1, Axis, s};
use serde::{Deserialize, Serialize};

use super::moments::Moments;

/// Directions searched beside those kept: what is left out leaves the search at the rate of the first
/// variance beyond these over the last one kept.
const SPARE: usize = 12;
/// Rounds of the search with a covariance, where one is cheap.
const ROUNDS: usize = 60;
/// Rounds without: a few are enough for axes of nearly the largest variance.
const ROUNDS_OF_WIDE: usize = 8;

/// A centre and orthonormal axes through it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Components {
    /// `[columns]`: the means of the cells that were there, which also stand in for missing ones.
    centre: Array1<f64>,
    /// `[columns, dims]`, in order of falling variance, in single precision: there are many of wide rows.
    axes: Array2<f32>,
}

impl Components {
    /// The `dims` axes of largest variance of `numbers`, `[rows, columns]`, NaN where missing.
    ///
    /// Takes as many values of memory as the rows have, and as many as columns squared where rows are more than columns.
    #[must_use]
    pub fn new(numbers: &Array2<f64>, dims: usize) -> Self {
        let centre = Array1::from_vec(Moments::of(numbers).mean);
        let centred = filled(numbers, &centre) - &centre;
        let (rows, columns) = centred.dim();
        let searched = (dims + SPARE).min(columns);
        let (axes, along) = match columns <= rows {
            true => {
                let covariance = centred.t().dot(&centred);
                let axes = subspace(columns, searched, ROUNDS, |axes| covariance.dot(axes));
                let along = covariance.dot(&axes);
                (axes, along)
            }
            false => {
                let spread = |axes: &Array2<f64>| centred.t().dot(&centred.dot(axes));
                let axes = subspace(columns, searched, ROUNDS_OF_WIDE, spread);
                let along = spread(&axes);
                (axes, along)
            }
        };
        // Within the subspace the axes are found exactly.
        let inner = axes.t().dot(&along) / rows.max(1) as f64;
        let width = inner.nrows();
        let (_, turns) = eigen::symmetric(inner.iter().copied().collect(), width);
        let kept = dims.min(width);
        let axes = axes.dot(&Array2::from_shape_fn((width, kept), |(i, j)| turns[j][i]));
        Self { centre, axes: axes.mapv(|value| value as f32) }
    }

    /// Whether every axis has a number for each column.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.centre.len() == self.axes.nrows()
    }

    /// Columns of the rows that they are of.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.axes.nrows()
    }

    /// How many axes there are.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.axes.ncols()
    }

    /// `[rows, dims]`: the coordinates of rows along the axes, the centre's where cells are missing.
    #[must_use]
    pub fn apply(&self, numbers: &Array2<f64>) -> Array2<f64> {
        (filled(numbers, &self.centre) - &self.centre).dot(&self.axes.mapv(f64::from))
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

/// `[columns, dims]`: orthonormal directions that span the largest eigenvectors of a covariance, which `times` multiplies with.
fn subspace(
    columns: usize,
    dims: usize,
    rounds: usize,
    times: impl Fn(&Array2<f64>) -> Array2<f64>,
) -> Array2<f64> {
    // Any start will do that leans on no eigenvector: multiples of the golden ratio.
    let start = |(row, column): (usize, usize)| {
        ((row * dims + column + 1) as f64 * 0.618_033_988_749_895).fract() - 0.5
    };
    let mut axes = Array2::from_shape_fn((columns, dims), start);
    orthonormalise(&mut axes);
    for _ in 0..rounds {
        axes = times(&axes);
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

    /// That the axes are the eigenvectors of the covariance, found by another method.
    fn assert_eigenvectors(found: &Components, numbers: &Array2<f64>) {
        let (rows, columns) = numbers.dim();
        let centred = numbers - &numbers.mean_axis(Axis(0)).unwrap();
        let covariance = centred.t().dot(&centred) / rows as f64;
        let (_, wanted) = eigen::symmetric(covariance.iter().copied().collect(), columns);
        for (axis, wanted) in found.axes.columns().into_iter().zip(&wanted) {
            let cosine: f64 = axis.iter().zip(wanted).map(|(a, b)| f64::from(*a) * b).sum();
            assert!((cosine.abs() - 1.0).abs() < 1e-5, "{cosine}");
        }
    }

    #[test]
    fn axes_are_the_eigenvectors_of_the_covariance() {
        let numbers = scattered(200, 30);
        let found = Components::new(&numbers, 5);
        assert_eigenvectors(&found, &numbers);
        let scores = found.apply(&numbers);
        let products = scores.t().dot(&scores) / 200.0;
        assert!(products.indexed_iter().all(|((i, j), p)| i == j || p.abs() < 1e-6));
    }

    #[test]
    fn of_wide_rows_the_same_axes_are_found_without_a_covariance() {
        // A few directions of falling length, and little of everything else.
        let weights = scattered(40, 6);
        let directions = scattered(6, 90);
        let mut numbers = Array2::from_shape_fn((40, 90), |(row, column)| {
            let part =
                |k: usize| weights[[row, k]] * directions[[k, column]] * 3f64.powi(-(k as i32));
            (0..6).map(part).sum::<f64>()
        });
        numbers += &(scattered(40, 90) * 1e-4);
        assert_eigenvectors(&Components::new(&numbers, 3), &numbers);
    }

    #[test]
    fn fewer_directions_than_asked_for_and_missing_cells_are_fine() {
        // Rank 1, in 3 columns.
        let mut numbers =
            Array2::from_shape_fn((10, 3), |(row, column)| (row * (column + 1)) as f64);
        let projection = Components::new(&numbers, 2);
        let scores = projection.apply(&numbers);
        assert!(scores.column(1).iter().all(|value| value.abs() < 1e-9), "{scores}");
        assert!(scores.column(0).iter().any(|value| value.abs() > 1.0));
        numbers.row_mut(4).fill(f64::NAN);
        let scores = Components::new(&numbers, 2).apply(&numbers);
        assert!(scores.row(4).iter().all(|value| value.abs() < 1e-9));
    }
}
