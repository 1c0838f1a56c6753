//! Means over an epoch of the named terms of each step.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::infer;
use crate::objective::Terms;

/// Sums of the terms of an epoch's steps, the objective first. Steps may differ in their terms: one that a step does not have is 0
/// there. Terms wait on the device until [`Ledger::settle`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    names: Vec<String>,
    sums: Vec<f64>,
    count: u64,
    /// Among the names, those of the terms that wait, which all steps that wait have.
    #[serde(skip)]
    places: Vec<usize>,
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
    pub async fn add(&mut self, terms: &Terms, read_every: usize) -> Result<Option<f64>> {
        let names = terms.parts.iter().map(|(name, _)| *name);
        let places: Vec<usize> = names.map(|name| self.place(name)).collect();
        let mut largest = None;
        if places != self.places {
            largest = self.settle().await?;
            self.places = places;
        }
        let parts = terms.parts.iter().map(|(_, part)| part.clone().inner()).collect();
        self.waiting.push(Tensor::cat(parts, 0));
        if self.waiting.len() >= read_every {
            largest = self.settle().await?.into_iter().chain(largest).reduce(f64::max);
        }
        Ok(largest)
    }

    /// Where the sum of a term is.
    fn place(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.sums.push(0.0);
            self.sums.len() - 1
        })
    }

    /// Reads what waits on the device. Returns as [`Ledger::add`] does.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn settle(&mut self) -> Result<Option<f64>> {
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let waiting = Tensor::cat(std::mem::take(&mut self.waiting), 0);
        let values = infer::read(waiting).await?;
        let mut largest = f64::NEG_INFINITY;
        for step in values.chunks_exact(self.places.len()) {
            let objective = f64::from(step[0]);
            largest = largest.max(if objective.is_finite() { objective } else { f64::INFINITY });
            // The objective is the sum of the others: it is named only if none of them is to blame.
            let terms = self.places.iter().zip(step).cycle().skip(1).take(step.len());
            let mut broken = terms.filter(|(_, value)| !value.is_finite()).map(|(&place, _)| place);
            let broken = broken.next().map(|place| self.names[place].clone());
            self.culprit = self.culprit.take().or(broken);
            for (&place, &value) in self.places.iter().zip(step) {
                self.sums[place] += f64::from(value);
            }
            self.count += 1;
        }
        Ok(Some(largest))
    }

    /// The first term that was not finite, among those read.
    pub fn culprit(&self) -> Option<&str> {
        self.culprit.as_deref()
    }

    /// Names and means of what has been read, over all steps; nothing before the first read.
    pub fn means(&self) -> Vec<(String, f64)> {
        if self.count == 0 {
            return Vec::new();
        }
        let count = self.count as f64;
        self.names.iter().cloned().zip(self.sums.iter().map(|sum| sum / count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use pollster::block_on;

    use super::*;

    fn add(ledger: &mut Ledger, terms: &Terms, read_every: usize) -> Result<Option<f64>> {
        block_on(ledger.add(terms, read_every))
    }

    fn terms(values: [f32; 3]) -> Terms {
        let scalar = |value: f32| Tensor::<1>::from_floats([value], &Device::flex());
        Terms::new(scalar(values[0])).with("a", scalar(values[1])).with("b", scalar(values[2]))
    }

    #[test]
    fn means_are_over_the_steps_read() {
        let mut ledger = Ledger::default();
        for step in 0..3 {
            add(&mut ledger, &terms([step as f32, 1.0, 2.0 * step as f32]), 4).unwrap();
        }
        assert_eq!(ledger.means(), [], "what waits is not read yet");
        assert_eq!(block_on(ledger.settle()).unwrap(), Some(2.0));
        let expected = [("objective", 1.0), ("a", 1.0), ("b", 2.0)];
        assert_eq!(ledger.means(), expected.map(|(name, mean)| (name.to_owned(), mean)));
    }

    #[test]
    fn a_term_that_comes_later_is_added_to_no_other() {
        let mut ledger = Ledger::default();
        let scalar = |value: f32| Tensor::<1>::from_floats([value], &Device::flex());
        let with_more = |terms: Terms| Terms {
            parts: vec![
                terms.parts[0].clone(),
                ("more", scalar(10.0)),
                terms.parts[1].clone(),
                terms.parts[2].clone(),
            ],
            ..terms
        };
        add(&mut ledger, &terms([1.0, 2.0, 3.0]), 20).unwrap();
        let read = add(&mut ledger, &with_more(terms([5.0, 4.0, 5.0])), 20).unwrap();
        assert_eq!(read, Some(1.0), "what waits is read by its own names");
        add(&mut ledger, &terms([3.0, 6.0, 7.0]), 20).unwrap();
        add(&mut ledger, &terms([3.0, 6.0, 7.0]), 20).unwrap();
        assert_eq!(block_on(ledger.settle()).unwrap(), Some(3.0));
        let expected = [("objective", 3.0), ("a", 4.5), ("b", 5.5), ("more", 2.5)];
        assert_eq!(ledger.means(), expected.map(|(name, mean)| (name.to_owned(), mean)));
    }

    #[test]
    fn the_first_broken_term_is_named_before_the_objective() {
        let mut ledger = Ledger::default();
        add(&mut ledger, &terms([1.0, 1.0, 1.0]), 20).unwrap();
        add(&mut ledger, &terms([f32::NAN, 1.0, f32::INFINITY]), 20).unwrap();
        add(&mut ledger, &terms([f32::NAN, f32::NAN, 1.0]), 20).unwrap();
        assert_eq!(block_on(ledger.settle()).unwrap(), Some(f64::INFINITY));
        assert_eq!(ledger.culprit(), Some("b"));
    }

    #[test]
    fn read_at_every_step_a_broken_term_is_known_at_once() {
        let mut ledger = Ledger::default();
        assert_eq!(add(&mut ledger, &terms([1.0, 1.0, 1.0]), 1).unwrap(), Some(1.0));
        assert_eq!(add(&mut ledger, &terms([1.0, f32::NAN, 1.0]), 1).unwrap(), Some(1.0));
        assert_eq!(ledger.culprit(), Some("a"));
    }
}
