//! Sums over all points, for many points at a time: a block once fetched serves several.

use super::lanes::{LANES, Lane, TILE, root, roots, total};
use super::points::Points;
use super::reach::{Reach, sum_near};
use super::tree::{Limits, Search};
use crate::simd::vectorised;

impl Points {
    /// Weighted sum and largest of the distances of each of some points to all.
    pub(super) fn spreads(&self, points: &[usize]) -> Vec<(u64, i32)> {
        let queries: Vec<_> = points.iter().map(|&point| self.coordinates(point)).collect();
        let mut spreads = vec![(0, [0; LANES]); queries.len()];
        vectorised(
            #[inline(always)]
            || {
                for start in (0..self.blocks()).step_by(TILE) {
                    let tile = start..self.blocks().min(start + TILE);
                    let lanes = self.lanes(tile.clone());
                    let weights = self.weights().map(|all| &all[tile]);
                    for (query, (sum, largest)) in queries.iter().zip(&mut spreads) {
                        *sum += self.spread(query, lanes, weights, largest);
                    }
                }
            },
        );
        // The copies at the end have no weight of their own.
        let copies = match self.weights() {
            Some(_) => 0,
            None => (self.blocks() * LANES - self.count()) as u64,
        };
        let of_all = |(query, (sum, largest)): (&Vec<f32>, (u64, [i32; LANES]))| {
            let to_first = self.way(query, 0);
            (sum - copies * to_first as u64, largest.into_iter().max().unwrap_or(0))
        };
        queries.iter().zip(spreads).map(of_all).collect()
    }

    /// The sum of the distances to the points of at most [`TILE`] blocks, and the largest so far.
    #[inline(always)]
    fn spread(
        &self,
        query: &[f32],
        lanes: &[Lane<f32>],
        weights: Option<&[Lane<u32>]>,
        largest: &mut [i32; LANES],
    ) -> u64 {
        let metric = self.metric();
        if let Some(weights) = weights {
            let mut part = [0_u64; LANES];
            for (block, weights) in lanes.chunks_exact(query.len()).zip(weights) {
                let squares = metric.squares(query, block);
                for lane in 0..LANES {
                    let distance = root(squares[lane]);
                    part[lane] += distance as u64 * u64::from(weights[lane]);
                    largest[lane] = largest[lane].max(distance);
                }
            }
            return part.iter().sum();
        }
        let mut part = [0; LANES];
        let pairs = lanes.chunks_exact(2 * query.len());
        let last = pairs.remainder();
        for pair in pairs {
            let (one, other) = pair.split_at(query.len());
            let [first, second] = metric.squares_of_two(query, one, other);
            add_distances(&mut part, largest, first);
            add_distances(&mut part, largest, second);
        }
        if !last.is_empty() {
            add_distances(&mut part, largest, metric.squares(query, last));
        }
        total(&part)
    }

    /// `Σ_i w_i max(0, nearest_i - D_ij)` over all points, for each of some, and how many blocks were looked at.
    pub(super) fn covered(
        &self,
        points: &[usize],
        nearest: &[Reach],
        limits: &Limits,
    ) -> (Vec<u64>, usize) {
        let queries: Vec<_> = points.iter().map(|&point| self.coordinates(point)).collect();
        let mut sums = vec![0; queries.len()];
        let mut visited = 0;
        Search::new((self.levels(), self.blocks()), &queries, limits).near(&mut |visits| {
            vectorised(
                #[inline(always)]
                || {
                    for (query, run) in visits {
                        let query = *query as usize;
                        for start in run.clone().step_by(TILE) {
                            let tile = start..run.end.min(start + TILE);
                            let lanes = self.lanes(tile.clone());
                            let weights = self.weights().map(|all| &all[tile.clone()]);
                            let nearest = &nearest[tile.clone()];
                            let term = |at: usize, lane: usize, distance: i32| {
                                (nearest[at].distance[lane] - distance).max(0)
                            };
                            let (query, sum) = (&queries[query], &mut sums[query]);
                            *sum += sum_near(self.metric(), query, lanes, nearest, weights, term);
                            visited += tile.len();
                        }
                    }
                },
            );
        });
        (sums, visited)
    }

    /// Every place that is nearer to a point than `nearest`, with its distance.
    pub(super) fn nearer(
        &self,
        point: usize,
        nearest: &[Reach],
        limits: &Limits,
    ) -> Vec<(usize, i32)> {
        let queries = [self.coordinates(point)];
        let mut found = Vec::new();
        Search::new((self.levels(), self.blocks()), &queries, limits).near(&mut |visits| {
            vectorised(
                #[inline(always)]
                || {
                    for block in visits.iter().flat_map(|(_, run)| run.clone()) {
                        let squares = self.metric().squares(&queries[0], self.block(block));
                        let distances = roots(squares);
                        let nearest = &nearest[block].distance;
                        if distances.iter().zip(nearest.iter()).any(|(now, before)| now < before) {
                            let lanes = (0..LANES).filter(|&lane| distances[lane] < nearest[lane]);
                            found.extend(lanes.map(|lane| (block * LANES + lane, distances[lane])));
                        }
                    }
                },
            );
        });
        found
    }
}

#[inline(always)]
fn add_distances(part: &mut [u32; LANES], largest: &mut [i32; LANES], squares: [f32; LANES]) {
    for lane in 0..LANES {
        let distance = root(squares[lane]);
        part[lane] += distance as u32;
        largest[lane] = largest[lane].max(distance);
    }
}
