//! The training step. Loops, files and clocks belong to whoever calls it.

mod adam;
mod clip;
mod gradients;
mod schedule;
mod step;
mod workers;

pub use adam::{Adam, Moments};
pub use schedule::{RateSchedule, Schedule};
pub use step::{Learner, TrainState};
pub use workers::{InTurn, Workers};
