//! Points whose distances are computed when they are needed, as whole numbers.
//!
//! A distance is computed in single precision and cut to a multiple of [`Points::unit`], which is at
//! most 2^-25 of the longest. Sums and differences of such numbers are exact: a gain does not depend on the
//! order in which it was added up, on threads, or on whether it was computed afresh or brought up to date;
//! equal gains are equal to the last bit. What the cut loses is less than what single precision lost before.
//!
//! Inside, every point has a place, and neighbours stand together (`tree.rs`). Outside, points keep their numbers.

use super::lanes::{LANES, Lane, UNITS, root};
use super::metric::Metric;
use super::tree::{Level, MERGED, arrange, levels};
use crate::error::{Error, Result};
use crate::simd::vectorised;

/// Points that are to be compared, 16 to a block; in a block, dimension by dimension.
#[derive(Clone, Debug)]
pub struct Points {
    /// Blocks of `dims` lanes each. The last is filled up with copies of the first point.
    lanes: Vec<Lane<f32>>,
    dims: usize,
    count: usize,
    unit: f64,
    metric: Metric,
    /// The point of each place, and the place of each point.
    order: Vec<u32>,
    places: Vec<u32>,
    levels: Vec<Level>,
    /// How many points each stands for, by place and 0 for the copies; `None` where each stands for itself alone.
    weights: Option<Vec<Lane<u32>>>,
}

impl Points {
    /// `count` points with `dims` coordinates, which `row` writes into the slice it is handed. It is called more than
    /// once for each point and has to write the same every time.
    ///
    /// # Errors
    /// No point, no dimension, or a coordinate that is not finite.
    pub fn new(count: usize, dims: usize, row: impl Fn(usize, &mut [f64])) -> Result<Self> {
        if count == 0 || dims == 0 {
            let shape = format!("{count} points of {dims} dimensions");
            return Err(Error::config("features", shape, "there is nothing to select from"));
        }
        let factor = 2_f64.powi(scale(count, dims, &row)?);
        let mut rows = vec![0.0; count * dims];
        let mut values = vec![0.0; dims];
        for (point, out) in rows.chunks_exact_mut(dims).enumerate() {
            row(point, &mut values);
            out.iter_mut().zip(&values).for_each(|(out, value)| *out = (value * factor) as f32);
        }
        Ok(Self::arranged(&rows, dims, Metric::Euclidean, 1.0 / (factor * f64::from(UNITS))))
    }

