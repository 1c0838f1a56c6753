//! Draws and divergences of a Gaussian on GPUs: a launch each, and one for each gradient.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Cube, Dispatch, TensorMetadata as _, backend_extension};
use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::ir::ElemType;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::std::tensor::layout::linear::{LinearView, LinearViewMut};
use burn_cubecl::tensor::CubeTensor;
use serde::{Deserialize, Serialize};

use crate::gpu::Elementwise;

/// What is computed of each pair of numbers, where `b` is a log-variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pairwise {
    /// `a exp(b / 2)`: what noise `a` moves a draw by.
    Moved,
    /// `(a² + exp(b) - b - 1) / 2`: what a dimension with mean `a` adds to the divergence from N(0, 1).
    Divergence,
}

/// A number of each pair, all `[rows, dimensions]`.
pub fn pairwise(a: Tensor<2>, b: Tensor<2>, rule: Pairwise) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::paired(a.into_dispatch(), b.into_dispatch(), rule))
}

#[backend_extension(Cube, Autodiff, Fusion: cfg(feature = "fusion"))]
pub(crate) trait GaussianOps: Backend {
    /// See [`pairwise`].
    #[fusion(dtype = a, shape = a)]
    fn paired(a: FloatTensor<Self>, b: FloatTensor<Self>, rule: Pairwise) -> FloatTensor<Self>;

    /// The gradient times the slope over `a`, or over `b`.
    #[fusion(dtype = a, shape = a)]
    fn paired_pulled_back(
        gradient: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        rule: Pairwise,
        over_b: bool,
    ) -> FloatTensor<Self>;
}

impl GaussianOps for CubeBackend {
    fn paired(a: CubeTensor, b: CubeTensor, rule: Pairwise) -> CubeTensor {
        let (launch, output) = Elementwise::over(&a.shape(), &[&a, &b]);
        let client = a.client.clone();
        pair_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            launch.vector,
            a.into_linear_view(),
            b.into_linear_view(),
            output.clone().into_linear_view(),
            rule,
            launch.dtype,
        );
        output
    }

    fn paired_pulled_back(
        gradient: CubeTensor,
        a: CubeTensor,
        b: CubeTensor,
        rule: Pairwise,
        over_b: bool,
    ) -> CubeTensor {
        let (launch, output) = Elementwise::over(&a.shape(), &[&a, &b, &gradient]);
        let client = a.client.clone();
        pair_back_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            launch.vector,
            gradient.into_linear_view(),
            a.into_linear_view(),
            b.into_linear_view(),
            output.clone().into_linear_view(),
            rule,
            over_b,
            launch.dtype,
        );
        output
    }
}

#[cube(launch, address_type = "dynamic")]
fn pair_kernel<F: Float, N: Size>(
    a: LinearView<'_, Vector<F, N>>,
    b: LinearView<'_, Vector<F, N>>,
    mut output: LinearViewMut<'_, Vector<F, N>>,
    #[comptime] rule: Pairwise,
    #[define(F)] _dtype: ElemType,
) {
    if !output.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let a = a.read(ABSOLUTE_POS);
    let b = b.read(ABSOLUTE_POS);
    let half = Vector::new(F::new(0.5_f32));
    let one = Vector::new(F::new(1.0_f32));
    let value = match rule {
        Pairwise::Moved => a * Vector::exp(b * half),
        Pairwise::Divergence => (a * a + Vector::exp(b) - b - one) * half,
    };
    output.write(ABSOLUTE_POS, value);
}

#[cube(launch, address_type = "dynamic")]
fn pair_back_kernel<F: Float, N: Size>(
    gradient: LinearView<'_, Vector<F, N>>,
    a: LinearView<'_, Vector<F, N>>,
    b: LinearView<'_, Vector<F, N>>,
    mut output: LinearViewMut<'_, Vector<F, N>>,
    #[comptime] rule: Pairwise,
    #[comptime] over_b: bool,
    #[define(F)] _dtype: ElemType,
) {
    if !output.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let a = a.read(ABSOLUTE_POS);
    let b = b.read(ABSOLUTE_POS);
    let half = Vector::new(F::new(0.5_f32));
    let one = Vector::new(F::new(1.0_f32));
    let slope = if comptime![over_b] {
        match rule {
            Pairwise::Moved => a * Vector::exp(b * half) * half,
            Pairwise::Divergence => (Vector::exp(b) - one) * half,
        }
    } else {
        match rule {
            Pairwise::Moved => Vector::exp(b * half),
            Pairwise::Divergence => a,
        }
    };
    output.write(ABSOLUTE_POS, gradient.read(ABSOLUTE_POS) * slope);
}

impl<C: CheckpointStrategy> GaussianOps for Autodiff<Cube, C> {
    fn paired(a: FloatTensor<Self>, b: FloatTensor<Self>, rule: Pairwise) -> FloatTensor<Self> {
        let (a, a_node) = a.into_parts();
        let (b, b_node) = b.into_parts();
        let output = Cube::paired(a.clone(), b.clone(), rule);
        match Paired.prepare::<C>([a_node, b_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((a, b, rule), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn paired_pulled_back(
        _gradient: FloatTensor<Self>,
        _a: FloatTensor<Self>,
        _b: FloatTensor<Self>,
        _rule: Pairwise,
        _over_b: bool,
    ) -> FloatTensor<Self> {
        unreachable!("a gradient is pulled back off the tape")
    }
}

#[derive(Debug)]
struct Paired;

impl Backward<Cube, 2> for Paired {
    type State = (FloatTensor<Cube>, FloatTensor<Cube>, Pairwise);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Cube>(&ops.node);
        let (a, b, rule) = ops.state;
        for (parent, over_b) in ops.parents.into_iter().zip([false, true]) {
            if let Some(parent) = parent {
                let (gradient, a, b) = (gradient.clone(), a.clone(), b.clone());
                let gradient = Cube::paired_pulled_back(gradient, a, b, rule, over_b);
                grads.register::<Cube>(parent.id, gradient);
            }
        }
    }
}
