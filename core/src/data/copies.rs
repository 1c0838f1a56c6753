//! Rows with the very same features, which must not stand on both sides of a split: what is tested, or chosen by, would
//! be known by heart.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};

use super::{Examples, Values};

/// Of each row, the first one that has the same features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// Empty where no row is a copy of another.
    first: Vec<usize>,
}

impl Copies {
    /// Looks for rows whose values are equal bit by bit; missing values are equal, too. Labels are not looked at.
    #[must_use]
    pub fn of(examples: &Examples) -> Self {
        let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut first = Vec::with_capacity(examples.len());
        for row in 0..examples.len() {
            let alike = seen.entry(hash(examples, row)).or_default();
            let known = alike.iter().copied().find(|&other| are_equal(examples, row, other));
            if known.is_none() {
                alike.push(row);
            }
            first.push(known.unwrap_or(row));
        }
        Self { first }
    }

    /// The first row like this one, which may be itself.
    #[must_use]
    pub fn first(&self, row: usize) -> usize {
        self.first.get(row).copied().unwrap_or(row)
    }

    /// The same among some rows, by their numbers in `rows`.
    #[must_use]
    pub fn among(&self, rows: &[usize]) -> Self {
        if self.first.is_empty() {
            return Self::default();
        }
        let mut place = HashMap::new();
        let first = rows.iter().enumerate();
        let first = first.map(|(at, &row)| *place.entry(self.first(row)).or_insert(at)).collect();
        Self { first }
    }

    /// Of each labelled row, the first labelled one like it; of any other, `None`.
    #[must_use]
    pub fn leaders(&self, labels: &[i64]) -> Vec<Option<usize>> {
        let mut leader = HashMap::new();
        let of = |(row, &label): (usize, &i64)| {
            (label >= 0).then(|| *leader.entry(self.first(row)).or_insert(row))
        };
        labels.iter().enumerate().map(of).collect()
    }
}

fn hash(examples: &Examples, row: usize) -> u64 {
    let mut hash = DefaultHasher::new();
    let features = examples.features();
    let of_row = row * features..(row + 1) * features;
    match &examples.values {
        Values::U8(bytes) => hash.write(&bytes[of_row]),
        Values::F32(numbers) => {
            numbers[of_row].iter().for_each(|&number| hash.write_u32(bits(number)));
        }
        Values::Counts(rows) => rows.row(row).for_each(|(column, count)| {
            hash.write_usize(column);
            hash.write_u32(bits(count));
        }),
    }
    hash.finish()
}

fn are_equal(examples: &Examples, one: usize, other: usize) -> bool {
    let features = examples.features();
    let of = |row: usize| row * features..(row + 1) * features;
    match &examples.values {
        Values::U8(bytes) => bytes[of(one)] == bytes[of(other)],
        Values::F32(numbers) => {
            let [one, other] = [&numbers[of(one)], &numbers[of(other)]];
            one.iter().zip(other).all(|(&a, &b)| bits(a) == bits(b))
        }
        Values::Counts(rows) => rows.row(one).eq(rows.row(other)),
    }
}

/// One pattern for every missing value, and one zero.
fn bits(number: f32) -> u32 {
    if number.is_nan() { f32::NAN.to_bits() } else { (number + 0.0).to_bits() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::SparseRows;

    const ROWS: [[f32; 2]; 6] =
        [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [f32::NAN, 0.0], [f32::NAN, -0.0], [2.0, 1.0]];

    #[test]
    fn equal_rows_are_found_in_every_kind_of_values() {
        let counts = || {
            let mut rows = SparseRows::new(2);
            for row in ROWS {
                let number = |x: f32| if x.is_nan() { 9.0 } else { x };
                rows.push([(0, number(row[0])), (1, number(row[1]))]);
            }
            rows
        };
        let bytes = ROWS.as_flattened().iter().map(|&x| x as u8).collect();
        for values in
            [Values::F32(ROWS.as_flattened().to_vec()), Values::U8(bytes), Values::Counts(counts())]
        {
            let examples = Examples { values, shape: vec![2], labels: vec![0; 6] };
            let copies = Copies::of(&examples);
            let first: Vec<usize> = (0..6).map(|row| copies.first(row)).collect();
            assert_eq!(first, [0, 1, 0, 3, 3, 5], "{:?}", examples.values);
        }
    }

    #[test]
    fn leaders_are_the_first_with_a_label_among_some_rows() {
        let copies = Copies { first: vec![0, 1, 0, 3, 3, 0] };
        assert_eq!(
            copies.leaders(&[-1, 0, 1, 1, -1, 0]),
            [None, Some(1), Some(2), Some(3), None, Some(2)]
        );
        let among = copies.among(&[5, 4, 2, 1]);
        assert_eq!(among.first, [0, 1, 0, 3]);
        assert_eq!(Copies::default().leaders(&[0, -1]), [Some(0), None]);
    }
}
