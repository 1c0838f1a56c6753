//! The supervised baseline: a perceptron on labelled examples alone.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::check::{example, widths};
use super::generative::Classify;
use crate::error::Result;
use crate::nets::{Activation, Mlp};
use crate::noise::Noise;

/// Shape of a [`Classifier`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierConfig {
    /// Shape of one example, such as `[28, 28, 1]`.
    pub shape: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Nonlinearity of the hidden layers.
    pub activation: Activation,
}

impl ClassifierConfig {
    /// Builds the network, with weights from `noise`.
    ///
    /// # Errors
    /// If there are fewer than two classes or a width is zero.
    pub fn init(&self, noise: &Noise, device: &Device) -> Result<Classifier> {
        example(&self.shape, self.classes)?;
        widths("model.classifier-hidden", &self.hidden)?;
        let features = self.shape.iter().product();
        let mut noise = noise.split("classifier");
        Ok(Classifier {
            classifier: Mlp::new(
                features,
                &self.hidden,
                self.classes,
                self.activation,
                &mut noise,
                device,
            ),
        })
    }
}

/// `q(y|x)` without a generative model: the same network and initial weights as an M2's classifier.
#[derive(Module, Debug)]
pub struct Classifier {
    /// The network.
    pub classifier: Mlp,
}

impl Classify for Classifier {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(x)
    }
}
