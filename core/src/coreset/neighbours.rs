//! Which points are nearer to each point than the selection is: once these are few, gains are sums over few points, and need no more
//! distances.

use std::ops::Range;

use super::lanes::{LANES, Lane, below, gaps, roots, some_below};
use super::points::Points;
use crate::simd::vectorised;
use crate::workers::{Workers, map};

/// Points whose neighbours are searched together: a block once fetched serves them all.
const TOGETHER: usize = 64;

/// For each point those that are nearer to it than its radius.
#[derive(Debug)]
pub(super) struct Neighbours {
    parts: Vec<Part>,
    /// Places of a part.
    size: usize,
}

/// The same for places that follow each other.
#[derive(Debug)]
struct Part {
    /// Where those of each place begin, and the end.
    starts: Vec<u32>,
    /// Points, with their distances in units.
    found: Vec<(u32, i32)>,
}

impl Neighbours {
    /// Searches for what is nearer to each place than its radius, whose square no such distance exceeds.
    pub(super) fn search(
        points: &Points,
        radius: &(dyn Fn(usize) -> f32 + Sync),
        workers: &dyn Workers,
    ) -> Self {
        let all = 0..points.count();
        let parts = in_parts(&all, TOGETHER);
        let search = |places| Part::search(points, places, radius);
        Self { parts: map(workers, parts, search), size: TOGETHER }
    }

    /// The same from what was found of so many places at a time: place among them, point, and distance.
    pub(super) fn of_found(parts: Vec<Vec<(u32, u32, i32)>>, size: usize) -> Self {
        Self { parts: parts.into_iter().map(|found| Part::sorted(found, size)).collect(), size }
    }

    /// Those of a place: points, with their distances.
    pub(super) fn of(&self, place: usize) -> &[(u32, i32)] {
        let Part { starts, found } = &self.parts[place / self.size];
        let at = place % self.size;
        &found[starts[at] as usize..starts[at + 1] as usize]
    }
}

/// Calls `each` with every place, every point that is nearer to it than its radius, and their distance, in order of places. Nothing
/// is kept.
pub(super) fn for_each_near(
    points: &Points,
    radius: impl Fn(usize) -> f32 + Sync,
    workers: &dyn Workers,
    mut each: impl FnMut(usize, usize, i32),
) {
    /// Parts that are searched before they are told.
    const AT_ONCE: usize = 128;
    for wave in in_parts(&(0..points.count()), AT_ONCE * TOGETHER) {
        let parts = in_parts(&wave, TOGETHER);
        let found =
            map(workers, parts, |places| (places.start, Part::search(points, places, &radius)));
        for (first, Part { starts, found }) in found {
            for (at, ends) in starts.windows(2).enumerate() {
                for &(point, distance) in &found[ends[0] as usize..ends[1] as usize] {
                    each(first + at, point as usize, distance);
                }
            }
        }
    }
}

fn in_parts(all: &Range<usize>, size: usize) -> Vec<Range<usize>> {
    all.clone().step_by(size).map(|first| first..all.end.min(first + size)).collect()
}

impl Part {
    fn search(
        points: &Points,
        places: Range<usize>,
        radius: &(dyn Fn(usize) -> f32 + Sync),
    ) -> Self {
        let radii: Vec<f32> = places.clone().map(radius).collect();
        let mut search = Search {
            points,
            coordinates: places.clone().flat_map(|place| points.at(place)).collect(),
            radii: &radii,
            found: Vec::new(),
        };
        let all: Vec<u32> =
            (0..places.len() as u32).filter(|&at| radii[at as usize] > 0.0).collect();
        match points.levels().len().checked_sub(1) {
            Some(top) => {
                for block in 0..points.levels()[top].blocks() {
                    search.descend(&all, top, block);
                }
            }
            None => {
                for first in (0..points.blocks()).step_by(LANES) {
                    let every = vec![u16::MAX; all.len()];
                    search.look_into(&all, &every, first);
                }
            }
        }
        Self::sorted(search.found, places.len())
    }

