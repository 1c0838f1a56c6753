//! The likelihoods: the distribution that a model gives an example, one per row.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::dist::{Bernoulli, Gaussian, IsotropicGaussian, Mixed, Multinomial};
use crate::noise::Streams;

/// The distribution of a pixel or column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Likelihood {
    /// Bits, or grey levels in [0, 1] taken as expected bits.
    #[default]
    Bernoulli,
    /// Real values with a learned mean and variance per dimension.
    Gaussian,
    /// Real values with a learned mean and one standard deviation that is given:
    /// `{ isotropic-gaussian = { sigma = 0.3 } }`.
    IsotropicGaussian {
        /// The standard deviation of every dimension.
        sigma: f64,
    },
    /// Counts of words: which they are, given how many.
    Multinomial,
    /// Columns of a table, each with a distribution of its own: see [`Column`](crate::dist::Column). Which, follows from the
    /// data.
    Mixed,
}

/// The distribution of one example per row.
#[derive(Clone, Debug)]
pub enum Observation {
    /// Bits.
    Bernoulli(Bernoulli),
    /// Real values.
    Gaussian(Gaussian),
    /// Real values, as far from their means as is said beforehand.
    IsotropicGaussian(IsotropicGaussian),
    /// Counts of words.
    Multinomial(Multinomial),
    /// Columns of a table.
    Mixed(Mixed),
}

impl Observation {
    /// Log-probability of `x [batch, features]` under `[groups * batch]` rows: `[groups * batch]`, nats.
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        match self {
            Self::Bernoulli(bits) => bits.log_prob(x),
            Self::Gaussian(values) => values.log_prob(x),
            Self::IsotropicGaussian(values) => values.log_prob(x),
            Self::Multinomial(words) => words.log_prob(x),
            Self::Mixed(columns) => columns.log_prob(x),
        }
    }

    /// What is shown as a sample, `[rows, features]`: the expected `x` of images and texts, a draw of rows of a table, whose cells are
    /// words and whole numbers. `streams` has one for each row.
    pub fn shown(&self, streams: &mut Streams) -> Tensor<2> {
        match self {
            Self::Mixed(columns) => self.as_sound_as_parameters(columns.draw(streams)),
            _ => self.mean(),
        }
    }

    /// Expected `x`, `[rows, features]`; NaN in a row of which a parameter is no finite number.
    pub fn mean(&self) -> Tensor<2> {
        let mean = match self {
            Self::Bernoulli(bits) => bits.mean(),
            Self::Gaussian(values) => values.mean.clone(),
            Self::IsotropicGaussian(values) => values.mean.clone(),
            Self::Multinomial(words) => words.mean(),
            Self::Mixed(columns) => columns.mean(),
        };
        self.as_sound_as_parameters(mean)
    }

    /// `x [rows, features]`, or NaN in a row of which a parameter is no finite number: exponentials and comparisons on a GPU make
    /// ordinary numbers of NaN. Objectives look at the loss itself, so training is spared the sum.
    fn as_sound_as_parameters(&self, x: Tensor<2>) -> Tensor<2> {
        if x.device().is_autodiff() {
            return x;
        }
        let sums = match self {
            Self::Bernoulli(Bernoulli { logits }) => logits.clone().sum_dim(1),
            Self::Multinomial(words) => words.logits.clone().sum_dim(1),
            Self::Mixed(Mixed { output, spread, .. }) => {
                output.clone().sum_dim(1) + spread.clone().sum().unsqueeze::<2>()
            }
            // The mean is the parameter.
            Self::Gaussian(_) | Self::IsotropicGaussian(_) => return x,
        };
        // The zero reaches a GPU when it runs, so its compiler cannot leave the product out.
        x + sums * 0.0
    }
}
