//! Which convolutional networks a model has: the setting, and the part between an image and the dense layers.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::convolution::{ConvolutionalTrunk, PlainConvolution, Shrink};
use super::training::Training;
use super::wide_resnet::{WideResnet, WideResnetConfig};
use crate::error::{Error, Result};
use crate::noise::Noise;

/// Numbers of an image's maps at most.
const MOST_CELLS: usize = 1 << 31;

/// The kind of convolutional networks, and their sizes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Convolution {
    /// Three convolutions and their transposes (review, section 3): what a setting without a kind means.
    Plain(PlainConvolution),
    /// A Wide ResNet and a generator of transposed convolutions (Pang et al. 2021).
    WideResnet(WideResnetConfig),
}

impl Convolution {
    /// The kinds.
    pub const KINDS: [&str; 2] = ["plain", "wide-resnet"];

    /// Height, width and channels of an image.
    ///
    /// # Errors
    /// If examples are no images, or the sizes are not ones that networks can have.
    pub fn image(&self, shape: &[usize]) -> Result<[usize; 3]> {
        match self {
            Self::Plain(config) => config.check()?,
            Self::WideResnet(config) => config.check()?,
        }
        let image: [usize; 3] = shape.try_into().map_err(|_| {
            let rule = format!("it needs images, but the examples have the shape {shape:?}");
            Error::config("model.convolution", "{...}", rule)
        })?;
        let [height, width, _] = image;
        match self.narrowest().saturating_mul(height).saturating_mul(width) > MOST_CELLS {
            true => {
                let rule = format!(
                    "with images of {height} by {width} a layer would have more than {MOST_CELLS} numbers"
                );
                Err(Error::config("model.convolution", "{...}", rule))
            }
            false => Ok(image),
        }
    }

    /// Maps where the image is smallest, on its way to features and back.
    fn narrowest(&self) -> usize {
        match self {
            Self::Plain(config) => config.maps[2],
            Self::WideResnet(config) => config.generator[0],
        }
    }
}

/// A derived reading of a tagged enum has no default for the tag, and recipes and checkpoints from before there were
/// kinds have none.
impl<'de> Deserialize<'de> for Convolution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut settings = Map::deserialize(deserializer)?;
        let kind = settings.remove("kind").unwrap_or_else(|| Self::KINDS[0].into());
        let settings = Value::Object(settings);
        let read = match kind.as_str() {
            Some("plain") => PlainConvolution::deserialize(settings).map(Self::Plain),
            Some("wide-resnet") => WideResnetConfig::deserialize(settings).map(Self::WideResnet),
            _ => {
                let kinds = Self::KINDS.join(" or ");
                return Err(D::Error::custom(format!(
                    "convolution.kind = {kind} is not valid: choose {kinds}"
                )));
            }
        };
        read.map_err(|e| D::Error::custom(format!("convolution: {e}")))
    }
}

/// Convolutions from images to features.
#[derive(Module, Debug)]
pub enum Trunk {
    /// Three convolutions.
    Plain(ConvolutionalTrunk),
    /// A Wide ResNet.
    WideResnet(WideResnet),
}

impl Trunk {
    /// Convolutions of images `[height, width, channels]`. Plain ones shrink them in the way named; a Wide ResNet has
    /// one way.
    pub fn new(
        config: &Convolution,
        image: [usize; 3],
        shrink: Shrink,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        match config {
            Convolution::Plain(config) => {
                Self::Plain(ConvolutionalTrunk::new(config, image, shrink, noise, device))
            }
            Convolution::WideResnet(config) => {
                Self::WideResnet(WideResnet::new(config, image, noise, device))
            }
        }
    }

    /// Width of the rows that come out.
    pub fn features(config: &Convolution, image: [usize; 3], shrink: Shrink) -> usize {
        match config {
            Convolution::Plain(config) => ConvolutionalTrunk::features(config, image, shrink),
            Convolution::WideResnet(config) => WideResnet::features(config),
        }
    }

    /// # Shapes
    /// - `x`: `[batch, height * width * channels]`
    /// - output: `[batch, features]`
    pub fn forward(&self, x: Tensor<2>, training: Option<&Training>) -> Tensor<2> {
        match self {
            Self::Plain(trunk) => trunk.forward(x, training),
            Self::WideResnet(trunk) => trunk.forward(x, training),
        }
    }

    /// Measures what evaluation normalises by on examples, `[batch, features]` (E28).
    pub fn measure(&mut self, x: Tensor<2>) {
        match self {
            Self::Plain(trunk) => trunk.measure(x),
            Self::WideResnet(trunk) => trunk.measure(x),
        }
    }
}
