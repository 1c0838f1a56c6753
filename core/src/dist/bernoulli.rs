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
            return fused::log_prob(self.logits.clone(), x);
        }
        #[cfg(feature = "cube")]
        if crate::gpu::is_gpu(&x.device()) {
            let [rows, _] = self.logits.dims();
            let (logits, x) = groups(self.logits.clone(), x);
            return super::bernoulli_gpu::log_prob(logits, x).reshape([rows]);
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

/// The log-probability and its gradients on the CPU back end: one trip through memory each, where the
/// composed operations need nine.
#[cfg(feature = "flex")]
mod fused {
    use burn::backend::autodiff::checkpoint::base::Checkpointer;
    use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
    use burn::backend::autodiff::grads::Gradients;
    use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
    use burn::backend::flex::FlexTensor;
    use burn::backend::tensor::FloatTensor;
    use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
    use burn::tensor::Tensor;

    use crate::simd::{dims, sigmoid, softplus, sum_of, tensor, vectorised, whole};

    pub fn log_prob(logits: Tensor<2>, x: Tensor<2>) -> Tensor<1> {
        let (logits, x) = (logits.into_dispatch(), x.into_dispatch());
        Tensor::from_dispatch(Dispatch::bernoulli_log_prob(logits, x))
    }

    #[backend_extension(Flex, Autodiff)]
    pub trait BernoulliOps: Backend {
        fn bernoulli_log_prob(logits: FloatTensor<Self>, x: FloatTensor<Self>)
        -> FloatTensor<Self>;
    }

    impl BernoulliOps for Flex {
        fn bernoulli_log_prob(logits: FlexTensor, x: FlexTensor) -> FlexTensor {
            let (logits, x) = (whole(logits), whole(x));
            let [rows, dimensions] = dims(&logits);
            let (l, x) = (logits.storage::<f32>(), x.storage::<f32>());
            let mut sums = vec![0.0; rows];
            vectorised(
                #[inline(always)]
                || {
                    let pairs = l.chunks_exact(dimensions).zip(x.chunks_exact(dimensions).cycle());
                    for (sum, (l, x)) in sums.iter_mut().zip(pairs) {
                        *sum = sum_of(l, x, |l, x| x * l - softplus(l));
                    }
                },
            );
            tensor(sums, [rows])
        }
    }

    impl<C: CheckpointStrategy> BernoulliOps for Autodiff<Flex, C> {
        fn bernoulli_log_prob(
            logits: FloatTensor<Self>,
            x: FloatTensor<Self>,
        ) -> FloatTensor<Self> {
            let (logits, logits_node) = logits.into_parts();
            let (x, x_node) = x.into_parts();
            let output = Flex::bernoulli_log_prob(logits.clone(), x.clone());
            match LogProb.prepare::<C>([logits_node, x_node]).compute_bound().stateful() {
                OpsKind::Tracked(prep) => prep.finish([logits, x], output),
                OpsKind::UnTracked(prep) => prep.finish(output),
            }
        }
    }

    #[derive(Debug)]
    struct LogProb;

    impl Backward<Flex, 2> for LogProb {
        type State = [FlexTensor; 2];

        fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
            let by_row = whole(grads.consume::<Flex>(&ops.node));
            let by_row: &[f32] = by_row.storage();
            let [of_logits, of_x] = ops.parents;
            let [logits, x] = ops.state.map(whole);
            if let Some(parent) = of_x {
                grads.register::<Flex>(parent.id, gradient_of_x(&logits, by_row, dims(&x)));
            }
            if let Some(parent) = of_logits {
                grads.register::<Flex>(parent.id, gradient_of_logits(logits, &x, by_row));
            }
        }
    }

    /// `g (x - sigmoid(l))` for each row's `g`, in place of the logits if nobody else holds them.
    fn gradient_of_logits(mut logits: FlexTensor, x: &FlexTensor, by_row: &[f32]) -> FlexTensor {
        let [_, dimensions] = dims(&logits);
        let (l, x) = (logits.storage_mut::<f32>(), x.storage::<f32>());
        vectorised(|| {
            let pairs = l.chunks_exact_mut(dimensions).zip(x.chunks_exact(dimensions).cycle());
            for ((l, x), g) in pairs.zip(by_row) {
                for (l, x) in l.iter_mut().zip(x) {
                    *l = g * (x - sigmoid(*l));
                }
            }
        });
        logits
    }

    /// `Σ g l` over the rows that were compared with the same example.
    fn gradient_of_x(logits: &FlexTensor, by_row: &[f32], shape: [usize; 2]) -> FlexTensor {
        let [batch, dimensions] = shape;
        let mut sums = vec![0.0; batch * dimensions];
        let rows = logits.storage::<f32>().chunks_exact(dimensions).zip(by_row);
        for (row, (l, g)) in rows.enumerate() {
            let start = row % batch * dimensions;
            for (sum, l) in sums[start..start + dimensions].iter_mut().zip(l) {
                *sum += g * l;
            }
        }
        tensor(sums, shape)
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
