//! The settings that the configurations of the models share, flattened into each.

use serde::{Deserialize, Serialize};

use super::check::{example, layers, spread};
use super::observation::Likelihood;
use crate::error::Result;
use crate::nets::Activation;

/// What most configurations say. In a file these settings stand beside a model's own: `#[serde(flatten)]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// Shape of one example, such as `[28, 28, 1]`.
    pub shape: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Widths of the hidden layers; of which networks, the configuration says.
    pub hidden: Vec<usize>,
    /// Nonlinearity of the hidden layers.
    pub activation: Activation,
    /// Distribution of `x`.
    pub likelihood: Likelihood,
}

impl Common {
    /// Values in one example.
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// The hidden layers from the last to the first, as a decoder has them.
    pub(super) fn hidden_reversed(&self) -> Vec<usize> {
        self.hidden.iter().rev().copied().collect()
    }

    /// # Errors
    /// If an example has no values, there are fewer than two classes, there is no hidden layer, one is without
    /// units, or a standard deviation is not positive.
    pub(super) fn check(&self) -> Result<()> {
        example(&self.shape, self.classes)?;
        layers("model.hidden", &self.hidden)?;
        spread(self.likelihood)
    }
}