    /// Products `a b^T` of vectors of `dims` coordinates each, which `row` writes one after the other.
    ///
    /// # Errors
    /// As [`Points::new`].
    pub fn products(
        count: usize,
        dims: [usize; 2],
        row: impl Fn(usize, &mut [f64]),
    ) -> Result<Self> {
        let [first, second] = dims;
        let width = first + second;
        if count == 0 || first == 0 || second == 0 {
            let shape = format!("{count} products of {first} and {second} dimensions");
            return Err(Error::config("features", shape, "there is nothing to select from"));
        }
        let factors = factors(count, dims, &row)?;
        let mut rows = vec![0.0_f32; count * (width + 2)];
        let mut values = vec![0.0; width];
        for (point, out) in rows.chunks_exact_mut(width + 2).enumerate() {
            row(point, &mut values);
            let (vectors, norms) = out.split_at_mut(width);
            for (at, (out, value)) in vectors.iter_mut().zip(&values).enumerate() {
                *out = (value * factors[usize::from(at >= first)]) as f32;
            }
            let square = |of: &[f32]| of.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() as f32;
            norms.copy_from_slice(&[square(&vectors[..first]), square(&vectors[first..])]);
        }
        let unit = 1.0 / (factors[0] * factors[1] * f64::from(UNITS));
        Ok(Self::arranged(&rows, width + 2, Metric::Product { first }, unit))
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

    /// The same points, each of which stands for so many.
    ///
    /// # Panics
    /// Another number of weights than of points, one that is 0, or more than 2^36 in all: sums of distances would not fit.
    #[must_use]
    pub fn weighted(mut self, weights: &[u32]) -> Self {
        assert_eq!(weights.len(), self.count, "one weight for each point");
        assert!(weights.iter().all(|&weight| weight > 0), "a point that stands for none");
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        assert!(total <= MOST_IN_ALL, "{total} points in all");
        let weight = |place: usize| self.order.get(place).map_or(0, |&p| weights[p as usize]);
        let lane = |block: usize| Lane(std::array::from_fn(|lane| weight(block * LANES + lane)));
        self.weights = Some((0..self.blocks()).map(lane).collect());
        self
    }

    /// Rows in single precision, in the order of the tree.
    fn arranged(rows: &[f32], dims: usize, metric: Metric, unit: f64) -> Self {
        let order = arrange(rows, dims);
        let count = order.len();
        let mut places = vec![0; count];
        let mut lanes = vec![Lane([0.0; LANES]); count.div_ceil(LANES) * dims];
        for place in 0..count.next_multiple_of(LANES) {
            let point = order[if place < count { place } else { 0 }] as usize;
            if place < count {
                places[point] = place as u32;
            }
            for (dim, &value) in rows[point * dims..][..dims].iter().enumerate() {
                lanes[place / LANES * dims + dim][place % LANES] = value;
            }
        }
        let levels = match metric.has_boxes() {
            true => levels(&lanes, dims, count),
            false => Vec::new(),
        };
        Self { lanes, dims, count, unit, metric, order, places, levels, weights: None }
    }

    /// One point of each group of [`MERGED`] neighbours, which stands for them, and the numbers that these have here.
    pub(super) fn merged(&self) -> (Self, Vec<usize>) {
        let groups = (0..self.count).step_by(MERGED);
        let groups = groups.map(|first| first..self.count.min(first + MERGED));
        let (chosen, weights): (Vec<usize>, Vec<u32>) = groups
            .map(|places| {
                (self.middle(places.clone()), places.map(|at| self.weight(at)).sum::<u32>())
            })
            .unzip();
        let rows: Vec<f32> = chosen.iter().flat_map(|&point| self.coordinates(point)).collect();
        let merged = Self::arranged(&rows, self.dims, self.metric, self.unit);
        (merged.weighted(&weights), chosen)
    }

    /// The point nearest to the others at these places, which are of one block.
    fn middle(&self, places: std::ops::Range<usize>) -> usize {
        let block = self.block(places.start / LANES);
        let way = |from: usize| -> u64 {
            let query: Vec<f32> = self.at(from).collect();
            let squares = vectorised(
                #[inline(always)]
                || self.metric.squares(&query, block),
            );
            let way = |to: usize| root(squares[to % LANES]) as u64 * u64::from(self.weight(to));
            places.clone().map(way).sum()
        };
        let middle = places.clone().min_by_key(|&place| (way(place), self.order[place]));
        self.point_at(middle.unwrap_or(places.start))
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
        self.way(&self.coordinates(a), self.place(b))
    }

    /// How many points a point stands for.
    #[must_use]
    pub fn stands_for(&self, point: usize) -> u32 {
        self.weight(self.place(point))
    }

    /// How many points all stand for.
    #[must_use]
    pub fn total(&self) -> u64 {
        match &self.weights {
            Some(weights) => weights.iter().flat_map(|lane| lane.0).map(u64::from).sum(),
            None => self.count as u64,
        }
    }
}

/// What the inside of the search looks at.
impl Points {
    pub(super) fn dims(&self) -> usize {
        self.dims
    }

    pub(super) fn metric(&self) -> Metric {
        self.metric
    }

    pub(super) fn blocks(&self) -> usize {
        self.count.div_ceil(LANES)
    }

    #[inline(always)]
    pub(super) fn lanes(&self, blocks: std::ops::Range<usize>) -> &[Lane<f32>] {
        &self.lanes[blocks.start * self.dims..blocks.end * self.dims]
    }

