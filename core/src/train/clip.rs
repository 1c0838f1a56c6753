//! Gradient clipping by global norm (Pascanu et al. 2013): all gradients together keep their direction.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Scales all gradients of `model` by `min(1, max_norm / norm)` (E14) and returns them with the norm before
/// clipping, `[1]`. Nothing is read back: the factor stays on the device.
pub fn clip_global_norm<M: Module>(
    model: &M,
    grads: GradientsParams,
    max_norm: f64,
) -> (GradientsParams, Option<Tensor<1>>) {
    let mut squares = SumOfSquares { grads: &grads, sum: None };
    model.visit(&mut squares);
    let Some(norm) = squares.sum.map(Tensor::sqrt) else {
        return (grads, None);
    };
    // A norm of zero must give a factor of one, not a division by zero.
    let factor = (norm.clone().clamp_min(max_norm).recip()) * max_norm;
    let mut scale = Scale { grads, factor };
    model.visit(&mut scale);
    (scale.grads, Some(norm))
}

struct SumOfSquares<'a> {
    grads: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.get::<D>(param.id) {
            let square = grad.square().sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Scale {
    grads: GradientsParams,
    factor: Tensor<1>,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.remove::<D>(param.id) {
            let factor = self.factor.clone().reshape([1; D]);
            self.grads.register(param.id, grad * factor);
        }
    }
}