    /// By query, as they were found.
    fn sorted(all: Vec<(u32, u32, i32)>, queries: usize) -> Self {
        let mut starts = vec![0; queries + 1];
        for &(query, ..) in &all {
            starts[query as usize + 1] += 1;
        }
        for at in 0..queries {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut found = vec![(0, 0); all.len()];
        for (query, point, distance) in all {
            let at = &mut next[query as usize];
            found[*at as usize] = (point, distance);
            *at += 1;
        }
        Self { starts, found }
    }
}

/// A search for the neighbours of some places.
struct Search<'a> {
    points: &'a Points,
    /// Of the queries, one after the other.
    coordinates: Vec<f32>,
    radii: &'a [f32],
    /// Query, point, distance.
    found: Vec<(u32, u32, i32)>,
}

impl Search<'_> {
    fn descend(&mut self, active: &[u32], level: usize, block: usize) {
        let reached = self.reached(active, level, block);
        if level == 0 {
            self.look_into(active, &reached, block * LANES);
            return;
        }
        let children = block * LANES..self.points.levels()[level - 1].blocks();
        let mut below = Vec::with_capacity(active.len());
        for (lane, child) in children.take(LANES).enumerate() {
            let pairs = active.iter().zip(&reached);
            below.clear();
            below.extend(pairs.filter(|&(_, bits)| bits >> lane & 1 == 1).map(|(&query, _)| query));
            if !below.is_empty() {
                self.descend(&below, level - 1, child);
            }
        }
    }

    /// Which of the sixteen boxes of a block are within the radius of each query, as bits.
    fn reached(&self, active: &[u32], level: usize, block: usize) -> Vec<u16> {
        let dims = self.points.dims();
        let [lows, highs] = self.points.levels()[level].boxes(block);
        let mut reached = vec![0; active.len()];
        vectorised(
            #[inline(always)]
            || {
                for (&query, bits) in active.iter().zip(&mut reached) {
                    let query = query as usize;
                    let gaps = gaps(&self.coordinates[query * dims..][..dims], lows, highs);
                    *bits = below(&gaps, &Lane([self.radii[query]; LANES]));
                }
            },
        );
        reached
    }

    /// Looks at the points of those of sixteen blocks that each query reaches.
    fn look_into(&mut self, active: &[u32], reached: &[u16], first: usize) {
        let points = self.points;
        let (dims, metric, blocks) = (points.dims(), points.metric(), points.blocks());
        let (coordinates, radii, found) = (&self.coordinates, self.radii, &mut self.found);
        vectorised(
            #[inline(always)]
            || {
                for (&query, &bits) in active.iter().zip(reached) {
                    let at = query as usize;
                    let coordinates = &coordinates[at * dims..][..dims];
                    let radius = Lane([radii[at]; LANES]);
                    let mut here =
                        ones(bits).map(|lane| first + lane).take_while(|&at| at < blocks);
                    while let Some(one) = here.next() {
                        let Some(other) = here.next() else {
                            let squares = metric.squares(coordinates, points.block(one));
                            tell(points, one, (query, &squares, &radius), found);
                            break;
                        };
                        let both = [one, other].map(|block| points.block(block));
                        let squares = metric.squares_of_two(coordinates, both[0], both[1]);
                        tell(points, one, (query, &squares[0], &radius), found);
                        tell(points, other, (query, &squares[1], &radius), found);
                    }
                }
            },
        );
    }
}

/// Adds the points of a block that are within the radius of a query.
#[inline(always)]
fn tell(
    points: &Points,
    block: usize,
    (query, squares, radius): (u32, &[f32; LANES], &Lane<f32>),
    found: &mut Vec<(u32, u32, i32)>,
) {
    if !some_below(squares, radius) {
        return;
    }
    let near = below(squares, radius);
    let distances = roots(*squares);
    found.reserve(LANES);
    for lane in ones(near) {
        let place = block * LANES + lane;
        // Behind the last point there are copies of the first.
        if place < points.count() {
            found.push((query, points.point_at(place) as u32, distances[lane]));
        }
    }
}

/// The places of ones, from the lowest on.
#[inline(always)]
fn ones(bits: u16) -> impl Iterator<Item = usize> {
    let mut left = bits;
    std::iter::from_fn(move || {
        let lane = left.trailing_zeros() as usize;
        left &= left.wrapping_sub(1);
        (lane < LANES).then_some(lane)
    })
}
