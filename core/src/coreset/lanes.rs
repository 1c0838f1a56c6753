//! Sixteen points at a time: squared distances, and whole numbers of them.

use std::ops::{Deref, DerefMut};

use crate::simd::fused;

/// Points in a block: one vector of the widest kind.
pub(super) const LANES: usize = 16;

/// Blocks that are worked on for one point after another, while they are in the fastest cache. As many distances, each
/// at most [`UNITS`], fit into the `u32` of a lane.
pub(super) const TILE: usize = 16;

/// Points are scaled by a power of two until every distance is below 1, which is this many units.
pub(super) const UNITS: f32 = (1_u32 << 27) as f32;

/// One number for each point of a block, where a vector can be fetched at once: half as many lines of the cache are touched
/// as from anywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
pub(super) struct Lane<T>(pub(super) [T; LANES]);

impl<T> Deref for Lane<T> {
    type Target = [T; LANES];

    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> DerefMut for Lane<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// Adding this to a number below 2^22 rounds it to a whole number, which the low bits then hold.
const ROUNDER: f32 = 12_582_912.0;

/// A distance from its square: the whole number of units nearest to the root, in two parts. A cast would do the same one number at a
/// time, since it has to answer for NaN and infinity. Only powers of two are multiplied by, so nothing is rounded on the way but what has to be.
#[inline(always)]
pub(super) fn root(square: f32) -> i32 {
    let root = square.sqrt();
    // Multiples of 64 units, and what is left.
    let high = scaled(root, UNITS / 64.0, ROUNDER);
    let low = scaled(scaled(high - ROUNDER, -64.0 / UNITS, root), UNITS, ROUNDER);
    let bits = |x: f32| (x.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    (bits(high) << 6).wrapping_add(bits(low))
}

/// `x * power + y`, where the power is one of two: the product is exact, so fused or not is the same, and what is faster is taken.
#[inline(always)]
fn scaled(x: f32, power: f32, y: f32) -> f32 {
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        x.mul_add(power, y)
    } else {
        x * power + y
    }
}

/// Distances from their squares. A loop, since what `map` calls may be compiled by itself, without wide vectors.
#[inline(always)]
pub(super) fn roots(squares: [f32; LANES]) -> [i32; LANES] {
    let mut distances = [0; LANES];
    for lane in 0..LANES {
        distances[lane] = root(squares[lane]);
    }
    distances
}

/// Squared distances of a point to the points of a block.
#[inline(always)]
pub(super) fn squares(query: &[f32], block: &[Lane<f32>]) -> [f32; LANES] {
    let mut squares = [0.0; LANES];
    for (&at, lanes) in query.iter().zip(block) {
        add_square(&mut squares, at, lanes);
    }
    squares
}

/// The same for two blocks: a coordinate is fetched once for both, and neither sum waits for itself alone.
#[inline(always)]
pub(super) fn squares_of_two(
    query: &[f32],
    first: &[Lane<f32>],
    second: &[Lane<f32>],
) -> [[f32; LANES]; 2] {
    let (mut of_first, mut of_second) = ([0.0; LANES], [0.0; LANES]);
    for ((&at, first), second) in query.iter().zip(first).zip(second) {
        add_square(&mut of_first, at, first);
        add_square(&mut of_second, at, second);
    }
    [of_first, of_second]
}

#[inline(always)]
fn add_square(sums: &mut [f32; LANES], at: f32, lanes: &Lane<f32>) {
    for (sum, value) in sums.iter_mut().zip(&lanes.0) {
        let difference = at - value;
        *sum = fused(difference, difference, *sum);
    }
}

/// Squared distances of a point to sixteen boxes: never above those to the points in them, which are rounded in the same way.
#[inline(always)]
pub(super) fn gaps(query: &[f32], lows: &[Lane<f32>], highs: &[Lane<f32>]) -> [f32; LANES] {
    let mut squares = [0.0; LANES];
    for ((&at, lows), highs) in query.iter().zip(lows).zip(highs) {
        for lane in 0..LANES {
            let gap = (lows[lane] - at).max(at - highs[lane]).max(0.0);
            squares[lane] = fused(gap, gap, squares[lane]);
        }
    }
    squares
}

/// Squares of the largest distances of the points of a box to those of sixteen others, at least.
#[inline(always)]
pub(super) fn spans(
    corners: &[Vec<f32>; 2],
    lows: &[Lane<f32>],
    highs: &[Lane<f32>],
) -> [f32; LANES] {
    let mut squares = [0.0; LANES];
    for (dim, (lows, highs)) in lows.iter().zip(highs).enumerate() {
        let (low, high) = (corners[0][dim], corners[1][dim]);
        for lane in 0..LANES {
            let span = (highs[lane] - low).max(high - lows[lane]);
            squares[lane] = fused(span, span, squares[lane]);
        }
    }
    squares
}

/// Whether some point of a block has a squared distance below its limit.
#[inline(always)]
pub(super) fn some_below(squares: &[f32; LANES], limits: &Lane<f32>) -> bool {
    let mut some = false;
    for lane in 0..LANES {
        some |= squares[lane] < limits[lane];
    }
    some
}

/// Which points of a block have squared distances below their limits, as bits.
#[inline(always)]
pub(super) fn below(squares: &[f32; LANES], limits: &Lane<f32>) -> u16 {
    // One number for each, put together at the end: a bit after another would be taken out of a vector of them.
    let mut bits = [0_u32; LANES];
    for lane in 0..LANES {
        bits[lane] = if squares[lane] < limits[lane] { 1 << lane } else { 0 };
    }
    bits.iter().fold(0, |all, bit| all | bit) as u16
}

/// A squared distance that is no smaller is surely no nearer than `distance` units: one unit and some roundings of room. 0, which
/// nothing is below, for 0.
#[inline(always)]
pub(super) fn limit(distance: i32) -> f32 {
    let root = (distance as f32 + 1.0) / UNITS;
    if distance == 0 { 0.0 } else { root * root * (1.0 + 1e-6) }
}

#[inline(always)]
pub(super) fn total(part: &[u32; LANES]) -> u64 {
    part.iter().map(|&lane| u64::from(lane)).sum()
}
