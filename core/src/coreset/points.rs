//! Points whose distances are computed when they are needed, as whole numbers.
//!
//! A distance is a Euclidean distance in single precision, cut to a multiple of [`Points::unit`], which is at
//! most 2^-25 of the longest. Sums and differences of such numbers are exact: a gain does not depend on the
//! order in which it was added up, on threads, or on whether it was computed afresh or brought up to date;
//! equal gains are equal to the last bit. What the cut loses is less than what single precision lost before.

use std::ops::{Deref, DerefMut, Range};

use crate::error::{Error, Result};
use crate::simd::{fused, vectorised};

/// Points in a block: one vector of the widest kind.
pub(super) const LANES: usize = 16;

/// One number for each point of a block, where a vector can be fetched at once: half as many lines of the cache are touched
/// as from anywhere.
#[derive(Clone, Copy, Debug)]
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

/// Points are scaled by a power of two until every distance is below 1, which is this many units.
const UNITS: f32 = (1_u32 << 27) as f32;

/// Blocks that are worked on for one point after another, while they are in the fastest cache. As many distances, each
/// at most [`UNITS`], fit into the `u32` of a lane.
const TILE: usize = 16;

/// Points in a space of some dimensions, 16 to a block; in a block, dimension by dimension.
#[derive(Clone, Debug)]
pub struct Points {
    /// Blocks of `dims` lanes each. The last is filled up with copies of the first point.
    lanes: Vec<Lane<f32>>,
    dims: usize,
    count: usize,
    unit: f64,
}

impl Points {
    /// `count` points with `dims` coordinates, which `row` writes into the slice it is handed. It is called more than
    /// once for each point and has to write the same every time: nothing else is kept of what it writes.
    ///
    /// # Errors
    /// No point, no dimension, or a coordinate that is not finite.
    pub fn new(count: usize, dims: usize, row: impl Fn(usize, &mut [f64])) -> Result<Self> {
        if count == 0 || dims == 0 {
            let shape = format!("{count} points of {dims} dimensions");
            return Err(Error::config("features", shape, "there is nothing to select from"));
        }
        let factor = 2_f64.powi(scale(count, dims, &row)?);
        let mut lanes = vec![Lane([0.0; LANES]); count.div_ceil(LANES) * dims];
        let mut values = vec![0.0; dims];
        for point in 0..count.next_multiple_of(LANES) {
            row(if point < count { point } else { 0 }, &mut values);
            let (block, lane) = (point / LANES, point % LANES);
            for (dim, value) in values.iter().enumerate() {
                lanes[block * dims + dim][lane] = (value * factor) as f32;
            }
        }
        Ok(Self { lanes, dims, count, unit: 1.0 / (factor * f64::from(UNITS)) })
    }

    /// Points from features `[points, dims]`, row-major.
    ///
    /// # Errors
    /// As [`Points::new`]; also values that are no whole number of rows.
    pub fn from_features(features: &[f32], dims: usize) -> Result<Self> {
        let count = features.len().checked_div(dims).unwrap_or(0);
        if count * dims != features.len() {
            let shape = format!("{} values", features.len());
            return Err(Error::config(
                "features",
                shape,
                format!("these are not whole rows of {dims}"),
            ));
        }
        Self::new(count, dims, |row, out| {
            let values = &features[row * dims..(row + 1) * dims];
            out.iter_mut().zip(values).for_each(|(out, &value)| *out = f64::from(value));
        })
    }

    /// How many points there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// What a distance of 1 is worth in the units of the features.
    #[must_use]
    pub fn unit(&self) -> f64 {
        self.unit
    }

    /// The distance between two points, in units.
    #[must_use]
    pub fn distance(&self, a: usize, b: usize) -> i32 {
        self.distance_from(&self.coordinates(a), b)
    }

    fn distance_from(&self, query: &[f32], point: usize) -> i32 {
        let differences =
            query.iter().zip(self.coordinates_of(point)).map(|(at, value)| at - value);
        root(differences.fold(0.0, |sum, difference| fused(difference, difference, sum)))
    }

    pub(super) fn dims(&self) -> usize {
        self.dims
    }

    pub(super) fn blocks(&self) -> usize {
        self.count.div_ceil(LANES)
    }

    pub(super) fn coordinates(&self, point: usize) -> Vec<f32> {
        self.coordinates_of(point).collect()
    }

