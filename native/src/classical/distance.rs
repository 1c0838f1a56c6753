//! Squared Euclidean distances between blocks of rows, by matrix product.

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip};

/// Query rows per block: large enough for the matrix product to run at full speed, small enough
/// that a block against 10,000 rows is 20 MB.
pub(super) const BLOCK: usize = 256;

/// The squared length of every row.
pub(super) fn squared_lengths(rows: ArrayView2<f64>) -> Array1<f64> {
    rows.map_axis(Axis(1), |row| row.dot(&row))
}

/// `[queries, rows]`: squared distances by `|q|^2 + |x|^2 - 2 q.x`, where `lengths` are the
/// [`squared_lengths`] of `rows`.
///
/// Rounding is relative to the lengths, not to the distance, so both sides should be centred; what
/// rounding takes below zero is zero.
pub(super) fn squared_distances(
    queries: ArrayView2<f64>,
    rows: ArrayView2<f64>,
    lengths: &Array1<f64>,
) -> Array2<f64> {
    let mut distances = queries.dot(&rows.t());
    let query_lengths = squared_lengths(queries);
    Zip::from(distances.rows_mut()).and(&query_lengths).for_each(|mut row, &query| {
        row.zip_mut_with(lengths, |product, &length| {
            *product = (query + length - 2.0 * *product).max(0.0);
        });
    });
    distances
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn distances_match_pythagoras() {
        let rows = array![[0.0, 0.0], [3.0, 4.0], [-1.0, 2.0]];
        let queries = array![[0.0, 0.0], [3.0, 0.0]];
        let found = squared_distances(queries.view(), rows.view(), &squared_lengths(rows.view()));
        assert_eq!(found, array![[0.0, 25.0, 5.0], [9.0, 16.0, 20.0]]);
    }
}
