//! Batch normalisation of feature maps (Ioffe and Szegedy 2015).
//!
//! In training the statistics are those of the part of a batch that is worked on, so results depend on the
//! number of parts (Hoffer et al. 2017 recommend small ones). For evaluation they are measured, layer by layer,
//! on training examples with the weights as they are then (Wu and Johnson 2021, "precise" statistics): a step
//! stays a function of state and batch, and no average lags behind the weights.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::linear::parameter;

/// Added to a variance.
const EPSILON: f64 = 1e-5;

/// One scale and one shift for each map.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// `[maps]`.
    pub scale: Param<Tensor<1>>,
    /// `[maps]`.
    pub shift: Param<Tensor<1>>,
    /// Means for evaluation, `[maps]`; no gradient reaches them.
    pub mean: Param<Tensor<1>>,
    /// Variances for evaluation, `[maps]`; no gradient reaches them.
    pub variance: Param<Tensor<1>>,
}

impl BatchNorm {
    /// Leaves maps of mean 0 and variance 1 as they are.
    pub fn new(maps: usize, device: &Device) -> Self {
        let all = |value: f32| parameter(vec![value; maps], [maps], device);
        Self { scale: all(1.0), shift: all(0.0), mean: all(0.0), variance: all(1.0) }
    }

    /// Normalises by the statistics of `x` itself, as in training.
    ///
    /// # Shapes
    /// - `x`, output: `[batch, maps, height, width]`
    pub fn by_batch(&self, x: Tensor<4>) -> Tensor<4> {
        let [mean, variance] = statistics(x.clone());
        self.normalise(x, mean, variance)
    }

    /// Normalises by the statistics measured before, as in evaluation.
    pub fn by_measure(&self, x: Tensor<4>) -> Tensor<4> {
        self.normalise(x, self.mean.val(), self.variance.val())
    }

    /// Takes the statistics of `x` for evaluation.
    pub fn measure(&mut self, x: Tensor<4>) {
        let [mean, variance] = statistics(x);
        self.mean = self.mean.clone().map(|_| mean);
        self.variance = self.variance.clone().map(|_| variance);
    }

    fn normalise(&self, x: Tensor<4>, mean: Tensor<1>, variance: Tensor<1>) -> Tensor<4> {
        let factor = self.scale.val() / (variance + EPSILON).sqrt();
        let offset = self.shift.val() - mean * factor.clone();
        x * by_map(factor) + by_map(offset)
    }
}

/// Mean and variance of each map, `[maps]`.
fn statistics(x: Tensor<4>) -> [Tensor<1>; 2] {
    let [batch, maps, height, width] = x.dims();
    let rows = x.permute([1, 0, 2, 3]).reshape([maps, batch * height * width]);
    let mean = rows.clone().mean_dim(1);
    let variance = (rows - mean.clone()).square().mean_dim(1);
    [mean.reshape([maps]), variance.reshape([maps])]
}

fn by_map(values: Tensor<1>) -> Tensor<4> {
    let [maps] = values.dims();
    values.reshape([1, maps, 1, 1])
}
