//! Which rows of a set of examples: all, those with a label, some taken evenly.

use gleaner_core::data::Examples;

/// Rows whose class is known.
pub fn known(examples: &Examples) -> Vec<usize> {
    (0..examples.len()).filter(|&row| examples.labels[row] >= 0).collect()
}

/// Every row.
pub fn every(examples: &Examples) -> Vec<usize> {
    (0..examples.len()).collect()
}

/// At most so many of some rows, taken evenly: examples often lie sorted by class.
pub fn evenly(rows: &[usize], most: usize) -> Vec<usize> {
    let count = most.min(rows.len());
    (0..count).map(|i| rows[i * rows.len() / count]).collect()
}

/// Classes of rows that all have one.
pub fn classes(examples: &Examples, rows: &[usize]) -> Vec<usize> {
    rows.iter().map(|&row| examples.labels[row] as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_evenly_and_no_more_than_there_are() {
        let rows: Vec<usize> = (10..20).collect();
        assert_eq!(evenly(&rows, 3), [10, 13, 16]);
        assert_eq!(evenly(&rows[..2], 9), [10, 11]);
        assert!(evenly(&[], 4).is_empty());
    }
}
