//! The log-probability of Bernoulli variables and its gradients on the CPU: one trip through memory each, where the composed
//! operations need nine.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use crate::simd::{dims, sigmoid, softplus, sum_of, tensor, vectorised, whole};

/// `Σ_d x l - log(1 + exp(l))`: `[rows]`, of `logits` `[rows, dimensions]` and `x` `[batch, dimensions]`, with which the rows are compared in turn.
pub fn log_prob(logits: Tensor<2>, x: Tensor<2>) -> Tensor<1> {
    let (logits, x) = (logits.into_dispatch(), x.into_dispatch());
    Tensor::from_dispatch(Dispatch::bernoulli_log_prob(logits, x))
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait BernoulliOps: Backend {
    fn bernoulli_log_prob(logits: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self>;
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
    fn bernoulli_log_prob(logits: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
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
