//! Facility location (E23): the value of a selection, the gain of each further point, and the cluster sizes, which are a
//! coreset's weights.
//!
//! No matrix of similarities is kept. The gain of a point `j` is `Σ_i max(0, d_i - D_ij)`, where `d_i` is the distance
//! of `i` to the selection (at first the largest distance of all). Taking a point into the selection shortens
//! some of the `d_i`; these changes are logged, and a gain of some steps ago is brought up to date by the changes
//! since, of which there are few once the selection has grown. All numbers are whole (see [`Points`]), so the
//! gain is the same number as if it had been added up anew.

use std::ops::Range;

use super::points::{LANES, Lane, Points, Reach, lost};
use crate::workers::{Workers, map};

/// Blocks of distances that are worth handing to a worker.
const BLOCKS_PER_TASK: usize = 768;

/// Points at least that a worker takes, so that a block once fetched serves several.
const POINTS_PER_TASK: usize = 4;

/// The state of a selection from some points.
#[derive(Debug)]
pub struct Facility<'a> {
    points: &'a Points,
    workers: &'a dyn Workers,
    /// Distance of each point to the selection.
    nearest: Vec<Reach>,
    /// Which of the selected is nearest, by its place in the selection.
    owners: Vec<u32>,
    /// Gains as of `stamps`: never below what they are now.
    gains: Vec<u64>,
    /// How many points were selected when the gain was computed.
    stamps: Vec<u32>,
    log: Log,
    selected: Vec<usize>,
    largest: i32,
    scratch: Vec<Lane<i32>>,
}

impl<'a> Facility<'a> {
    /// Nothing selected yet. Computes the distances between all points once, for the largest of them and the first
    /// gains.
    pub fn new(points: &'a Points, workers: &'a dyn Workers) -> Self {
        let count = points.count();
        let spreads = in_tasks(workers, count, |_| points.blocks(), |range| points.spreads(range));
        let largest = spreads.iter().map(|&(_, largest)| largest).max().unwrap_or(0);
        let everything = count as u64 * largest as u64;
        // The copies at the end stay where they are: no distance is below 0.
        let mut nearest = vec![Reach::NOWHERE; points.blocks()];
        for point in 0..count {
            nearest[point / LANES].set(point % LANES, largest);
        }
        Self {
            points,
            workers,
            nearest,
            owners: vec![0; count],
            gains: spreads.iter().map(|&(sum, _)| everything - sum).collect(),
            stamps: vec![0; count],
            log: Log::new(points),
            selected: Vec::new(),
            largest,
            scratch: Vec::new(),
        }
    }

    /// How many points there are to select from.
    pub fn count(&self) -> usize {
        self.points.count()
    }

    /// The points selected so far, in order.
    pub fn selected(&self) -> &[usize] {
        &self.selected
    }

    /// What `point` would add, as of the last time it was computed, and never less than what it would add now.
    pub fn bound(&self, point: usize) -> u64 {
        self.gains[point]
    }

    /// Whether [`Facility::bound`] is what the point would add now.
    pub fn is_current(&self, point: usize) -> bool {
        self.stamps[point] as usize == self.selected.len()
    }

    /// Computes what each of `points` would add now, from what has changed since the last time.
    pub fn bring_up_to_date(&mut self, points: &[usize]) {
        let this = &*self;
        let blocks = |at: usize| this.pending(points[at]);
        let gains = in_tasks(self.workers, points.len(), blocks, |range| {
            this.current_gains(&points[range])
        });
        for (point, gain) in gains {
            self.gains[point] = gain;
            self.stamps[point] = self.selected.len() as u32;
        }
    }

    /// What each of some points would add, added up from nothing.
    pub fn gains_afresh(&self, points: &[usize]) -> Vec<u64> {
        let blocks = |_| self.points.blocks();
        in_tasks(self.workers, points.len(), blocks, |range| {
            self.points.covered(&points[range], &self.nearest)
        })
    }

    /// Selects `point` and returns what it added.
    pub fn add(&mut self, point: usize) -> u64 {
        self.points.distances_from(point, &mut self.scratch);
        let place = self.selected.len() as u32;
        let mut added = 0;
        for block in 0..self.nearest.len() {
            let (distances, nearest) = (self.scratch[block], self.nearest[block].distance);
            if (0..LANES).all(|lane| distances[lane] >= nearest[lane]) {
                continue;
            }
            for lane in (0..LANES).filter(|&lane| distances[lane] < nearest[lane]) {
                let moved = block * LANES + lane;
                added += (nearest[lane] - distances[lane]) as u64;
                self.log.push(self.points, moved, nearest[lane], distances[lane]);
                self.nearest[block].set(lane, distances[lane]);
                self.owners[moved] = place;
            }
        }
        // A selected point stands for itself, even where an equal one was selected before.
        self.owners[point] = place;
        self.selected.push(point);
        self.log.end_step();
        added
    }

    /// What the selection is worth: `Σ_i (largest distance - d_i)`.
    pub fn objective(&self) -> u64 {
        let copies = self.nearest.len() * LANES - self.count();
        let distances = self.nearest.iter().flat_map(|reach| *reach.distance);
        let all: u64 = distances.map(|distance| (self.largest - distance) as u64).sum();
        all - copies as u64 * self.largest as u64
    }