    pub(super) fn coordinates_of(&self, point: usize) -> impl Iterator<Item = f32> {
        self.block(point / LANES).iter().map(move |lanes| lanes[point % LANES])
    }

    fn block(&self, block: usize) -> &[Lane<f32>] {
        &self.lanes[block * self.dims..(block + 1) * self.dims]
    }

    /// Distances of one point to all, by block; those of the copies at the end too.
    pub(super) fn distances_from(&self, point: usize, out: &mut Vec<Lane<i32>>) {
        let query = self.coordinates(point);
        out.clear();
        out.resize(self.blocks(), Lane([0; LANES]));
        vectorised(
            #[inline(always)]
            || {
                for (block, out) in self.lanes.chunks_exact(self.dims).zip(out.iter_mut()) {
                    out.0 = distances(&query, block);
                }
            },
        );
    }

    /// Sum and largest of the distances of each of some points to all.
    pub(super) fn spreads(&self, points: Range<usize>) -> Vec<(u64, i32)> {
        let queries: Vec<_> = points.map(|point| self.coordinates(point)).collect();
        let mut spreads = vec![(0, [0; LANES]); queries.len()];
        vectorised(
            #[inline(always)]
            || {
                for blocks in self.lanes.chunks(self.dims * TILE) {
                    for (query, (sum, largest)) in queries.iter().zip(&mut spreads) {
                        *sum += spread(query, blocks, largest);
                    }
                }
            },
        );
        let copies = (self.blocks() * LANES - self.count) as u64;
        let of_all = |(query, (sum, largest)): (&Vec<f32>, (u64, [i32; LANES]))| {
            let to_first = self.distance_from(query, 0);
            (sum - copies * to_first as u64, largest.into_iter().max().unwrap_or(0))
        };
        queries.iter().zip(spreads).map(of_all).collect()
    }

    /// `Σ_i max(0, nearest_i - D_i)` over all points, for each of some.
    pub(super) fn covered(&self, points: &[usize], nearest: &[Reach]) -> Vec<u64> {
        let queries: Vec<_> = points.iter().map(|&point| self.coordinates(point)).collect();
        let mut sums = vec![0; queries.len()];
        vectorised(
            #[inline(always)]
            || {
                let tiles = self.lanes.chunks(self.dims * TILE).zip(nearest.chunks(TILE));
                for (blocks, nearest) in tiles {
                    for (query, sum) in queries.iter().zip(&mut sums) {
                        *sum += sum_near(query, blocks, nearest, |at, lane, distance| {
                            (nearest[at].distance[lane] - distance).max(0)
                        });
                    }
                }
            },
        );
        sums
    }
}

/// What `Σ max(0, nearest - D)` loses when some distances to the nearest fall, for points of which each asks from
/// some block on.
///
/// # Shapes
/// - `blocks`: `dims` lanes for each of `before` and `after`
pub(super) fn lost(
    queries: &[(usize, Vec<f32>)],
    blocks: &[Lane<f32>],
    before: &[Reach],
    after: &[Lane<i32>],
) -> Vec<u64> {
    let mut sums = vec![0; queries.len()];
    let start = queries.iter().map(|&(first, _)| first).min().unwrap_or(before.len());
    vectorised(
        #[inline(always)]
        || {
            for tile in (start..before.len()).step_by(TILE) {
                let end = before.len().min(tile + TILE);
                for ((first, query), sum) in queries.iter().zip(&mut sums) {
                    let asked = tile.max(*first).min(end)..end;
                    let blocks = &blocks[asked.start * query.len()..end * query.len()];
                    let (before, after) = (&before[asked.clone()], &after[asked]);
                    *sum += sum_near(query, blocks, before, |at, lane, distance| {
                        before[at].distance[lane].max(distance) - after[at][lane].max(distance)
                    });
                }
            }
        },
    );
    sums
}

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
        // One unit and some roundings of room.
        let root = (distance as f32 + 1.0) / UNITS;
        self.distance[lane] = distance;
        self.square[lane] = root * root * (1.0 + 1e-6);
    }
}

/// The sum of the distances to the points of at most [`TILE`] blocks, and the largest so far.
#[inline(always)]
fn spread(query: &[f32], blocks: &[Lane<f32>], largest: &mut [i32; LANES]) -> u64 {
    let mut part = [0; LANES];
    let pairs = blocks.chunks_exact(2 * query.len());
    let last = pairs.remainder();
    for pair in pairs {
        let [first, second] = squares_of_two(query, pair);
        add_distances(&mut part, largest, first);
        add_distances(&mut part, largest, second);
    }
    if !last.is_empty() {
        add_distances(&mut part, largest, squares(query, last));
    }
    total(&part)
}

