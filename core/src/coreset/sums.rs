//! Sums over all points, for many points at a time: a block once fetched serves several.

use super::lanes::{LANES, TILE, roots};
use super::points::Points;
use super::reach::{Reach, sum_near};
use super::tree::{Limits, Search};
use crate::simd::vectorised;

impl Points {
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
                            *sum += sum_near(self.metric(), query, lanes, weights, term);
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
                        if nearest[block].some_within(&squares) {
                            let distances = roots(squares);
                            let nearest = &nearest[block].distance;
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
