//! A batch in parts that are worked on side by side.

use std::ops::Range;

use burn::tensor::{Device, Tensor};

use super::{Labelled, SemiBatch, Weighted};

/// Some of the examples of a batch, and what they must know of the others: a mean over the batch is a sum
/// over each part divided by [`Part::of`], and the noise of an example follows from its place in the batch.
/// So the parts' contributions add up to the same numbers, but for rounding, into however many a batch is
/// split.
#[derive(Clone, Debug)]
pub struct Part {
    /// The examples.
    pub batch: SemiBatch,
    /// Places of the first labelled, unlabelled and augmented example in the whole batch.
    pub first: [usize; 3],
    /// Labelled, unlabelled and augmented examples in the whole batch.
    pub of: [usize; 3],
    /// A chain for each unlabelled example, `[rows, dimensions]`, without autodiff, for an objective that keeps some.
    pub chains: Option<Tensor<2>>,
}

impl Part {
    /// The whole batch as its only part.
    pub fn whole(batch: SemiBatch) -> Self {
        let of = sizes(&batch);
        Self { batch, first: [0, 0, 0], of, chains: None }
    }

    /// `count` parts of nearly equal size, in order; fewer where examples are too few. The parts are
    /// constants on the autodiff twin of the batch's device, and share no history: a tape of one never
    /// meets a tape of another.
    pub fn split(batch: &SemiBatch, count: usize) -> Vec<Self> {
        let of = sizes(batch);
        let fewest = of.into_iter().filter(|&size| size > 0).min().unwrap_or(0);
        let count = count.min(fewest).max(1);
        let bounds = |index: usize| of.map(|size| size * index / count);
        let part = |index| {
            let (first, end) = (bounds(index), bounds(index + 1));
            let [l, u, a] = [0, 1, 2].map(|half| first[half]..end[half]);
            let shared = |tensor: &Tensor<2>, of_part: &Range<usize>| match count {
                1 => constant(tensor.clone()),
                _ => constant(tensor.clone().slice_dim(0, of_part.clone())),
            };
            let labelled = |examples: &Labelled, of_part: &Range<usize>| Labelled {
                x: shared(&examples.x, of_part),
                y: shared(&examples.y, of_part),
            };
            let augmented =
                batch.augmented.as_ref().map(|Weighted { examples, weight }| Weighted {
                    examples: labelled(examples, &a),
                    weight: constant(weight.clone().slice_dim(0, a.clone())),
                });
            let batch = SemiBatch {
                labelled: labelled(&batch.labelled, &l),
                unlabelled: shared(&batch.unlabelled, &u),
                augmented,
            };
            Self { batch, first, of, chains: None }
        };
        (0..count).map(part).collect()
    }

    /// The same parts with the batch's chains, `[unlabelled, dimensions]`, shared out.
    pub fn with_chains(parts: Vec<Self>, chains: Option<&Tensor<2>>) -> Vec<Self> {
        let share = |part: Self| {
            let [rows, _] = part.batch.unlabelled.dims();
            let of_part = part.first[1]..part.first[1] + rows;
            Self { chains: chains.map(|chains| chains.clone().slice_dim(0, of_part)), ..part }
        };
        parts.into_iter().map(share).collect()
    }

    /// The same part, whose batch is of constants, on another device: to be worked on there, on its autodiff twin.
    #[must_use]
    pub fn moved_to(self, device: &Device) -> Self {
        fn there<const D: usize>(tensor: Tensor<D>, device: &Device) -> Tensor<D> {
            Tensor::from_inner(tensor.inner().to_device(device))
        }
        let labelled = |Labelled { x, y }| Labelled { x: there(x, device), y: there(y, device) };
        let weighted = |Weighted { examples, weight }| Weighted {
            examples: labelled(examples),
            weight: there(weight, device),
        };
        let batch = SemiBatch {
            labelled: labelled(self.batch.labelled),
            unlabelled: there(self.batch.unlabelled, device),
            augmented: self.batch.augmented.map(weighted),
        };
        Self { batch, chains: self.chains.map(|chains| chains.to_device(device)), ..self }
    }

    /// `Σ values / n` over labelled examples, `[1]`, `n` those of the whole batch: this part's share of a mean of
    /// `values` `[labelled]`.
    pub fn labelled_mean(&self, values: Tensor<1>) -> Tensor<1> {
        share_of_mean(values, self.of[0])
    }

    /// The same over augmented examples, `[augmented]` to `[1]`.
    pub fn augmented_mean(&self, values: Tensor<1>) -> Tensor<1> {
        share_of_mean(values, self.of[2])
    }

    /// The same over unlabelled examples, `[unlabelled]` to `[1]`.
    pub fn unlabelled_mean(&self, values: Tensor<1>) -> Tensor<1> {
        share_of_mean(values, self.of[1])
    }
}

fn share_of_mean(values: Tensor<1>, of: usize) -> Tensor<1> {
    #[cfg(feature = "cube")]
    if gleaner_kernels::gpu::is_gpu(&values.device()) {
        return gleaner_kernels::gpu::share_of_mean(values, of);
    }
    values.sum() / of as f64
}

fn sizes(batch: &SemiBatch) -> [usize; 3] {
    let ([labelled, _], [unlabelled, _]) = (batch.labelled.x.dims(), batch.unlabelled.dims());
    let augmented = batch.augmented.as_ref().map_or(0, |augmented| augmented.weight.dims()[0]);
    [labelled, unlabelled, augmented]
}

/// A tensor as a constant on the autodiff twin of its device, without history.
fn constant<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    let plain = if tensor.device().is_autodiff() { tensor.inner() } else { tensor };
    Tensor::from_inner(plain)
}