    /// How many points are nearest to each of the selected, itself included; the earliest of equally near ones counts.
    pub fn cluster_sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.selected.len()];
        for &owner in &self.owners {
            // Before the first selection nobody owns anything.
            if let Some(size) = sizes.get_mut(owner as usize) {
                *size += 1;
            }
        }
        sizes
    }

    /// Blocks to look at to know a gain.
    fn pending(&self, point: usize) -> usize {
        self.unseen(point).map_or(self.points.blocks(), |first| self.log.len() - first)
    }

    /// The first change that a gain does not account for yet; `None` where it is less work to add it up afresh.
    fn unseen(&self, point: usize) -> Option<usize> {
        let first = self.log.since(self.stamps[point])?;
        (self.log.len() - first < self.points.blocks()).then_some(first)
    }

    /// What each of some points would add now, in no particular order.
    fn current_gains(&self, points: &[usize]) -> Vec<(usize, u64)> {
        let (known, forgotten): (Vec<usize>, Vec<usize>) =
            points.iter().partition(|&&point| self.unseen(point).is_some());
        let query = |&point: &usize| Some((self.unseen(point)?, self.points.coordinates(point)));
        let queries: Vec<_> = known.iter().filter_map(query).collect();
        let lost = self.log.lost_since(&queries);
        let updated =
            known.iter().zip(lost).map(|(&point, lost)| (point, self.gains[point] - lost));
        let afresh = self.points.covered(&forgotten, &self.nearest);
        updated.chain(forgotten.iter().copied().zip(afresh)).collect()
    }
}

/// `f` of ranges that together are `0..count`, in tasks of about equal numbers of blocks.
fn in_tasks<T: Send>(
    workers: &dyn Workers,
    count: usize,
    blocks: impl Fn(usize) -> usize,
    f: impl Fn(Range<usize>) -> Vec<T> + Sync,
) -> Vec<T> {
    let mut tasks = Vec::new();
    let (mut first, mut work) = (0, 0);
    for at in 0..count {
        work += blocks(at).max(1);
        let enough = work >= BLOCKS_PER_TASK && at + 1 - first >= POINTS_PER_TASK;
        if enough || at + 1 == count {
            tasks.push(first..at + 1);
            (first, work) = (at + 1, 0);
        }
    }
    if tasks.len() <= 1 {
        return f(0..count);
    }
    map(workers, tasks, f).into_iter().flatten().collect()
}

/// Which distances to the selection became shorter, when, and by how much.
#[derive(Debug)]
struct Log {
    dims: usize,
    /// Coordinates of the points concerned, `dims` lanes to a block; each step begins with a new block.
    lanes: Vec<Lane<f32>>,
    before: Vec<Reach>,
    after: Vec<Lane<i32>>,
    /// Lanes of the last block in use.
    used: usize,
    /// First block of each step from `oldest` on, the coming one included.
    starts: Vec<usize>,
    /// Steps before this one have been forgotten.
    oldest: usize,
    /// More blocks than these are of no use: computing a gain afresh takes no more.
    limit: usize,
}

impl Log {
    fn new(points: &Points) -> Self {
        Self {
            dims: points.dims(),
            lanes: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            used: LANES,
            starts: vec![0],
            oldest: 0,
            limit: points.blocks(),
        }
    }

    fn len(&self) -> usize {
        self.before.len()
    }

    /// First block of what happened since `step` points were selected, if it is still known.
    fn since(&self, step: u32) -> Option<usize> {
        self.starts.get((step as usize).checked_sub(self.oldest)?).copied()
    }

    fn push(&mut self, points: &Points, point: usize, before: i32, after: i32) {
        if self.used == LANES {
            // Where nothing changed, nothing is lost.
            self.lanes.resize(self.lanes.len() + self.dims, Lane([0.0; LANES]));
            self.before.push(Reach::NOWHERE);
            self.after.push(Lane([0; LANES]));
            self.used = 0;
        }
        let (block, lane) = (self.len() - 1, self.used);
        for (dim, value) in points.coordinates_of(point).enumerate() {
            self.lanes[block * self.dims + dim][lane] = value;
        }
        self.before[block].set(lane, before);
        self.after[block][lane] = after;
        self.used += 1;
    }

    fn end_step(&mut self) {
        self.used = LANES;
        self.starts.push(self.len());
        if self.len() > 2 * self.limit {
            self.forget();
        }
    }

    /// Keeps the newest steps that together are shorter than `limit`.
    fn forget(&mut self) {
        let end = self.len();
        let steps = self.starts.partition_point(|&start| end - start >= self.limit);
        let blocks = self.starts.get(steps).copied().unwrap_or(end);
        self.lanes.drain(..blocks * self.dims);
        self.before.drain(..blocks);
        self.after.drain(..blocks);
        self.starts.drain(..steps);
        self.starts.iter_mut().for_each(|start| *start -= blocks);
        self.oldest += steps;
    }

    /// What gains have lost, each from the block that its point comes with.
    fn lost_since(&self, queries: &[(usize, Vec<f32>)]) -> Vec<u64> {
        lost(queries, &self.lanes, &self.before, &self.after)
    }
}
