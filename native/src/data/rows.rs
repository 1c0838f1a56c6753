//! Which rows of a set of examples: all, those with a label, some taken evenly.

pub use gleaner_core::data::evenly;
use gleaner_core::data::{Examples, Standardiser};

/// Rows whose class is known.
pub fn known(examples: &Examples) -> Vec<usize> {
    (0..examples.len()).filter(|&row| examples.labels[row] >= 0).collect()
}

/// Every row.
pub fn every(examples: &Examples) -> Vec<usize> {
    (0..examples.len()).collect()
}

/// About so many of some rows with a label: of each class its share, evenly, and at least two of a class that has them.
pub fn evenly_by_class(rows: &[usize], labels: &[i64], most: usize) -> Vec<usize> {
    if rows.len() <= most {
        return rows.to_vec();
    }
    let classes = rows.iter().map(|&row| labels[row] + 1).max().unwrap_or(0);
    let of_class = |class: i64| {
        let of_class: Vec<usize> =
            rows.iter().copied().filter(|&row| labels[row] == class).collect();
        let share = (of_class.len() * most).div_ceil(rows.len());
        evenly(&of_class, share.max(2))
    };
    (0..classes).flat_map(of_class).collect()
}

/// Classes of rows that all have one.
pub fn classes(examples: &Examples, rows: &[usize]) -> Vec<usize> {
    rows.iter().map(|&row| examples.labels[row] as usize).collect()
}

/// The numbers of some rows for methods that know no missing cells: such a cell gets the mean of its column over `train`.
pub fn filled(train: &Examples, examples: &Examples, rows: &[usize]) -> Vec<f32> {
    let mut values = examples.gather(rows);
    if !values.iter().any(|value| value.is_nan()) {
        return values;
    }
    let means = Standardiser::fit(train).mean;
    for (at, value) in values.iter_mut().enumerate().filter(|(_, value)| value.is_nan()) {
        *value = means[at % means.len()];
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_keeps_its_share_whatever_the_order() {
        for classes in [2, 10] {
            let labels: Vec<i64> = (0..8000).map(|row| row % classes).collect();
            let rows: Vec<usize> = (0..8000).collect();
            let found = evenly_by_class(&rows, &labels, 4000);
            assert_eq!(found.len(), 4000);
            for class in 0..classes {
                let count = found.iter().filter(|&&row| labels[row] == class).count();
                assert_eq!(count as i64, 4000 / classes);
            }
        }
        let labels = [vec![0; 9998], vec![1; 2]].concat();
        let rows: Vec<usize> = (0..labels.len()).collect();
        let found = evenly_by_class(&rows, &labels, 100);
        assert_eq!(found.iter().filter(|&&row| labels[row] == 1).count(), 2);
    }

    #[test]
    fn a_missing_cell_gets_the_mean_of_the_training_column() {
        let of = |values: Vec<f32>| Examples {
            labels: vec![0; values.len() / 2],
            values: gleaner_core::data::Values::F32(values),
            shape: vec![2],
        };
        let train = of(vec![1.0, f32::NAN, 3.0, f32::NAN]);
        let test = of(vec![f32::NAN, f32::NAN, 7.0, 8.0]);
        assert_eq!(filled(&train, &test, &[1, 0]), [7.0, 8.0, 2.0, 0.0]);
    }

    #[test]
    fn rows_are_taken_evenly_and_no_more_than_there_are() {
        let rows: Vec<usize> = (10..20).collect();
        assert_eq!(evenly(&rows, 3), [10, 13, 16]);
        assert_eq!(evenly(&rows[..2], 9), [10, 11]);
        assert!(evenly(&[], 4).is_empty());
    }
}
