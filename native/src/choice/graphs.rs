//! The graphs that several variants are spread over, each made once.

use anyhow::Result;
use ndarray::Array2;

use super::encoder::Metric;
use crate::classical::graph::{Graph, Neighbour, nearest_others};

/// Most neighbours that a variant asks for: one search serves all.
const MOST_NEIGHBOURS: usize = 30;

/// Graphs of one set of rows.
#[derive(Default)]
pub struct Graphs {
    nearest: Vec<(Metric, Vec<Vec<Neighbour>>)>,
    graphs: Vec<((Metric, usize), Graph)>,
}

impl Graphs {
    /// That of `rows` on a scale, with so many neighbours.
    ///
    /// # Errors
    /// If there are no rows.
    pub fn of(&mut self, rows: &Array2<f64>, metric: Metric, neighbours: usize) -> Result<&Graph> {
        let key = (metric, neighbours);
        let at = match self.graphs.iter().position(|(known, _)| *known == key) {
            Some(at) => at,
            None => {
                let graph = Graph::from_nearest(self.nearest(rows, metric), neighbours)?;
                self.graphs.push((key, graph));
                self.graphs.len() - 1
            }
        };
        Ok(&self.graphs[at].1)
    }

    fn nearest(&mut self, rows: &Array2<f64>, metric: Metric) -> &[Vec<Neighbour>] {
        let at = match self.nearest.iter().position(|(known, _)| *known == metric) {
            Some(at) => at,
            None => {
                let count = Graph::searched(MOST_NEIGHBOURS);
                self.nearest.push((metric, nearest_others(rows, count)));
                self.nearest.len() - 1
            }
        };
        &self.nearest[at].1
    }
}
