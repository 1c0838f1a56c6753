//! The log-probability of Bernoulli variables and its gradient on GPUs: a launch each, beside the sum.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Cube, Dispatch, TensorMetadata as _, backend_extension};
use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::ir::ElemType;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::std::tensor::layout::linear::{LinearView, LinearViewMut};
use burn_cubecl::tensor::CubeTensor;

use crate::gpu::{Elementwise, sigmoid, softplus};

/// `Σ_d x l - log(1 + exp(l))`.
///
/// # Shapes
/// - `logits`: `[groups, batch, dimensions]`; `x`: `[1, batch, dimensions]`
/// - output: `[groups, batch, 1]`
pub fn log_prob(logits: Tensor<3>, x: Tensor<3>) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::log_prob_of_bits(logits.into_dispatch(), x.into_dispatch()))
}

#[backend_extension(Cube, Autodiff, Fusion: cfg(feature = "fusion"))]
pub(crate) trait BernoulliOps: Backend {
    /// `x l - log(1 + exp(l))`, shaped as the logits.
    #[fusion(dtype = logits, shape = logits)]
    fn log_prob_by_bit(logits: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `g (x - sigmoid(l))` for each row's `g`, shaped as the logits.
    #[fusion(dtype = logits, shape = logits)]
    fn slope_by_bit(
        by_row: FloatTensor<Self>,
        logits: FloatTensor<Self>,
        x: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// The sum of [`BernoulliOps::log_prob_by_bit`] over the last dimension.
    #[fusion(default)]
    fn log_prob_of_bits(logits: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_sum_dim(Self::log_prob_by_bit(logits, x), 2)
    }
}

impl BernoulliOps for CubeBackend {
    fn log_prob_by_bit(logits: CubeTensor, x: CubeTensor) -> CubeTensor {
        let (launch, output) = Elementwise::over(&logits.shape(), &[&logits, &x]);
        let client = logits.client.clone();
        log_prob_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            launch.vector,
            logits.into_linear_view(),
            x.into_linear_view_like(&output),
            output.clone().into_linear_view(),
            launch.dtype,
        );
        output
    }

    fn slope_by_bit(by_row: CubeTensor, logits: CubeTensor, x: CubeTensor) -> CubeTensor {
        let (launch, output) = Elementwise::over(&logits.shape(), &[&logits, &x, &by_row]);
        let client = logits.client.clone();
        slope_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            launch.vector,
            by_row.into_linear_view_like(&output),
            logits.into_linear_view(),
            x.into_linear_view_like(&output),
            output.clone().into_linear_view(),
            launch.dtype,
        );
        output
    }
}

#[cube(launch, address_type = "dynamic")]
fn log_prob_kernel<F: Float, N: Size>(
    logits: LinearView<'_, Vector<F, N>>,
    x: LinearView<'_, Vector<F, N>>,
    mut output: LinearViewMut<'_, Vector<F, N>>,
    #[define(F)] _dtype: ElemType,
) {
    if !output.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let logit = logits.read(ABSOLUTE_POS);
    output.write(ABSOLUTE_POS, x.read(ABSOLUTE_POS) * logit - softplus::<F, N>(logit));
}

#[cube(launch, address_type = "dynamic")]
fn slope_kernel<F: Float, N: Size>(
    by_row: LinearView<'_, Vector<F, N>>,
    logits: LinearView<'_, Vector<F, N>>,
    x: LinearView<'_, Vector<F, N>>,
    mut output: LinearViewMut<'_, Vector<F, N>>,
    #[define(F)] _dtype: ElemType,
) {
    if !output.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let apart = x.read(ABSOLUTE_POS) - sigmoid::<F, N>(logits.read(ABSOLUTE_POS));
    output.write(ABSOLUTE_POS, by_row.read(ABSOLUTE_POS) * apart);
}

impl<C: CheckpointStrategy> BernoulliOps for Autodiff<Cube, C> {
    fn log_prob_of_bits(logits: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        let (logits, logits_node) = logits.into_parts();
        let (x, x_node) = x.into_parts();
        let output = Cube::log_prob_of_bits(logits.clone(), x.clone());
        match LogProb.prepare::<C>([logits_node, x_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish([logits, x], output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn log_prob_by_bit(_logits: FloatTensor<Self>, _x: FloatTensor<Self>) -> FloatTensor<Self> {
        unreachable!("what is differentiated is the sum")
    }

    fn slope_by_bit(
        _by_row: FloatTensor<Self>,
        _logits: FloatTensor<Self>,
        _x: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        unreachable!("a slope is taken off the tape")
    }
}

#[derive(Debug)]
struct LogProb;

impl Backward<Cube, 2> for LogProb {
    type State = [FloatTensor<Cube>; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let by_row = grads.consume::<Cube>(&ops.node);
        let [of_logits, of_x] = ops.parents;
        let [logits, x] = ops.state;
        if let Some(parent) = of_x {
            let by_bit = Cube::float_mul(by_row.clone(), logits.clone());
            let gradient = match logits.shape()[0] {
                1 => by_bit,
                _ => Cube::float_sum_dim(by_bit, 0),
            };
            grads.register::<Cube>(parent.id, gradient);
        }
        if let Some(parent) = of_logits {
            grads.register::<Cube>(parent.id, Cube::slope_by_bit(by_row, logits, x));
        }
    }
}
