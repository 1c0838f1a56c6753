//! The sum over classes in `U(x)`, exact or estimated.
//!
//! Sum-and-sample (Liu et al. 2019, "Rao-Blackwellized Stochastic Gradients for Discrete Distributions"):
//! the most probable classes are summed, one of the others is drawn and stands for all of them. Once the
//! classifier is confident the drawn class has next to no weight, and a step costs as much with 1,000
//! classes as with 10.

use std::fmt;
use std::str::FromStr;

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::dist::Categorical;
use crate::error::Error;

/// How `Σ_y q(y|x) f(x, y)` is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Marginalize {
    /// Over every class.
    #[default]
    Exact,
    /// Over so many of the most probable classes, and one draw from the others.
    SumAndSample(usize),
}

impl Marginalize {
    /// Classes that are looked at for one example, of `classes`.
    pub fn looked_at(self, classes: usize) -> usize {
        match self {
            // With one class left over, drawing it is the same work as summing it.
            Self::SumAndSample(summed) if summed < classes.saturating_sub(1) => summed + 1,
            _ => classes,
        }
    }
}

impl fmt::Display for Marginalize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => out.write_str("exact"),
            Self::SumAndSample(summed) => write!(out, "sum-and-sample:{summed}"),
        }
    }
}

impl FromStr for Marginalize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "exact" {
            return Ok(Self::Exact);
        }
        let summed = text.strip_prefix("sum-and-sample:").and_then(|count| count.parse().ok());
        match summed {
            Some(summed) if summed > 0 => Ok(Self::SumAndSample(summed)),
            _ => Err(Error::config(
                "objective.marginalize",
                text,
                "write exact, or sum-and-sample:K with K at least 1",
            )),
        }
    }
}

impl TryFrom<String> for Marginalize {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Marginalize> for String {
    fn from(marginalize: Marginalize) -> Self {
        marginalize.to_string()
    }
}

/// The classes that are looked at for each example of a batch.
#[derive(Clone, Debug)]
pub struct Picks {
    /// Class of each row, `[looked_at * batch]`: row `g * batch + i` is example `i` with its `g`-th class,
    /// the most probable first, the drawn one last.
    pub classes: Tensor<1, Int>,
    /// How many classes of its kind each row stands for, `[looked_at, batch]`, held constant: one for a
    /// summed class, and for the drawn one the reciprocal of its probability of being drawn.
    pub stands_for: Tensor<2>,
}

impl Picks {
    /// The `summed` most probable classes of `q`, and one draw from the others in proportion to `q`.
    ///
    /// # Shapes
    /// - `uniform`: `[batch, 1]`, from [0, 1)
    pub fn draw(q: &Categorical, summed: usize, uniform: Tensor<2>) -> Self {
        let probs = q.probs().detach();
        let [batch, classes] = probs.dims();
        let device = probs.device();
        let every_class = Tensor::<1, Int>::arange(0..classes as i64, &device).unsqueeze::<2>();
        let mut others = probs.clone();
        let mut picked = Vec::with_capacity(summed + 1);
        let mut stands_for = Vec::with_capacity(summed + 1);
        for _ in 0..summed {
            // Below zero, so that a class of probability zero is still taken before one taken already.
            let best = others.clone().argmax(1);
            others = others.mask_fill(every_class.clone().equal(best.clone()), -1.0);
            picked.push(best);
            stands_for.push(Tensor::ones([batch, 1], &device));
        }
        let others = others.clamp_min(0.0);
        // Inverse of the distribution function: as many classes are skipped as lie below the threshold.
        let below = others.clone().cumsum(1);
        let total = others.sum_dim(1);
        let drawn = below.lower_equal(total.clone() * uniform).int().sum_dim(1);
        let drawn = drawn.clamp_max(classes as i64 - 1);
        let probability = probs.gather(1, drawn.clone()).clamp_min(1e-30);
        picked.push(drawn);
        stands_for.push(total / probability);
        let rows = (summed + 1) * batch;
        Self {
            classes: Tensor::cat(picked, 1).transpose().reshape([rows]),
            stands_for: Tensor::cat(stands_for, 1).transpose(),
        }
    }

    /// An estimate of `Σ_y q(y|x) f(x, y)` whose value and gradient are right on average over the draw, from
    /// `f [looked_at, batch]`: `[batch]`.
    ///
    /// Of the gradient of `q` the value of `f` at the most probable class is taken off: `Σ_y q(y|x)` is
    /// always one, so this changes nothing on average, and the values of `f`, hundreds of nats each, differ
    /// between classes by a few only.
    pub fn expectation(&self, q: &Categorical, f: Tensor<2>) -> Tensor<1> {
        let [looked_at, batch] = f.dims();
        let rows = self.classes.clone().reshape([looked_at, batch]).transpose();
        let probs = q.log_probs().gather(1, rows).transpose().exp();
        let weight = probs * self.stands_for.clone();
        let held = weight.clone().detach();
        let value = f.clone().detach();
        let advantage = value.clone() - value.slice_dim(0, 0..1);
        let sum = held.clone() * f + (weight - held) * advantage;
        sum.sum_dim(0).squeeze_dim::<1>(0)
    }
}
