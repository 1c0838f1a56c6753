//! Who is selected next: the greedy algorithm, its lazy and its stochastic form, and selections that are given.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use super::coarse::{FEW, MOST_PAIRS, coarse};
use super::facility::Facility;
use super::points::Points;
use crate::noise::Noise;
use crate::workers::Workers;

/// Share of the optimum that a stochastic selection may lose on average beside the greedy one, unless told otherwise.
pub const EPSILON: f64 = 0.1;

/// Neighbours of a point that are worth a list.
const FEW_NEAR: usize = 64;

/// Share of a distance at which an upper bound is taken without gains.
const NEARER: f64 = 0.8;

/// How the best next point is found. All take the point of lowest index among equally good ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Lazy for up to [`Optimizer::MOST_LAZY`] points, coarse for more.
    #[default]
    Auto,
    /// Exact, by upper bounds: a gain never grows as the selection does, so a point whose old gain is below
    /// another's present one need not be looked at (Minoux 1978).
    Lazy,
    /// The best of a random pool, `ceil(n/k ln(1/epsilon))` points in each step; on average
    /// `1 - 1/e - epsilon` of the optimum (Mirzasoleiman et al. 2015, "Lazier than lazy greedy").
    Stochastic {
        /// Between 0 and 1. The nearer to 0, the larger the pool.
        epsilon: f64,
    },
    /// The first points are selected among few, each of which stands for its neighbours; the others exactly.
    Coarse,
    /// Every gain of every step, added up afresh: slow, and what the others are tested against.
    Naive,
}

impl Optimizer {
    /// More points than these are not searched exactly from the first on, unless told so.
    pub const MOST_LAZY: usize = 20_000;

    /// What is used for so many points.
    #[must_use]
    pub fn for_points(self, count: usize) -> Self {
        match self {
            Self::Auto if count <= Self::MOST_LAZY => Self::Lazy,
            Self::Auto => Self::Coarse,
            told => told,
        }
    }
}

/// Selects `size` points and returns the state with what each added, in order. `on_selected` is called after each.
///
/// # Panics
/// More points are asked for than there are.
pub fn select<'a>(
    points: &'a Points,
    optimizer: Optimizer,
    size: usize,
    noise: &Noise,
    workers: &'a dyn Workers,
    on_selected: &mut dyn FnMut(),
) -> (Facility<'a>, Vec<u64>) {
    assert!(size <= points.count(), "{size} points of {}", points.count());
    if optimizer.for_points(points.count()) == Optimizer::Coarse {
        return coarse(points, size, workers, on_selected);
    }
    let mut facility = Facility::new(points, workers);
    let gains = match optimizer {
        Optimizer::Stochastic { epsilon } => {
            stochastic(&mut facility, size, epsilon, noise, on_selected)
        }
        Optimizer::Naive => naive(&mut facility, size, on_selected),
        _ => lazy(&mut facility, size, on_selected),
    };
    (facility, gains)
}

/// Selects the points of `order`, whatever they are worth, and returns what each added.
pub fn follow(
    facility: &mut Facility<'_>,
    order: &[usize],
    on_selected: &mut dyn FnMut(),
) -> Vec<u64> {
    let take = |&point: &usize| {
        let added = facility.add(point);
        on_selected();
        added
    };
    order.iter().map(take).collect()
}

/// An upper bound on what any `size` points are worth (E31): the worth of the selection and the `size` largest gains
/// that are left; of very many points whose gains are not known, the same as if the selection were nearer to all.
pub fn upper_bound(facility: &mut Facility<'_>, size: usize) -> u64 {
    if !facility.is_measured() && facility.count() > FEW {
        let (worth, mut gains) = facility.shortened(NEARER);
        gains.sort_unstable_by(|a, b| b.cmp(a));
        return worth + gains.iter().take(size).sum::<u64>();
    }
    let mut queue = Queue::new(facility);
    let left = facility.count() - facility.selected().len();
    let gains: u64 = (0..size.min(left)).map(|_| queue.take_best(facility).1).sum();
    facility.objective() + gains
}

