//! Diagonal Gaussian.

use burn::tensor::Tensor;

use super::groups;

/// `log(2 π)`.
const LOG_TWO_PI: f64 = 1.837_877_066_409_345_3;

/// Log-variances stay within plus or minus this.
const LOG_VAR_BOUND: f64 = 8.0;

/// Soft clamp `8 tanh(raw / 8)` (E8): close to the identity near zero, never beyond standard deviations of
/// `exp(±4)`, and with a gradient everywhere, so that a head cannot get stuck at the edge as under a hard
/// clamp.
pub fn clamp_log_var(raw: Tensor<2>) -> Tensor<2> {
    (raw / LOG_VAR_BOUND).tanh() * LOG_VAR_BOUND
}

/// `N(mean, diag(exp(log_var)))`; both `[batch, dimensions]`.
#[derive(Clone, Debug)]
pub struct Gaussian {
    /// Means.
    pub mean: Tensor<2>,
    /// Natural logarithms of the variances.
    pub log_var: Tensor<2>,
}

impl Gaussian {
    /// Reparameterised draw `mean + std * epsilon` (Kingma and Welling 2014, eq. 10).
    ///
    /// # Shapes
    /// - `epsilon`: `[batch, dimensions]`, standard normal, from [`Noise`](crate::noise::Noise)
    /// - output: `[batch, dimensions]`
    pub fn sample(&self, epsilon: Tensor<2>) -> Tensor<2> {
        self.mean.clone() + (self.log_var.clone() * 0.5).exp() * epsilon
    }

    /// The noise that [`Gaussian::sample`] makes `x` of: `[batch, dimensions]`.
    pub fn noise_of(&self, x: Tensor<2>) -> Tensor<2> {
        (x - self.mean.clone()) * (self.log_var.clone() * -0.5).exp()
    }

    /// `KL(self || N(0, I))` in closed form (Kingma and Welling 2014, appendix B): `[batch]`, nats.
    pub fn kl_from_standard(&self) -> Tensor<1> {
        let terms = self.mean.clone().square() + self.log_var.clone().exp() - self.log_var.clone();
        (terms - 1.0).sum_dim(1).squeeze_dim::<1>(1) * 0.5
    }

    /// `KL(self || other)` in closed form (E5): `[batch]`, nats.
    pub fn kl_from(&self, other: &Self) -> Tensor<1> {
        let log_ratio = self.log_var.clone() - other.log_var.clone();
        let apart = (self.mean.clone() - other.mean.clone()).square();
        let terms = apart * other.log_var.clone().neg().exp() + log_ratio.clone().exp() - log_ratio;
        (terms - 1.0).sum_dim(1).squeeze_dim::<1>(1) * 0.5
    }

    /// The density proportional to the product of the two: precisions add up, means are averaged by them
    /// (E19).
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let [a, b] = [self, other].map(|g| g.log_var.clone().neg().exp());
        let precision = a.clone() + b.clone();
        Self {
            mean: (a * self.mean.clone() + b * other.mean.clone()) / precision.clone(),
            log_var: precision.log().neg(),
        }
    }

    /// Log-density of `x` (E7).
    ///
    /// # Shapes
    /// - `x`: `[batch, dimensions]`, grouped against the rows of `mean` as in
    ///   [`Bernoulli::log_prob`](super::Bernoulli::log_prob)
    /// - output: `[rows]`, nats
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        let [rows, _] = self.mean.dims();
        let (mean, x) = groups(self.mean.clone(), x);
        let (log_var, _) = groups(self.log_var.clone(), x.clone().squeeze_dim::<2>(0));
        let scaled = (x - mean).square() * log_var.clone().neg().exp();
        (scaled + log_var + LOG_TWO_PI).sum_dim(2).reshape([rows]) * -0.5
    }

    /// Log-density of `x` under N(0, I): `[batch]`, nats.
    pub fn standard_log_prob(x: Tensor<2>) -> Tensor<1> {
        (x.square() + LOG_TWO_PI).sum_dim(1).squeeze_dim::<1>(1) * -0.5
    }
}

/// `N(mean, sigma² I)` (E35): one standard deviation for every dimension, which is given and not learnt.
#[derive(Clone, Debug)]
pub struct IsotropicGaussian {
    /// Means, `[rows, dimensions]`.
    pub mean: Tensor<2>,
    /// Standard deviation, positive.
    pub sigma: f64,
}

impl IsotropicGaussian {
    /// Log-density of `x` (E35).
    ///
    /// # Shapes
    /// - `x`: `[batch, dimensions]`, grouped against the rows of `mean` as in
    ///   [`Bernoulli::log_prob`](super::Bernoulli::log_prob)
    /// - output: `[rows]`, nats
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        let [rows, dimensions] = self.mean.dims();
        let (mean, x) = groups(self.mean.clone(), x);
        let distance = (x - mean).square().sum_dim(2).reshape([rows]);
        let constant = dimensions as f64 * (LOG_TWO_PI + 2.0 * self.sigma.ln());
        (distance / (self.sigma * self.sigma) + constant) * -0.5
    }
}

/// Where a share of N(0, 1) lies below, by rational functions (Acklam 2003) whose relative error is below
/// 2e-9. `share` is between 0 and 1, neither of them.
pub fn normal_quantile(share: f64) -> f64 {
    /// Where the tails begin.
    const TAIL: f64 = 0.024_25;
    const MIDDLE: [&[f64]; 2] = [
        &[
            -39.696_830_286_653_76,
            220.946_098_424_520_5,
            -275.928_510_446_968_7,
            138.357_751_867_269,
            -30.664_798_066_147_16,
            2.506_628_277_459_239,
        ],
        &[
            -54.476_098_798_224_06,
            161.585_836_858_040_9,
            -155.698_979_859_886_6,
            66.801_311_887_719_72,
            -13.280_681_552_885_72,
            1.0,
        ],
    ];
    const SIDES: [&[f64]; 2] = [
        &[
            -0.007_784_894_002_430_293,
            -0.322_396_458_041_136_5,
            -2.400_758_277_161_838,
            -2.549_732_539_343_734,
            4.374_664_141_464_968,
            2.938_163_982_698_783,
        ],
        &[
            0.007_784_695_709_041_462,
            0.322_467_129_070_039_8,
            2.445_134_137_142_996,
            3.754_408_661_907_416,
            1.0,
        ],
    ];
    let ratio = |[above, below]: [&[f64]; 2], x: f64| {
        let polynomial = |terms: &[f64]| terms.iter().fold(0.0, |sum, term| sum * x + term);
        polynomial(above) / polynomial(below)
    };
    let tail = |share: f64| ratio(SIDES, (-2.0 * share.ln()).sqrt());
    match share {
        _ if share < TAIL => tail(share),
        _ if share > 1.0 - TAIL => -tail(1.0 - share),
        _ => (share - 0.5) * ratio(MIDDLE, (share - 0.5).powi(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables_and_symmetric() {
        for (share, value) in [
            (0.5, 0.0),
            (0.841_344_746_068_542_9, 1.0),
            (0.975, 1.959_963_984_540_054),
            (0.999, 3.090_232_306_167_813),
            (1e-6, -4.753_424_308_822_899),
        ] {
            assert!((normal_quantile(share) - value).abs() < 1e-8, "{share}");
            assert!((normal_quantile(1.0 - share) + value).abs() < 1e-8, "1 - {share}");
        }
    }
}
