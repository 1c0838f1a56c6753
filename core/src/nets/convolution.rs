//! Three convolutions from an image to features (review, section 3).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::Activation;
use super::batch_norm::BatchNorm;
use super::maps::{MapLayer, flattened, pictured};
use super::training::Training;
use crate::error::{Error, Result};
use crate::noise::Noise;
use gleaner_kernels::pool::pool;
use gleaner_kernels::window::Window;

/// Three convolutions and their transposes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlainConvolution {
    /// Maps of the three convolutions; the transposed ones have them in reverse.
    pub maps: [usize; 3],
    /// Share of maps that training drops.
    pub dropout: f64,
}

impl PlainConvolution {
    pub(super) fn check(&self) -> Result<()> {
        at_least_one_map("model.convolution.maps", &self.maps)?;
        if !(0.0..1.0).contains(&self.dropout) {
            let rule = "it must be at least 0 and below 1";
            return Err(Error::config("model.convolution.dropout", self.dropout, rule));
        }
        Ok(())
    }
}

/// Maps of a layer at most. The papers have 512; two layers of so many are 38 GB of weights.
pub(super) const MOST_MAPS: usize = 1 << 15;

/// No layer is without maps, and none has more than a machine can hold.
pub(super) fn at_least_one_map(field: &'static str, maps: &[usize]) -> Result<()> {
    if maps.contains(&0) {
        let rule = "every layer needs at least one map";
        return Err(Error::config(field, format!("{maps:?}"), rule));
    }
    match maps.iter().find(|&&maps| maps > MOST_MAPS) {
        Some(maps) => {
            Err(Error::config(field, maps, format!("a layer has at most {MOST_MAPS} maps")))
        }
        None => Ok(()),
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
    convolutions: Vec<MapLayer>,
    norms: Vec<BatchNorm>,
    #[module(skip)]
    image: [usize; 3],
    #[module(skip)]
    dropout: f64,
}

impl ConvolutionalTrunk {
    /// Convolutions of images `[height, width, channels]`.
    pub fn new(
        config: &PlainConvolution,
        image: [usize; 3],
        shrink: Shrink,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let mut channels = image[2];
        let stride = if shrink == Shrink::Stride { 2 } else { 1 };
        let window = Window { kernel: [3; 2], stride, border: 1 };
        let convolutions = config.maps.map(|maps| {
            let convolution = MapLayer::narrowing([channels, maps], window, noise, device);
            channels = maps;
            convolution
        });
        let norms = match shrink {
            Shrink::Stride => {
                config.maps.iter().map(|&maps| BatchNorm::new(maps, 0.0, device)).collect()
            }
            Shrink::Pool => Vec::new(),
        };
        Self { convolutions: convolutions.into(), norms, image, dropout: config.dropout }
    }

    /// Width of the rows that come out.
    pub fn features(
        config: &PlainConvolution,
        [height, width, _]: [usize; 3],
        shrink: Shrink,
    ) -> usize {
        config.maps[2] * shrink.sizes(height)[3] * shrink.sizes(width)[3]
    }

    /// # Shapes
    /// - `x`: `[batch, height * width * channels]`
    /// - output: `[batch, features]`
    pub fn forward(&self, x: Tensor<2>, training: Option<&Training>) -> Tensor<2> {
        let layers = self.convolutions.iter().enumerate();
        let maps = layers.fold(pictured(x, self.image), |h, (layer, convolution)| {
            let h = match self.norms.get(layer) {
                Some(norm) => {
                    norm.forward(convolution.forward(h, None), Training::statistics(training))
                }
                None => convolution.forward(h, Some(Activation::Relu)),
            };
            let h = if self.norms.is_empty() && layer < 2 { pool(h) } else { h };
            match training {
                Some(training) => training.drop_maps(h, self.dropout, layer as u64),
                None => h,
            }
        });
        flattened(maps)
    }

    /// Measures what evaluation normalises by on examples, `[batch, features]`.
    pub fn measure(&mut self, x: Tensor<2>) {
        let layers = self.convolutions.iter().zip(&mut self.norms);
        layers.fold(pictured(x, self.image), |h, (convolution, norm)| {
            norm.measure(convolution.forward(h, None))
        });
    }
}