pub(super) fn lazy(
    facility: &mut Facility<'_>,
    size: usize,
    on_selected: &mut dyn FnMut(),
) -> Vec<u64> {
    let switch = switch(facility, size);
    let mut queue = Queue::new(facility);
    let mut gains = Vec::with_capacity(size);
    for step in 0..size {
        if step == switch {
            facility.keep_neighbours();
        }
        let (point, gain) = queue.take_best(facility);
        facility.add(point);
        gains.push(gain);
        on_selected();
    }
    gains
}

/// The step from which on neighbours are kept: once there are about [`FEW_NEAR`] of each point, if many steps are left that need them.
fn switch(facility: &Facility<'_>, size: usize) -> usize {
    let count = facility.count();
    let step = count.div_ceil(FEW_NEAR).saturating_sub(facility.selected().len());
    let pays = size > 2 * step && count * FEW_NEAR <= MOST_PAIRS && !facility.keeps_neighbours();
    if pays { step } else { usize::MAX }
}

fn naive(facility: &mut Facility<'_>, size: usize, on_selected: &mut dyn FnMut()) -> Vec<u64> {
    let mut left: Vec<usize> = (0..facility.count()).collect();
    let mut gains = Vec::with_capacity(size);
    for _ in 0..size {
        let worths = facility.gains_afresh(&left);
        // Of equals, the maximum is the last one: so backwards.
        let best = (0..left.len()).rev().max_by_key(|&at| worths[at]);
        let Some(best) = best else { break };
        gains.push(worths[best]);
        facility.add(left.remove(best));
        on_selected();
    }
    gains
}

fn stochastic(
    facility: &mut Facility<'_>,
    size: usize,
    epsilon: f64,
    noise: &Noise,
    on_selected: &mut dyn FnMut(),
) -> Vec<u64> {
    let count = facility.count();
    let pool = (count as f64 / size.max(1) as f64 * (1.0 / epsilon).ln()).ceil() as usize;
    let mut left: Vec<usize> = (0..count).collect();
    let mut gains = Vec::with_capacity(size);
    for step in 0..size {
        let pool = pool.clamp(1, left.len());
        noise.at(step as u64).draw_to_front(&mut left, pool);
        facility.bring_up_to_date(&left[..pool]);
        let best = (0..pool).max_by_key(|&at| (facility.bound(left[at]), Reverse(left[at])));
        let point = left.swap_remove(best.unwrap_or(0));
        gains.push(facility.bound(point));
        facility.add(point);
        on_selected();
    }
    gains
}

/// Points by upper bounds on their gains.
struct Queue {
    heap: BinaryHeap<(u64, Reverse<usize>)>,
    stale: Vec<usize>,
    /// How many gains the last search computed.
    computed: usize,
}

impl Queue {
    /// All points not selected yet.
    fn new(facility: &Facility<'_>) -> Self {
        let mut left = vec![true; facility.count()];
        facility.selected().iter().for_each(|&point| left[point] = false);
        let points = (0..facility.count()).filter(|&point| left[point]);
        let heap = points.map(|point| (facility.bound(point), Reverse(point))).collect();
        Self { heap, stale: Vec::new(), computed: 0 }
    }

    /// Removes the point that adds most, the first of equals, and says how much that is.
    ///
    /// Gains are computed for several points at a time, so that threads can share them. How many depends on how
    /// many the search has needed, not on the threads; computing more than needed changes no result.
    fn take_best(&mut self, facility: &mut Facility<'_>) -> (usize, u64) {
        let mut batch = (self.computed / 2).max(4);
        self.computed = 0;
        loop {
            self.stale.clear();
            while self.stale.len() < batch {
                match self.heap.peek() {
                    Some(&(gain, Reverse(point))) if gain > facility.bound(point) => {
                        self.heap.pop();
                        self.heap.push((facility.bound(point), Reverse(point)));
                    }
                    Some(&(_, Reverse(point))) if !facility.is_current(point) => {
                        self.stale.push(point);
                        self.heap.pop();
                    }
                    _ => break,
                }
            }
            if self.stale.is_empty() {
                let Some((gain, Reverse(point))) = self.heap.pop() else {
                    unreachable!("nobody asks for more points than there are");
                };
                return (point, gain);
            }
            facility.bring_up_to_date(&self.stale);
            self.heap
                .extend(self.stale.iter().map(|&point| (facility.bound(point), Reverse(point))));
            self.computed += self.stale.len();
            batch = (self.computed / 4).max(4);
        }
    }
}
