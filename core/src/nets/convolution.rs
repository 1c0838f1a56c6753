//! Convolutions from an image to features (review, section 3).

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor, activation};
use serde::{Deserialize, Serialize};

use super::batch_norm::BatchNorm;
use super::linear::{he, parameter};
use super::training::Training;
use crate::error::{Error, Result};
use crate::noise::Noise;

/// Sizes of convolutional networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convolution {
    /// Maps of the three convolutions; the transposed ones have them in reverse.
    pub maps: [usize; 3],
    /// Share of maps that training drops.
    pub dropout: f64,
}

impl Convolution {
    /// Height, width and channels of an image.
    ///
    /// # Errors
    /// If examples are no images, or the sizes are not ones that networks can have.
    pub fn image(&self, shape: &[usize]) -> Result<[usize; 3]> {
        if self.maps.contains(&0) {
            let found = format!("{:?}", self.maps);
            return Err(Error::config("model.convolution.maps", found, "a layer needs maps"));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            let rule = "a share from 0 to less than 1";
            return Err(Error::config("model.convolution.dropout", self.dropout, rule));
        }
        shape.try_into().map_err(|_| {
            let rule = format!("it convolves images, and an example here has the shape {shape:?}");
            Error::config("model.convolution", "{...}", rule)
        })
    }
}

/// How an image becomes smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shrink {
    /// Convolutions of stride 2, normalised: three halvings (q(z|x) in the review).
    Stride,
    /// The largest of two by two, after the first two convolutions (q(y|x) in the review).
    Pool,
}

impl Shrink {
    /// Height or width after each of three layers, the original one first.
    pub fn sizes(self, size: usize) -> [usize; 4] {
        let half = |size: usize| size.div_ceil(2);
        match self {
            Self::Stride => [size, half(size), half(half(size)), half(half(half(size)))],
            // Pooling drops a last odd row or column, unless it is the only one.
            Self::Pool => {
                let half = |size: usize| (size / 2).max(1);
                [size, half(size), half(half(size)), half(half(size))]
            }
        }
    }
}

/// Three convolutions, each with ReLU and dropout; rows of features come out.
#[derive(Module, Debug)]
pub struct ConvolutionalTrunk {
    convolutions: Vec<Conv2d>,
    norms: Vec<BatchNorm>,
    #[module(skip)]
    image: [usize; 3],
    #[module(skip)]
    dropout: f64,
}

impl ConvolutionalTrunk {
    /// Convolutions of images `[height, width, channels]`.
    pub fn new(
        config: &Convolution,
        image: [usize; 3],
        shrink: Shrink,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let mut channels = image[2];
        let convolutions = config.maps.map(|maps| {
            let convolution = convolution(channels, maps, shrink, noise, device);
            channels = maps;
            convolution
        });
        let norms = match shrink {
            Shrink::Stride => config.maps.iter().map(|&m| BatchNorm::new(m, device)).collect(),
            Shrink::Pool => Vec::new(),
        };
        Self { convolutions: convolutions.into(), norms, image, dropout: config.dropout }
    }

    /// Width of the rows that come out.
    pub fn features(config: &Convolution, [height, width, _]: [usize; 3], shrink: Shrink) -> usize {
        config.maps[2] * shrink.sizes(height)[3] * shrink.sizes(width)[3]
    }

    /// # Shapes
    /// - `x`: `[batch, height * width * channels]`
    /// - output: `[batch, features]`
    pub fn forward(&self, x: Tensor<2>, training: Option<&Training>) -> Tensor<2> {
        let layers = 0..self.convolutions.len();
        let maps = layers.fold(self.maps(x), |h, layer| {
            let h = self.convolutions[layer].forward(h);
            let h = match (self.norms.get(layer), training) {
                (Some(norm), Some(_)) => norm.by_batch(h),
                (Some(norm), None) => norm.by_measure(h),
                (None, _) => h,
            };
            let h = self.shrink(activation::relu(h), layer);
            match training {
                Some(training) => training.drop_maps(h, self.dropout, layer as u64),
                None => h,
            }
        });
        rows(maps)
    }

    /// Measures what evaluation normalises by on examples.
    pub fn measure(&mut self, x: Tensor<2>) {
        let mut h = self.maps(x);
        for layer in 0..self.norms.len() {
            h = self.convolutions[layer].forward(h);
            self.norms[layer].measure(h.clone());
            h = activation::relu(self.norms[layer].by_measure(h));
        }
    }

    /// Rows of pixels as maps, `[batch, channels, height, width]`.
    fn maps(&self, x: Tensor<2>) -> Tensor<4> {
        let ([batch, _], [height, width, channels]) = (x.dims(), self.image);
        x.reshape([batch, height, width, channels]).permute([0, 3, 1, 2])
    }

    fn shrink(&self, h: Tensor<4>, layer: usize) -> Tensor<4> {
        let [_, _, height, width] = h.dims();
        if !self.norms.is_empty() || layer == 2 {
            return h;
        }
        // One row or one column cannot be halved.
        let window = [height.min(2), width.min(2)];
        max_pool2d(h, MaxPoolOptions::new(window).with_stride(window))
    }
}

fn convolution(
    inputs: usize,
    maps: usize,
    shrink: Shrink,
    noise: &mut Noise,
    device: &Device,
) -> Conv2d {
    let step = if shrink == Shrink::Stride { 2 } else { 1 };
    Conv2d {
        weight: he([maps, inputs, 3, 3], 9 * inputs, noise, device),
        bias: Some(parameter(vec![0.0; maps], [maps], device)),
        stride: [step; 2],
        kernel_size: [3; 2],
        dilation: [1; 2],
        groups: 1,
        padding: PaddingConfig2d::Explicit(1, 1, 1, 1),
    }
}

fn rows(maps: Tensor<4>) -> Tensor<2> {
    let [batch, count, height, width] = maps.dims();
    maps.reshape([batch, count * height * width])
}
