//! The soft clamp on the CPU: one trip through memory forward, with vectors instead of one hyperbolic tangent after the other, and one
//! backward.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use crate::simd::{tanh, vectorised, whole};

/// `bound tanh(x / bound)`, of any shape.
pub fn soft_clamp<const D: usize>(x: Tensor<D>, bound: f32) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::soft_clamped(x.into_dispatch(), bound))
}

#[backend_extension(Flex, Autodiff)]
pub trait SoftClampOps: Backend {
    fn soft_clamped(x: FloatTensor<Self>, bound: f32) -> FloatTensor<Self>;
}

impl SoftClampOps for Flex {
    fn soft_clamped(x: FlexTensor, bound: f32) -> FlexTensor {
        let mut x = whole(x);
        let values = x.storage_mut::<f32>();
        let inverse = 1.0 / bound;
        vectorised(
            #[inline(always)]
            || {
                for value in values {
                    *value = bound * tanh(*value * inverse);
                }
            },
        );
        x
    }
}

impl<C: CheckpointStrategy> SoftClampOps for Autodiff<Flex, C> {
    fn soft_clamped(x: FloatTensor<Self>, bound: f32) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let output = Flex::soft_clamped(x, bound);
        match SoftClamp.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((output.clone(), bound), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}

#[derive(Debug)]
struct SoftClamp;

impl Backward<Flex, 1> for SoftClamp {
    type State = (FlexTensor, f32);

    /// `g (1 - (y / bound)²)`.
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let mut gradient = whole(grads.consume::<Flex>(&ops.node));
        let (output, bound) = ops.state;
        let output = whole(output);
        let (values, outputs) = (gradient.storage_mut::<f32>(), output.storage::<f32>());
        let inverse = 1.0 / bound;
        vectorised(
            #[inline(always)]
            || {
                for (gradient, &output) in values.iter_mut().zip(outputs) {
                    let share = output * inverse;
                    *gradient *= 1.0 - share * share;
                }
            },
        );
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            grads.register::<Flex>(parent.id, gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::noise::Noise;

    /// Values and gradients of `Σ w f(x)`, some `x` far beyond the bound.
    fn run(f: impl Fn(Tensor<2>) -> Tensor<2>) -> [Vec<f32>; 2] {
        let device = Device::flex().autodiff();
        let noise = Noise::new(8);
        let draw = |purpose: &str| {
            let values = noise.split(purpose).normal(7 * 33);
            Tensor::<2>::from_data(TensorData::new(values, [7, 33]), &device)
        };
        let x = (draw("x") * 20.0).require_grad();
        // Two uses: neither may write over what the other still needs.
        let output = f(x.clone()) + f(x.clone()) * 0.5;
        let grads = (output.clone() * draw("weights")).sum().backward();
        let read = |tensor: Tensor<2>| tensor.into_data().try_into_vec_as::<f32>().unwrap();
        [read(output.inner()), read(x.grad(&grads).unwrap())]
    }

    #[test]
    fn it_is_the_composed_one() {
        for bound in [1.0, 8.0] {
            let fused = run(|x| soft_clamp(x, bound));
            let composed = run(|x| (x / bound).tanh() * bound);
            for (fused, composed) in fused.iter().flatten().zip(composed.iter().flatten()) {
                assert!((fused - composed).abs() <= 4e-6 * bound, "{fused} {composed}");
            }
        }
    }
}
