//! Facility location (E23): the value of a selection, the gain of each further point, and the cluster sizes, which are a
//! coreset's weights.
//!
//! No matrix of similarities is kept. The gain of a point `j` is `Σ_i w_i max(0, d_i - D_ij)`, where `d_i` is the distance
//! of `i` to the selection (at first the largest distance of all) and `w_i` the number of points that `i` stands for. Taking a point into
//! the selection shortens some of the `d_i`. While many do, these changes are logged, and a gain of some steps ago is brought up to date
//! by the changes since; once few do, every point knows whose gains it changes. All numbers are whole (see [`Points`]), so a gain
//! is the same number as if it had been added up anew.

use std::ops::Range;

use super::diameter::diameter;
use super::lanes::{LANES, limit};
use super::log::Log;
use super::neighbours::{Neighbours, for_each_near};
use super::points::Points;
use super::reach::Reach;
use super::tree::Limits;
use crate::workers::{Workers, map};

/// Blocks of distances that are worth handing to a worker.
const BLOCKS_PER_TASK: usize = 768;

/// Points that a worker takes, so that a block once fetched serves several.
const POINTS_PER_TASK: Range<usize> = 4..128;

/// Tasks for each worker: what one has left at the end is then little.
const TASKS_PER_WORKER: usize = 4;

/// The step of a gain that was never computed.
const NEVER: u32 = u32::MAX;

/// The state of a selection from some points.
#[derive(Debug)]
pub struct Facility<'a> {
    points: &'a Points,
    workers: &'a dyn Workers,
    /// Distance of each place to the selection.
    nearest: Vec<Reach>,
    limits: Limits,
    /// Which of the selected is nearest to each point, by its place in the selection.
    owners: Vec<u32>,
    /// Gains as of `stamps`: never below what they are now.
    gains: Vec<u64>,
    /// How many points were selected when the gain was computed.
    stamps: Vec<u32>,
    log: Log,
    /// Whether some gain has been computed: what happened before need not be logged.
    measured: bool,
    /// Once known, all gains are of now.
    neighbours: Option<Neighbours>,
    selected: Vec<usize>,
    largest: i32,
    /// Blocks that a gain took the last time that gains were added up afresh.
    afresh: usize,
}

impl<'a> Facility<'a> {
    /// Nothing selected yet. Computes the distances between all points once, for the largest of them and the first
    /// gains.
    pub fn new(points: &'a Points, workers: &'a dyn Workers) -> Self {
        let (sums, largest) = points.spreads(workers);
        let everything = points.total() * largest as u64;
        let gains = sums.iter().map(|sum| everything - sum).collect();
        Self::start(points, workers, largest, gains, 0)
    }

    /// Nothing selected yet, and no gain known: for selections whose first points are given. Looks for the largest distance alone.
    pub fn unmeasured(points: &'a Points, workers: &'a dyn Workers) -> Self {
        let gains = vec![u64::MAX; points.count()];
        Self::start(points, workers, diameter(points, workers), gains, NEVER)
    }

    fn start(
        points: &'a Points,
        workers: &'a dyn Workers,
        largest: i32,
        gains: Vec<u64>,
        stamp: u32,
    ) -> Self {
        let count = points.count();
        // The copies at the end stay where they are: no distance is below 0.
        let mut nearest = vec![Reach::NOWHERE; points.blocks()];
        for place in 0..count {
            nearest[place / LANES].set(place % LANES, largest);
        }
        Self {
            points,
            workers,
            nearest,
            limits: Limits::new(points.levels(), limit(largest)),
            owners: vec![0; count],
            gains,
            stamps: vec![stamp; count],
            log: Log::new(points),
            measured: stamp != NEVER,
            neighbours: None,
            selected: Vec::new(),
            largest,
            afresh: points.blocks(),
        }
    }

    /// The points that are selected from.
    pub fn points(&self) -> &Points {
        self.points
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
        self.neighbours.is_some() || self.stamps[point] as usize == self.selected.len()
    }

    /// Whether every point knows those that are nearer to it than the selection.
    pub fn keeps_neighbours(&self) -> bool {
        self.neighbours.is_some()
    }

