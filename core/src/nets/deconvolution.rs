//! Transposed convolutions from features to an image (review, section 3; Radford et al. 2016).

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::Activation;
use super::image::Convolution;
use super::linear::{dense, glorot_linear};
use super::maps::{MapLayer, unflattened};
use crate::noise::Noise;
use gleaner_kernels::window::Window;

/// A fully connected layer to a small image, and transposed convolutions that double height and width until they are
/// those of the image.
#[derive(Module, Debug)]
pub struct Deconvolution {
    input: Linear,
    layers: Vec<MapLayer>,
    #[module(skip)]
    start: [usize; 3],
    #[module(skip)]
    activation: Activation,
}

impl Deconvolution {
    /// From rows of `inputs` to images `[height, width, channels]`.
    ///
    /// Plain ones undo [`Shrink::Stride`](super::Shrink::Stride) in three layers and make channels of maps in a fourth;
    /// those of a generator make them in the last doubling, with leaky ReLU of 0.2 and no normalisation
    /// (Pang et al. 2021).
    pub fn new(
        inputs: usize,
        config: &Convolution,
        [height, width, channels]: [usize; 3],
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let (start, doublings, activation) = match config {
            Convolution::Plain(config) => {
                let [first, second, third] = config.maps;
                (third, vec![second, first, first], Activation::Relu)
            }
            Convolution::WideResnet(config) => {
                let doublings = config.generator.iter().skip(1).chain([&channels]).copied();
                (config.generator[0], doublings.collect(), Activation::LeakyRelu)
            }
        };
        let [heights, widths] = [height, width].map(|size| halved(size, doublings.len()));
        let level = doublings.len();
        let start = [start, heights[level], widths[level]];
        let input = glorot_linear(inputs, start.iter().product(), noise, device);
        let mut from = start[0];
        let mut layers = Vec::new();
        for (to, level) in doublings.into_iter().zip((0..level).rev()) {
            // Kernel 4 makes 2n of n, kernel 3 makes 2n - 1.
            let kernel =
                [&heights, &widths].map(|s| if s[level] == 2 * s[level + 1] { 4 } else { 3 });
            let window = Window { kernel, stride: 2, border: 1 };
            layers.push(MapLayer::widening([from, to], window, noise, device));
            from = to;
        }
        if let Convolution::Plain(_) = config {
            let window = Window { kernel: [3; 2], stride: 1, border: 1 };
            layers.push(MapLayer::widening([from, channels], window, noise, device));
        }
        Self { input, layers, start, activation }
    }

    /// # Shapes
    /// - `h`: `[rows, inputs]`
    /// - output: `[rows, height * width * channels]`
    pub fn forward(&self, h: Tensor<2>) -> Tensor<2> {
        let h = unflattened(dense(&self.input, h, Some(self.activation)), self.start);
        let last = self.layers.len() - 1;
        let image = self.layers.iter().enumerate().fold(h, |h, (number, layer)| {
            layer.forward(h, (number < last).then_some(self.activation))
        });
        let [rows, height, width, channels] = image.dims();
        image.reshape([rows, height * width * channels])
    }
}

/// A size, and what is left after each of some halvings, rounded up.
fn halved(size: usize, times: usize) -> Vec<usize> {
    std::iter::successors(Some(size), |size| Some(size.div_ceil(2))).take(times + 1).collect()
}
