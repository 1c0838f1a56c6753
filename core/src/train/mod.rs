//! The training step. Loops, files and clocks belong to whoever calls it.

mod adam;
mod clip;
mod schedule;
mod step;

pub use adam::{Adam, Moments};
pub use clip::clip_global_norm;
pub use schedule::{RateSchedule, Schedule, warm_up};
pub use step::{Learner, TrainState};