    /// Whether every gain has been computed at some step.
    pub fn is_measured(&self) -> bool {
        self.neighbours.is_some() || self.stamps.iter().all(|&stamp| stamp != NEVER)
    }

    /// Computes what each of `points` would add now, from what has changed since the last time.
    pub fn bring_up_to_date(&mut self, points: &[usize]) {
        if self.neighbours.is_some() {
            return;
        }
        let (known, forgotten): (Vec<usize>, Vec<usize>) =
            points.iter().partition(|&&point| self.pending(point).is_some());
        let pending = |point: usize| self.pending(point).unwrap_or(0);
        let lost = in_tasks(self.workers, &known, pending, |some| self.lost(some));
        let (sums, visited) = self.summed(&forgotten);
        if !forgotten.is_empty() {
            self.afresh = (visited / forgotten.len()).max(1);
        }
        for (&point, lost) in known.iter().zip(lost) {
            self.gains[point] -= lost;
        }
        for (&point, gain) in forgotten.iter().zip(sums) {
            self.gains[point] = gain;
        }
        self.measured = true;
        for &point in points {
            self.stamps[point] = self.selected.len() as u32;
        }
    }

    /// Computes what every point would add now, two at a time: less work than for all of them one by one.
    pub(super) fn bring_all_up_to_date(&mut self) {
        self.gains = self.points.covered_by_each(&self.nearest, self.workers);
        self.stamps.fill(self.selected.len() as u32);
        self.measured = true;
    }

    /// What each of some points would add, added up from nothing.
    pub fn gains_afresh(&self, points: &[usize]) -> Vec<u64> {
        self.summed(points).0
    }

    /// From here on all gains are those of now: every point looks for those that are nearer to it than the selection, of which there
    /// should be few.
    pub fn keep_neighbours(&mut self) {
        let radius = |place: usize| self.nearest[place / LANES].square(place % LANES);
        // Where gains were sums over nearly all points, boxes leave out little.
        let everywhere = self.measured && self.afresh * 4 > self.points.blocks() * 3;
        let search = if everywhere { Neighbours::among_all } else { Neighbours::search };
        let neighbours = search(self.points, &radius, self.workers);
        self.gains.fill(0);
        for place in 0..self.count() {
            let (reach, weight) = (self.reach(place), u64::from(self.points.weight(place)));
            for &(point, distance) in neighbours.of(place) {
                self.gains[point as usize] += weight * (reach - distance).max(0) as u64;
            }
        }
        self.neighbours = Some(neighbours);
    }

    /// `Σ_i w_i (L - v_i)`, where `L` is the largest distance and `v_i` this share of the distance of `i` to the selection, and the
    /// gain of each point if these were the distances to the selection. What `k` points are worth is no more than the first and the `k`
    /// largest of the others, whatever the share (E31).
    pub fn shortened(&self, share: f64) -> (u64, Vec<u64>) {
        let reach = |place: usize| (f64::from(self.reach(place)) * share) as i32;
        let weight = |place: usize| u64::from(self.points.weight(place));
        let worth = |place: usize| (self.largest - reach(place)) as u64 * weight(place);
        let mut gains = vec![0; self.count()];
        let radius = |place: usize| limit(reach(place));
        for_each_near(self.points, radius, self.workers, |place, point, distance| {
            gains[point] += weight(place) * (reach(place) - distance).max(0) as u64;
        });
        ((0..self.count()).map(worth).sum(), gains)
    }

    /// Selects `point` and returns what it added.
    pub fn add(&mut self, point: usize) -> u64 {
        let number = self.selected.len() as u32;
        let mut added = 0;
        let mut changed = Vec::new();
        for (at, distance) in self.points.nearer(point, &self.nearest, &self.limits) {
            let before = self.reach(at);
            let weight = u64::from(self.points.weight(at));
            added += (before - distance) as u64 * weight;
            match &self.neighbours {
                Some(neighbours) => {
                    for &(near, to) in neighbours.of(at) {
                        let lost = before.max(to) - distance.max(to);
                        self.gains[near as usize] -= weight * lost as u64;
                    }
                }
                None if self.measured => self.log.push(self.points, at, before, distance),
                None => {}
            }
            self.nearest[at / LANES].set(at % LANES, distance);
            self.owners[self.points.point_at(at)] = number;
            if changed.last() != Some(&(at / LANES)) {
                changed.push(at / LANES);
            }
        }
        for block in changed {
            self.limits.lower(block, self.nearest[block].farthest());
        }
        // A selected point stands for itself, even where an equal one was selected before.
        self.owners[point] = number;
        self.selected.push(point);
        if self.neighbours.is_none() {
            self.log.end_step(&self.points.coordinates(point));
        }
        added
    }

