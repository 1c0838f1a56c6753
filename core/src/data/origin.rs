//! Columns whose numbers single precision cannot tell apart as they stand: they are counted from another place, in another unit.

use serde::{Deserialize, Serialize};

/// Rounding that changes a number by more than this share of the column's range is too much. Numbers of six digits, far from
/// each other beside their size, lose a hundredth of that.
const LOST: f64 = 1e-5;

/// Where a column is counted from, and in which unit: what a model sees of `x` is `(x - from) / unit`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The number that becomes 0.
    pub from: f64,
    /// The number that becomes 1 if 0 stays 0.
    pub unit: f64,
}

impl Origin {
    /// The numbers as they stand.
    const PLAIN: Self = Self { from: 0.0, unit: 1.0 };

    /// What a column of numbers needs; `None` where single precision keeps them as they stand. NaN is a missing one.
    #[must_use]
    pub fn of(numbers: &[f64]) -> Option<Self> {
        let present = || numbers.iter().copied().filter(|number| !number.is_nan());
        let (low, high) = (present().reduce(f64::min)?, present().reduce(f64::max)?);
        let range = high - low;
        // What is beyond single precision is refused elsewhere: it is rather a slip than a unit.
        if range <= 0.0 || low.abs().max(high.abs()) > f64::from(f32::MAX) {
            return None;
        }
        let loses = |origin: Self| {
            let lost = |x: f64| (origin.of_seen(origin.seen(x) as f32) - x).abs();
            present().any(|x| lost(x) > LOST * range)
        };
        if !loses(Self::PLAIN) {
            return None;
        }
        let moved = Self { from: low, unit: 1.0 };
        let unit = 10_f64.powf(range.log10().floor());
        Some(if loses(moved) { Self { from: low, unit } } else { moved })
    }

    /// What a model sees of a number.
    #[must_use]
    pub fn seen(self, number: f64) -> f64 {
        (number - self.from) / self.unit
    }

    /// The number that a model sees as this.
    #[must_use]
    pub fn of_seen(self, seen: f32) -> f64 {
        self.from + self.unit * f64::from(seen)
    }

    /// For people: `counted from 1700000000`.
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self { from, unit: 1.0 } => format!("counted from {from}"),
            Self { from, unit } => format!("counted from {from:e} in units of {unit:e}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_single_precision_keeps_stay_as_they_are() {
        let plain: [&[f64]; 6] = [
            &[2007.0, 2008.0, f64::NAN, 2009.0],
            &[1013.25, 990.1, 1040.7],
            &[16_000_000.0, 16_000_005.0],
            &[-1e30, 1e30],
            &[5.0, 5.0],
            &[f64::NAN],
        ];
        for numbers in plain {
            assert_eq!(Origin::of(numbers), None, "{numbers:?}");
        }
    }

    #[test]
    fn numbers_that_differ_by_little_beside_their_size_are_counted_from_the_lowest() {
        let seconds: Vec<f64> = (0..50).map(|row| 1.7e9 + f64::from(row) * 0.37).collect();
        let origin = Origin::of(&seconds).unwrap();
        assert_eq!(origin, Origin { from: 1.7e9, unit: 1.0 });
        for &x in &seconds {
            assert!((origin.of_seen(origin.seen(x) as f32) - x).abs() < 1e-5, "{x}");
        }
        assert_eq!(origin.in_words(), "counted from 1700000000");
    }

    #[test]
    fn numbers_below_single_precision_get_a_unit() {
        let tiny: Vec<f64> = (0..50).map(|row| f64::from(row) * 1e-46).collect();
        let origin = Origin::of(&tiny).unwrap();
        assert!((origin.unit / 1e-45 - 1.0).abs() < 1e-9, "{origin:?}");
        for &x in &tiny {
            assert!((origin.of_seen(origin.seen(x) as f32) - x).abs() < 1e-50, "{x}");
        }
    }
}
