//! The trait of classical methods that give a probability for every class.

use anyhow::Result;

use super::Rows;

/// A fitted model that says how sure it is.
pub trait Probabilistic {
    /// Row-major `[queries, classes]`: the probability of every class, summing to 1 in each row.
    ///
    /// # Errors
    /// If the queries do not suit the model.
    fn probabilities(&self, queries: Rows) -> Result<Vec<f64>>;
}
