//! Sums over all pairs of points, of which each is looked at once and counts for both: half the work where nothing can be left out.

use std::ops::Range;

use super::lanes::{LANES, Lane, TILE, root, roots, total};
use super::points::Points;
use super::reach::Reach;
use crate::simd::vectorised;
use crate::workers::{Workers, map};

/// Blocks that a task compares with as many others.
pub(super) const STRIP: usize = 64;

/// Pairs of strips that are looked at before what was found is told.
const AT_ONCE: usize = 256;

/// Looks at all pairs of strips of blocks, and at each strip with itself. `each` is told what was found, and at which blocks the strips start.
pub(super) fn for_each_pair<T: Send>(
    blocks: usize,
    workers: &dyn Workers,
    look: impl Fn(Range<usize>, Range<usize>) -> T + Sync,
    mut each: impl FnMut([usize; 2], T),
) {
    let starts = || (0..blocks).step_by(STRIP);
    let with_later =
        |row: usize| starts().filter(move |&column| column >= row).map(move |column| [row, column]);
    let pairs: Vec<[usize; 2]> = starts().flat_map(with_later).collect();
    let strip = |first: usize| first..blocks.min(first + STRIP);
    for wave in pairs.chunks(AT_ONCE) {
        let found = map(workers, wave.to_vec(), |[row, column]| look(strip(row), strip(column)));
        wave.iter().zip(found).for_each(|(&pair, found)| each(pair, found));
    }
}

/// What pairs of points come to.
struct Sums {
    /// By place, of the points on one side.
    rows: Vec<u64>,
    /// The same of the other side.
    columns: Vec<Lane<u64>>,
    largest: [i32; LANES],
}

impl Sums {
    fn new(rows: usize, columns: usize) -> Self {
        let columns = vec![Lane([0; LANES]); columns];
        Self { rows: vec![0; rows * LANES], columns, largest: [0; LANES] }
    }
}

/// Some points, and how far each is from the selection.
struct Rows {
    queries: Vec<Vec<f32>>,
    reach: Reach,
    weights: Lane<u32>,
}

/// A sum over all pairs, in the making.
struct Pairs<'a, T> {
    points: &'a Points,
    nearest: &'a [Reach],
    /// What a distance is worth to a point that is so far from the selection: at most the longer of both.
    term: T,
}

impl Points {
    /// The weighted sum of the distances of each point to all, and the largest of all distances.
    pub(super) fn spreads(&self, workers: &dyn Workers) -> (Vec<u64>, i32) {
        let nearest = vec![Reach::NOWHERE; self.blocks()];
        let pairs = Pairs { points: self, nearest: &nearest, term: |_, distance| distance };
        let (mut sums, largest) = pairs.sums(workers);
        let copies = (self.blocks() * LANES - self.count()) as u64;
        // Where points have weights, those of the copies are 0.
        if self.weights().is_none() && copies > 0 {
            let first = self.point_at(0);
            for (point, sum) in sums.iter_mut().enumerate() {
                *sum -= copies * self.distance(point, first) as u64;
            }
        }
        (sums, largest)
    }

    /// `Σ_i w_i max(0, nearest_i - D_ij)` over all points, for each of them.
    pub(super) fn covered_by_each(&self, nearest: &[Reach], workers: &dyn Workers) -> Vec<u64> {
        let term = |reach: i32, distance: i32| (reach - distance).max(0);
        Pairs { points: self, nearest, term }.sums(workers).0
    }
}

