//! Convolutions and transposed convolutions of images whose channels come last.
//!
//! With channels last, an example's pixels are what a convolution reads, its output is what bias and nonlinearity
//! ([`activate`](super::activate::activate)) take as rows, and nothing is turned over in between. The CPU back end
//! has them the other way round and copies every image several times; so on the CPU they are done here
//! (`gather.rs`, `correlate.rs`), and composed elsewhere.

use burn::tensor::Tensor;
use burn::tensor::module::{conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};

use super::window::Window;
#[cfg(feature = "flex")]
use crate::simd::on_cpu;

/// Which way a layer goes between a wide image and a narrow one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From wide to narrow: a convolution.
    Narrowing,
    /// From narrow to wide: a transposed convolution.
    Widening,
}

/// A convolution, or a transposed one, without bias.
///
/// # Shapes
/// - `x`: `[batch, height, width, channels]`
/// - `weight`: `[maps, channels, kernel height, kernel width]`; of a transposed convolution,
///   `[channels, maps, ...]`
/// - output: `[batch, new height, new width, maps]`
pub fn convolve(
    x: Tensor<4>,
    weight: Tensor<4>,
    window: Window,
    direction: Direction,
) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if on_cpu(&x.device()) {
        return fused::convolve(x, weight, window, direction);
    }
    composed(x, weight, window, direction)
}

