//! How far points are from a selection, and sums over those that a point would bring nearer.

use super::lanes::{LANES, Lane, TILE, limit, root, some_below, total};
use super::metric::Metric;

/// How far some points are from the selection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    pub(super) distance: Lane<i32>,
    /// A point whose squared distance is no smaller is surely no nearer than `distance`: most are not, and then the root
    /// need not be taken.
    square: Lane<f32>,
}

impl Reach {
    pub(super) const NOWHERE: Self =
        Self { distance: Lane([0; LANES]), square: Lane([0.0; LANES]) };

    pub(super) fn set(&mut self, lane: usize, distance: i32) {
        self.distance[lane] = distance;
        self.square[lane] = limit(distance);
    }

    pub(super) fn square(&self, lane: usize) -> f32 {
        self.square[lane]
    }

    /// Whether some point may be nearer than the selection, which those are not whose roots need not be taken.
    #[inline(always)]
    pub(super) fn some_within(&self, squares: &[f32; LANES]) -> bool {
        some_below(squares, &self.square)
    }

    /// The limit of the one that reaches farthest.
    pub(super) fn farthest(&self) -> f32 {
        self.square.iter().copied().fold(0.0, f32::max)
    }
}

/// `Σ weight term(block, lane, distance)` over the points of at most [`TILE`] blocks. Also over those that are too far to count, whose
/// term has to be 0: asking first costs more than their roots.
#[inline(always)]
pub(super) fn sum_near(
    metric: Metric,
    query: &[f32],
    blocks: &[Lane<f32>],
    weights: Option<&[Lane<u32>]>,
    term: impl Fn(usize, usize, i32) -> i32,
) -> u64 {
    debug_assert!(blocks.len() <= TILE * query.len(), "{}", blocks.len());
    if let Some(weights) = weights {
        let mut part = [0; LANES];
        for (at, block) in blocks.chunks_exact(query.len()).enumerate() {
            let squares = metric.squares(query, block);
            for lane in 0..LANES {
                let term = term(at, lane, root(squares[lane])) as u32;
                part[lane] += u64::from(term) * u64::from(weights[at][lane]);
            }
        }
        return part.iter().sum();
    }
    let mut part = [0; LANES];
    let pairs = blocks.chunks_exact(2 * query.len());
    let last = pairs.remainder();
    let mut at = 0;
    for pair in pairs {
        let (one, other) = pair.split_at(query.len());
        let [first, second] = metric.squares_of_two(query, one, other);
        for lane in 0..LANES {
            part[lane] += term(at, lane, root(first[lane])) as u32;
            part[lane] += term(at + 1, lane, root(second[lane])) as u32;
        }
        at += 2;
    }
    if !last.is_empty() {
        let squares = metric.squares(query, last);
        for lane in 0..LANES {
            part[lane] += term(at, lane, root(squares[lane])) as u32;
        }
    }
    total(&part)
}
