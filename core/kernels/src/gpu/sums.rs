//! Sums on GPUs whose gradients are only spread out again, which takes no launch: the framework's own are multiplied by ones.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Cube, Dispatch, TensorMetadata as _, backend_extension};
use burn::tensor::{Shape, Tensor};
use burn_cubecl::CubeBackend;

/// The sums over the last dimension: `[rows, columns]` to `[rows]`.
pub fn sum_of_rows(x: Tensor<2>) -> Tensor<1> {
    Tensor::<2>::from_dispatch(Dispatch::sum_of_dim(x.into_dispatch(), 1)).squeeze_dim(1)
}

/// `Σ x / n`, `[1]`, of `[values]`.
pub fn share_of_mean(x: Tensor<1>, n: usize) -> Tensor<1> {
    Tensor::from_dispatch(Dispatch::share_of_mean(x.into_dispatch(), n))
}

#[backend_extension(Cube, Autodiff, Fusion: cfg(feature = "fusion"))]
pub trait SumOps: Backend {
    /// The sum over a dimension, which stays, of size one.
    #[fusion(default)]
    fn sum_of_dim(x: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        Self::float_sum_dim(x, dim)
    }

    /// See [`share_of_mean`].
    #[fusion(default)]
    fn share_of_mean(x: FloatTensor<Self>, n: usize) -> FloatTensor<Self> {
        match x.shape().num_elements() == n {
            true => Self::float_mean(x),
            false => Self::float_mul_scalar(Self::float_sum(x), (1.0 / n as f64).into()),
        }
    }
}

impl SumOps for CubeBackend {}

impl<C: CheckpointStrategy> SumOps for Autodiff<Cube, C> {
    fn sum_of_dim(x: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let shape = x.shape();
        let output = Cube::sum_of_dim(x, dim);
        match Spread.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((shape, 1), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn share_of_mean(x: FloatTensor<Self>, n: usize) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let shape = x.shape();
        let output = Cube::share_of_mean(x, n);
        match Spread.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((shape, n), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}

/// The gradient, divided, for all that was summed.
#[derive(Debug)]
struct Spread;

impl Backward<Cube, 1> for Spread {
    type State = (Shape, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Cube>(&ops.node);
        let (shape, n) = ops.state;
        let gradient = match n {
            1 => gradient,
            n => Cube::float_mul_scalar(gradient, (1.0 / n as f64).into()),
        };
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            // A single number that stands for many: the framework's sums of it bind room for four, which a browser refuses where there
            // is one (tests/browser/gpu-training.test.mjs). Other GPUs get the number, and a launch less.
            let gradient = match gradient.shape().num_elements() {
                1 if cfg!(target_arch = "wasm32") => {
                    let (device, dtype) = (gradient.device(), gradient.dtype());
                    Cube::float_mul(Cube::float_ones(shape, &device, dtype.into()), gradient)
                }
                _ => Cube::float_expand(gradient, shape),
            };
            grads.register::<Cube>(parent.id, gradient);
        }
    }
}
