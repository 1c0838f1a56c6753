//! The training step. Loops, files and clocks belong to whoever calls it.

mod clip;
mod schedule;
mod step;

pub use clip::clip_global_norm;
pub use schedule::{RateSchedule, Schedule, warm_up};
pub use step::{Learner, TrainState};
