//! Two streams of batches, labelled and unlabelled, as a pure function of the step.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::resident::{Resident, numbers};
use super::{Examples, Split};
use crate::error::{Error, Result};
use crate::noise::{Noise, NoiseSource};

/// Labelled examples on a device.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// `[batch, features]`.
    pub x: Tensor<2>,
    /// One-hot, `[batch, classes]`.
    pub y: Tensor<2>,
}

/// Labelled examples that do not all count alike, on a device.
#[derive(Clone, Debug)]
pub struct Weighted {
    /// The examples.
    pub examples: Labelled,
    /// How much each counts, `[batch]`; 1 on average over the set that they come from.
    pub weight: Tensor<1>,
}

/// What one training step sees.
#[derive(Clone, Debug)]
pub struct SemiBatch {
    /// Examples whose class is known.
    pub labelled: Labelled,
    /// Examples whose class is not looked at, `[batch, features]`.
    pub unlabelled: Tensor<2>,
    /// Examples whose class was given them by a model, if there are any.
    pub augmented: Option<Weighted>,
}

/// What is done to pixel values each time an example is shown in training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binarise {
    /// Nothing: grey levels are expected bits.
    #[default]
    None,
    /// A pixel is 1 with probability equal to its grey level, drawn anew each time.
    Dynamic,
}

/// Batches of a split: every step's batch follows from its number and the seed alone.
///
/// The unlabelled pool is gone through in a new random order each epoch; the last examples of an order that
/// do not fill a batch wait for a later epoch. Labelled examples come in an endless sequence of random
/// orders of their own.
#[derive(Debug)]
pub struct Batches<'a> {
    examples: &'a Examples,
    split: &'a Split,
    classes: usize,
    size: usize,
    labelled_size: usize,
    binarise: Binarise,
    noise: Noise,
    order: Option<(u64, Vec<usize>)>,
    augmented: Option<Arc<AugmentedSet>>,
    resident: Option<Resident>,
    /// Each class by its number, `[classes, classes]`, beside resident examples.
    one_hot: Option<Tensor<2>>,
}

/// Examples with classes that a model gave them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AugmentedSet {
    /// Generated ones, if there are any; their labels are the classes that they were drawn for.
    pub generated: Option<Examples>,
    /// How much each of those counts, 1 on average.
    pub weights: Vec<f32>,
    /// Unlabelled ones by their row in the training data, with the class they were taken for. They count 1.
    pub pseudo: Vec<(usize, i64)>,
}

impl AugmentedSet {
    /// True without an example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.generated.is_none() && self.pseudo.is_empty()
    }
}

impl<'a> Batches<'a> {
    /// Batches of `size` unlabelled and `labelled_size` labelled examples (fewer where there are fewer).
    ///
    /// # Errors
    /// If a size is zero.
    pub fn new(
        examples: &'a Examples,
        split: &'a Split,
        classes: usize,
        [size, labelled_size]: [usize; 2],
        binarise: Binarise,
        noise: &Noise,
    ) -> Result<Self> {
        if size == 0 || labelled_size == 0 {
            return Err(Error::config("train.batch-size", 0, "a batch needs at least one example"));
        }
        Ok(Self {
            examples,
            split,
            classes,
            size: size.min(split.unlabelled.len()),
            labelled_size: labelled_size.min(split.labelled.len()),
            binarise,
            noise: noise.split("batches"),
            order: None,
            augmented: None,
            resident: None,
            one_hot: None,
        })
    }

    /// From here on, batches hold as many examples of this set as labelled ones; none without a set. Of a set with both, half
    /// are generated and half pseudo-labelled.
    pub fn augment(&mut self, set: Option<Arc<AugmentedSet>>) {
        self.augmented = set.filter(|set| !set.is_empty());
    }

