//! How far points are from a selection, and sums over those that a point would bring nearer.

use super::lanes::{LANES, Lane, TILE, below, limit, root, total};
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

    /// The limit of the one that reaches farthest.
    pub(super) fn farthest(&self) -> f32 {
        self.square.iter().copied().fold(0.0, f32::max)
    }
}

/// `Σ weight term(block, lane, distance)` over the points of at most [`TILE`] blocks that are near enough for `reaches`; the
/// term has to be 0 for all others.
#[inline(always)]
pub(super) fn sum_near(
    metric: Metric,
    query: &[f32],
    blocks: &[Lane<f32>],
    reaches: &[Reach],
    weights: Option<&[Lane<u32>]>,
    term: impl Fn(usize, usize, i32) -> i32,
) -> u64 {
    debug_assert!(reaches.len() <= TILE, "{}", reaches.len());
    if let Some(weights) = weights {
        let mut part = [0; LANES];
        for (at, block) in blocks.chunks_exact(query.len()).enumerate() {
            let squares = metric.squares(query, block);
            if below(&squares, &reaches[at].square) != 0 {
                for lane in 0..LANES {
                    let term = term(at, lane, root(squares[lane])) as u64;
                    part[lane] += term * u64::from(weights[at][lane]);
                }
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
        add_near(&mut part, at, first, &reaches[at], &term);
        add_near(&mut part, at + 1, second, &reaches[at + 1], &term);
        at += 2;
    }
    if !last.is_empty() {
        add_near(&mut part, at, metric.squares(query, last), &reaches[at], &term);
    }
    total(&part)
}

/// Adds the terms of a block, unless no point of it is near enough.
#[inline(always)]
fn add_near(
    part: &mut [u32; LANES],
    at: usize,
    squares: [f32; LANES],
    reach: &Reach,
    term: &impl Fn(usize, usize, i32) -> i32,
) {
    let mut near = false;
    for (square, limit) in squares.iter().zip(reach.square.iter()) {
        near |= square < limit;
    }
    if near {
        for lane in 0..LANES {
            part[lane] += term(at, lane, root(squares[lane])) as u32;
        }
    }
}
