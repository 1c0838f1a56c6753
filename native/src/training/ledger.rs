//! Means over an epoch of the named terms of each step.

use anyhow::Result;
use burn::tensor::Tensor;
use gleaner_core::infer;
use gleaner_core::objective::Terms;
use serde::{Deserialize, Serialize};

/// Steps whose terms are read back together: a read waits for the device, so it is made rarely.
const READ_EVERY: usize = 20;

/// Sums of the terms of an epoch's steps. Terms wait on the device until [`Ledger::settle`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    names: Vec<String>,
    sums: Vec<f64>,
    count: u64,
    #[serde(skip)]
    waiting: Vec<Tensor<1>>,
}

impl Ledger {
    /// Adds the terms of a step. Returns the largest objective among the steps just read, if any were; it
    /// is infinite if one was not a number.
    ///
    /// # Errors
    /// If the device fails.
    pub fn add(&mut self, terms: &Terms) -> Result<Option<f64>> {
        if self.names.is_empty() {
            self.names = terms.parts.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.sums = vec![0.0; self.names.len()];
        }
        let parts = terms.parts.iter().map(|(_, part)| part.clone().inner()).collect();
        self.waiting.push(Tensor::cat(parts, 0));
        if self.waiting.len() < READ_EVERY { Ok(None) } else { self.settle() }
    }

    /// Reads what waits on the device. Returns as [`Ledger::add`] does.
    ///
    /// # Errors
    /// If the device fails.
    pub fn settle(&mut self) -> Result<Option<f64>> {
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let waiting = Tensor::cat(std::mem::take(&mut self.waiting), 0);
        let values = pollster::block_on(infer::read(waiting))?;
        let mut largest = f64::NEG_INFINITY;
        for step in values.chunks_exact(self.sums.len()) {
            let objective = f64::from(step[0]);
            largest = largest.max(if objective.is_finite() { objective } else { f64::INFINITY });
            for (sum, &value) in self.sums.iter_mut().zip(step) {
                *sum += f64::from(value);
            }
            self.count += 1;
        }
        Ok(Some(largest))
    }

    /// Names and means of what has been read.
    pub fn means(&self) -> Vec<(String, f64)> {
        let count = self.count.max(1) as f64;
        self.names.iter().cloned().zip(self.sums.iter().map(|sum| sum / count)).collect()
    }
}
