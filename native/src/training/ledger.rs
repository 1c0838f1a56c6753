//! Means over an epoch of the named terms of each step.

use anyhow::Result;
use burn::tensor::Tensor;
use gleaner_core::infer;
use gleaner_core::objective::Terms;
use serde::{Deserialize, Serialize};

/// Steps whose terms are read back together: a read waits for the device, so it is made rarely.
pub const READ_EVERY: usize = if cfg!(feature = "validate") { 1 } else { 20 };

/// Sums of the terms of an epoch's steps. Terms wait on the device until [`Ledger::settle`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    names: Vec<String>,
    sums: Vec<f64>,
    count: u64,
    #[serde(skip)]
    waiting: Vec<Tensor<1>>,
    #[serde(skip)]
    culprit: Option<String>,
}

impl Ledger {
    /// Whether each sum has a name.
    pub fn is_whole(&self) -> bool {
        self.names.len() == self.sums.len()
    }

    /// Adds the terms of a step, and reads what waits once it is `read_every` steps. Returns the largest
    /// objective among the steps just read, if any were; it is infinite if one was not a number.
    ///
    /// # Errors
    /// If the device fails.
    pub fn add(&mut self, terms: &Terms, read_every: usize) -> Result<Option<f64>> {
        if self.names.is_empty() {
            self.names = terms.parts.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.sums = vec![0.0; self.names.len()];
        }
        let parts = terms.parts.iter().map(|(_, part)| part.clone().inner()).collect();
        self.waiting.push(Tensor::cat(parts, 0));
        if self.waiting.len() < read_every { Ok(None) } else { self.settle() }
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
            // The objective is the sum of the others: it is named only if none of them is to blame.
            let terms = self.names.iter().zip(step).cycle().skip(1).take(step.len());
            let mut broken = terms.filter(|(_, value)| !value.is_finite()).map(|(name, _)| name);
            self.culprit = self.culprit.take().or_else(|| broken.next().cloned());
            for (sum, &value) in self.sums.iter_mut().zip(step) {
                *sum += f64::from(value);
            }
            self.count += 1;
        }
        Ok(Some(largest))
    }

    /// The first term that was not finite, among those read.
    pub fn culprit(&self) -> Option<&str> {
        self.culprit.as_deref()
    }

    /// Names and means of what has been read.
    pub fn means(&self) -> Vec<(String, f64)> {
        let count = self.count.max(1) as f64;
        self.names.iter().cloned().zip(self.sums.iter().map(|sum| sum / count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn terms(values: [f32; 3]) -> Terms {
        let scalar = |value: f32| Tensor::<1>::from_floats([value], &Device::flex());
        Terms::new(scalar(values[0])).with("a", scalar(values[1])).with("b", scalar(values[2]))
    }

    #[test]
    fn means_are_over_the_steps_read() {
        let mut ledger = Ledger::default();
        for step in 0..3 {
            ledger.add(&terms([step as f32, 1.0, 2.0 * step as f32]), READ_EVERY).unwrap();
        }
        assert_eq!(ledger.settle().unwrap(), Some(2.0));
        let expected = [("objective", 1.0), ("a", 1.0), ("b", 2.0)];
        assert_eq!(ledger.means(), expected.map(|(name, mean)| (name.to_owned(), mean)));
    }

    #[test]
    fn the_first_broken_term_is_named_before_the_objective() {
        let mut ledger = Ledger::default();
        ledger.add(&terms([1.0, 1.0, 1.0]), READ_EVERY).unwrap();
        ledger.add(&terms([f32::NAN, 1.0, f32::INFINITY]), READ_EVERY).unwrap();
        ledger.add(&terms([f32::NAN, f32::NAN, 1.0]), READ_EVERY).unwrap();
        assert_eq!(ledger.settle().unwrap(), Some(f64::INFINITY));
        assert_eq!(ledger.culprit(), Some("b"));
    }

    #[test]
    fn read_at_every_step_a_broken_term_is_known_at_once() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.add(&terms([1.0, 1.0, 1.0]), 1).unwrap(), Some(1.0));
        assert_eq!(ledger.add(&terms([1.0, f32::NAN, 1.0]), 1).unwrap(), Some(1.0));
        assert_eq!(ledger.culprit(), Some("a"));
    }
}
