//! Rows of numbers and words, sorted by which of their cells are missing.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use ndarray::Array2;

/// What a mixture reads: numbers that may be missing, and words by their numbers.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub count: usize,
    /// Rows with the same cells missing; every row is in one group.
    pub groups: Vec<Group>,
    /// For each column of words the value of each row.
    pub words: Vec<Vec<Option<usize>>>,
}

/// Rows in which the same numeric cells are there.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub rows: Vec<usize>,
    /// Numeric columns that are there, rising.
    pub seen: Vec<usize>,
    /// Those that are missing, rising.
    pub missing: Vec<usize>,
    /// `[rows of the group, seen columns]`.
    pub values: Array2<f64>,
}

impl Rows {
    /// Numbers of shape `[rows, columns]` with NaN where a cell is missing, and the columns of words.
    ///
    /// # Errors
    /// If a number is infinite, or a column of words has another length or a value not below its count.
    pub fn new(
        numbers: &Array2<f64>,
        words: &[Vec<Option<usize>>],
        values: &[usize],
    ) -> Result<Self> {
        ensure!(
            words.len() == values.len(),
            "{} columns of words come with {} counts of values",
            words.len(),
            values.len()
        );
        for (at, (column, &count)) in words.iter().zip(values).enumerate() {
            ensure!(
                column.len() == numbers.nrows(),
                "column of words {at} has {} cells for {} rows",
                column.len(),
                numbers.nrows()
            );
            let largest = column.iter().flatten().max();
            if let Some(largest) = largest.filter(|&&largest| largest >= count) {
                anyhow::bail!("column of words {at} holds value {largest} of {count}");
            }
        }
        ensure!(!numbers.iter().any(|value| value.is_infinite()), "a number of a row is infinite");
        Ok(Self { count: numbers.nrows(), groups: groups(numbers), words: words.to_vec() })
    }
}

/// The rows by what they miss, in the order of the patterns.
fn groups(numbers: &Array2<f64>) -> Vec<Group> {
    let mut patterns: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for (number, row) in numbers.rows().into_iter().enumerate() {
        let missing = (0..row.len()).filter(|&column| row[column].is_nan()).collect();
        patterns.entry(missing).or_default().push(number);
    }
    let group = |(missing, rows): (Vec<usize>, Vec<usize>)| {
        let seen: Vec<usize> =
            (0..numbers.ncols()).filter(|column| missing.binary_search(column).is_err()).collect();
        let shape = (rows.len(), seen.len());
        let values = Array2::from_shape_fn(shape, |(row, at)| numbers[[rows[row], seen[at]]]);
        Group { rows, seen, missing, values }
    };
    patterns.into_iter().map(group).collect()
}
