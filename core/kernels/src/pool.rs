//! The largest of every two by two cells of maps whose channels come last.

use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

#[cfg(feature = "flex")]
use crate::simd::on_cpu;

/// The largest of every two by two cells; a last odd row or column is dropped, unless it is the only one. The
/// gradient goes to the first of equals.
///
/// # Shapes
/// - `x`: `[batch, height, width, maps]`
/// - output: `[batch, height / 2, width / 2, maps]`
pub fn pool(x: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if on_cpu(&x.device()) {
        return fused::pool(x);
    }
    composed(x)
}

/// What [`pool`] computes, in the back end's own operations.
pub fn composed(x: Tensor<4>) -> Tensor<4> {
    let [_, height, width, _] = x.dims();
    let window = [height.min(2), width.min(2)];
    let maps = x.permute([0, 3, 1, 2]);
    max_pool2d(maps, MaxPoolOptions::new(window).with_stride(window)).permute([0, 2, 3, 1])
}

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

    use crate::simd::{dims, tensor, vectorised, whole};

    pub fn pool(x: Tensor<4>) -> Tensor<4> {
        Tensor::from_dispatch(Dispatch::pool(x.into_dispatch()))
    }

    #[backend_extension(Flex, Autodiff)]
    pub trait PoolOps: Backend {
        fn pool(x: FloatTensor<Self>) -> FloatTensor<Self>;
    }

    impl PoolOps for Flex {
        fn pool(x: FlexTensor) -> FlexTensor {
            let x = whole(x);
            let shape = dims(&x);
            let [batch, high, wide, maps] = pooled(shape);
            let mut out = vec![0.0; batch * high * wide * maps];
            let values: &[f32] = x.storage();
            vectorised(
                #[inline(always)]
                || forward(values, &mut out[..], shape),
            );
            tensor(out, [batch, high, wide, maps])
        }
    }

    impl<C: CheckpointStrategy> PoolOps for Autodiff<Flex, C> {
        fn pool(x: FloatTensor<Self>) -> FloatTensor<Self> {
            let (x, node) = x.into_parts();
            let x = whole(x);
            let output = Flex::pool(x.clone());
            match Pool.prepare::<C>([node]).compute_bound().stateful() {
                OpsKind::Tracked(prep) => prep.finish([x, output.clone()], output),
                OpsKind::UnTracked(prep) => prep.finish(output),
            }
        }
    }

    #[derive(Debug)]
    struct Pool;

    impl Backward<Flex, 1> for Pool {
        type State = [FlexTensor; 2];

        fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
            let gradient = whole(grads.consume::<Flex>(&ops.node));
            let [parent] = ops.parents;
            if let Some(parent) = parent {
                let [x, output] = &ops.state;
                grads.register::<Flex>(parent.id, backward(x, output, &gradient));
            }
        }
    }

    fn backward(x: &FlexTensor, output: &FlexTensor, gradient: &FlexTensor) -> FlexTensor {
        let shape = dims(x);
        let (values, output, gradient): (&[f32], &[f32], &[f32]) =
            (x.storage(), output.storage(), gradient.storage());
        let mut back = vec![0.0; values.len()];
        vectorised(
            #[inline(always)]
            || spread(values, output, gradient, &mut back[..], shape),
        );
        tensor(back, shape)
    }

    #[inline(always)]
    fn forward(values: &[f32], out: &mut [f32], shape: [usize; 4]) {
        let [_, _, _, maps] = shape;
        for (cells, out) in cells(shape).zip(out.chunks_exact_mut(maps)) {
            let [a, b, c, d] = cells.map(|from| &values[from..from + maps]);
            let pairs = a.iter().zip(b).zip(c.iter().zip(d));
            for (out, ((&a, &b), (&c, &d))) in out.iter_mut().zip(pairs) {
                *out = largest(largest(a, b), largest(c, d));
            }
        }
    }

    /// Every gradient to the first of the cells that has the largest value. Where there is one row or one column a cell
    /// comes twice, and nothing is left for it the second time.
    #[inline(always)]
    fn spread(
        values: &[f32],
        output: &[f32],
        gradient: &[f32],
        back: &mut [f32],
        shape: [usize; 4],
    ) {
        let [_, _, _, maps] = shape;
        let mut left = vec![0.0; maps];
        let by_cell = output.chunks_exact(maps).zip(gradient.chunks_exact(maps));
        for (cells, (largest, gradient)) in cells(shape).zip(by_cell) {
            left.copy_from_slice(gradient);
            for from in cells {
                let (here, back) = (&values[from..from + maps], &mut back[from..from + maps]);
                let places = back.iter_mut().zip(&mut left).zip(here.iter().zip(largest));
                for ((back, left), (here, largest)) in places {
                    let goes = if here == largest { *left } else { 0.0 };
                    *back += goes;
                    *left -= goes;
                }
            }
        }
    }

    #[inline(always)]
    fn largest(a: f32, b: f32) -> f32 {
        if b > a { b } else { a }
    }

    fn pooled([batch, height, width, maps]: [usize; 4]) -> [usize; 4] {
        [batch, (height / 2).max(1), (width / 2).max(1), maps]
    }

    /// Places of the four cells that become one, in the order of the output.
    fn cells(shape @ [_, height, width, maps]: [usize; 4]) -> impl Iterator<Item = [usize; 4]> {
        let [batch, high, wide, _] = pooled(shape);
        let (down, right) =
            (if height > 1 { width * maps } else { 0 }, if width > 1 { maps } else { 0 });
        (0..batch * high).flat_map(move |row| {
            let (example, y) = (row / high, row % high);
            let line = (example * height + 2 * y) * width * maps;
            (0..wide).map(move |x| {
                let first = line + 2 * x * maps;
                [first, first + right, first + down, first + down + right]
            })
        })
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::noise::Noise;

    /// Output and gradient of `Σ cost * layer(x)`.
    fn run(layer: fn(Tensor<4>) -> Tensor<4>, shape: [usize; 4]) -> [Vec<f32>; 2] {
        let device = Device::flex().autodiff();
        let draw = |purpose: &str, shape: [usize; 4]| {
            let values = Noise::new(8).split(purpose).normal(shape.iter().product());
            Tensor::<4>::from_data(TensorData::new(values, shape), &device)
        };
        // Zeros after a ReLU make for equals.
        let x = draw("x", shape).require_grad();
        let output = layer(burn::tensor::activation::relu(x.clone()) + 1.0);
        let grads = (output.clone() * draw("cost", output.dims())).sum().backward();
        let read = |tensor: Tensor<4>| tensor.into_data().try_into_vec_as::<f32>().unwrap();
        [read(output.inner()), read(x.grad(&grads).unwrap())]
    }

    #[test]
    fn the_fused_pooling_is_the_composed_one() {
        for shape in [[3, 4, 6, 5], [2, 5, 7, 3], [2, 1, 5, 2], [2, 4, 1, 17], [3, 1, 1, 2]] {
            assert_eq!(run(pool, shape), run(composed, shape), "{shape:?}");
        }
    }
}
