//! Batch normalisation of feature maps (Ioffe and Szegedy 2015).
//!
//! In training the statistics are those of the part of a batch that is worked on, so results depend on the
//! number of parts (Hoffer et al. 2017 recommend small ones). For evaluation they are measured, layer by layer,
//! on training examples with the weights as they are then (Wu and Johnson 2021, "precise" statistics): a step
//! stays a function of state and batch, and no average lags behind the weights.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::linear::constant;
use gleaner_kernels::normalise::{EPSILON, normalise, scaled, statistics};

/// One scale and one shift for each map, and the nonlinearity that follows.
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
    #[module(skip)]
    leak: f32,
}

/// Where a normalisation takes its statistics from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// From the maps themselves, as in training.
    Batch,
    /// From what was measured before, as in evaluation.
    Measured,
}

impl BatchNorm {
    /// Leaves maps of mean 0 and variance 1 as they are, but for what follows: of negative values, `leak` is
    /// left.
    pub fn new(maps: usize, leak: f32, device: &Device) -> Self {
        let all = |value: f32| constant(value, maps, device);
        Self { scale: all(1.0), shift: all(0.0), mean: all(0.0), variance: all(1.0), leak }
    }

    /// Normalises.
    ///
    /// # Shapes
    /// - `x`, output: `[batch, height, width, maps]`
    pub fn forward(&self, x: Tensor<4>, by: Statistics) -> Tensor<4> {
        let (shape, x) = (x.dims(), rows(x));
        let normal = match by {
            Statistics::Batch => normalise(x, self.scale.val(), self.shift.val(), self.leak),
            Statistics::Measured => {
                let factor = self.scale.val() / (self.variance.val() + EPSILON).sqrt();
                let offset = self.shift.val() - self.mean.val() * factor.clone();
                scaled(x, factor, offset, self.leak)
            }
        };
        normal.reshape(shape)
    }

    /// Takes the statistics of `x` `[batch, height, width, maps]` for evaluation and normalises by them.
    pub fn measure(&mut self, x: Tensor<4>) -> Tensor<4> {
        let [mean, variance] = statistics(rows(x.clone()));
        self.mean = self.mean.clone().map(|_| mean);
        self.variance = self.variance.clone().map(|_| variance);
        self.forward(x, Statistics::Measured)
    }
}

/// Every cell of every image as a row, `[cells, maps]`.
fn rows(x: Tensor<4>) -> Tensor<2> {
    let [batch, height, width, maps] = x.dims();
    x.reshape([batch * height * width, maps])
}
