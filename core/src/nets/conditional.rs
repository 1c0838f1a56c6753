//! The first layer of a network of a vector and a class, split by input.
//!
//! A layer over the concatenation `[v; y]` with one-hot `y` is `W_v v + W_y e_y` (E4). Split, the costly
//! product `W_v v` is taken once per example, and enumerating `K` classes only adds `K` columns.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::linear::{glorot, glorot_linear};
use crate::noise::Noise;

/// Which class goes with which row. Enumerations are class-major: row `k * batch + i` is example `i` with
/// class `k`.
#[derive(Clone, Debug)]
pub enum Classes {
    /// One class per row, `[batch, classes]`, one-hot.
    Given(Tensor<2>),
    /// Every class for each of `[batch, inputs]` rows, which the classes share.
    EveryShared,
    /// Every class for `[classes * batch, inputs]` rows that already come class by class.
    EveryInTurn,
}

/// The split layer `v -> W_v v + b + W_y e_y`.
#[derive(Module, Debug)]
pub struct ConditionalLinear {
    /// `W_v` and `b`.
    pub features: Linear,
    /// `W_y`, one row per class: `[classes, outputs]`.
    pub classes: Param<Tensor<2>>,
}

impl ConditionalLinear {
    /// A layer with Glorot weights, the fan-in counting the classes too.
    pub fn new(
        inputs: usize,
        classes: usize,
        outputs: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        Self {
            features: glorot_linear(inputs, outputs, noise, device),
            classes: glorot(classes, inputs + classes + outputs, outputs, noise, device),
        }
    }

    /// # Shapes
    /// - `v`: `[batch, inputs]`, or `[classes * batch, inputs]` for [`Classes::EveryInTurn`]
    /// - output: `[batch, outputs]` for [`Classes::Given`], else `[classes * batch, outputs]`
    pub fn forward(&self, v: Tensor<2>, y: Classes) -> Tensor<2> {
        let h = self.features.forward(v);
        let [rows, outputs] = h.dims();
        let [classes, _] = self.classes.dims();
        match y {
            Classes::Given(y) => h + y.matmul(self.classes.val()),
            Classes::EveryShared => self.add_every_class(h.unsqueeze::<3>()),
            Classes::EveryInTurn => {
                self.add_every_class(h.reshape([classes, rows / classes, outputs]))
            }
        }
    }

    fn add_every_class(&self, h: Tensor<3>) -> Tensor<2> {
        let [_, batch, outputs] = h.dims();
        let [classes, _] = self.classes.dims();
        let sum = h + self.classes.val().unsqueeze_dim::<3>(1);
        sum.reshape([classes * batch, outputs])
    }
}
