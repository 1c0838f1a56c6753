//! Beliefs that were spread over a graph, read off at further rows.

use anyhow::{Result, ensure};
use ndarray::{Array2, ArrayViewMut1, Axis};
use serde::{Deserialize, Serialize};

use super::neighbours::{Neighbour, nearest};
use super::{Graph, check_finite, scale};

/// What predicting takes: the rows of the graph with their beliefs and length scales, in single precision
/// (4 bytes a value), which is far below the distances that count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spreading {
    /// `[rows, columns]`.
    rows: Array2<f32>,
    /// `[rows, classes]`.
    beliefs: Array2<f32>,
    /// One a row, above 0.
    scales: Vec<f32>,
    neighbours: usize,
}

impl Spreading {
    /// Whether each row has beliefs in so many classes and a scale.
    #[must_use]
    pub fn is_whole(&self, classes: usize) -> bool {
        let rows = self.rows.nrows();
        rows > 0
            && self.neighbours > 0
            && self.beliefs.dim() == (rows, classes)
            && self.scales.len() == rows
            && self.scales.iter().all(|&scale| scale.is_finite() && scale > 0.0)
    }

    /// The `rows` that `graph` was made of, and their `beliefs`.
    ///
    /// # Errors
    /// If the numbers of rows differ.
    pub fn new(rows: &Array2<f64>, graph: &Graph, beliefs: &Array2<f64>) -> Result<Self> {
        ensure!(
            rows.nrows() == graph.count() && beliefs.nrows() == graph.count(),
            "{} rows with {} beliefs do not fit a graph of {}",
            rows.nrows(),
            beliefs.nrows(),
            graph.count()
        );
        Ok(Self {
            rows: rows.mapv(|value| value as f32),
            beliefs: beliefs.mapv(|value| value as f32),
            scales: graph.scales.iter().map(|&scale| scale as f32).collect(),
            neighbours: graph.neighbours,
        })
    }

    /// Rows of the graph, which it keeps.
    #[must_use]
    pub fn held(&self) -> usize {
        self.rows.nrows()
    }

    /// `[queries, classes]`, each row summing to 1: the mean belief of the nearest rows of the graph,
    /// weighted as its edges are.
    ///
    /// # Errors
    /// If the queries are not as wide as the rows of the graph, or hold NaN or infinities.
    pub fn probabilities(&self, queries: &Array2<f64>) -> Result<Array2<f64>> {
        let mut found = Array2::zeros((queries.nrows(), self.beliefs.ncols()));
        if queries.nrows() == 0 {
            return Ok(found);
        }
        check_finite(queries)?;
        ensure!(
            queries.ncols() == self.rows.ncols(),
            "the graph was made of rows of {} values, these have {}",
            self.rows.ncols(),
            queries.ncols()
        );
        let rows = self.rows.mapv(f64::from);
        let near = nearest(&rows, queries, Graph::searched(self.neighbours));
        for (near, belief) in near.iter().zip(found.axis_iter_mut(Axis(0))) {
            self.vote(near, belief);
        }
        Ok(found)
    }

    fn vote(&self, near: &[Neighbour], mut belief: ArrayViewMut1<f64>) {
        let own = scale(near);
        let exponent = |near: &Neighbour| {
            let theirs = f64::from(self.scales[near.row]);
            // Among equal rows the query takes over their scale.
            -near.squared_distance / (own.unwrap_or(theirs) * theirs)
        };
        let used = &near[..near.len().min(self.neighbours)];
        // Relative to the largest, so that the weights of a far query do not all vanish.
        let largest = used.iter().map(exponent).fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        for near in used {
            let weight = (exponent(near) - largest).exp();
            total += weight;
            let theirs = self.beliefs.row(near.row);
            belief.zip_mut_with(&theirs, |belief, &theirs| *belief += weight * f64::from(theirs));
        }
        belief /= total;
    }
}
