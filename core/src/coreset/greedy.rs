//! Who is selected next: the greedy algorithm, its lazy and its stochastic form, and selections that are given.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::facility::Facility;
use crate::noise::Noise;

/// Neighbours of a point that are worth a list.
const FEW_NEAR: usize = 300;

/// Pairs of neighbours that are kept at most, about: 256 MiB.
pub(super) const MOST_PAIRS: usize = 1 << 25;

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

/// Selects the best next point `size` times, and computes gains only where old ones leave it open.
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
        // Beside nothing every point is worth much: these gains spare no other one.
        if facility.selected().len() == 1 && size > 1 {
            facility.bring_all_up_to_date();
            queue = Queue::new(facility);
        }
    }
    gains
}

/// The step from which on neighbours are kept: once there are about [`FEW_NEAR`] of each point, if many steps are left that need them.
fn switch(facility: &Facility<'_>, size: usize) -> usize {
    let count = facility.count();
    let step = count.div_ceil(FEW_NEAR).saturating_sub(facility.selected().len());
    let pays = size > 3 * step && count * FEW_NEAR <= MOST_PAIRS && !facility.keeps_neighbours();
    if pays { step } else { usize::MAX }
}

/// The same with every gain of every step added up afresh.
pub(super) fn naive(
    facility: &mut Facility<'_>,
    size: usize,
    on_selected: &mut dyn FnMut(),
) -> Vec<u64> {
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

/// Selects the best of a random pool `size` times.
pub(super) fn stochastic(
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
#[derive(Debug)]
pub(super) struct Queue {
    heap: BinaryHeap<(u64, Reverse<usize>)>,
    stale: Vec<usize>,
    /// How many gains the last search computed.
    computed: usize,
}

impl Queue {
    /// All points not selected yet.
    pub(super) fn new(facility: &Facility<'_>) -> Self {
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
    pub(super) fn take_best(&mut self, facility: &mut Facility<'_>) -> (usize, u64) {
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
