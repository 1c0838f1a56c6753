//! A shard of a draw: some of the samples that are drawn of every class, so that several machines draw what one would.

use std::ops::Range;

use burn::tensor::{Int, Tensor, TensorData};

use crate::error::{Error, Result};

/// Rows that are computed together at least, where the draw has as many. On the CPU, products of matrices and convolutions have other
/// loops for few rows, whose sums round otherwise: products with one column up to 256 rows, those of more than 512 numbers up to 64,
/// transformed squares from 128 on. Beyond, a row has the same bits in whatever company.
const TOGETHER: usize = 512;

/// Rows of a stream that are drawn at once and let go, on the way to those that are wanted.
const SKIPPED: usize = 4096;

/// Of each class of a draw the same rows. Rows of the whole draw are class-major: row `i` of class `y` is number
/// `y * per_class + i`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    per_class: usize,
    rows: Range<usize>,
}

impl Shard {
    /// All of a draw of `per_class` samples of each class.
    #[must_use]
    pub fn whole(per_class: usize) -> Self {
        Self { per_class, rows: 0..per_class }
    }

    /// Shard `number` of `count`, the first of which is number 1: of each class the rows from `per_class (number - 1) / count`
    /// to `per_class number / count`, rounded down.
    ///
    /// # Errors
    /// There is no such shard, or so many that some would have no sample.
    pub fn of(per_class: usize, number: usize, count: usize) -> Result<Self> {
        let refused = |rule: String| Err(Error::config("shard", format!("{number}/{count}"), rule));
        if count == 0 {
            return refused("there must be at least one shard, as in --shard 1/4".into());
        }
        if !(1..=count).contains(&number) {
            return refused(format!(
                "shards are numbered from 1 to {count}, as in --shard 1/{count}"
            ));
        }
        if count > per_class {
            return refused(format!(
                "each shard has samples of every class, of which there are {per_class}; give at most as many shards, as in --shard \
                 1/{per_class}"
            ));
        }
        let bound = |shards: usize| (per_class as u128 * shards as u128 / count as u128) as usize;
        Ok(Self { per_class, rows: bound(number - 1)..bound(number) })
    }

    /// Whether it is all of the draw.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.rows == (0..self.per_class)
    }

    /// Samples of each class in the whole draw.
    #[must_use]
    pub fn per_class(&self) -> usize {
        self.per_class
    }

    /// Samples of each class in the shard.
    #[must_use]
    pub fn each(&self) -> usize {
        self.rows.len()
    }

    /// The numbers that its samples have in the whole draw, in the shard's order: by class.
    #[must_use]
    pub fn numbers(&self, classes: usize) -> Vec<usize> {
        self.spans(classes).flatten().collect()
    }

    /// The same, a range for each class.
    fn spans(&self, classes: usize) -> impl Iterator<Item = Range<usize>> {
        let Self { per_class, rows } = self.clone();
        (0..classes).map(move |class| class * per_class + rows.start..class * per_class + rows.end)
    }

    /// What has to be computed for the shard to have the bits that it has in the whole draw: a shard of few rows takes some of its
    /// neighbours along.
    #[must_use]
    pub fn computed(&self, classes: usize) -> Self {
        let each = TOGETHER.div_ceil(classes.max(1)).min(self.per_class).max(self.each());
        let start = self.rows.start.min(self.per_class - each);
        Self { per_class: self.per_class, rows: start..start + each }
    }

    /// Its rows out of those of a larger shard, `[classes * larger.each(), columns]` to `[classes * each(), columns]`.
    #[must_use]
    pub fn out_of(&self, larger: &Self, rows: Tensor<2>) -> Tensor<2> {
        let [count, columns] = rows.dims();
        if self == larger {
            return rows;
        }
        let classes = count / larger.each();
        let start = self.rows.start - larger.rows.start;
        let by_class = rows.reshape([classes, larger.each(), columns]);
        let own = by_class.slice_dim(1, start..start + self.each());
        own.reshape([classes * self.each(), columns])
    }

    /// The shard's rows of a stream that gives rows in the order of the whole draw, `[classes * each(), columns]`. `next` gives so
    /// many more. A normal number takes as much of a stream as chance wants, so those before the shard are drawn, too.
    pub(super) fn drawn_in_order(
        &self,
        classes: usize,
        mut next: impl FnMut(usize) -> Tensor<2>,
    ) -> Tensor<2> {
        if self.is_whole() {
            return next(classes * self.per_class);
        }
        let mut at = 0;
        let parts = self.spans(classes).map(|span| {
            while at < span.start {
                let skipped = SKIPPED.min(span.start - at);
                next(skipped);
                at += skipped;
            }
            at = span.end;
            next(span.len())
        });
        Tensor::cat(parts.collect(), 0)
    }
}

/// Some rows of a matrix, in this order.
pub(super) fn rows_of(matrix: Tensor<2>, rows: &[usize]) -> Tensor<2> {
    let numbers: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
    let numbers = TensorData::new(numbers, [rows.len()]);
    let device = matrix.device();
    matrix.select(0, Tensor::<1, Int>::from_data(numbers, &device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_hold_every_row_once_and_some_of_every_class() {
        let classes = 3;
        for (per_class, count) in [(1000, 3), (1000, 7), (10, 10), (1, 1), (5, 2)] {
            let shards =
                (1..=count).map(|number| Shard::of(per_class, number, count).expect("a shard"));
            let shards: Vec<Shard> = shards.collect();
            let mut all: Vec<usize> =
                shards.iter().flat_map(|shard| shard.numbers(classes)).collect();
            all.sort_unstable();
            assert_eq!(all, (0..classes * per_class).collect::<Vec<_>>());
            let each = shards.iter().map(Shard::each);
            let [least, most] = [each.clone().min(), each.max()].map(|each| each.expect("some"));
            assert!(least >= 1 && most - least <= 1, "{least} to {most}");
        }
        assert!(Shard::of(5, 1, 1).expect("a shard").is_whole());
        assert!(!Shard::of(5, 1, 2).expect("a shard").is_whole());
    }

    #[test]
    fn neighbours_make_a_small_shard_large_enough() {
        for (per_class, number, count) in [(10, 3, 10), (1000, 1, 7), (1000, 1000, 1000)] {
            let shard = Shard::of(per_class, number, count).expect("a shard");
            let computed = shard.computed(4);
            assert!(computed.is_whole() || computed.each() >= 128, "{computed:?}");
            let [all, own] = [&computed, &shard].map(|shard| shard.numbers(4));
            let places: Vec<f32> = all.iter().map(|&number| number as f32).collect();
            let shape = [all.len(), 1];
            let places =
                Tensor::from_data(TensorData::new(places, shape), &burn::tensor::Device::flex());
            let cut = shard.out_of(&computed, places).into_data().try_into_vec_as::<f32>();
            let own: Vec<f32> = own.iter().map(|&number| number as f32).collect();
            assert_eq!(cut.expect("numbers"), own);
        }
        // A large one has company enough.
        let half = Shard::of(10_000, 2, 2).expect("a shard");
        assert_eq!(half.computed(4), half);
    }

    #[test]
    fn shards_that_cannot_be_are_refused() {
        for (number, count, says) in
            [(0, 4, "from 1 to 4"), (5, 4, "from 1 to 4"), (1, 0, "at least"), (1, 11, "1/10")]
        {
            let error = Shard::of(10, number, count).expect_err("no shard").to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
