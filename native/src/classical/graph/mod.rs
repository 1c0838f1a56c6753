//! Label spreading (Zhou, Bousquet, Lal, Weston and Schoelkopf 2004) on a graph of neighbours whose
//! weights scale with the local density (Zelnik-Manor and Perona 2004), with classes weighed against each
//! other by the mass they spread (Zhu, Ghahramani and Lafferty 2003).
//!
//! Rows `i` and `j` are joined if either is among the nearest of the other, by the weight
//! `exp(-|x_i - x_j|^2 / (s_i s_j))`, where `s` is the distance to the 7th nearest row. With the weights
//! `W` over the roots of both degrees, `S = D^-1/2 W D^-1/2`, a unit label at row `l` answers with
//! `(1 - alpha) (I - alpha S)^-1 e_l`.

mod conjugate;
mod neighbours;
mod spreading;

pub use neighbours::{Neighbour, nearest, nearest_others};
pub use spreading::Spreading;

use anyhow::{Result, ensure};
use ndarray::{Array2, Axis};

/// Which nearest row sets a row's length scale: the choice of Zelnik-Manor and Perona.
const SCALE: usize = 7;
/// The belief, over all classes, that every row starts from: uniform where no label arrives.
const LEAST: f64 = 1e-9;

/// Rows joined to their neighbours.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Row `i` hears from `edges[starts[i]..starts[i + 1]]`: a row and its entry of `S`.
    starts: Vec<usize>,
    edges: Vec<(usize, f64)>,
    /// The root of the summed weights of each row.
    root_degrees: Vec<f64>,
    /// The length scale of each row, above 0.
    scales: Vec<f64>,
    neighbours: usize,
}

impl Graph {
    /// Joins every row of `[rows, columns]` to its `neighbours` nearest ones.
    ///
    /// # Errors
    /// If there are no rows, a value is NaN or infinite, or `neighbours` is 0.
    pub fn new(rows: &Array2<f64>, neighbours: usize) -> Result<Self> {
        check_finite(rows)?;
        Self::from_nearest(&nearest_others(rows, Self::searched(neighbours)), neighbours)
    }

    /// How many nearest others [`from_nearest`](Self::from_nearest) wants to see of each row.
    #[must_use]
    pub fn searched(neighbours: usize) -> usize {
        neighbours.max(SCALE)
    }

    /// The same from the nearest others of every row, nearest first: one search serves several numbers of
    /// neighbours.
    ///
    /// # Errors
    /// If there are no rows or `neighbours` is 0.
    pub fn from_nearest(near: &[Vec<Neighbour>], neighbours: usize) -> Result<Self> {
        ensure!(!near.is_empty(), "label spreading needs at least one row");
        ensure!(neighbours > 0, "label spreading needs at least 1 neighbour");
        let used = Self::searched(neighbours);
        let near: Vec<&[Neighbour]> =
            near.iter().map(|near| &near[..near.len().min(used)]).collect();
        let scales = scales(&near);
        let joined = join(&near, &scales, neighbours);
        let degree = |edges: &Vec<(usize, f64)>| edges.iter().map(|edge| edge.1).sum::<f64>();
        let root_degrees: Vec<f64> = joined.iter().map(|edges| degree(edges).sqrt()).collect();
        let mut starts = vec![0];
        let mut edges = Vec::with_capacity(joined.iter().map(Vec::len).sum());
        for (row, heard) in joined.iter().enumerate() {
            let norm = |other: usize| root_degrees[row] * root_degrees[other];
            edges.extend(heard.iter().map(|&(other, weight)| (other, weight / norm(other))));
            starts.push(edges.len());
        }
        Ok(Self { starts, edges, root_degrees, scales, neighbours })
    }

    /// The number of rows, at least 1.
    #[must_use]
    pub fn count(&self) -> usize {
        self.scales.len()
    }

    /// `[rows, classes]`: the beliefs that `labelled` rows, each given with its class, spread with the
    /// share `alpha` taken from the neighbours. Rows sum to 1 and are uniform where no label arrives.
    ///
    /// # Errors
    /// If a row or class does not exist or `alpha` is not strictly between 0 and 1.
    pub fn spread(
        &self,
        labelled: &[(usize, usize)],
        classes: usize,
        alpha: f64,
    ) -> Result<Array2<f64>> {
        Ok(self.beliefs(self.answer(labelled, classes, alpha)?))
    }

