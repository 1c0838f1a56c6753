//! From coarse to fine: a selection from very many points.
//!
//! Before anything is selected, a gain is a sum over all points, and every pair of points has to be looked at. What these gains decide
//! is coarse: whereabouts the first points go. So the first ones are selected among one of every four neighbours, which stands for all
//! four, and those in turn in the same way while they are many. Once some are selected, only near points matter for a gain, and the
//! search goes on among all points, with exact gains.

use super::facility::Facility;
use super::greedy::{MOST_PAIRS, follow, lazy};
use super::points::Points;
use crate::workers::Workers;

/// So few points are searched exactly from the first on.
pub(super) const FEW: usize = 8192;

/// One of so many merged points is selected before the search goes on among all.
const SHARE: usize = 16;

/// And so much of the selection, in quarters.
const PART: usize = 3;

/// Selects `size` points and returns the state with what each added, in order.
pub(super) fn coarse<'a>(
    points: &'a Points,
    size: usize,
    workers: &'a dyn Workers,
    on_selected: &mut dyn FnMut(),
) -> (Facility<'a>, Vec<u64>) {
    if points.count() <= FEW {
        let mut facility = Facility::new(points, workers);
        let gains = lazy(&mut facility, size, on_selected);
        return (facility, gains);
    }
    let first = first(points, size, workers);
    let mut facility = Facility::unmeasured(points, workers);
    let mut gains = follow(&mut facility, &first, on_selected);
    if first.len() < size {
        facility.keep_neighbours();
        gains.extend(lazy(&mut facility, size - first.len(), on_selected));
    }
    (facility, gains)
}

/// The first points of a selection: all of it, if the neighbours of so few would be too many to keep.
fn first(points: &Points, size: usize, workers: &dyn Workers) -> Vec<usize> {
    let (merged, members) = points.merged();
    let usual = (size * PART / 4).clamp(1, merged.count().div_ceil(SHARE));
    // Each of them is nearest to so many points on average, and about as many are nearer to each of these.
    let least = points.count().pow(2).div_ceil(MOST_PAIRS);
    let count = usual.max(least).min(size).min(merged.count());
    let (facility, _) = coarse(&merged, count, workers, &mut || ());
    facility.selected().iter().map(|&point| members[point]).collect()
}