    /// From here on, batches are made on the GPU that these examples are on, which are the same as its own: their row numbers are
    /// uploaded, and nothing else. Where pixels are drawn anew each time, that takes noise that is drawn there, too.
    #[must_use]
    pub fn from_resident(self, resident: Option<Resident>) -> Self {
        let draws_here =
            self.binarise == Binarise::Dynamic && self.noise.source() == NoiseSource::Host;
        let resident = resident.filter(|_| !draws_here);
        let every_class = 0..self.classes as i64;
        let one_hot = resident
            .as_ref()
            .map(|resident| one_hot(every_class, self.classes, &resident.device()));
        Self { resident, one_hot, ..self }
    }

    /// Steps in one pass over the unlabelled pool.
    pub fn steps_per_epoch(&self) -> u64 {
        (self.split.unlabelled.len() / self.size) as u64
    }

    /// The batch of one step.
    pub fn at(&mut self, step: u64, device: &Device) -> SemiBatch {
        let labelled = self.labelled_rows(step);
        let unlabelled = self.unlabelled_rows(step);
        let noise = self.noise.split("pixels").at(step);
        SemiBatch {
            labelled: Labelled {
                x: self.pixels(&labelled, &mut noise.split("labelled"), device),
                y: self.classes_of(&labelled, device),
            },
            unlabelled: self.pixels(&unlabelled, &mut noise.split("unlabelled"), device),
            augmented: self.augmented.as_ref().map(|set| self.weighted(set, step, device)),
        }
    }

    /// Examples of a set, drawn with replacement: which ones follows from the step alone.
    fn weighted(&self, set: &AugmentedSet, step: u64, device: &Device) -> Weighted {
        let size = self.labelled_size;
        let (mut values, mut labels) = (Vec::new(), Vec::with_capacity(size));
        let mut weights = Vec::with_capacity(size);
        let draws = self.noise.split("augmented").at(step).uniform(size);
        for (place, draw) in draws.into_iter().enumerate() {
            let pick = |count: usize| ((f64::from(draw) * count as f64) as usize).min(count - 1);
            match &set.generated {
                Some(generated) if place % 2 == 0 || set.pseudo.is_empty() => {
                    let row = pick(generated.len());
                    values.extend(generated.gather(&[row]));
                    labels.push(generated.labels[row]);
                    weights.push(set.weights[row]);
                }
                _ => {
                    let (row, label) = set.pseudo[pick(set.pseudo.len())];
                    values.extend(self.examples.gather(&[row]));
                    labels.push(label);
                    weights.push(1.0);
                }
            }
        }
        let x = TensorData::new(values, [size, self.examples.features()]);
        Weighted {
            examples: Labelled {
                x: Tensor::from_data(x, device),
                y: one_hot(labels.into_iter(), self.classes, device),
            },
            weight: Tensor::from_data(TensorData::new(weights, [size]), device),
        }
    }

    fn unlabelled_rows(&mut self, step: u64) -> Vec<usize> {
        let epoch = step / self.steps_per_epoch();
        let start = (step % self.steps_per_epoch()) as usize * self.size;
        if self.order.as_ref().is_none_or(|(known, _)| *known != epoch) {
            let order =
                self.noise.split("order").at(epoch).permutation(self.split.unlabelled.len());
            self.order = Some((epoch, order));
        }
        let order = self.order.as_ref().map_or(&[][..], |(_, order)| order);
        order[start..start + self.size].iter().map(|&i| self.split.unlabelled[i]).collect()
    }

    fn labelled_rows(&self, step: u64) -> Vec<usize> {
        let count = self.split.labelled.len() as u64;
        let noise = self.noise.split("labelled order");
        let first = step * self.labelled_size as u64;
        let mut rows = Vec::with_capacity(self.labelled_size);
        let mut order = (u64::MAX, Vec::new());
        for position in first..first + self.labelled_size as u64 {
            let (cycle, index) = (position / count, (position % count) as usize);
            if order.0 != cycle {
                order = (cycle, noise.at(cycle).permutation(count as usize));
            }
            rows.push(self.split.labelled[order.1[index]]);
        }
        rows
    }

