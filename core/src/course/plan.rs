//! How long a training takes, and at which rates.

use super::validation::Criterion;
use crate::train::RateSchedule;

/// How long, and at which rates.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Learning rates.
    pub rate: RateSchedule,
    /// Steps between two looks at the validation split.
    pub steps_per_epoch: u64,
    /// What the best model is chosen by.
    pub criterion: Criterion,
    /// Steps whose terms are read back together: a read waits for the device.
    pub read_every: usize,
}
