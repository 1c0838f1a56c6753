//! Rates and weights as pure functions of the step.

use serde::{Deserialize, Serialize};

/// The shape of the learning rate over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// The same rate throughout.
    Constant,
    /// Half a cosine, from the full rate to zero.
    #[default]
    Cosine,
    /// Straight from the full rate to zero.
    Linear,
    /// Exponentially, to this share of the full rate: 0.67 is what 200 epochs of 0.998 come to.
    Exponential(f64),
}

/// Learning rate of every step: a linear warm-up, then a [`Schedule`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateSchedule {
    /// The highest rate.
    pub peak: f64,
    /// Steps of linear warm-up.
    pub warm_up_steps: u64,
    /// Steps in the whole run.
    pub total_steps: u64,
    /// What follows the warm-up.
    pub schedule: Schedule,
}

impl RateSchedule {
    /// The rate of a step; never zero inside the run.
    pub fn at(&self, step: u64) -> f64 {
        let Self { peak, warm_up_steps, total_steps, schedule } = *self;
        let warm = warm_up(step, warm_up_steps);
        let rest = total_steps.saturating_sub(warm_up_steps).max(1) as f64;
        let done = (step.saturating_sub(warm_up_steps) as f64 / rest).min(1.0);
        let shape = match schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            Schedule::Linear => 1.0 - done,
            Schedule::Exponential(share) => share.powf(done),
        };
        peak * warm * shape
    }
}

/// A weight that rises linearly to one over the first `steps` steps: `(step + 1) / steps`, at most 1.
fn warm_up(step: u64, steps: u64) -> f64 {
    if steps == 0 { 1.0 } else { ((step + 1) as f64 / steps as f64).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_warms_up_peaks_and_falls() {
        for schedule in [Schedule::Cosine, Schedule::Linear] {
            let rate = RateSchedule { peak: 2.0, warm_up_steps: 10, total_steps: 110, schedule };
            assert!((rate.at(0) - 0.2).abs() < 1e-12);
            assert!((rate.at(10) - 2.0).abs() < 1e-12);
            assert!((rate.at(60) - 1.0).abs() < 1e-12);
            assert!(rate.at(109) > 0.0 && rate.at(109) < 0.03);
        }
    }

    #[test]
    fn the_same_share_is_lost_in_every_stretch() {
        let schedule = Schedule::Exponential(0.25);
        let rate = RateSchedule { peak: 2.0, warm_up_steps: 0, total_steps: 100, schedule };
        for (step, expected) in [(0, 2.0), (50, 1.0), (100, 0.5)] {
            assert!((rate.at(step) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn no_warm_up_means_full_weight_from_the_first_step() {
        assert_eq!(warm_up(0, 0), 1.0);
        assert_eq!(warm_up(0, 4), 0.25);
        assert_eq!(warm_up(9, 4), 1.0);
    }
}
