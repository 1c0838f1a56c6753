//! Neighbours among all pairs of points, of which each is looked at once: half the work where boxes would leave out little.

use std::ops::Range;

use super::lanes::{LANES, Lane, TILE, below, roots, some_below};
use super::neighbours::{Neighbours, ones};
use super::pairs::{STRIP, for_each_pair};
use super::points::Points;
use crate::simd::vectorised;
use crate::workers::Workers;

/// Place in a strip, a point that is near, and the distance.
type Found = (u32, u32, i32);

/// A search among all pairs.
struct Near<'a> {
    points: &'a Points,
    /// Squares of the distances within which each place looks.
    radii: &'a [Lane<f32>],
}

/// A place that looks for others.
struct Looker<'a> {
    place: usize,
    query: &'a [f32],
    /// In each lane the same.
    radius: Lane<f32>,
}

impl Neighbours {
    /// As [`Neighbours::search`], without boxes.
    pub(super) fn among_all(
        points: &Points,
        radius: &(dyn Fn(usize) -> f32 + Sync),
        workers: &dyn Workers,
    ) -> Self {
        // The copies at the end look for nothing.
        let of_place = |place: usize| if place < points.count() { radius(place) } else { 0.0 };
        let radii: Vec<Lane<f32>> = (0..points.blocks())
            .map(|block| Lane(std::array::from_fn(|lane| of_place(block * LANES + lane))))
            .collect();
        let near = Near { points, radii: &radii };
        let mut by_strip = vec![Vec::new(); points.blocks().div_ceil(STRIP)];
        let look = |rows, columns| near.of_strips(rows, columns);
        for_each_pair(points.blocks(), workers, look, |starts, both| {
            for (start, mut found) in starts.into_iter().zip(both) {
                by_strip[start / STRIP].append(&mut found);
            }
        });
        Self::of_found(by_strip, STRIP * LANES)
    }
}

impl Near<'_> {
    /// What the points of two strips find in each other; of one strip with itself, all in the first list.
    fn of_strips(&self, rows: Range<usize>, columns: Range<usize>) -> [Vec<Found>; 2] {
        let mut found = [Vec::new(), Vec::new()];
        for row in rows {
            let places = (row * LANES..self.points.count()).take(LANES);
            let queries: Vec<(usize, Vec<f32>)> =
                places.map(|place| (place, self.points.at(place).collect())).collect();
            for start in (row.max(columns.start)..columns.end).step_by(TILE) {
                let tile = start..columns.end.min(start + TILE);
                for (place, query) in &queries {
                    let radius = Lane([self.radii[row][place % LANES]; LANES]);
                    self.look(&Looker { place: *place, query, radius }, tile.clone(), &mut found);
                }
            }
        }
        found
    }

    /// A place, and those of some blocks.
    fn look(&self, looker: &Looker<'_>, tile: Range<usize>, found: &mut [Vec<Found>; 2]) {
        let (points, metric, dims) = (self.points, self.points.metric(), self.points.dims());
        vectorised(
            #[inline(always)]
            || {
                let pairs = points.lanes(tile.clone()).chunks_exact(2 * dims);
                let last = pairs.remainder();
                let mut block = tile.start;
                for pair in pairs {
                    let (one, other) = pair.split_at(dims);
                    let [first, second] = metric.squares_of_two(looker.query, one, other);
                    self.tell(looker, block, &first, found);
                    self.tell(looker, block + 1, &second, found);
                    block += 2;
                }
                if !last.is_empty() {
                    self.tell(looker, block, &metric.squares(looker.query, last), found);
                }
            },
        );
    }

    /// Adds the points of a block that the place looks for, and the place to those that look for it.
    #[inline(always)]
    fn tell(
        &self,
        looker: &Looker<'_>,
        block: usize,
        squares: &[f32; LANES],
        [rows, columns]: &mut [Vec<Found>; 2],
    ) {
        const SIZE: usize = STRIP * LANES;
        let (points, place) = (self.points, looker.place);
        if some_below(squares, &looker.radius) {
            let distances = roots(*squares);
            for lane in ones(below(squares, &looker.radius)) {
                let other = block * LANES + lane;
                if other < points.count() {
                    let point = points.point_at(other) as u32;
                    rows.push(((place % SIZE) as u32, point, distances[lane]));
                }
            }
        }
        // A block's pairs with itself are among its rows, both ways.
        if block != place / LANES && some_below(squares, &self.radii[block]) {
            let distances = roots(*squares);
            for lane in ones(below(squares, &self.radii[block])) {
                let other = block * LANES + lane;
                let point = points.point_at(place) as u32;
                columns.push(((other % SIZE) as u32, point, distances[lane]));
            }
        }
    }
}
