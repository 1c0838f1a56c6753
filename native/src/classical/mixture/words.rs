//! One column of words: how often each value occurs in each component.

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

/// Pseudo-counts that every component starts from, shared out as the values are over all rows.
const POOLED: f64 = 2.0;

/// `[components, values]`: log-probabilities of one column's values, in nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Words {
    logs: Array2<f64>,
}

/// `[values]`: how often each of `values` values occurs among the cells that are there, half a count more
/// for each so that none is impossible.
pub(super) fn shares(column: &[Option<usize>], values: usize) -> Array1<f64> {
    let mut counts = Array1::from_elem(values, 0.5);
    column.iter().flatten().for_each(|&value| counts[value] += 1.0);
    let total = counts.sum();
    counts / total
}

impl Words {
    /// Whether there is a number for each of so many values of each component.
    pub fn is_of(&self, components: usize, values: usize) -> bool {
        self.logs.dim() == (components, values)
    }

    /// Counts the cells that are there by the `responsibilities` `[rows, components]` of the components,
    /// with 2 pseudo-counts spread by the `pooled` shares.
    pub fn fit(
        column: &[Option<usize>],
        pooled: &Array1<f64>,
        responsibilities: &Array2<f64>,
    ) -> Self {
        let shape = (responsibilities.ncols(), pooled.len());
        let mut counts = Array2::from_shape_fn(shape, |(_, value)| POOLED * pooled[value]);
        for (&value, shares) in column.iter().zip(responsibilities.rows()) {
            if let Some(value) = value {
                let mut column = counts.column_mut(value);
                column += &shares;
            }
        }
        for mut row in counts.rows_mut() {
            let total = row.sum();
            row.mapv_inplace(|count| (count / total).ln());
        }
        Self { logs: counts }
    }

    /// Adds the log-probability of each cell that is there to `logs`, `[rows, components]`.
    pub fn add_to(&self, logs: &mut Array2<f64>, column: &[Option<usize>]) {
        for (mut logs, &value) in logs.rows_mut().into_iter().zip(column) {
            if let Some(value) = value {
                logs += &self.logs.column(value);
            }
        }
    }

    /// The log-density of the pseudo-counts, up to a constant: the prior whose mode [`fit`](Self::fit) finds.
    #[cfg(test)]
    pub fn log_prior(&self, pooled: &Array1<f64>) -> f64 {
        self.logs.rows().into_iter().map(|logs| POOLED * logs.dot(pooled)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn counts_are_smoothed_towards_the_pool_and_missing_cells_say_nothing() {
        let column = [Some(0), Some(0), Some(1), None];
        let pooled = shares(&column, 3);
        assert_eq!(pooled, array![2.5 / 4.5, 1.5 / 4.5, 0.5 / 4.5]);
        let responsibilities = array![[1.0, 0.0], [1.0, 0.0], [0.5, 0.5], [1.0, 0.0]];
        let words = Words::fit(&column, &pooled, &responsibilities);
        let wanted = (2.0 + 2.0 * 2.5 / 4.5) / 4.5;
        assert!((words.logs[[0, 0]].exp() - wanted).abs() < 1e-12);
        assert!(
            words.logs.rows().into_iter().all(|row| (row.mapv(f64::exp).sum() - 1.0).abs() < 1e-12)
        );
        let mut logs = Array2::zeros((4, 2));
        words.add_to(&mut logs, &column);
        assert_eq!(logs.row(3), array![0.0, 0.0]);
        assert_eq!(logs.row(2), words.logs.column(1));
    }
}
