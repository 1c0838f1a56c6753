//! Dropout and batch statistics: what networks do in training only.

use burn::tensor::Tensor;

use super::batch_norm::Statistics;
use crate::noise::Noise;

/// The randomness that networks themselves have in training.
#[derive(Clone, Debug)]
pub struct Training {
    /// The root of their streams.
    pub noise: Noise,
    /// Place in its batch of the first example.
    pub first: usize,
}

impl Training {
    /// What networks normalise by, in training or, without it, in evaluation.
    pub fn statistics(training: Option<&Self>) -> Statistics {
        match training {
            Some(_) => Statistics::Batch,
            None => Statistics::Measured,
        }
    }

    /// Dropout (Srivastava et al. 2014) of whole maps (Tompson et al. 2015): each is zero with probability
    /// `rate`, else larger by as much as makes the mean the same. `layer` tells the layers of a network apart.
    ///
    /// # Shapes
    /// - `x`, output: `[batch, height, width, maps]`
    pub fn drop_maps(&self, x: Tensor<4>, rate: f64, layer: u64) -> Tensor<4> {
        if rate == 0.0 {
            return x;
        }
        let ([batch, _, _, maps], noise) = (x.dims(), self.noise.split("dropout").at(layer));
        let uniform = noise.uniform_by_example(self.first, [batch, maps], &x.device());
        let kept = uniform.greater_equal_elem(rate).float() / (1.0 - rate);
        x * kept.reshape([batch, 1, 1, maps])
    }
}
