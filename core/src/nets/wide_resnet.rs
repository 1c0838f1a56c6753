//! Wide residual network (Zagoruyko and Komodakis 2016) from an image to features, as works on semi-supervised
//! learning have it (Oliver et al. 2018, appendix A): normalisation and leaky ReLU before each convolution, no
//! dropout.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::batch_norm::{BatchNorm, Statistics};
use super::convolution::{MOST_MAPS, at_least_one_map};
use super::maps::{MapLayer, pictured};
use super::training::Training;
use crate::error::{Error, Result};
use crate::noise::Noise;
use gleaner_kernels::window::Window;

/// What is left of negative values (Oliver et al. 2018, appendix A).
const LEAK: f32 = 0.1;

/// Maps of the first convolution; those of the three groups are 1, 2 and 4 times as many, times the width.
const MAPS: usize = 16;

/// Strides of the three groups.
const STRIDES: [usize; 3] = [1, 2, 2];

/// Layers at most: what the deepest published ones have.
const MOST_DEPTH: usize = 1000;

/// Doublings of a generator at most: the largest image is no larger.
const MOST_DOUBLINGS: usize = 26;

/// A Wide ResNet as encoder, and a generator for the way back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WideResnetConfig {
    /// Convolutions of the network from image to features, `6 n + 4` for `n` blocks in each group.
    pub depth: usize,
    /// Factor of the number of maps.
    pub width: usize,
    /// Maps of the generator, those of the smallest image first. Each of its layers doubles height and width, the
    /// last one to the image.
    pub generator: Vec<usize>,
}

/// As published for images of 32 by 32 (Pang et al. 2021).
impl Default for WideResnetConfig {
    fn default() -> Self {
        Self { depth: 28, width: 2, generator: vec![512, 256, 128] }
    }
}

impl WideResnetConfig {
    pub(super) fn check(&self) -> Result<()> {
        if !(10..=MOST_DEPTH).contains(&self.depth) || self.depth % 6 != 4 {
            let rule = format!(
                "a Wide ResNet has 6 n + 4 layers, such as 10, 16, 22 or 28, and at most {MOST_DEPTH}"
            );
            return Err(Error::config("model.convolution.depth", self.depth, rule));
        }
        // The last group has four times as many maps as the first one.
        let widest = MOST_MAPS / MAPS / 4;
        if !(1..=widest).contains(&self.width) {
            let rule = format!("it multiplies the number of maps; it must be from 1 to {widest}");
            return Err(Error::config("model.convolution.width", self.width, rule));
        }
        if self.generator.is_empty() {
            let rule = "give the number of maps before each doubling, such as [512, 256, 128]";
            return Err(Error::config("model.convolution.generator", "[]", rule));
        }
        if self.generator.len() > MOST_DOUBLINGS {
            let rule = format!("an image is doubled at most {MOST_DOUBLINGS} times");
            let found = format!("{} layers", self.generator.len());
            return Err(Error::config("model.convolution.generator", found, rule));
        }
        at_least_one_map("model.convolution.generator", &self.generator)
    }

    /// Blocks in each group.
    fn blocks(&self) -> usize {
        (self.depth - 4) / 6
    }

    /// Maps of a group.
    fn maps(&self, group: usize) -> usize {
        (MAPS * self.width) << group
    }
}

/// A convolution, three groups of blocks, a normalisation, and the mean over the image.
#[derive(Module, Debug)]
pub struct WideResnet {
    stem: MapLayer,
    blocks: Vec<Block>,
    norm: BatchNorm,
    #[module(skip)]
    image: [usize; 3],
}

impl WideResnet {
    /// A network of images `[height, width, channels]`.
    pub fn new(
        config: &WideResnetConfig,
        image: [usize; 3],
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let mut inputs = MAPS;
        let stem = layer([image[2], inputs], 3, 1, noise, device);
        let mut blocks = Vec::new();
        for (group, stride) in STRIDES.into_iter().enumerate() {
            for block in 0..config.blocks() {
                let (maps, stride) = (config.maps(group), if block == 0 { stride } else { 1 });
                blocks.push(Block::new([inputs, maps], stride, noise, device));
                inputs = maps;
            }
        }
        Self { stem, blocks, norm: BatchNorm::new(inputs, LEAK, device), image }
    }

    /// Width of the rows that come out.
    pub fn features(config: &WideResnetConfig) -> usize {
        config.maps(STRIDES.len() - 1)
    }

    /// # Shapes
    /// - `x`: `[batch, height * width * channels]`
    /// - output: `[batch, features]`
    pub fn forward(&self, x: Tensor<2>, training: Option<&Training>) -> Tensor<2> {
        let by = Training::statistics(training);
        let stem = self.stem.forward(pictured(x, self.image), None);
        let h = self.blocks.iter().fold(stem, |h, block| block.forward(h, by));
        averaged(self.norm.forward(h, by))
    }

    /// Measures what evaluation normalises by on examples, `[batch, features]`, layer by layer.
    pub fn measure(&mut self, x: Tensor<2>) {
        let stem = self.stem.forward(pictured(x, self.image), None);
        let h = self.blocks.iter_mut().fold(stem, |h, block| block.measure(h));
        self.norm.measure(h);
    }
}

/// What is added to maps: two convolutions of what they are once normalised.
#[derive(Module, Debug)]
struct Block {
    norms: [BatchNorm; 2],
    convolutions: [MapLayer; 2],
    /// Where the number of maps changes, what the sum is added to.
    shortcut: Option<MapLayer>,
}

impl Block {
    fn new([inputs, maps]: [usize; 2], stride: usize, noise: &mut Noise, device: &Device) -> Self {
        let changes = inputs != maps || stride != 1;
        Self {
            norms: [inputs, maps].map(|maps| BatchNorm::new(maps, LEAK, device)),
            convolutions: [
                layer([inputs, maps], 3, stride, noise, device),
                layer([maps, maps], 3, 1, noise, device),
            ],
            shortcut: changes.then(|| layer([inputs, maps], 1, stride, noise, device)),
        }
    }

    fn forward(&self, x: Tensor<4>, by: Statistics) -> Tensor<4> {
        let normal = self.norms[0].forward(x.clone(), by);
        let h = self.convolutions[0].forward(normal.clone(), None);
        let h = self.norms[1].forward(h, by);
        self.add(x, normal, h)
    }

    fn measure(&mut self, x: Tensor<4>) -> Tensor<4> {
        let normal = self.norms[0].measure(x.clone());
        let h = self.convolutions[0].forward(normal.clone(), None);
        let h = self.norms[1].measure(h);
        self.add(x, normal, h)
    }

    /// The second convolution and the sum.
    fn add(&self, x: Tensor<4>, normal: Tensor<4>, h: Tensor<4>) -> Tensor<4> {
        let kept = match &self.shortcut {
            Some(layer) => layer.forward(normal, None),
            None => x,
        };
        kept + self.convolutions[1].forward(h, None)
    }
}

/// A convolution that is normalised before and not biased after.
fn layer(
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    noise: &mut Noise,
    device: &Device,
) -> MapLayer {
    let window = Window { kernel: [kernel; 2], stride, border: kernel / 2 };
    MapLayer::narrowing(channels, window, noise, device).unbiased()
}

/// The mean of each map, `[batch, maps]`.
fn averaged(x: Tensor<4>) -> Tensor<2> {
    let [batch, height, width, maps] = x.dims();
    x.reshape([batch, height * width, maps]).mean_dim(1).reshape([batch, maps])
}
