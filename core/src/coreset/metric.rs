//! Squared distances: of points, and of products of two vectors that are never multiplied out.

use super::lanes::{LANES, Lane, root, squares, squares_of_two};

/// What coordinates are, and how they make a distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    /// Those of a point.
    Euclidean,
    /// Those of a product `a b^T` (Frobenius norm): `a`, which has this many, then `b`, then `|a|^2` and `|b|^2`.
    Product {
        /// Coordinates of `a`.
        first: usize,
    },
}

impl Metric {
    /// Squared distances to the points of a block.
    #[inline(always)]
    pub(super) fn squares(self, query: &[f32], block: &[Lane<f32>]) -> [f32; LANES] {
        match self {
            Self::Euclidean => squares(query, block),
            Self::Product { first } => of_products(query, block, first),
        }
    }

    /// The same for two blocks.
    #[inline(always)]
    pub(super) fn squares_of_two(
        self,
        query: &[f32],
        one: &[Lane<f32>],
        other: &[Lane<f32>],
    ) -> [[f32; LANES]; 2] {
        match self {
            Self::Euclidean => squares_of_two(query, one, other),
            Self::Product { first } => {
                [of_products(query, one, first), of_products(query, other, first)]
            }
        }
    }

    /// The distance to the point of a lane, in units.
    #[inline(always)]
    pub(super) fn distance(self, query: &[f32], block: &[Lane<f32>], lane: usize) -> i32 {
        root(self.squares(query, block)[lane])
    }

    /// Whether boxes around coordinates say how far their points are at least.
    pub(super) fn has_boxes(self) -> bool {
        self == Self::Euclidean
    }
}

/// With `A = |a - a'|^2` and `B = |b - b'|^2` the squared distance of `a b^T` and `a' b'^T` is (E55)
/// `A (|b|^2 + |b'|^2) / 2 + B (|a|^2 + |a'|^2) / 2 - A B / 2 + (|a|^2 - |a'|^2) (|b|^2 - |b'|^2) / 2`: near products lose no digits, since
/// differences are taken first.
#[inline(always)]
fn of_products(query: &[f32], block: &[Lane<f32>], first: usize) -> [f32; LANES] {
    let dims = query.len() - 2;
    let a = squares(&query[..first], &block[..first]);
    let b = squares(&query[first..dims], &block[first..dims]);
    let (norm_a, norm_b) = (query[dims], query[dims + 1]);
    let mut squares = [0.0; LANES];
    for lane in 0..LANES {
        let (other_a, other_b) = (block[dims][lane], block[dims + 1][lane]);
        let apart = a[lane] * (norm_b + other_b) + b[lane] * (norm_a + other_a) - a[lane] * b[lane]
            + (norm_a - other_a) * (norm_b - other_b);
        squares[lane] = (0.5 * apart).max(0.0);
    }
    squares
}
