//! The largest distance between points, without looking at all pairs where boxes say that these are nearer.

use std::ops::Range;

use super::lanes::{LANES, roots, spans};
use super::points::Points;
use crate::simd::vectorised;
use crate::workers::{Workers, map};

/// Walks to the farthest point from the last one, to begin with a distance that most boxes are within.
const WALKS: usize = 4;

/// The largest distance of any two points.
pub(super) fn diameter(points: &Points, workers: &dyn Workers) -> i32 {
    let (mut largest, mut from) = (0, 0);
    for _ in 0..WALKS {
        let (distance, at) = farthest(points, from);
        if distance <= largest {
            break;
        }
        (largest, from) = (distance, at);
    }
    let blocks = points.blocks();
    let tasks = (0..blocks).step_by(LANES).map(|first| first..blocks.min(first + LANES)).collect();
    let of_task = |blocks: Range<usize>| {
        blocks.fold(largest, |largest, block| farthest_pair(points, block, largest))
    };
    map(workers, tasks, of_task).into_iter().max().unwrap_or(largest)
}

/// The place that is farthest from another, and how far it is.
fn farthest(points: &Points, from: usize) -> (i32, usize) {
    let query: Vec<f32> = points.at(from).collect();
    let mut farthest = (0, from);
    for block in 0..points.blocks() {
        let distances = vectorised(
            #[inline(always)]
            || roots(points.metric().squares(&query, points.block(block))),
        );
        let places = (block * LANES..points.count()).take(LANES);
        farthest = places.zip(distances).map(|(at, way)| (way, at)).fold(farthest, Ord::max);
    }
    farthest
}

/// The largest distance between the points of a block and those of this or later ones, if it is above `least`, else `least`.
fn farthest_pair(points: &Points, block: usize, least: i32) -> i32 {
    let mut largest = least;
    let Some(level) = points.levels().first() else {
        return (block..points.blocks())
            .fold(least, |most, other| most.max(between(points, block, other)));
    };
    let corners = level.corners(block);
    for boxes in block / LANES..level.blocks() {
        let [lows, highs] = level.boxes(boxes);
        let spans = vectorised(
            #[inline(always)]
            || roots(spans(&corners, lows, highs)),
        );
        for (other, span) in (boxes * LANES..points.blocks()).zip(spans) {
            if other >= block && span > largest {
                largest = largest.max(between(points, block, other));
            }
        }
    }
    largest
}

/// The largest distance between the points of two blocks.
fn between(points: &Points, a: usize, b: usize) -> i32 {
    let places = (a * LANES..points.count()).take(LANES);
    let queries: Vec<Vec<f32>> = places.map(|place| points.at(place).collect()).collect();
    let (metric, block) = (points.metric(), points.block(b));
    vectorised(
        #[inline(always)]
        || {
            let mut largest = [0; LANES];
            for query in &queries {
                let distances = roots(metric.squares(query, block));
                for lane in 0..LANES {
                    largest[lane] = largest[lane].max(distances[lane]);
                }
            }
            largest.into_iter().max().unwrap_or(0)
        },
    )
}
