//! The first layer of a network of a vector and a class, split by input.
//!
//! A layer over the concatenation `[v; y]` with one-hot `y` is `W_v v + W_y e_y` (E4). Split, the costly
//! product `W_v v` is taken once per example, and enumerating `K` classes only adds `K` columns.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor};

use super::Activation;
use super::activate::{Rows, activate};
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
    /// One class per row, `[rows]`.
    Picked(Tensor<1, Int>),
    /// Several classes for each of `[batch, inputs]` rows, which they share: `[groups * batch]`.
    PickedShared(Tensor<1, Int>),
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

    /// The layer and its nonlinearity.
    ///
    /// # Shapes
    /// - `v`: `[batch, inputs]`, or `[classes * batch, inputs]` for [`Classes::EveryInTurn`]
    /// - output: `[rows, outputs]`, the rows as [`Classes`] has them
    pub fn forward(&self, v: Tensor<2>, y: Classes, activation: Activation) -> Tensor<2> {
        let product = v.matmul(self.features.weight.val());
        let by_class = self.classes.val();
        let bias = self.features.bias.as_ref().map(|bias| bias.val().unsqueeze::<2>());
        let every_class = |rows| {
            let bias = bias.clone().map_or(by_class.clone(), |bias| by_class.clone() + bias);
            activate(product.clone(), bias, Some(activation), rows)
        };
        let [batch, units] = product.dims();
        let sum = match y {
            Classes::EveryShared => return every_class(Rows::Shared),
            Classes::EveryInTurn => return every_class(Rows::Own),
            Classes::Given(y) => product + y.matmul(by_class),
            Classes::Picked(classes) => product + by_class.select(0, classes),
            Classes::PickedShared(classes) => {
                let [rows] = classes.dims();
                let picked = by_class.select(0, classes).reshape([rows / batch, batch, units]);
                (picked + product.unsqueeze::<3>()).reshape([rows, units])
            }
        };
        match bias {
            Some(bias) => activate(sum, bias, Some(activation), Rows::Own),
            None => activation.forward(sum),
        }
    }
}
