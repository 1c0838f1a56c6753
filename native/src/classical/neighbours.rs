//! Exact nearest neighbours by blocked matrix products.
//!
//! Search trees prune nothing at hundreds of dimensions, and scanning with a library's linear
//! search costs one memory pass over all rows per query; a matrix product reuses each row for a
//! whole block of queries.

use anyhow::{Result, ensure};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use super::distance::{BLOCK, squared_distances, squared_lengths};
use super::{Rows, check_width};

/// One row found near a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its number among the indexed rows.
    pub row: usize,
    /// The squared Euclidean distance to the query.
    pub squared_distance: f64,
}

/// Rows to search among, held in double precision (8 bytes a value).
#[derive(Clone, Debug)]
pub struct Index {
    rows: Array2<f64>,
    lengths: Array1<f64>,
    centre: Array1<f64>,
}

impl Index {
    /// Indexes `rows`.
    ///
    /// # Errors
    /// If there are no rows.
    pub fn new(rows: Rows) -> Result<Self> {
        ensure!(rows.count() > 0, "no rows to search among");
        let mut rows = rows.to_array()?;
        let centre = rows.sum_axis(Axis(0)) / rows.nrows() as f64;
        rows -= &centre;
        let lengths = squared_lengths(rows.view());
        Ok(Self { rows, lengths, centre })
    }

    /// The number of indexed rows, at least 1.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.nrows()
    }

    /// For every query its `count` nearest indexed rows (all of them if there are fewer), nearest
    /// first, equally distant ones by row number.
    ///
    /// # Errors
    /// If the queries are not as wide as the indexed rows.
    pub fn nearest(&self, queries: Rows, count: usize) -> Result<Vec<Vec<Neighbour>>> {
        check_width(queries, self.rows.ncols())?;
        let queries = queries.to_array()? - &self.centre;
        Ok(self.search(queries.view(), count, |_, _| true))
    }

    /// For every indexed row its `count` nearest others, ordered as [`nearest`](Self::nearest).
    #[must_use]
    pub fn nearest_others(&self, count: usize) -> Vec<Vec<Neighbour>> {
        self.search(self.rows.view(), count, |query, row| query != row)
    }

    fn search(
        &self,
        queries: ArrayView2<f64>,
        count: usize,
        admit: impl Fn(usize, usize) -> bool,
    ) -> Vec<Vec<Neighbour>> {
        let mut found = Vec::with_capacity(queries.nrows());
        for block in queries.axis_chunks_iter(Axis(0), BLOCK) {
            let distances = squared_distances(block, self.rows.view(), &self.lengths);
            for row in distances.rows() {
                let query = found.len();
                found.push(smallest(row, count, |row| admit(query, row)));
            }
        }
        found
    }
}

fn smallest(
    distances: ArrayView1<f64>,
    count: usize,
    admit: impl Fn(usize) -> bool,
) -> Vec<Neighbour> {
    let order = |a: &Neighbour, b: &Neighbour| {
        a.squared_distance.total_cmp(&b.squared_distance).then(a.row.cmp(&b.row))
    };
    let mut candidates: Vec<Neighbour> = distances
        .iter()
        .enumerate()
        .filter(|&(row, _)| admit(row))
        .map(|(row, &squared_distance)| Neighbour { row, squared_distance })
        .collect();
    if count < candidates.len() {
        candidates.select_nth_unstable_by(count, order);
        candidates.truncate(count);
        candidates.shrink_to_fit();
    }
    candidates.sort_unstable_by(order);
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(neighbours: &[Neighbour]) -> Vec<usize> {
        neighbours.iter().map(|neighbour| neighbour.row).collect()
    }

    #[test]
    fn nearest_first_and_ties_by_number() {
        let values = [5.0, 1.0, -1.0, 2.0];
        let index = Index::new(Rows::new(&values, 1).unwrap()).unwrap();
        let found = index.nearest(Rows::new(&[0.0, 4.0], 1).unwrap(), 3).unwrap();
        assert_eq!(numbers(&found[0]), [1, 2, 3]);
        assert_eq!(numbers(&found[1]), [0, 3, 1]);
        let squared: Vec<f64> = found[0].iter().map(|n| n.squared_distance).collect();
        assert!((squared[2] - 4.0).abs() < 1e-12, "{squared:?}");
    }

    #[test]
    fn a_row_is_not_its_own_neighbour_but_its_duplicate_is() {
        let index = Index::new(Rows::new(&[3.0, 3.0, 9.0], 1).unwrap()).unwrap();
        let found = index.nearest_others(1);
        assert_eq!(found.iter().map(|n| n[0].row).collect::<Vec<_>>(), [1, 0, 0]);
    }

    #[test]
    fn blocks_join_in_order_far_from_the_origin() {
        let values: Vec<f32> = (0..2 * BLOCK + 3).map(|at| 100_000.0 + at as f32).collect();
        let rows = Rows::new(&values, 1).unwrap();
        let found = Index::new(rows).unwrap().nearest(rows, 1).unwrap();
        assert!(found.iter().enumerate().all(|(query, found)| found[0].row == query));
    }

    #[test]
    fn counts_and_widths_are_checked() {
        assert!(Index::new(Rows::new(&[], 2).unwrap()).is_err());
        let index = Index::new(Rows::new(&[1.0, 2.0], 1).unwrap()).unwrap();
        assert!(index.nearest(Rows::new(&[1.0, 2.0], 2).unwrap(), 1).is_err());
        assert_eq!(index.nearest(Rows::new(&[1.0], 1).unwrap(), 9).unwrap()[0].len(), 2);
        assert!(index.nearest(Rows::new(&[], 1).unwrap(), 1).unwrap().is_empty());
    }
}
