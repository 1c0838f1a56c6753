//! The published models, one per file, and what a checkpoint can hold.

mod classifier;
mod m2;

pub use classifier::{Classifier, ClassifierConfig};
pub use m2::{Likelihood, M2, M2Config, Observation};

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::noise::Noise;

/// The configuration of any model: what a checkpoint's metadata holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
pub enum ModelConfig {
    /// [`M2`].
    M2(M2Config),
    /// [`Classifier`].
    Classifier(ClassifierConfig),
}

impl ModelConfig {
    /// The name used on the command line and in checkpoints.
    pub fn name(&self) -> &'static str {
        match self {
            Self::M2(_) => "m2",
            Self::Classifier(_) => "classifier",
        }
    }
}

impl ModelConfig {
    /// Builds the model with weights from `noise`.
    ///
    /// # Errors
    /// If the configuration is not one a model can have.
    pub fn init(&self, noise: &Noise, device: &Device) -> Result<Model> {
        Ok(match self {
            Self::M2(config) => Model::M2(config.init(noise, device)?),
            Self::Classifier(config) => Model::Classifier(config.init(noise, device)?),
        })
    }

    /// Shape of one example.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::M2(config) => &config.shape,
            Self::Classifier(config) => &config.shape,
        }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        match self {
            Self::M2(config) => config.classes,
            Self::Classifier(config) => config.classes,
        }
    }
}

/// Any model, as a checkpoint gives it.
#[derive(Clone, Debug)]
pub enum Model {
    /// [`M2`].
    M2(M2),
    /// [`Classifier`].
    Classifier(Classifier),
}

/// Anything that gives `q(y|x)`.
pub trait Classify {
    /// Logits: `[batch, features]` to `[batch, classes]`.
    fn classify(&self, x: Tensor<2>) -> Tensor<2>;
}

impl Classify for M2 {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        Self::classify(self, x)
    }
}

impl Classify for Classifier {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        Self::classify(self, x)
    }
}

impl Classify for Model {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::M2(model) => model.classify(x),
            Self::Classifier(model) => model.classify(x),
        }
    }
}