    /// What the selection is worth: `Σ_i w_i (largest distance - d_i)`.
    pub fn objective(&self) -> u64 {
        let of = |place: usize| {
            (self.largest - self.reach(place)) as u64 * u64::from(self.points.weight(place))
        };
        (0..self.count()).map(of).sum()
    }

    /// How many points are nearest to each of the selected, itself included; the earliest of equally near ones counts.
    pub fn cluster_sizes(&self) -> Vec<u64> {
        let mut sizes = vec![0; self.selected.len()];
        for (point, &owner) in self.owners.iter().enumerate() {
            // Before the first selection nobody owns anything.
            if let Some(size) = sizes.get_mut(owner as usize) {
                *size += u64::from(self.points.stands_for(point));
            }
        }
        sizes
    }

    fn reach(&self, place: usize) -> i32 {
        self.nearest[place / LANES].distance[place % LANES]
    }

    /// What each of some points would add now, and how many blocks were looked at.
    fn summed(&self, points: &[usize]) -> (Vec<u64>, usize) {
        // Neighbours meet the same boxes.
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by_key(|&at| self.points.place(points[at]));
        let sorted: Vec<usize> = order.iter().map(|&at| points[at]).collect();
        let found = in_tasks(
            self.workers,
            &sorted,
            |_| self.afresh,
            |some| {
                let (sums, visited) = self.points.covered(some, &self.nearest, &self.limits);
                // The blocks of a task are counted with its first point.
                let blocks = std::iter::once(visited).chain(std::iter::repeat(0));
                sums.into_iter().zip(blocks).collect()
            },
        );
        let mut sums = vec![0; points.len()];
        order.iter().zip(&found).for_each(|(&at, &(sum, _))| sums[at] = sum);
        (sums, found.iter().map(|&(_, blocks)| blocks).sum())
    }

    /// What the gains of some points have lost since they were computed.
    fn lost(&self, points: &[usize]) -> Vec<u64> {
        let queries: Vec<Vec<f32>> =
            points.iter().map(|&point| self.points.coordinates(point)).collect();
        let since: Vec<u32> = points.iter().map(|&point| self.stamps[point]).collect();
        self.log.lost(&queries, &since)
    }

    /// Blocks that were logged since a gain was computed; `None` where it is less work to add it up afresh.
    fn pending(&self, point: usize) -> Option<usize> {
        let step = self.stamps[point];
        let blocks = self.log.since(step)?;
        // The log is passed over sixteen steps at a time.
        let groups = (self.selected.len() - step as usize) / LANES;
        (groups < self.afresh && blocks < self.points.blocks()).then_some(blocks)
    }
}

/// `f` of parts of `points`, in tasks of about equal numbers of blocks.
fn in_tasks<T: Send>(
    workers: &dyn Workers,
    points: &[usize],
    blocks: impl Fn(usize) -> usize,
    f: impl Fn(&[usize]) -> Vec<T> + Sync,
) -> Vec<T> {
    let blocks: Vec<usize> = points.iter().map(|&point| blocks(point).max(1)).collect();
    let share = blocks.iter().sum::<usize>() / (workers.count() * TASKS_PER_WORKER).max(1);
    let mut tasks = Vec::new();
    let (mut first, mut work) = (0, 0);
    for at in 0..points.len() {
        work += blocks[at];
        let taken = at + 1 - first;
        let enough = work >= share.max(BLOCKS_PER_TASK) && taken >= POINTS_PER_TASK.start;
        if enough || taken == POINTS_PER_TASK.end || at + 1 == points.len() {
            tasks.push(&points[first..=at]);
            (first, work) = (at + 1, 0);
        }
    }
    if tasks.len() <= 1 {
        return f(points);
    }
    map(workers, tasks, f).into_iter().flatten().collect()
}
