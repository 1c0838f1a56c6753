//! Neighbours among all pairs of points, of which each is looked at once: half the work where boxes would leave out little.

use std::ops::Range;

use super::lanes::{LANES, Lane, TILE, roots};
use super::neighbours::Neighbours;
use super::pairs::{STRIP, for_each_pair};
use super::points::Points;
use crate::simd::vectorised;
use crate::workers::Workers;

/// Place in a strip, a point that is near, and the distance.
type Found = (u32, u32, i32);

/// Places in a strip.
const PLACES: usize = STRIP * LANES;

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
        Self::of_found(by_strip, PLACES)
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

    /// A place, and those of at most [`TILE`] blocks.
    fn look(&self, looker: &Looker<'_>, tile: Range<usize>, found: &mut [Vec<Found>; 2]) {
        let mut distances = [Lane([0; LANES]); TILE];
        let Seen { by_looker, by_others } = self.see(looker, tile.clone(), &mut distances);
        let [rows, columns] = found;
        let (points, place) = (self.points, looker.place);
        for_each_mark(&by_looker, |block, lane| {
            let other = (tile.start + block) * LANES + lane;
            // Behind the last point there are copies of the first.
            if other < points.count() {
                let point = points.point_at(other) as u32;
                rows.push(((place % PLACES) as u32, point, distances[block][lane]));
            }
        });
        let point = points.point_at(place) as u32;
        for_each_mark(&by_others, |block, lane| {
            let other = (tile.start + block) * LANES + lane;
            columns.push(((other % PLACES) as u32, point, distances[block][lane]));
        });
    }

    /// All distances, and for whom they are short enough. Nothing is asked on the way: where a processor guesses wrong, it
    /// loses more than a root takes.
    fn see(
        &self,
        looker: &Looker<'_>,
        tile: Range<usize>,
        distances: &mut [Lane<i32>; TILE],
    ) -> Seen {
        let (points, metric, dims) = (self.points, self.points.metric(), self.points.dims());
        let radii = &self.radii[tile.clone()];
        let mut seen = vectorised(
            #[inline(always)]
            || {
                let mut seen = Seen::nothing();
                let pairs = points.lanes(tile.clone()).chunks_exact(2 * dims);
                let last = pairs.remainder();
                let mut block = 0;
                for pair in pairs {
                    let (one, other) = pair.split_at(dims);
                    for squares in metric.squares_of_two(looker.query, one, other) {
                        distances[block] = Lane(roots(squares));
                        seen.note(block, &squares, [&looker.radius, &radii[block]]);
                        block += 1;
                    }
                }
                if !last.is_empty() {
                    let squares = metric.squares(looker.query, last);
                    distances[block] = Lane(roots(squares));
                    seen.note(block, &squares, [&looker.radius, &radii[block]]);
                }
                seen
            },
        );
        // A block's pairs with itself are among its rows, both ways.
        let own = looker.place / LANES;
        if tile.contains(&own) {
            seen.by_others.iter_mut().for_each(|marks| *marks &= !(1 << (own - tile.start)));
        }
        seen
    }
}

/// Who is near among a place and the points of some blocks: in each lane a bit for each block.
struct Seen {
    /// The points that the place looks for.
    by_looker: Lane<u32>,
    /// Those that look for the place.
    by_others: Lane<u32>,
}

impl Seen {
    #[inline(always)]
    fn nothing() -> Self {
        Self { by_looker: Lane([0; LANES]), by_others: Lane([0; LANES]) }
    }

    /// Marks the points of a block whose squared distances are below the limit of the place, and below their own.
    #[inline(always)]
    fn note(&mut self, block: usize, squares: &[f32; LANES], limits: [&Lane<f32>; 2]) {
        for (marks, limits) in [&mut self.by_looker, &mut self.by_others].into_iter().zip(limits) {
            for lane in 0..LANES {
                marks[lane] |= if squares[lane] < limits[lane] { 1 << block } else { 0 };
            }
        }
    }
}

/// Calls `each` with the block and the lane of every mark.
#[inline(always)]
fn for_each_mark(marks: &Lane<u32>, mut each: impl FnMut(usize, usize)) {
    // As many lanes as fit into a word: most have no mark, and where a loop ends is a guess of the processor.
    const TOGETHER: usize = 64 / TILE;
    for (first, lanes) in marks.chunks_exact(TOGETHER).enumerate() {
        let mut left = lanes.iter().rev().fold(0_u64, |all, &marks| all << TILE | u64::from(marks));
        while left != 0 {
            let at = left.trailing_zeros() as usize;
            left &= left - 1;
            each(at % TILE, first * TOGETHER + at / TILE);
        }
    }
}
