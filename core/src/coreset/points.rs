//! Points whose distances are computed when they are needed, as whole numbers.
//!
//! A distance is a Euclidean distance in single precision, cut to a multiple of [`Points::unit`], which is at
//! most 2^-25 of the longest. Sums and differences of such numbers are exact: a gain does not depend on the
//! order in which it was added up, on threads, or on whether it was computed afresh or brought up to date;
//! equal gains are equal to the last bit. What the cut loses is less than what single precision lost before.

use crate::error::{Error, Result};
use crate::simd::vectorised;

/// Points in a block: one vector of the widest kind.
pub(super) const LANES: usize = 16;

/// One number for each point of a block.
pub(super) type Lane<T> = [T; LANES];

/// Points are scaled by a power of two until every distance is below 1, which is this many units.
const UNITS: f32 = (1_u32 << 27) as f32;

/// As many blocks of distances, each at most [`UNITS`], fit into the `u32` of a lane.
const BLOCKS_PER_SUM: usize = 16;

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
        let mut lanes = vec![[0.0; LANES]; count.div_ceil(LANES) * dims];
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
            return Err(Error::config("features", shape, format!("no whole rows of {dims}")));
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
        let query = self.coordinates(a);
        distances(&query, self.block(b / LANES))[b % LANES]
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
        out.resize(self.blocks(), [0; LANES]);
        vectorised(|| {
            for (block, out) in self.lanes.chunks_exact(self.dims).zip(out.iter_mut()) {
                *out = distances(&query, block);
            }
        });
    }

    /// Sum and largest of the distances of one point to all.
    pub(super) fn spread(&self, point: usize) -> (u64, i32) {
        let query = self.coordinates(point);
        let (sum, largest) = vectorised(|| {
            let (mut sum, mut largest) = (0, [0; LANES]);
            for blocks in self.lanes.chunks(self.dims * BLOCKS_PER_SUM) {
                let mut part = [0; LANES];
                for block in blocks.chunks_exact(self.dims) {
                    let distances = distances(&query, block);
                    for lane in 0..LANES {
                        part[lane] += distances[lane] as u32;
                        largest[lane] = largest[lane].max(distances[lane]);
                    }
                }
                sum += total(part);
            }
            (sum, largest)
        });
        let copies = self.blocks() * LANES - self.count;
        let to_first = distances(&query, self.block(0))[0];
        let largest = largest.into_iter().max().unwrap_or(0);
        (sum - copies as u64 * to_first as u64, largest)
    }

    /// `Σ_i max(0, nearest_i - D_i)` over all points.
    pub(super) fn covered(&self, point: usize, nearest: &[Lane<i32>]) -> u64 {
        let query = self.coordinates(point);
        let block_of = |index: usize| self.block(index);
        vectorised(|| {
            let mut sum = 0;
            for (index, nearest) in nearest.chunks(BLOCKS_PER_SUM).enumerate() {
                let mut part = [0; LANES];
                for (offset, nearest) in nearest.iter().enumerate() {
                    let block = block_of(index * BLOCKS_PER_SUM + offset);
                    let distances = distances(&query, block);
                    for lane in 0..LANES {
                        part[lane] += (nearest[lane] - distances[lane]).max(0) as u32;
                    }
                }
                sum += total(part);
            }
            sum
        })
    }
}

/// What `Σ max(0, nearest - D)` loses when some distances to the nearest fall, for a point at `query`.
///
/// # Shapes
/// - `blocks`: `dims` lanes for each of `before` and `after`
#[inline(always)]
pub(super) fn lost(
    query: &[f32],
    blocks: &[Lane<f32>],
    before: &[Lane<i32>],
    after: &[Lane<i32>],
) -> u64 {
    let dims = query.len();
    let mut sum = 0;
    let each = blocks.chunks_exact(dims).zip(before.iter().zip(after));
    let mut part = [0; LANES];
    for (index, (block, (before, after))) in each.enumerate() {
        let distances = distances(query, block);
        for lane in 0..LANES {
            let distance = distances[lane];
            part[lane] += (before[lane].max(distance) - after[lane].max(distance)) as u32;
        }
        if index % BLOCKS_PER_SUM == BLOCKS_PER_SUM - 1 {
            sum += total(part);
            part = [0; LANES];
        }
    }
    sum + total(part)
}

#[inline(always)]
fn total(part: Lane<u32>) -> u64 {
    part.iter().map(|&part| u64::from(part)).sum()
}

/// Distances of a point to the points of a block.
#[inline(always)]
fn distances(query: &[f32], block: &[Lane<f32>]) -> Lane<i32> {
    let mut squares = [0.0; LANES];
    for (&at, lanes) in query.iter().zip(block) {
        for lane in 0..LANES {
            let difference = at - lanes[lane];
            squares[lane] += difference * difference;
        }
    }
    squares.map(|square| (square.sqrt() * UNITS) as i32)
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
