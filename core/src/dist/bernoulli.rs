//! Independent Bernoulli variables.

use burn::tensor::{Tensor, activation};

use super::groups;
use crate::nets::softplus;
#[cfg(feature = "flex")]
use crate::simd::on_cpu;

/// Bernoulli variables given by `logits`, `[rows, dimensions]`.
#[derive(Clone, Debug)]
pub struct Bernoulli {
    /// `log(p / (1 - p))`.
    pub logits: Tensor<2>,
}

impl Bernoulli {
    /// Log-probability of `x`: `Σ_d x l - log(1 + exp(l))` (E6). Grey levels in [0, 1] count as expected
    /// bits.
    ///
    /// # Shapes
    /// - `x`: `[batch, dimensions]`, where `rows` is a multiple of `batch`: group `g` of rows, `g * batch`
    ///   and following, is compared with the whole of `x`
    /// - output: `[rows]`, nats
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        #[cfg(feature = "flex")]
        if on_cpu(&x.device()) {
            return gleaner_kernels::bernoulli::log_prob(self.logits.clone(), x);
        }
        #[cfg(feature = "cube")]
        if gleaner_kernels::gpu::is_gpu(&x.device()) {
            let [rows, _] = self.logits.dims();
            let (logits, x) = groups(self.logits.clone(), x);
            return gleaner_kernels::bernoulli_gpu::log_prob(logits, x).reshape([rows]);
        }
        self.composed_log_prob(x)
    }

    /// What [`Bernoulli::log_prob`] computes, in the back end's own operations.
    pub fn composed_log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        let [rows, _] = self.logits.dims();
        let (logits, x) = groups(self.logits.clone(), x);
        (logits.clone() * x - softplus(logits)).sum_dim(2).reshape([rows])
    }

    /// Probabilities, `[rows, dimensions]`.
    pub fn mean(&self) -> Tensor<2> {
        activation::sigmoid(self.logits.clone())
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::noise::Noise;

    /// Value and gradients of `Σ weight * log_prob`, for 3 groups of 4 rows of 21 dimensions.
    fn run(log_prob: fn(&Bernoulli, Tensor<2>) -> Tensor<1>) -> [Vec<f32>; 3] {
        let device = Device::flex().autodiff();
        let draw = |purpose: &str, shape: [usize; 2]| {
            let values = Noise::new(6).split(purpose).normal(shape[0] * shape[1]);
            Tensor::<2>::from_data(TensorData::new(values, shape), &device)
        };
        let logits = draw("logits", [12, 21]).require_grad();
        let x = draw("x", [4, 21]).require_grad();
        let value = log_prob(&Bernoulli { logits: logits.clone() * 5.0 }, x.clone());
        let grads = (value.clone() * draw("weights", [1, 12]).squeeze_dim::<1>(0)).sum().backward();
        let read = |tensor: Tensor<1>| tensor.into_data().try_into_vec_as::<f32>().unwrap();
        let gradients = [logits, x].map(|t| read(t.grad(&grads).unwrap().flatten(0, 1)));
        let [of_logits, of_x] = gradients;
        [read(value.inner()), of_logits, of_x]
    }

    #[test]
    fn the_fused_log_probability_is_the_composed_one() {
        for (fused, composed) in
            run(Bernoulli::log_prob).iter().zip(&run(Bernoulli::composed_log_prob))
        {
            assert_eq!(fused.len(), composed.len());
            for (a, b) in fused.iter().zip(composed) {
                assert!((a - b).abs() <= 2e-6 * (1.0 + b.abs()), "{a} {b}");
            }
        }
    }
}
