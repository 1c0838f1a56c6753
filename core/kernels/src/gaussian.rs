//! Draws and divergences of a Gaussian on the CPU: one trip through memory each, and one for their
//! gradients, where composed operations need ten, most of them in exponentials one by one.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use crate::simd::{dims, exp, sum_of, tensor, vectorised, whole};

/// `mean + exp(log_var / 2) epsilon`, all `[rows, dimensions]`.
pub fn drawn(mean: Tensor<2>, log_var: Tensor<2>, epsilon: Tensor<2>) -> Tensor<2> {
    let [mean, log_var, epsilon] = [mean, log_var, epsilon].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::gaussian_drawn(mean, log_var, epsilon))
}

/// `Σ_d (mean² + exp(log_var) - log_var - 1) / 2`: `[rows]`, of two `[rows, dimensions]`.
pub fn divergence(mean: Tensor<2>, log_var: Tensor<2>) -> Tensor<1> {
    let [mean, log_var] = [mean, log_var].map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::gaussian_divergence(mean, log_var))
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait GaussianCpuOps: Backend {
    fn gaussian_drawn(
        mean: FloatTensor<Self>,
        log_var: FloatTensor<Self>,
        epsilon: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    fn gaussian_divergence(
        mean: FloatTensor<Self>,
        log_var: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl GaussianCpuOps for Flex {
    fn gaussian_drawn(mean: FlexTensor, log_var: FlexTensor, epsilon: FlexTensor) -> FlexTensor {
        let [mut mean, log_var, epsilon] = [mean, log_var, epsilon].map(whole);
        let (log_var, epsilon) = (log_var.storage::<f32>(), epsilon.storage::<f32>());
        over(mean.storage_mut(), log_var, epsilon, |mean, b, e| mean + exp(0.5 * b) * e);
        mean
    }

    fn gaussian_divergence(mean: FlexTensor, log_var: FlexTensor) -> FlexTensor {
        let [mean, log_var] = [mean, log_var].map(whole);
        let [rows, dimensions] = dims(&mean);
        let (means, log_vars) = (mean.storage::<f32>(), log_var.storage::<f32>());
        let mut sums = vec![0.0; rows];
        vectorised(
            #[inline(always)]
            || {
                let pairs = means.chunks_exact(dimensions).zip(log_vars.chunks_exact(dimensions));
                for (sum, (mean, log_var)) in sums.iter_mut().zip(pairs) {
                    *sum = 0.5 * sum_of(mean, log_var, |a, b| a * a + (exp(b) - b - 1.0));
                }
            },
        );
        tensor(sums, [rows])
    }
}

/// `f` of three numbers in the place of the first.
fn over(out: &mut [f32], a: &[f32], b: &[f32], f: impl Fn(f32, f32, f32) -> f32) {
    vectorised(
        #[inline(always)]
        || {
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *out = f(*out, a, b);
            }
        },
    );
}

impl<C: CheckpointStrategy> GaussianCpuOps for Autodiff<Flex, C> {
    fn gaussian_drawn(
        mean: FloatTensor<Self>,
        log_var: FloatTensor<Self>,
        epsilon: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (mean, mean_node) = mean.into_parts();
        let (log_var, log_var_node) = log_var.into_parts();
        let (epsilon, epsilon_node) = epsilon.into_parts();
        let output = Flex::gaussian_drawn(mean, log_var.clone(), epsilon.clone());
        let nodes = [mean_node, log_var_node, epsilon_node];
        match Drawn.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish([log_var, epsilon], output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn gaussian_divergence(
        mean: FloatTensor<Self>,
        log_var: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (mean, mean_node) = mean.into_parts();
        let (log_var, log_var_node) = log_var.into_parts();
        let output = Flex::gaussian_divergence(mean.clone(), log_var.clone());
        match Divergence.prepare::<C>([mean_node, log_var_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish([mean, log_var], output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}

#[derive(Debug)]
struct Drawn;

impl Backward<Flex, 3> for Drawn {
    type State = [FlexTensor; 2];

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = whole(grads.consume::<Flex>(&ops.node));
        let [log_var, epsilon] = ops.state.map(whole);
        let [of_mean, of_log_var, of_epsilon] = ops.parents;
        let (b, e) = (log_var.storage::<f32>(), epsilon.storage::<f32>());
        if let Some(parent) = of_log_var {
            let mut slope = gradient.clone();
            over(slope.storage_mut(), b, e, |g, b, e| g * (0.5 * exp(0.5 * b) * e));
            grads.register::<Flex>(parent.id, slope);
        }
        if let Some(parent) = of_epsilon {
            let mut slope = gradient.clone();
            over(slope.storage_mut(), b, e, |g, b, _| g * exp(0.5 * b));
            grads.register::<Flex>(parent.id, slope);
        }
        if let Some(parent) = of_mean {
            grads.register::<Flex>(parent.id, gradient);
        }
    }
}

#[derive(Debug)]
struct Divergence;

impl Backward<Flex, 2> for Divergence {
    type State = [FlexTensor; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let by_row = whole(grads.consume::<Flex>(&ops.node));
        let by_row: &[f32] = by_row.storage();
        for ((parent, value), over_log_var) in
            ops.parents.into_iter().zip(ops.state).zip([false, true])
        {
            let Some(parent) = parent else { continue };
            let value = whole(value);
            let slope = match over_log_var {
                false => by_rows(value, by_row, |mean| mean),
                true => by_rows(value, by_row, |log_var| 0.5 * (exp(log_var) - 1.0)),
            };
            grads.register::<Flex>(parent.id, slope);
        }
    }
}

/// `g f(x)` for each row's `g`, in place of `x` if nobody else holds it.
fn by_rows(mut x: FlexTensor, by_row: &[f32], f: impl Fn(f32) -> f32) -> FlexTensor {
    let [_, dimensions] = dims(&x);
    let values = x.storage_mut::<f32>();
    vectorised(
        #[inline(always)]
        || {
            for (row, &g) in values.chunks_exact_mut(dimensions).zip(by_row) {
                for value in row {
                    *value = g * f(*value);
                }
            }
        },
    );
    x
}
