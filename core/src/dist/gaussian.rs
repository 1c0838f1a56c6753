//! Diagonal Gaussian.

use burn::tensor::Tensor;
#[cfg(feature = "flex")]
use gleaner_kernels::gaussian;
#[cfg(feature = "cube")]
use gleaner_kernels::gaussian_gpu::{Pairwise, pairwise};

use super::groups;
use crate::nets::soft_clamp;
#[cfg(feature = "flex")]
use crate::simd::on_cpu;
#[cfg(feature = "cube")]
use gleaner_kernels::gpu::{is_gpu, sum_of_rows};

/// `log(2 π)`.
pub(super) const LOG_TWO_PI: f64 = 1.837_877_066_409_345_3;

/// Log-variances stay within plus or minus this.
const LOG_VAR_BOUND: f64 = 8.0;

/// Soft clamp `8 tanh(raw / 8)` (E8): close to the identity near zero, never beyond standard deviations of
/// `exp(±4)`, and with a gradient everywhere, so that a head cannot get stuck at the edge as under a hard
/// clamp.
pub fn clamp_log_var(raw: Tensor<2>) -> Tensor<2> {
    soft_clamp(raw, LOG_VAR_BOUND)
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
        #[cfg(feature = "flex")]
        if on_cpu(&epsilon.device()) {
            return gaussian::drawn(self.mean.clone(), self.log_var.clone(), epsilon);
        }
        #[cfg(feature = "cube")]
        if is_gpu(&epsilon.device()) {
            return self.mean.clone() + pairwise(epsilon, self.log_var.clone(), Pairwise::Moved);
        }
        self.composed_sample(epsilon)
    }

    /// What [`Gaussian::sample`] computes, in the back end's own operations.
    pub fn composed_sample(&self, epsilon: Tensor<2>) -> Tensor<2> {
        self.mean.clone() + (self.log_var.clone() * 0.5).exp() * epsilon
    }

    /// The noise that [`Gaussian::sample`] makes `x` of: `[batch, dimensions]`.
    pub fn noise_of(&self, x: Tensor<2>) -> Tensor<2> {
        (x - self.mean.clone()) * (self.log_var.clone() * -0.5).exp()
    }

    /// `KL(self || N(0, I))` in closed form (Kingma and Welling 2014, appendix B): `[batch]`, nats.
    pub fn kl_from_standard(&self) -> Tensor<1> {
        #[cfg(feature = "flex")]
        if on_cpu(&self.mean.device()) {
            return gaussian::divergence(self.mean.clone(), self.log_var.clone());
        }
        #[cfg(feature = "cube")]
        if is_gpu(&self.mean.device()) {
            let terms = pairwise(self.mean.clone(), self.log_var.clone(), Pairwise::Divergence);
            return sum_of_rows(terms);
        }
        self.composed_kl_from_standard()
    }

    /// What [`Gaussian::kl_from_standard`] computes, in the back end's own operations.
    pub fn composed_kl_from_standard(&self) -> Tensor<1> {
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

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::noise::Noise;

    /// A draw and a divergence, weighted and added, and the gradients of the three that they are made of.
    fn run(
        drawn: fn(&Gaussian, Tensor<2>) -> Tensor<2>,
        divergence: fn(&Gaussian) -> Tensor<1>,
    ) -> Vec<Vec<f32>> {
        let device = Device::flex().autodiff();
        let noise = Noise::new(3);
        let draw = |purpose: &str| {
            let values = noise.split(purpose).normal(5 * 19);
            Tensor::<2>::from_data(TensorData::new(values, [5, 19]), &device).require_grad()
        };
        let [mean, log_var, epsilon] = ["mean", "log-variance", "epsilon"].map(draw);
        let gaussian = Gaussian { mean: mean.clone(), log_var: log_var.clone() * 2.0 };
        let z = drawn(&gaussian, epsilon.clone());
        let kl = divergence(&gaussian);
        let weights = draw("weights").detach();
        let by_row = weights.clone().slice([0..5, 0..1]).squeeze_dim::<1>(1);
        let grads = ((z.clone() * weights).sum() + (kl.clone() * by_row).sum()).backward();
        let read = |tensor: Tensor<2>| tensor.into_data().try_into_vec_as::<f32>().unwrap();
        let slope = |of: &Tensor<2>| read(of.grad(&grads).unwrap());
        let values = [read(z.inner()), read(kl.inner().unsqueeze::<2>())];
        values.into_iter().chain([&mean, &log_var, &epsilon].map(slope)).collect()
    }

    #[test]
    fn they_are_the_composed_ones() {
        let fused = run(Gaussian::sample, Gaussian::kl_from_standard);
        let composed = run(Gaussian::composed_sample, Gaussian::composed_kl_from_standard);
        for (at, (fused, composed)) in fused.iter().zip(&composed).enumerate() {
            assert_eq!(fused.len(), composed.len());
            for (a, b) in fused.iter().zip(composed) {
                assert!((a - b).abs() <= 2e-6 * (1.0 + b.abs()), "{at}: {a} {b}");
            }
        }
    }
}
