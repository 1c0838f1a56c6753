//! Exact nearest neighbours by blocked matrix products.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

/// Query rows per block: large enough for the matrix product to run at full speed, small enough
/// that a block against 10,000 rows is 20 MB.
const BLOCK: usize = 256;

/// One row found near a query.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its number among the rows searched.
    pub row: usize,
    /// The squared Euclidean distance to the query; exactly 0 for an equal row.
    pub squared_distance: f64,
}

/// For every row its `count` nearest others (all of them if there are fewer), nearest first, equally
/// distant ones by row number.
#[must_use]
pub fn nearest_others(rows: &Array2<f64>, count: usize) -> Vec<Vec<Neighbour>> {
    search(rows, rows, count, |query, row| query != row)
}

/// For every query its `count` nearest rows, ordered as [`nearest_others`]. Both need equal widths.
#[must_use]
pub fn nearest(rows: &Array2<f64>, queries: &Array2<f64>, count: usize) -> Vec<Vec<Neighbour>> {
    search(rows, queries, count, |_, _| true)
}

/// Time grows with the product of rows and queries; 5,000 rows of 100 columns among themselves take
/// about half a second on one thread.
fn search(
    rows: &Array2<f64>,
    queries: &Array2<f64>,
    count: usize,
    admit: impl Fn(usize, usize) -> bool,
) -> Vec<Vec<Neighbour>> {
    // Rounding in `|q|^2 + |x|^2 - 2 q.x` is relative to the lengths, so both sides are centred.
    let centre = rows.sum_axis(Axis(0)) / rows.nrows().max(1) as f64;
    let (rows, queries) = (rows - &centre, queries - &centre);
    let lengths = rows.map_axis(Axis(1), |row| row.dot(&row));
    let mut found = Vec::with_capacity(queries.nrows());
    for block in queries.axis_chunks_iter(Axis(0), BLOCK) {
        for (query, distances) in
            block.rows().into_iter().zip(relative(block, &rows, &lengths).rows())
        {
            let number = found.len();
            let near = smallest(distances, count, |row| admit(number, row));
            found.push(exact(query, &rows, &near));
        }
    }
    found
}

/// `[queries, rows]`: squared distances less the squared length of the query, which leaves their order.
fn relative(queries: ArrayView2<f64>, rows: &Array2<f64>, lengths: &Array1<f64>) -> Array2<f64> {
    let mut distances = queries.dot(&rows.t());
    for mut row in distances.rows_mut() {
        row.zip_mut_with(lengths, |product, &length| *product = length - 2.0 * *product);
    }
    distances
}

/// The numbers of the `count` smallest values that are admitted, in no order that matters.
fn smallest(values: ArrayView1<f64>, count: usize, admit: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut kept: Vec<(f64, usize)> = Vec::with_capacity(count + 1);
    let mut most = f64::INFINITY;
    for (row, &value) in values.iter().enumerate() {
        if (value >= most && kept.len() >= count) || !admit(row) {
            continue;
        }
        let place = kept.partition_point(|&(other, _)| other <= value);
        kept.insert(place, (value, row));
        kept.truncate(count);
        most = kept.last().map_or(f64::NEG_INFINITY, |&(value, _)| value);
    }
    kept.into_iter().map(|(_, row)| row).collect()
}

/// The rows numbered `near` with their distances summed column by column, nearest first: the matrix
/// product tells equal rows apart by rounding.
fn exact(query: ArrayView1<f64>, rows: &Array2<f64>, near: &[usize]) -> Vec<Neighbour> {
    let distance = |row: usize| {
        let pairs = query.iter().zip(rows.row(row));
        pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
    };
    let mut found: Vec<Neighbour> =
        near.iter().map(|&row| Neighbour { row, squared_distance: distance(row) }).collect();
    found.sort_unstable_by(|a, b| {
        a.squared_distance.total_cmp(&b.squared_distance).then(a.row.cmp(&b.row))
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[f64]) -> Array2<f64> {
        Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap()
    }

    fn numbers(near: &[Neighbour]) -> Vec<usize> {
        near.iter().map(|neighbour| neighbour.row).collect()
    }

    #[test]
    fn nearest_first_and_ties_by_number() {
        let found = nearest(&column(&[5.0, 1.0, -1.0, 2.0]), &column(&[0.0, 4.0]), 3);
        assert_eq!(numbers(&found[0]), [1, 2, 3]);
        assert_eq!(numbers(&found[1]), [0, 3, 1]);
        assert!((found[0][2].squared_distance - 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_row_is_not_its_own_neighbour_but_its_duplicate_is_at_distance_zero() {
        let found = nearest_others(&column(&[0.1, 0.1, 9.7]), 1);
        assert_eq!(found.iter().map(|near| near[0].row).collect::<Vec<_>>(), [1, 0, 0]);
        assert_eq!(found[0][0].squared_distance, 0.0);
    }

    #[test]
    fn blocks_join_in_order_and_match_a_plain_scan() {
        let value = |at: usize| (at as f64 * 0.618_033_988_75).fract();
        let rows =
            Array2::from_shape_fn((2 * BLOCK + 3, 3), |(row, column)| value(row * 7 + column));
        let found = nearest_others(&rows, 5);
        for (query, near) in found.iter().enumerate() {
            let distance = |row: usize| (&rows.row(row) - &rows.row(query)).mapv(|d| d * d).sum();
            let mut all: Vec<f64> =
                (0..rows.nrows()).filter(|&row| row != query).map(distance).collect();
            all.sort_by(f64::total_cmp);
            for (neighbour, wanted) in near.iter().zip(&all) {
                assert!((neighbour.squared_distance - wanted).abs() < 1e-12, "row {query}");
            }
        }
    }

    #[test]
    fn fewer_rows_than_asked_for_are_all_there_are() {
        assert_eq!(nearest_others(&column(&[1.0, 3.0, 2.0]), 9)[0].len(), 2);
        assert!(nearest_others(&column(&[1.0]), 9)[0].is_empty());
        assert!(nearest(&column(&[1.0]), &column(&[]), 9).is_empty());
        assert!(nearest(&column(&[1.0]), &column(&[2.0]), 0)[0].is_empty());
    }
}
