//! Coresets: a few samples that stand for all, each with the number of samples that it stands for.
//!
//! [`Points`] measures distances, [`Facility`] says what a selection is worth, [`select()`] searches, and
//! [`Settings::select`] does so for every class of a file of samples. Memory is that of the features, whatever the
//! number of pairs.

mod budget;
mod coarse;
mod curvature;
mod diameter;
mod facility;
mod greedy;
pub mod hutchinson;
mod lanes;
mod log;
mod metric;
mod near;
mod neighbours;
mod optimizer;
mod pairs;
mod plane;
mod points;
mod reach;
mod select;
mod space;
mod sums;
mod tree;

pub use budget::{Balance, budgets};
pub use curvature::{Curvature, DAMPING, DECAY};
pub use facility::Facility;
pub use greedy::follow;
pub use optimizer::{EPSILON, Optimizer, select, upper_bound};
pub use plane::Plane;
pub use points::Points;
pub use select::{ClassOutcome, Coreset, Method, Pick, Samples, Settings};
pub use space::{Rows, Space};
