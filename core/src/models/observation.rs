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
            Self::Mixed(columns) => columns.draw(streams),
            _ => self.mean(),
        }
    }

    /// Expected `x`, `[rows, features]`.
    pub fn mean(&self) -> Tensor<2> {
        match self {
            Self::Bernoulli(bits) => bits.mean(),
            Self::Gaussian(values) => values.mean.clone(),
            Self::IsotropicGaussian(values) => values.mean.clone(),
            Self::Multinomial(words) => words.mean(),
            Self::Mixed(columns) => columns.mean(),
        }
    }
}
