//! What has changed since: which distances to the selection became shorter, when, and by how much.

use std::ops::Range;

use super::lanes::{LANES, Lane, TILE, below, limit};
use super::metric::Metric;
use super::points::Points;
use super::reach::{Reach, sum_near};
use crate::simd::vectorised;

/// The changes of the last steps.
#[derive(Debug)]
pub(super) struct Log {
    metric: Metric,
    dims: usize,
    weighted: bool,
    /// Coordinates of the points concerned, `dims` lanes to a block; each step begins with a new block.
    lanes: Vec<Lane<f32>>,
    before: Vec<Reach>,
    after: Vec<Lane<i32>>,
    weights: Vec<Lane<u32>>,
    /// Lanes of the last block in use.
    used: usize,
    /// First block of each step from `oldest` on, the coming one included.
    starts: Vec<usize>,
    /// Steps before this one have been forgotten: a multiple of [`LANES`].
    oldest: usize,
    /// More blocks than these are of no use: computing a gain afresh takes no more.
    limit: usize,
    /// The point that each step selected, and from how far away another can have lost something by it.
    centres: Vec<Lane<f32>>,
    reaches: Vec<Lane<f32>>,
    /// That of the present step, in units.
    reach: i32,
}

impl Log {
    pub(super) fn new(points: &Points) -> Self {
        Self {
            metric: points.metric(),
            dims: points.dims(),
            weighted: points.weights().is_some(),
            lanes: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            weights: Vec::new(),
            used: LANES,
            starts: vec![0],
            oldest: 0,
            limit: points.blocks(),
            centres: Vec::new(),
            reaches: Vec::new(),
            reach: 0,
        }
    }

    fn len(&self) -> usize {
        self.before.len()
    }

    /// Blocks that were logged since `step` points were selected, if that is still known.
    pub(super) fn since(&self, step: u32) -> Option<usize> {
        let first = self.starts.get((step as usize).checked_sub(self.oldest)?)?;
        Some(self.len() - first)
    }

    pub(super) fn push(&mut self, points: &Points, place: usize, before: i32, after: i32) {
        if self.used == LANES {
            // Where nothing changed, nothing is lost.
            self.lanes.resize(self.lanes.len() + self.dims, Lane([0.0; LANES]));
            self.before.push(Reach::NOWHERE);
            self.after.push(Lane([0; LANES]));
            if self.weighted {
                self.weights.push(Lane([0; LANES]));
            }
            self.used = 0;
        }
        let (block, lane) = (self.len() - 1, self.used);
        for (dim, value) in points.at(place).enumerate() {
            self.lanes[block * self.dims + dim][lane] = value;
        }
        self.before[block].set(lane, before);
        self.after[block][lane] = after;
        if self.weighted {
            self.weights[block][lane] = points.weight(place);
        }
        // Who loses was nearer to the changed point than `before`, which is `after` from the selected one.
        self.reach = self.reach.max(before.saturating_add(after).saturating_add(2));
        self.used += 1;
    }

    /// The present step, which selected a point with these coordinates, is over.
    pub(super) fn end_step(&mut self, selected: &[f32]) {
        let step = self.starts.len() - 1;
        let lane = step % LANES;
        if lane == 0 {
            self.centres.resize(self.centres.len() + self.dims, Lane([0.0; LANES]));
            self.reaches.push(Lane([0.0; LANES]));
        }
        let block = step / LANES;
        for (dim, &value) in selected.iter().enumerate() {
            self.centres[block * self.dims + dim][lane] = value;
        }
        // Sides of a triangle, each rounded.
        let room = (f64::from(self.reach) * 4e-7 * (self.dims + 4) as f64) as i32;
        self.reaches[block][lane] = match self.metric.has_boxes() {
            true => limit(self.reach.saturating_add(room)),
            // What is rounded there may be large beside the distance.
            false => f32::INFINITY,
        };
        self.reach = 0;
        self.used = LANES;
        self.starts.push(self.len());
        if self.len() > 2 * self.limit {
            self.forget();
        }
    }

    /// Keeps the newest steps that together are shorter than `limit`, and some more.
    fn forget(&mut self) {
        let end = self.len();
        let steps = self.starts.partition_point(|&start| end - start >= self.limit);
        let groups = steps / LANES;
        let steps = groups * LANES;
        let blocks = self.starts[steps];
        self.lanes.drain(..blocks * self.dims);
        self.before.drain(..blocks);
        self.after.drain(..blocks);
        if self.weighted {
            self.weights.drain(..blocks);
        }
        self.centres.drain(..groups * self.dims);
        self.reaches.drain(..groups);
        self.starts.drain(..steps);
        self.starts.iter_mut().for_each(|start| *start -= blocks);
        self.oldest += steps;
    }

    /// What the gains of some points have lost, each since a step that is still known.
    pub(super) fn lost(&self, queries: &[Vec<f32>], since: &[u32]) -> Vec<u64> {
        let mut sums = vec![0; queries.len()];
        let first: Vec<usize> = since.iter().map(|&step| step as usize - self.oldest).collect();
        let steps = self.starts.len() - 1;
        let start = first.iter().copied().min().unwrap_or(steps);
        let metric = self.metric;
        let mut near = vec![0_u16; queries.len()];
        for group in start / LANES..steps.div_ceil(LANES) {
            let centres = &self.centres[group * self.dims..][..self.dims];
            let reaches = self.reaches[group];
            vectorised(
                #[inline(always)]
                || {
                    for (query, bits) in queries.iter().zip(&mut near) {
                        *bits = below(&metric.squares(query, centres), &reaches);
                    }
                },
            );
            for (bits, &first) in near.iter_mut().zip(&first) {
                let before = first.saturating_sub(group * LANES).min(LANES);
                *bits &= ((u32::from(u16::MAX) << before) & u32::from(u16::MAX)) as u16;
            }
            for lane in 0..LANES.min(steps - group * LANES) {
                let step = group * LANES + lane;
                let blocks = self.starts[step]..self.starts[step + 1];
                self.add_losses(queries, &near, lane, blocks, &mut sums);
            }
        }
        sums
    }

    /// Adds what some blocks took from those queries whose bit `lane` is set.
    fn add_losses(
        &self,
        queries: &[Vec<f32>],
        near: &[u16],
        lane: usize,
        blocks: Range<usize>,
        sums: &mut [u64],
    ) {
        let metric = self.metric;
        vectorised(
            #[inline(always)]
            || {
                for start in blocks.clone().step_by(TILE) {
                    let tile = start..blocks.end.min(start + TILE);
                    let lanes = &self.lanes[tile.start * self.dims..tile.end * self.dims];
                    let weights = self.weighted.then(|| &self.weights[tile.clone()]);
                    let (before, after) = (&self.before[tile.clone()], &self.after[tile.clone()]);
                    for ((query, &bits), sum) in queries.iter().zip(near).zip(sums.iter_mut()) {
                        if bits >> lane & 1 == 1 {
                            *sum +=
                                sum_near(metric, query, lanes, weights, |at, lane, distance| {
                                    before[at].distance[lane].max(distance)
                                        - after[at][lane].max(distance)
                                });
                        }
                    }
                }
            },
        );
    }
}
