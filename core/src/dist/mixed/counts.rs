//! Counts of a column: Poisson, and the negative binomial where they vary by more.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::cells::{Cells, Luck, constant, grouped};
use crate::dist::clamp_log_var;
use crate::dist::log_gamma::{log_factorial, log_gamma};
use crate::nets::softplus;

/// Rates from here on are drawn by their normal approximation.
const LARGE: f64 = 40.0;

/// Counts that a draw of a smaller rate looks at: more occur once in 10^9 draws.
const MOST: usize = 90;

/// How a model sees counts: `(log(1 + count) - mean) / sd`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogCounts {
    /// Mean of `log(1 + count)` over the rows that are trained on.
    pub mean: f32,
    /// Its standard deviation, positive.
    pub sd: f32,
}

/// Columns of counts.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    /// Logarithms of the rates, `[rows, columns]`.
    log_rate: Tensor<2>,
    /// `log r` of negative binomials, `[1, columns]`; `None` of Poisson columns.
    log_shape: Option<Tensor<2>>,
    mean: Tensor<2>,
    sd: Tensor<2>,
}

impl Counts {
    /// Poisson columns. The rate is `exp(mean + sd output)` (E48): near the mean where the output of a network, `[rows, columns]`, is
    /// 0, and never so far away that it overflows.
    pub fn poisson(output: Tensor<2>, scales: &[LogCounts]) -> Self {
        let device = output.device();
        let mean = constant(scales.iter().map(|scale| scale.mean).collect(), &device);
        let sd = constant(scales.iter().map(|scale| scale.sd).collect(), &device);
        let log_rate = clamp_log_var(output) * sd.clone() + mean.clone();
        Self { log_rate, log_shape: None, mean, sd }
    }

    /// Negative binomial ones: Poisson with a rate that is gamma distributed. Its shape is `exp(raw)`, `[1, columns]`, bounded.
    pub fn negative_binomial(output: Tensor<2>, raw: Tensor<2>, scales: &[LogCounts]) -> Self {
        Self { log_shape: Some(clamp_log_var(raw)), ..Self::poisson(output, scales) }
    }

    /// `x` of counts.
    fn seen(&self, counts: Tensor<2>) -> Tensor<2> {
        (counts.log1p() - self.mean.clone()) / self.sd.clone()
    }
}

impl Cells for Counts {
    /// Of the count `x`, the rate `m` and the shape `r`: `x log m - m - log x!` (E48), or
    /// `log Γ(x + r) - log Γ(r) - log x! + r log(r / (r + m)) + x log(m / (r + m))` (E49).
    fn log_probs(&self, x: Tensor<2>) -> Tensor<3> {
        let [batch, _] = x.dims();
        let counts = ((x * self.sd.clone() + self.mean.clone()).exp() - 1.0).round().clamp_min(0.0);
        let counts = counts.unsqueeze::<3>();
        let log_rate = grouped(self.log_rate.clone(), batch);
        let Some(log_shape) = self.log_shape.clone().map(Tensor::unsqueeze::<3>) else {
            return counts.clone() * log_rate.clone() - log_rate.exp() - log_factorial(counts);
        };
        let shape = log_shape.clone().exp();
        let ways = log_gamma(counts.clone() + shape.clone())
            - log_gamma(shape.clone())
            - log_factorial(counts.clone());
        let log_share = softplus(log_shape.clone() - log_rate.clone()).neg();
        let log_rest = softplus(log_rate - log_shape).neg();
        ways + log_rest * shape + log_share * counts
    }

    fn mean(&self) -> Tensor<2> {
        self.seen(self.log_rate.clone().exp())
    }

    /// A gamma variable is drawn by Wilson and Hilferty's cube (1931): one of shape `r + 1`, brought down to `r` by a power of a
    /// uniform number. Then a Poisson variable of that rate.
    fn draw(&self, luck: Luck) -> Tensor<2> {
        let Luck { normal: [of_gamma, of_count], uniform: [power, of_small] } = luck;
        let mut rate = self.log_rate.clone().exp();
        if let Some(log_shape) = &self.log_shape {
            let shape = log_shape.clone().exp();
            let above = shape.clone() + 1.0;
            let ninth = (above.clone() * 9.0).recip();
            let cube = (of_gamma * ninth.clone().sqrt() - ninth + 1.0).clamp_min(0.0);
            let gamma = cube.clone().square() * cube * above * (power.log() / shape.clone()).exp();
            rate = rate * gamma / shape;
        }
        self.seen(poisson(rate, of_count, &of_small))
    }
}

/// Poisson draws of these rates: small ones by going through the distribution function, large ones as the whole number nearest to
/// a normal variable.
fn poisson(rate: Tensor<2>, normal: Tensor<2>, uniform: &Tensor<2>) -> Tensor<2> {
    let large = rate.clone().greater_elem(LARGE);
    let about = (rate.clone() + normal * rate.clone().sqrt()).round().clamp_min(0.0);
    let rate = rate.clamp_max(LARGE);
    let mut mass = rate.clone().neg().exp();
    let mut below = mass.clone();
    let mut count = uniform.clone().greater(below.clone()).float();
    for next in 1..MOST {
        mass = mass * rate.clone() / next as f64;
        below = below + mass.clone();
        count = count + uniform.clone().greater(below.clone()).float();
    }
    count.mask_where(large, about)
}
