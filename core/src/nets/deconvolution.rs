//! Transposed convolutions from features to an image (review, section 3).

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::ConvTranspose2d;
use burn::tensor::{Device, Tensor, activation};

use super::Activation;
use super::convolution::{Convolution, Shrink};
use super::linear::{dense, glorot_linear, he, parameter};
use crate::noise::Noise;

/// A fully connected layer and four transposed convolutions: three that double height and width, undoing
/// [`Shrink::Stride`], and one that makes channels of maps.
#[derive(Module, Debug)]
pub struct Deconvolution {
    input: Linear,
    layers: Vec<ConvTranspose2d>,
    #[module(skip)]
    start: [usize; 3],
}

impl Deconvolution {
    /// From rows of `inputs` to images `[height, width, channels]`.
    pub fn new(
        inputs: usize,
        config: &Convolution,
        [height, width, channels]: [usize; 3],
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let [first, second, third] = config.maps;
        let (heights, widths) = (Shrink::Stride.sizes(height), Shrink::Stride.sizes(width));
        let start = [third, heights[3], widths[3]];
        let input = glorot_linear(inputs, start.iter().product(), noise, device);
        let mut doubling = |from: usize, to: usize, level: usize| {
            // Kernel 4 makes 2n of n, kernel 3 makes 2n - 1.
            let kernel =
                [heights, widths].map(|s| if s[level] == 2 * s[level + 1] { 4 } else { 3 });
            transposed([from, to], kernel, 2, noise, device)
        };
        let mut layers =
            vec![doubling(third, second, 2), doubling(second, first, 1), doubling(first, first, 0)];
        layers.push(transposed([first, channels], [3, 3], 1, noise, device));
        Self { input, layers, start }
    }

    /// # Shapes
    /// - `h`: `[rows, inputs]`
    /// - output: `[rows, height * width * channels]`
    pub fn forward(&self, h: Tensor<2>) -> Tensor<2> {
        let ([rows, _], [maps, height, width]) = (h.dims(), self.start);
        let h = dense(&self.input, h, Some(Activation::Relu));
        let mut h = h.reshape([rows, maps, height, width]);
        let last = self.layers.len() - 1;
        for (number, layer) in self.layers.iter().enumerate() {
            h = layer.forward(h);
            if number < last {
                h = activation::relu(h);
            }
        }
        let [_, channels, height, width] = h.dims();
        h.permute([0, 2, 3, 1]).reshape([rows, height * width * channels])
    }
}

fn transposed(
    channels: [usize; 2],
    kernel_size: [usize; 2],
    stride: usize,
    noise: &mut Noise,
    device: &Device,
) -> ConvTranspose2d {
    let [from, to] = channels;
    let [height, width] = kernel_size;
    // Of the kernel's cells, as many reach one pixel as there are steps in it.
    let reaching = from * height * width / (stride * stride);
    ConvTranspose2d {
        weight: he([from, to, height, width], reaching.max(1), noise, device),
        bias: Some(parameter(vec![0.0; to], [to], device)),
        stride: [stride; 2],
        kernel_size,
        dilation: [1; 2],
        groups: 1,
        padding: [1; 2],
        padding_out: [0; 2],
        channels,
    }
}