/// What [`convolve`] computes, in the back end's own operations.
pub fn composed(
    x: Tensor<4>,
    weight: Tensor<4>,
    Window { stride, border, .. }: Window,
    direction: Direction,
) -> Tensor<4> {
    let x = x.permute([0, 3, 1, 2]);
    let (stride, border, one) = ([stride; 2], [border; 2], [1; 2]);
    let out = match direction {
        Direction::Narrowing => conv2d(x, weight, None, ConvOptions::new(stride, border, one, 1)),
        Direction::Widening => {
            let options = ConvTransposeOptions::new(stride, border, [0; 2], one, 1);
            conv_transpose2d(x, weight, None, options)
        }
    };
    out.permute([0, 2, 3, 1])
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

    use super::{Direction, Window};
    use crate::correlate::Correlate;
    use crate::gather::Gather;
    use crate::packing::Weights;
    use crate::reach::Reach;
    use crate::simd::{dims, tensor, whole};
    use crate::winograd;

    pub fn convolve(
        x: Tensor<4>,
        weight: Tensor<4>,
        window: Window,
        direction: Direction,
    ) -> Tensor<4> {
        let [_, height, width, _] = x.dims();
        let image = [height, width];
        let reach = match direction {
            Direction::Narrowing => Reach { window, wide: image, narrow: window.narrowed(image) },
            Direction::Widening => Reach { window, wide: window.widened(image), narrow: image },
        };
        let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
        Tensor::from_dispatch(Dispatch::convolve(x, weight, reach, direction))
    }

    #[backend_extension(Flex, Autodiff)]
    pub trait ConvolveOps: Backend {
        fn convolve(
            x: FloatTensor<Self>,
            weight: FloatTensor<Self>,
            reach: Reach,
            direction: Direction,
        ) -> FloatTensor<Self>;
    }

    impl ConvolveOps for Flex {
        fn convolve(
            x: FlexTensor,
            weight: FlexTensor,
            reach: Reach,
            direction: Direction,
        ) -> FlexTensor {
            let (x, weight) = (whole(x), whole(weight));
            gather(&x, &weight, &reach, direction)
        }
    }

    /// From images of one kind to those of the other. The weights are `[narrow maps, wide maps, kernel height, kernel width]`.
    fn gather(x: &FlexTensor, weight: &FlexTensor, reach: &Reach, to: Direction) -> FlexTensor {
        let ([batch, ..], [narrow, wide, ..]) = (dims::<4>(x), dims::<4>(weight));
        let apart = [wide * reach.cells(), reach.cells()];
        let ([inputs, outputs], [inputs_apart, outputs_apart], image) = match to {
            Direction::Narrowing => ([wide, narrow], [apart[1], apart[0]], reach.narrow),
            Direction::Widening => ([narrow, wide], apart, reach.wide),
        };
        let columns = reach.window.kernel[1];
        let weights = Weights { values: weight.storage(), columns, inputs_apart, outputs_apart };
        let (images, arch) = (x.storage(), pulp::Arch::new());
        let out = if winograd::applies(reach, batch, inputs, outputs) {
            let sums = match to {
                Direction::Narrowing => vec![winograd::to_narrow(reach)],
                Direction::Widening => winograd::to_wide(reach),
            };
            arch.dispatch(winograd::Gather { images, sums: &sums, weights, inputs, outputs })
        } else {
            let (frame, patches) = match to {
                Direction::Narrowing => (reach.around_wide(), vec![reach.of_narrow()]),
                Direction::Widening => (reach.around_narrow(), reach.of_wide()),
            };
            let (patches, cells) = (&patches[..], image[0] * image[1]);
            arch.dispatch(Gather { images, frame, patches, weights, inputs, outputs, cells })
        };
        tensor(out, [batch, image[0], image[1], outputs])
    }

    /// The gradient of the weights.
    fn of_weights(wide: &FlexTensor, narrow: &FlexTensor, reach: &Reach) -> FlexTensor {
        let ([batch, .., channels], [.., maps]) = (dims::<4>(wide), dims::<4>(narrow));
        let arch = pulp::Arch::new();
        let out = if winograd::applies(reach, batch, channels, maps) {
            arch.dispatch(winograd::Correlate {
                images: wide.storage(),
                gradient: narrow.storage(),
                sum: &winograd::to_narrow(reach),
                inputs: channels,
                outputs: maps,
            })
        } else {
            arch.dispatch(Correlate {
                wide: wide.storage(),
                narrow: narrow.storage(),
                frame: reach.around_wide(),
                patches: &reach.of_narrow(),
                channels,
                maps,
            })
        };
        let [high, across] = reach.window.kernel;
        tensor(out, [maps, channels, high, across])
    }

    impl<C: CheckpointStrategy> ConvolveOps for Autodiff<Flex, C> {
        fn convolve(
            x: FloatTensor<Self>,
            weight: FloatTensor<Self>,
            reach: Reach,
            direction: Direction,
        ) -> FloatTensor<Self> {
            let (x, x_node) = x.into_parts();
            let (weight, weight_node) = weight.into_parts();
            let (x, weight) = (whole(x), whole(weight));
            let output = Flex::convolve(x.clone(), weight.clone(), reach, direction);
            match Convolve.prepare::<C>([x_node, weight_node]).compute_bound().stateful() {
                OpsKind::Tracked(prep) => {
                    prep.finish(Taken { x, weight, reach, direction }, output)
                }
                OpsKind::UnTracked(prep) => prep.finish(output),
            }
        }
    }

    #[derive(Debug)]
    struct Convolve;

    /// What the backward pass is told.
    #[derive(Clone, Debug)]
    struct Taken {
        x: FlexTensor,
        weight: FlexTensor,
        reach: Reach,
        direction: Direction,
    }

    impl Backward<Flex, 2> for Convolve {
        type State = Taken;

        fn backward(self, ops: Ops<Taken, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
            let gradient = whole(grads.consume::<Flex>(&ops.node));
            let Taken { x, weight, reach, direction } = ops.state;
            let [of_x, of_weight] = ops.parents;
            // An image of data has no gradient to work out.
            if let Some(parent) = of_x {
                let back = match direction {
                    Direction::Narrowing => Direction::Widening,
                    Direction::Widening => Direction::Narrowing,
                };
                let gradient = gather(&gradient, &weight, &reach, back);
                grads.register::<Flex>(parent.id, gradient);
            }
            if let Some(parent) = of_weight {
                let gradient = match direction {
                    Direction::Narrowing => of_weights(&x, &gradient, &reach),
                    Direction::Widening => of_weights(&gradient, &x, &reach),
                };
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use burn::tensor::{Device, TensorData};
    use pulp::WithSimd;

    use super::*;
    use crate::correlate::Correlate;
    use crate::gather::Gather;
    use crate::noise::Noise;
    use crate::packing::Weights;
    use crate::reach::Reach;
    use crate::winograd;

    type Layer = fn(Tensor<4>, Tensor<4>, Window, Direction) -> Tensor<4>;

    /// Output and both gradients of `Σ cost * layer(x, weight)`.
    fn run(
        layer: Layer,
        image: [usize; 4],
        maps: usize,
        window: Window,
        direction: Direction,
    ) -> [Vec<f32>; 3] {
        let device = Device::flex().autodiff();
        let noise = Noise::new(7);
        let draw = |purpose: &str, shape: [usize; 4]| {
            let values = noise.split(purpose).normal(shape.iter().product());
            Tensor::<4>::from_data(TensorData::new(values, shape), &device)
        };
        let x = draw("x", image).require_grad();
        let [high, wide] = window.kernel;
        let weight = match direction {
            Direction::Narrowing => [maps, image[3], high, wide],
            Direction::Widening => [image[3], maps, high, wide],
        };
        let weight = draw("weight", weight).require_grad();
        let output = layer(x.clone(), weight.clone(), window, direction);
        let grads = (output.clone() * draw("cost", output.dims())).sum().backward();
        let read = |tensor: Tensor<4>| tensor.into_data().try_into_vec_as::<f32>().unwrap();
        [read(output.inner()), read(x.grad(&grads).unwrap()), read(weight.grad(&grads).unwrap())]
    }

    #[test]
    fn the_convolution_of_the_cpu_is_the_composed_one() {
        let window = |kernel, stride, border| Window { kernel, stride, border };
        for (image, maps, window) in [
            ([2, 5, 6, 3], 4, window([3, 3], 1, 1)),
            ([3, 7, 4, 2], 5, window([3, 3], 2, 1)),
            ([2, 6, 6, 3], 2, window([4, 4], 2, 1)),
            ([2, 5, 5, 3], 4, window([1, 1], 1, 0)),
            ([2, 5, 6, 3], 4, window([1, 1], 2, 0)),
            ([2, 1, 1, 3], 4, window([3, 3], 1, 1)),
            ([1, 1, 5, 3], 4, window([3, 4], 2, 1)),
            // Squares of two by two, with odd ends, and without.
            ([13, 7, 5, 16], 32, window([3, 3], 1, 1)),
            ([12, 6, 8, 32], 48, window([3, 3], 1, 0)),
            ([21, 4, 4, 16], 16, window([3, 3], 1, 2)),
            ([9, 16, 16, 64], 16, window([3, 3], 1, 1)),
            // Four kernels of two by two, with odd ends, and without.
            ([40, 8, 6, 16], 32, window([4, 4], 2, 1)),
            ([130, 7, 5, 32], 16, window([4, 4], 2, 0)),
            ([24, 5, 9, 16], 16, window([4, 4], 2, 3)),
            ([9, 14, 14, 48], 64, window([4, 4], 2, 1)),
            // Several blocks, the last one shorter.
            ([7, 28, 28, 9], 3, window([3, 3], 1, 1)),
        ] {
            for direction in [Direction::Narrowing, Direction::Widening] {
                let fits = window.kernel[1] <= image[2] + 2 * window.border;
                if direction == Direction::Narrowing && !fits {
                    continue;
                }
                let ours = run(convolve, image, maps, window, direction);
                let composed = run(composed, image, maps, window, direction);
                // A weight's gradient sums over thousands of cells.
                for (what, (ours, composed)) in
                    ["output", "image", "weight"].into_iter().zip(ours.iter().zip(&composed))
                {
                    assert_eq!(ours.len(), composed.len());
                    let scale = composed.iter().map(|v| v.abs()).fold(1.0, f32::max);
                    for (a, b) in ours.iter().zip(composed) {
                        let case = (image, window, direction);
                        assert!((a - b).abs() <= 1e-5 * scale, "{what}, {case:?}: {a} {b}");
                    }
                }
            }
        }
    }

    /// What [`pulp::Arch`] would run on another processor: with vectors of eight numbers, and of one.
    #[test]
    fn shorter_vectors_give_the_same_convolution_and_gradient() {
        for (kernel, stride) in [(3, 1), (4, 2), (3, 2)] {
            let window = Window { kernel: [kernel; 2], stride, border: 1 };
            let (wide, inputs, outputs) = ([10, 12], 16, 32);
            let reach = Reach { window, wide, narrow: window.narrowed(wide) };
            let batch = 24;
            let draw = |purpose: &str, count| Noise::new(3).split(purpose).normal(count);
            let cells = |image: [usize; 2]| batch * image[0] * image[1];
            let images = draw("images", cells(wide) * inputs);
            let gradient = draw("gradient", cells(reach.narrow) * outputs);
            let values = draw("weights", outputs * inputs * reach.cells());
            let weights = Weights {
                values: &values,
                columns: kernel,
                inputs_apart: reach.cells(),
                outputs_apart: inputs * reach.cells(),
            };
            let patches = [reach.of_narrow()];
            let gather = || Gather {
                images: &images,
                frame: reach.around_wide(),
                patches: &patches,
                weights,
                inputs,
                outputs,
                cells: reach.narrow[0] * reach.narrow[1],
            };
            let correlate = || Correlate {
                wide: &images,
                narrow: &gradient,
                frame: reach.around_wide(),
                patches: &patches[0],
                channels: inputs,
                maps: outputs,
            };
            same_by_all_vectors(gather);
            same_by_all_vectors(correlate);
            if winograd::applies(&reach, batch, inputs, outputs) {
                let sum = winograd::to_narrow(&reach);
                let sums = std::slice::from_ref(&sum);
                same_by_all_vectors(|| winograd::Gather {
                    images: &images,
                    sums,
                    weights,
                    inputs,
                    outputs,
                });
                same_by_all_vectors(|| winograd::Correlate {
                    images: &images,
                    gradient: &gradient,
                    sum: &sum,
                    inputs,
                    outputs,
                });
            } else {
                assert_eq!((kernel, stride), (3, 2));
            }
        }
    }

    fn same_by_all_vectors<W: WithSimd<Output = Vec<f32>>>(work: impl Fn() -> W) {
        let by_longest = pulp::Arch::new().dispatch(work());
        let mut others = vec![pulp::Simd::vectorize(pulp::Scalar::new(), work())];
        #[cfg(target_arch = "x86_64")]
        others.extend(pulp::x86::V3::try_new().map(|simd| pulp::Simd::vectorize(simd, work())));
        let scale = by_longest.iter().map(|v| v.abs()).fold(1.0, f32::max);
        for other in others {
            assert_eq!(other.len(), by_longest.len());
            for (a, b) in other.iter().zip(&by_longest) {
                assert!((a - b).abs() <= 1e-5 * scale, "{a} {b}");
            }
        }
    }
}