    /// One-hot classes of labelled rows.
    fn classes_of(&self, rows: &[usize], device: &Device) -> Tensor<2> {
        let labels = rows.iter().map(|&row| self.examples.labels[row]);
        match &self.one_hot {
            Some(one_hot) => {
                let labels: Vec<usize> = labels.map(|label| label as usize).collect();
                one_hot.clone().select(0, numbers(&labels, device))
            }
            None => one_hot(labels, self.classes, device),
        }
    }

    fn pixels(&self, rows: &[usize], noise: &mut Noise, device: &Device) -> Tensor<2> {
        if let Some(resident) = &self.resident {
            let pixels = resident.rows(rows);
            return match self.binarise {
                Binarise::None => pixels,
                Binarise::Dynamic => {
                    let draws = noise.uniform_by_example(0, pixels.dims(), device);
                    draws.lower(pixels).float()
                }
            };
        }
        let mut values = self.examples.gather(rows);
        if self.binarise == Binarise::Dynamic {
            let draws = noise.uniform(values.len());
            for (value, draw) in values.iter_mut().zip(draws) {
                *value = f32::from(u8::from(draw < *value));
            }
        }
        let shape = [rows.len(), self.examples.features()];
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}

/// One-hot rows `[labels, classes]`; a row of zeros for -1.
pub fn one_hot(labels: impl Iterator<Item = i64>, classes: usize, device: &Device) -> Tensor<2> {
    let mut values = Vec::new();
    for label in labels {
        values.extend((0..classes as i64).map(|class| f32::from(u8::from(class == label))));
    }
    let shape = [values.len() / classes, classes];
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Values;

    fn fixture() -> (Examples, Split) {
        let examples = Examples {
            values: Values::F32((0..23).map(|i| i as f32).collect()),
            shape: vec![1],
            labels: (0..23).map(|i| i % 3).collect(),
        };
        let split =
            Split { labelled: vec![20, 21, 22], unlabelled: (0..20).collect(), validation: vec![] };
        (examples, split)
    }

    fn rows(batches: &mut Batches, step: u64) -> Vec<usize> {
        batches.unlabelled_rows(step)
    }

    #[test]
    fn an_epoch_shows_every_unlabelled_example_once() {
        let (examples, split) = fixture();
        let noise = Noise::new(0);
        let mut batches =
            Batches::new(&examples, &split, 3, [5, 2], Binarise::None, &noise).unwrap();
        assert_eq!(batches.steps_per_epoch(), 4);
        let mut seen: Vec<usize> = (0..4).flat_map(|step| rows(&mut batches, step)).collect();
        let second: Vec<usize> = (4..8).flat_map(|step| rows(&mut batches, step)).collect();
        assert_ne!(seen, second);
        seen.sort_unstable();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_follows_from_its_number_alone() {
        let (examples, split) = fixture();
        let noise = Noise::new(0);
        let new = || Batches::new(&examples, &split, 3, [5, 2], Binarise::Dynamic, &noise).unwrap();
        let (mut through, mut jump) = (new(), new());
        for step in 0..9 {
            rows(&mut through, step);
        }
        assert_eq!(rows(&mut through, 9), rows(&mut jump, 9));
        assert_eq!(through.labelled_rows(9), jump.labelled_rows(9));
    }

    #[test]
    fn labelled_examples_are_used_equally_often() {
        let (examples, split) = fixture();
        let batches =
            Batches::new(&examples, &split, 3, [5, 2], Binarise::None, &Noise::new(0)).unwrap();
        let mut counts = [0; 23];
        for row in (0..30).flat_map(|step| batches.labelled_rows(step)) {
            counts[row] += 1;
        }
        assert_eq!(counts[20..], [20, 20, 20]);
    }
}