    #[inline(always)]
    pub(super) fn block(&self, block: usize) -> &[Lane<f32>] {
        self.lanes(block..block + 1)
    }

    pub(super) fn levels(&self) -> &[Level] {
        &self.levels
    }

    pub(super) fn weights(&self) -> Option<&[Lane<u32>]> {
        self.weights.as_deref()
    }

    pub(super) fn place(&self, point: usize) -> usize {
        self.places[point] as usize
    }

    pub(super) fn point_at(&self, place: usize) -> usize {
        self.order[place] as usize
    }

    pub(super) fn weight(&self, place: usize) -> u32 {
        self.weights.as_ref().map_or(1, |weights| weights[place / LANES][place % LANES])
    }

    pub(super) fn coordinates(&self, point: usize) -> Vec<f32> {
        self.at(self.place(point)).collect()
    }

    pub(super) fn at(&self, place: usize) -> impl Iterator<Item = f32> {
        self.block(place / LANES).iter().map(move |lanes| lanes[place % LANES])
    }

    /// The distance from coordinates to a place, in units.
    pub(super) fn way(&self, query: &[f32], place: usize) -> i32 {
        vectorised(
            #[inline(always)]
            || self.metric.distance(query, self.block(place / LANES), place % LANES),
        )
    }
}

/// Points that all weights together may stand for: as many distances of 2^27 fit into 64 bits.
const MOST_IN_ALL: u64 = 1 << 36;

/// The power of two that brings every distance to below 1: none is longer than twice the longest way to the
/// mean, and the longest is no shorter than that way.
fn scale(count: usize, dims: usize, row: &impl Fn(usize, &mut [f64])) -> Result<i32> {
    let (mut mean, mut values) = (vec![0.0; dims], vec![0.0; dims]);
    for point in 0..count {
        row(point, &mut values);
        ensure_finite(point, &values)?;
        mean.iter_mut().zip(&values).for_each(|(mean, value)| *mean += value / count as f64);
    }
    let mut longest = 0.0_f64;
    for point in 0..count {
        row(point, &mut values);
        let square: f64 =
            values.iter().zip(&mean).map(|(value, mean)| (value - mean).powi(2)).sum();
        longest = longest.max(square.sqrt());
    }
    Ok(below_one(2.0 * longest))
}

/// What two vectors are multiplied by, so that no two products are 1 apart, and that both vectors are of about the same length, which is what
/// the tree takes them for.
fn factors(
    count: usize,
    [first, second]: [usize; 2],
    row: &impl Fn(usize, &mut [f64]),
) -> Result<[f64; 2]> {
    let mut values = vec![0.0; first + second];
    let (mut longest, mut sums) = (0.0_f64, [0.0_f64; 2]);
    for point in 0..count {
        row(point, &mut values);
        ensure_finite(point, &values)?;
        let square = |of: &[f64]| of.iter().map(|value| value * value).sum::<f64>();
        let squares = [square(&values[..first]), square(&values[first..])];
        longest = longest.max((squares[0] * squares[1]).sqrt());
        sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
    }
    let balance = match sums {
        [a, b] if a > 0.0 && b > 0.0 => ((b / a).log2() / 4.0).round() as i32,
        _ => 0,
    };
    let both = below_one(2.0 * longest);
    let of_first = both.div_euclid(2) + balance;
    Ok([2_f64.powi(of_first), 2_f64.powi(both - of_first)])
}

fn ensure_finite(point: usize, values: &[f64]) -> Result<()> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(Error::config("features", value, format!("row {point} is not finite"))),
        None => Ok(()),
    }
}

/// The power of two that brings a length below 1, with a little room: single precision may carry a distance upwards.
fn below_one(length: f64) -> i32 {
    let length = length * 1.001;
    if length > 0.0 { -(length.log2().floor() as i32 + 1) } else { 0 }
}
