//! How steps of training are timed.

use std::time::Instant;

use anyhow::Result;
use burn::tensor::Tensor;
use gleaner_core::infer;

/// Times steps, and keeps the objective of the last one.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// A GPU takes steps as fast as they are queued: the time of one alone would be mostly waiting, so a run of them is timed as a
    /// whole.
    pub queues: bool,
    /// Of the last step.
    pub objective: f32,
}

impl Clock {
    /// For a device that queues work, or one that does it at once.
    pub fn new(queues: bool) -> Self {
        Self { queues, objective: f32::NAN }
    }

    /// Milliseconds of each of some steps. `take` takes so many and returns the last one's objective, still on the device.
    ///
    /// # Errors
    /// If a step or the device fails.
    pub fn time(
        &mut self,
        steps: usize,
        mut take: impl FnMut(usize) -> Result<Option<Tensor<1>>>,
    ) -> Result<Vec<f64>> {
        let mut timed = |count: usize| -> Result<f64> {
            let started = Instant::now();
            if let Some(objective) = take(count)? {
                self.objective = pollster::block_on(infer::read(objective))?[0];
            }
            Ok(started.elapsed().as_secs_f64() * 1e3)
        };
        if self.queues && steps > 0 {
            let mean = timed(steps)? / steps as f64;
            return Ok(vec![mean; steps]);
        }
        (0..steps).map(|_| timed(1)).collect()
    }
}
