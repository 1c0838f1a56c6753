//! The training step. Loops, files and clocks belong to whoever calls it.

mod adam;
#[cfg(feature = "away")]
pub mod away;
mod clip;
mod gradients;
mod schedule;
mod step;

pub use crate::workers::{InTurn, Workers};
pub use adam::{Adam, AdamSettings, Moments};
pub use schedule::{RateSchedule, Schedule};
pub use step::{Learner, TrainState};
