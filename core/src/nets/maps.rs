//! Layers from maps to maps, and pictures as maps.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::Activation;
use super::linear::{constant, he};
use crate::noise::Noise;
use gleaner_kernels::activate::{Rows, activate};
use gleaner_kernels::convolve::{Direction, convolve};
use gleaner_kernels::rows::abreast;
use gleaner_kernels::window::Window;

/// A convolution or a transposed one, with a bias or without.
#[derive(Module, Debug)]
pub struct MapLayer {
    /// `[maps, channels, ...]`, of a transposed convolution `[channels, maps, ...]`.
    pub weight: Param<Tensor<4>>,
    /// `[maps]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    window: Window,
    #[module(skip)]
    direction: Direction,
}

impl MapLayer {
    /// A convolution of `channels` to `maps`.
    pub fn narrowing(
        [channels, maps]: [usize; 2],
        window: Window,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let [height, width] = window.kernel;
        let weight = he([maps, channels, height, width], channels * height * width, noise, device);
        Self { weight, bias: None, window, direction: Direction::Narrowing }.biased(maps, device)
    }

    /// A transposed convolution of `channels` to `maps`.
    pub fn widening(
        [channels, maps]: [usize; 2],
        window: Window,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let [height, width] = window.kernel;
        // Of the kernel's cells, as many reach one pixel as there are steps in it.
        let reaching = channels * height * width / (window.stride * window.stride);
        let weight = he([channels, maps, height, width], reaching.max(1), noise, device);
        Self { weight, bias: None, window, direction: Direction::Widening }.biased(maps, device)
    }

    fn biased(self, maps: usize, device: &Device) -> Self {
        Self { bias: Some(constant(0.0, maps, device)), ..self }
    }

    /// The same without a bias, for a layer whose output is normalised.
    #[must_use]
    pub fn unbiased(self) -> Self {
        Self { bias: None, ..self }
    }

    /// # Shapes
    /// - `x`: `[batch, height, width, channels]`
    /// - output: `[batch, new height, new width, maps]`
    pub fn forward(&self, x: Tensor<4>, activation: Option<Activation>) -> Tensor<4> {
        let product = convolve(x, self.weight.val(), self.window, self.direction);
        let shape @ [batch, height, width, maps] = product.dims();
        match (&self.bias, activation) {
            (Some(bias), activation) => {
                let cells = batch * height * width;
                let side_by_side = abreast(cells, maps);
                let rows = product.reshape([cells / side_by_side, maps * side_by_side]);
                let bias = bias.val().repeat_dim(0, side_by_side).unsqueeze();
                activate(rows, bias, activation, Rows::Own).reshape(shape)
            }
            (None, Some(activation)) => activation.forward(product),
            (None, None) => product,
        }
    }
}

/// Rows of pixels, channels last, as maps: `[batch, height, width, channels]`.
pub fn pictured(x: Tensor<2>, [height, width, channels]: [usize; 3]) -> Tensor<4> {
    let [batch, _] = x.dims();
    x.reshape([batch, height, width, channels])
}

/// Maps as rows, one map after the other: `[batch, maps * height * width]`.
pub fn flattened(x: Tensor<4>) -> Tensor<2> {
    let [batch, height, width, maps] = x.dims();
    x.permute([0, 3, 1, 2]).reshape([batch, maps * height * width])
}

/// The opposite of [`flattened`]: `[batch, height, width, maps]`.
pub fn unflattened(rows: Tensor<2>, [maps, height, width]: [usize; 3]) -> Tensor<4> {
    let [batch, _] = rows.dims();
    rows.reshape([batch, maps, height, width]).permute([0, 2, 3, 1])
}
