//! A batch in parts that are worked on side by side.

use burn::tensor::Tensor;

use super::{Labelled, SemiBatch};

/// Some of the examples of a batch, and what they must know of the others: a mean over the batch is a sum
/// over each part divided by [`Part::of`], and the noise of an example follows from its place in the batch.
/// So the parts' contributions add up to the same numbers, but for rounding, into however many a batch is
/// split.
#[derive(Clone, Debug)]
pub struct Part {
    /// The examples.
    pub batch: SemiBatch,
    /// Places of the first labelled and of the first unlabelled example in the whole batch.
    pub first: [usize; 2],
    /// Labelled and unlabelled examples in the whole batch.
    pub of: [usize; 2],
    /// A chain for each unlabelled example, `[rows, dimensions]`, without autodiff, for an objective that keeps some.
    pub chains: Option<Tensor<2>>,
}

impl Part {
    /// The whole batch as its only part.
    pub fn whole(batch: SemiBatch) -> Self {
        let of = sizes(&batch);
        Self { batch, first: [0, 0], of, chains: None }
    }

    /// `count` parts of nearly equal size, in order; fewer where examples are too few. The parts are
    /// constants on the autodiff twin of the batch's device, and share no history: a tape of one never
    /// meets a tape of another.
    pub fn split(batch: &SemiBatch, count: usize) -> Vec<Self> {
        let of = sizes(batch);
        let count = count.min(of[0]).min(of[1]).max(1);
        let bounds = |index: usize| of.map(|size| size * index / count);
        let rows = |tensor: &Tensor<2>, from: usize, to: usize| {
            let plain = match tensor.device().is_autodiff() {
                true => tensor.clone().inner(),
                false => tensor.clone(),
            };
            Tensor::from_inner(if count == 1 { plain } else { plain.slice_dim(0, from..to) })
        };
        let part = |index| {
            let ([l, u], [l_end, u_end]) = (bounds(index), bounds(index + 1));
            let labelled = Labelled {
                x: rows(&batch.labelled.x, l, l_end),
                y: rows(&batch.labelled.y, l, l_end),
            };
            let batch = SemiBatch { labelled, unlabelled: rows(&batch.unlabelled, u, u_end) };
            Self { batch, first: [l, u], of, chains: None }
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

    /// `Σ values / n` over labelled examples, `n` those of the whole batch: this part's share of a mean.
    pub fn labelled_mean(&self, values: Tensor<1>) -> Tensor<1> {
        values.sum() / self.of[0] as f64
    }

    /// The same over unlabelled examples.
    pub fn unlabelled_mean(&self, values: Tensor<1>) -> Tensor<1> {
        values.sum() / self.of[1] as f64
    }
}

fn sizes(batch: &SemiBatch) -> [usize; 2] {
    let ([labelled, _], [unlabelled, _]) = (batch.labelled.x.dims(), batch.unlabelled.dims());
    [labelled, unlabelled]
}