#[inline(always)]
fn add_distances(part: &mut [u32; LANES], largest: &mut [i32; LANES], squares: [f32; LANES]) {
    for lane in 0..LANES {
        let distance = root(squares[lane]);
        part[lane] += distance as u32;
        largest[lane] = largest[lane].max(distance);
    }
}

/// `Σ term(block, lane, distance)` over the points of at most [`TILE`] blocks that are near enough for `reaches`; the
/// term has to be 0 for all others.
#[inline(always)]
fn sum_near(
    query: &[f32],
    blocks: &[Lane<f32>],
    reaches: &[Reach],
    term: impl Fn(usize, usize, i32) -> i32,
) -> u64 {
    let mut part = [0; LANES];
    let pairs = blocks.chunks_exact(2 * query.len());
    let last = pairs.remainder();
    let mut at = 0;
    for pair in pairs {
        let [first, second] = squares_of_two(query, pair);
        add_near(&mut part, at, first, &reaches[at], &term);
        add_near(&mut part, at + 1, second, &reaches[at + 1], &term);
        at += 2;
    }
    if !last.is_empty() {
        add_near(&mut part, at, squares(query, last), &reaches[at], &term);
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

#[inline(always)]
fn total(part: &[u32; LANES]) -> u64 {
    let mut sum = 0;
    for lane in part {
        sum += u64::from(*lane);
    }
    sum
}

/// Adding this to a number below 2^22 rounds it to a whole number, which the low bits then hold.
const ROUNDER: f32 = 12_582_912.0;

/// The whole number nearest to `x`, `0 <= x <= 2^27`, in two parts. A cast would do the same one number at a time, since
/// it has to answer for NaN and infinity.
#[inline(always)]
fn rounded(x: f32) -> i32 {
    let bits = |x: f32| (x.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    let high = x * (1.0 / 64.0) + ROUNDER;
    let low = (x - (high - ROUNDER) * 64.0) + ROUNDER;
    (bits(high) << 6) + bits(low)
}

/// Squared distances of a point to the points of a block.
#[inline(always)]
fn squares(query: &[f32], block: &[Lane<f32>]) -> [f32; LANES] {
    let mut squares = [0.0; LANES];
    for (&at, lanes) in query.iter().zip(block) {
        add_square(&mut squares, at, lanes);
    }
    squares
}

/// The same for two blocks: a coordinate is fetched once for both, and neither sum waits for itself alone.
#[inline(always)]
fn squares_of_two(query: &[f32], blocks: &[Lane<f32>]) -> [[f32; LANES]; 2] {
    let (first, second) = blocks.split_at(query.len());
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

/// A distance from its square.
#[inline(always)]
fn root(square: f32) -> i32 {
    rounded(square.sqrt() * UNITS)
}

/// Distances of a point to the points of a block.
#[inline(always)]
fn distances(query: &[f32], block: &[Lane<f32>]) -> [i32; LANES] {
    let squares = squares(query, block);
    let mut distances = [0; LANES];
    for (distance, square) in distances.iter_mut().zip(squares) {
        *distance = root(square);
    }
    distances
}

/// The power of two that brings every distance to below 1: none is longer than twice the longest way to the
/// mean, and the longest is no shorter than that way.
fn scale(count: usize, dims: usize, row: &impl Fn(usize, &mut [f64])) -> Result<i32> {
    let (mut mean, mut values) = (vec![0.0; dims], vec![0.0; dims]);
    for point in 0..count {
        row(point, &mut values);
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::config("features", value, format!("row {point} is not finite")));
        }
        mean.iter_mut().zip(&values).for_each(|(mean, value)| *mean += value / count as f64);
    }
    let mut longest = 0.0_f64;
    for point in 0..count {
        row(point, &mut values);
        let square: f64 =
            values.iter().zip(&mean).map(|(value, mean)| (value - mean).powi(2)).sum();
        longest = longest.max(square.sqrt());
    }
    // A little room: single precision may carry a distance upwards.
    let bound = 2.0 * longest * 1.001;
    Ok(if bound > 0.0 { -(bound.log2().floor() as i32 + 1) } else { 0 })
}
