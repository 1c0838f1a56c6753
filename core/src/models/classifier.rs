//! The supervised baseline: a perceptron on labelled examples alone.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
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
        check_widths(&self.shape, self.classes, &self.hidden)?;
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

impl Classifier {
    /// # Shapes
    /// - `x`: `[batch, features]`
    /// - output: `[batch, classes]`, logits
    pub fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(x)
    }
}

pub(super) fn check_widths(shape: &[usize], classes: usize, hidden: &[usize]) -> Result<()> {
    if shape.iter().product::<usize>() == 0 {
        return Err(Error::config("model.shape", format!("{shape:?}"), "an example has no values"));
    }
    if classes < 2 {
        return Err(Error::config(
            "model.classes",
            classes,
            "a classifier needs at least 2 classes",
        ));
    }
    if hidden.contains(&0) {
        return Err(Error::config("model.hidden", format!("{hidden:?}"), "a layer needs units"));
    }
    Ok(())
}