    /// `(1 - alpha) (I - alpha S)^-1` times a matrix `[rows, columns]` of ones at `units`.
    fn answer(&self, units: &[(usize, usize)], columns: usize, alpha: f64) -> Result<Array2<f64>> {
        check_pairs(units, self.count(), columns)?;
        ensure!(alpha > 0.0 && alpha < 1.0, "alpha must lie between 0 and 1, not {alpha}");
        let mut right = Array2::zeros((self.count(), columns));
        for &(row, column) in units {
            right[[row, column]] += 1.0 - alpha;
        }
        Ok(conjugate::solve(&right, |x, out| self.retained(alpha, x, out)))
    }

    /// Writes `(I - alpha S) x`, both `[rows, columns]`.
    fn retained(&self, alpha: f64, x: &Array2<f64>, out: &mut Array2<f64>) {
        out.assign(x);
        for (mut out, range) in out.rows_mut().into_iter().zip(self.starts.windows(2)) {
            for &(other, weight) in &self.edges[range[0]..range[1]] {
                out.scaled_add(-alpha * weight, &x.row(other));
            }
        }
    }

    /// Divides every class by its mass, weighing rows by the roots of their degrees, and every row by its
    /// sum.
    fn beliefs(&self, mut sums: Array2<f64>) -> Array2<f64> {
        let classes = sums.ncols();
        for mut column in sums.columns_mut() {
            let mass: f64 = column.iter().zip(&self.root_degrees).map(|(f, root)| f * root).sum();
            // A row that hears nobody has no degree: its label is its own belief all the same.
            if mass > 0.0 {
                column /= mass;
            }
        }
        for mut row in sums.rows_mut() {
            row.mapv_inplace(|belief| belief.max(0.0) + LEAST / classes as f64);
            let sum = row.sum();
            row /= sum;
        }
        sums
    }
}

/// Fails unless there are rows and all their values are finite.
fn check_finite(rows: &Array2<f64>) -> Result<()> {
    ensure!(rows.nrows() > 0, "label spreading needs at least one row");
    for (number, row) in rows.axis_iter(Axis(0)).enumerate() {
        if let Some(value) = row.iter().find(|value| !value.is_finite()) {
            anyhow::bail!("row {number} of the graph holds {value}: fill missing cells first");
        }
    }
    Ok(())
}

fn check_pairs(pairs: &[(usize, usize)], rows: usize, classes: usize) -> Result<()> {
    for &(row, class) in pairs {
        ensure!(row < rows, "labelled row {row} is not among the {rows} there are");
        ensure!(class < classes, "label {class} is not below the class count {classes}");
    }
    Ok(())
}

/// The length scale of a row with these nearest others: the distance to the 7th, or to the last one found.
/// Where that is 0, so many rows being equal, the next one that differs counts, if any was found.
fn scale(near: &[Neighbour]) -> Option<f64> {
    let first = (SCALE - 1).min(near.len().saturating_sub(1));
    near[first..].iter().map(|near| near.squared_distance.sqrt()).find(|&scale| scale > 0.0)
}

/// The length scales of all rows; those that have none of their own take the mean of the others.
fn scales(near: &[&[Neighbour]]) -> Vec<f64> {
    let own: Vec<Option<f64>> = near.iter().copied().map(scale).collect();
    let (sum, count) = own.iter().flatten().fold((0.0, 0), |(sum, count), s| (sum + s, count + 1));
    let mean = if count > 0 { sum / f64::from(count) } else { 1.0 };
    own.into_iter().map(|scale| scale.unwrap_or(mean)).collect()
}

/// For every row those that it is joined to, by number, with the weights of the edges.
fn join(near: &[&[Neighbour]], scales: &[f64], neighbours: usize) -> Vec<Vec<(usize, f64)>> {
    let mut joined = vec![Vec::new(); near.len()];
    for (row, near) in near.iter().enumerate() {
        for &Neighbour { row: other, squared_distance } in near.iter().take(neighbours) {
            let weight = (-squared_distance / (scales[row] * scales[other])).exp();
            // What is too far away to count is left out, so that no degree is 0 beside an edge.
            if weight > f64::MIN_POSITIVE {
                joined[row].push((other, weight));
                joined[other].push((row, weight));
            }
        }
    }
    for edges in &mut joined {
        edges.sort_unstable_by_key(|&(row, _)| row);
        edges.dedup_by_key(|&mut (row, _)| row);
    }
    joined
}

#[cfg(test)]
mod tests;