impl<T: Fn(i32, i32) -> i32 + Sync> Pairs<'_, T> {
    /// By point, and the largest distance.
    fn sums(&self, workers: &dyn Workers) -> (Vec<u64>, i32) {
        let blocks = self.points.blocks();
        let (mut by_place, mut largest) = (vec![0; blocks * LANES], 0);
        let look = |rows, columns| self.of_strips(rows, columns);
        for_each_pair(blocks, workers, look, |[row, column], sums| {
            add(&mut by_place[row * LANES..], sums.rows.iter());
            add(&mut by_place[column * LANES..], sums.columns.iter().flat_map(|lane| lane.iter()));
            largest = sums.largest.into_iter().fold(largest, i32::max);
        });
        let of_point = |point| by_place[self.points.place(point)];
        ((0..self.points.count()).map(of_point).collect(), largest)
    }

    /// Of two strips of blocks; of one strip with itself, of each pair of blocks once.
    fn of_strips(&self, rows: Range<usize>, columns: Range<usize>) -> Sums {
        let mut sums = Sums::new(rows.len(), columns.len());
        for row in rows.clone() {
            let queries = self.rows(row);
            for start in (row.max(columns.start)..columns.end).step_by(TILE) {
                let tile = start..columns.end.min(start + TILE);
                let mut part = Sums::new(1, TILE);
                match self.points.weights() {
                    None => self.count_pairs(&queries, tile.clone(), &mut part),
                    Some(weights) => {
                        self.weigh_pairs(&queries, tile.clone(), &weights[tile.clone()], &mut part);
                    }
                }
                add(&mut sums.rows[(row - rows.start) * LANES..], part.rows.iter());
                for (block, part) in tile.zip(&part.columns) {
                    // A block's pairs with itself are among its rows, both ways.
                    if block != row {
                        add(&mut sums.columns[block - columns.start].0, part.iter());
                    }
                }
                for lane in 0..LANES {
                    sums.largest[lane] = sums.largest[lane].max(part.largest[lane]);
                }
            }
        }
        sums
    }

    /// The points of a block, without copies.
    fn rows(&self, block: usize) -> Rows {
        let points = self.points;
        let places = (block * LANES..points.count()).take(LANES);
        let queries = places.map(|place| points.at(place).collect()).collect();
        let weights = points.weights().map_or(Lane([1; LANES]), |all| all[block]);
        Rows { queries, reach: self.nearest[block], weights }
    }

    /// Pairs of some points with those of at most [`TILE`] blocks.
    fn count_pairs(&self, rows: &Rows, tile: Range<usize>, sums: &mut Sums) {
        let (metric, dims) = (self.points.metric(), self.points.dims());
        let (lanes, nearest) = (self.points.lanes(tile.clone()), &self.nearest[tile]);
        vectorised(
            #[inline(always)]
            || {
                let mut columns = [Lane([0; LANES]); TILE];
                for (at, query) in rows.queries.iter().enumerate() {
                    let reach = rows.reach.distance[at];
                    let mut row = [0; LANES];
                    let pairs = lanes.chunks_exact(2 * dims);
                    let last = pairs.remainder();
                    let mut block = 0;
                    for pair in pairs {
                        let (one, other) = pair.split_at(dims);
                        let [first, second] = metric.squares_of_two(query, one, other);
                        let reaches = [(reach, &nearest[block]), (reach, &nearest[block + 1])];
                        let largest = &mut sums.largest;
                        self.count(first, reaches[0], (&mut row, &mut columns[block]), largest);
                        self.count(
                            second,
                            reaches[1],
                            (&mut row, &mut columns[block + 1]),
                            largest,
                        );
                        block += 2;
                    }
                    if !last.is_empty() {
                        let both = (&mut row, &mut columns[block].0);
                        let squares = metric.squares(query, last);
                        self.count(squares, (reach, &nearest[block]), both, &mut sums.largest);
                    }
                    sums.rows[at] = total(&row);
                }
                for (sum, column) in sums.columns.iter_mut().zip(&columns) {
                    (0..LANES).for_each(|lane| sum[lane] = u64::from(column[lane]));
                }
            },
        );
    }

    /// A point and those of a block.
    #[inline(always)]
    fn count(
        &self,
        squares: [f32; LANES],
        (reach, reaches): (i32, &Reach),
        (row, column): (&mut [u32; LANES], &mut [u32; LANES]),
        largest: &mut [i32; LANES],
    ) {
        for lane in 0..LANES {
            let distance = root(squares[lane]);
            row[lane] += (self.term)(reaches.distance[lane], distance) as u32;
            column[lane] += (self.term)(reach, distance) as u32;
            largest[lane] = largest[lane].max(distance);
        }
    }

    /// The same of points that have weights: each pair counts as often as the other end stands for a point.
    fn weigh_pairs(&self, rows: &Rows, tile: Range<usize>, weights: &[Lane<u32>], sums: &mut Sums) {
        let metric = self.points.metric();
        let (lanes, nearest) = (self.points.lanes(tile.clone()), &self.nearest[tile]);
        vectorised(
            #[inline(always)]
            || {
                for (at, query) in rows.queries.iter().enumerate() {
                    let (reach, weight) = (rows.reach.distance[at], u64::from(rows.weights[at]));
                    let mut row = [0; LANES];
                    for (block, lanes) in lanes.chunks_exact(query.len()).enumerate() {
                        let distances = roots(metric.squares(query, lanes));
                        let (reaches, weights) = (&nearest[block].distance, &weights[block]);
                        let column = &mut sums.columns[block];
                        for lane in 0..LANES {
                            let distance = distances[lane];
                            let of_row = (self.term)(reaches[lane], distance) as u32;
                            let of_column = (self.term)(reach, distance) as u32;
                            row[lane] += u64::from(of_row) * u64::from(weights[lane]);
                            column[lane] += u64::from(of_column) * weight;
                            sums.largest[lane] = sums.largest[lane].max(distance);
                        }
                    }
                    sums.rows[at] = row.iter().sum();
                }
            },
        );
    }
}

fn add<'a>(sums: &mut [u64], parts: impl Iterator<Item = &'a u64>) {
    sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
}
