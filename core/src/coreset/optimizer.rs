//! How a selection is searched for, and what no selection of its size is worth more than.

use serde::{Deserialize, Serialize};

use super::coarse::{FEW, coarse};
use super::facility::Facility;
use super::greedy::{Queue, lazy, naive, stochastic};
use super::points::Points;
use crate::noise::Noise;
use crate::workers::Workers;

/// Share of the optimum that a stochastic selection may lose on average beside the greedy one, unless told otherwise.
pub const EPSILON: f64 = 0.1;

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
