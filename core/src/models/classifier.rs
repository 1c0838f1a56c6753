//! The classifier network `q(y|x)` that models contain, and the supervised baseline, which is this network alone.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::check::{example, widths};
use super::common::Common;
use super::generative::Classify;
use super::view::View;
use crate::error::Result;
use crate::nets::{Convolution, Mlp, Shrink, Training, Trunk};
use crate::noise::Noise;

/// Shape of a [`Classifier`].
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifierConfig {
    /// As of a model, without a decoder; what the network is given of examples follows from the likelihood: see [`View`].
    pub common: Common,
    /// Convolutions before them, for images.
    pub convolution: Option<Convolution>,
}

impl ClassifierConfig {
    /// Builds the network, with weights from `noise`.
    ///
    /// # Errors
    /// If there are fewer than two classes or a width is zero.
    pub fn init(&self, noise: &Noise, device: &Device) -> Result<Classifier> {
        let view = View::new(&self.common);
        Ok(Classifier { classifier: self.network(noise, device)?, view })
    }

    /// The network by itself, as models hold it.
    pub(super) fn network(&self, noise: &Noise, device: &Device) -> Result<ClassifierNet> {
        let Common { shape, classes, hidden, activation, .. } = &self.common;
        example(shape, *classes)?;
        widths("model.classifier-hidden", hidden)?;
        let mut noise = noise.split("classifier");
        let dense = |inputs, noise: &mut Noise| {
            Mlp::new(inputs, hidden, *classes, *activation, noise, device)
        };
        Ok(match &self.convolution {
            None => ClassifierNet::Dense(dense(
                View::new(&self.common).width(self.common.features()),
                &mut noise,
            )),
            Some(config) => {
                let image = config.image(shape)?;
                let trunk = Trunk::new(config, image, Shrink::Pool, &mut noise, device);
                let features = Trunk::features(config, image, Shrink::Pool);
                let dense = dense(features, &mut noise);
                ClassifierNet::Convolutional(ConvolutionalClassifier { trunk, dense })
            }
        })
    }
}

/// Logits of `q(y|x)`.
#[derive(Module, Debug)]
pub enum ClassifierNet {
    /// A perceptron.
    Dense(Mlp),
    /// Convolutions and a perceptron.
    Convolutional(ConvolutionalClassifier),
}

/// Three convolutions and two poolings (review, section 3) or a Wide ResNet, then a perceptron.
#[derive(Module, Debug)]
pub struct ConvolutionalClassifier {
    trunk: Trunk,
    dense: Mlp,
}

impl ClassifierNet {
    /// `[batch, features]` to `[batch, classes]`.
    pub fn forward(&self, x: Tensor<2>, training: Option<&Training>) -> Tensor<2> {
        match self {
            Self::Dense(network) => network.forward(x),
            Self::Convolutional(network) => {
                network.dense.forward(network.trunk.forward(x, training))
            }
        }
    }

    /// The last hidden layer, or what stands in for it where there is none: `[batch, width]`.
    pub fn features(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Dense(network) => network.features(x),
            Self::Convolutional(network) => network.dense.features(network.trunk.forward(x, None)),
        }
    }

    /// Measures what evaluation normalises by on examples, `[batch, features]` (E28), in a network that normalises.
    pub fn measure(&mut self, x: Tensor<2>) {
        if let Self::Convolutional(network) = self {
            network.trunk.measure(x);
        }
    }
}

/// `q(y|x)` without a generative model: the same network and initial weights as an M2's classifier.
#[derive(Module, Debug)]
pub struct Classifier {
    /// The network.
    pub classifier: ClassifierNet,
    #[module(skip)]
    view: View,
}

impl Classifier {
    /// Logits as training sees them: `[batch, features]` to `[batch, classes]`.
    pub fn logits(&self, x: Tensor<2>, training: Option<&Training>) -> Tensor<2> {
        self.classifier.forward(self.view.of(x, training), training)
    }

    /// Measures what evaluation normalises by on examples, `[batch, features]` (E28).
    pub fn measure(&mut self, x: Tensor<2>) {
        self.classifier.measure(x);
    }
}

impl Classify for Classifier {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.logits(x, None)
    }
}
