//! Bias and nonlinearity of a layer in one pass over memory, forward and backward.
//!
//! A layer's matrix product leaves its bias, its nonlinearity and their gradients as a handful of
//! elementwise operations, each a trip through memory. On the CPU back end they are one trip forward and
//! one backward, and on a GPU as many launches, beside sums.

use burn::tensor::Tensor;

use super::activation::Activation;
#[cfg(feature = "cube")]
use super::nonlinear;
#[cfg(feature = "flex")]
use crate::simd::on_cpu;

/// How rows of a layer's product become rows of its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// One output row each.
    Own,
    /// One output row for every row of the bias: example `i` of `batch` becomes rows `g * batch + i`.
    Shared,
}

/// `f(product + bias)`; without a nonlinearity, the sum.
///
/// # Shapes
/// - `product`: `[rows, units]`
/// - `bias`: `[groups, units]`; group `g` of the output's rows, of equal size, adds row `g`
/// - output: `[rows, units]`, or `[groups * rows, units]` for [`Rows::Shared`]
pub fn activate(
    product: Tensor<2>,
    bias: Tensor<2>,
    activation: Option<Activation>,
    rows: Rows,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if let Some(rule) = fused::Rule::of(activation)
        && on_cpu(&product.device())
    {
        return fused::activate(product, bias, rule, rows);
    }
    #[cfg(feature = "cube")]
    if let Some(rule) = gpu_rule(activation)
        && crate::gpu::is_gpu(&product.device())
    {
        return on_gpu(product, bias, rule, rows);
    }
    composed(product, bias, activation, rows)
}

/// The same on a GPU.
#[cfg(feature = "cube")]
fn on_gpu(product: Tensor<2>, bias: Tensor<2>, rule: nonlinear::Rule, rows: Rows) -> Tensor<2> {
    let ([count, units], [groups, _]) = (product.dims(), bias.dims());
    let product = match rows {
        Rows::Own => product.reshape([groups, count / groups, units]),
        Rows::Shared => product.unsqueeze::<3>(),
    };
    let output = nonlinear::shifted(product, bias.unsqueeze_dim::<3>(1), rule);
    let [groups, each, units] = output.dims();
    output.reshape([groups * each, units])
}

/// The nonlinearity as a GPU knows it, if its slope follows from its value.
#[cfg(feature = "cube")]
fn gpu_rule(activation: Option<Activation>) -> Option<nonlinear::Rule> {
    match activation {
        None | Some(Activation::Identity) => Some(nonlinear::Rule::Identity),
        Some(Activation::Softplus) => Some(nonlinear::Rule::Softplus),
        Some(Activation::Relu) => Some(nonlinear::Rule::Leaky(0.0_f32.to_bits())),
        Some(Activation::LeakyRelu) => Some(nonlinear::Rule::Leaky(Activation::LEAK.to_bits())),
        Some(Activation::Tanh) => Some(nonlinear::Rule::Tanh),
        Some(Activation::Silu) => None,
    }
}

/// A layer's output, and the way back through its nonlinearity, for gradients by hand: no tape runs through it.
#[derive(Debug)]
pub struct Activated {
    /// `f(product)`, `[rows, units]`.
    pub value: Tensor<2>,
    slope: Slope,
}

#[derive(Debug)]
enum Slope {
    /// It follows from the value.
    #[cfg(feature = "flex")]
    OfValue(fused::Rule),
    /// The same, on a GPU.
    #[cfg(feature = "cube")]
    OfGpuValue(nonlinear::Rule),
    /// `[rows, units]`.
    Known(Tensor<2>),
}

impl Activated {
    /// `f(product + bias)`, the bias `[1, units]`.
    pub fn new(product: Tensor<2>, bias: Tensor<2>, activation: Activation) -> Self {
        #[cfg(feature = "flex")]
        if let Some(rule) = fused::Rule::of(Some(activation))
            && on_cpu(&product.device())
        {
            let value = fused::activate(product, bias, rule, Rows::Own);
            return Self { value, slope: Slope::OfValue(rule) };
        }
        #[cfg(feature = "cube")]
        if let Some(rule) = gpu_rule(Some(activation))
            && crate::gpu::is_gpu(&product.device())
        {
            let value = on_gpu(product, bias, rule, Rows::Own);
            return Self { value, slope: Slope::OfGpuValue(rule) };
        }
        let (value, slope) = activation.with_slope(product + bias);
        Self { value, slope: Slope::Known(slope) }
    }

    /// The gradient before the nonlinearity from that after it, both `[rows, units]`.
    pub fn pull_back(self, gradient: Tensor<2>) -> Tensor<2> {
        match self.slope {
            #[cfg(feature = "flex")]
            Slope::OfValue(rule) => fused::times_slope(gradient, self.value, rule),
            #[cfg(feature = "cube")]
            Slope::OfGpuValue(rule) => nonlinear::times_slope(gradient, self.value, rule),
            Slope::Known(slope) => gradient * slope,
        }
    }
}

/// What [`activate`] computes, in the back end's own operations.
pub fn composed(
    product: Tensor<2>,
    bias: Tensor<2>,
    activation: Option<Activation>,
    rows: Rows,
) -> Tensor<2> {
    let ([count, units], [groups, _]) = (product.dims(), bias.dims());
    let sum = match rows {
        _ if groups == 1 => product + bias,
        Rows::Own => {
            let sum = product.reshape([groups, count / groups, units]) + bias.unsqueeze_dim::<3>(1);
            sum.reshape([count, units])
        }
        Rows::Shared => {
            let sum = product.unsqueeze::<3>() + bias.unsqueeze_dim::<3>(1);
            sum.reshape([groups * count, units])
        }
    };
    match activation {
        Some(activation) => activation.forward(sum),
        None => sum,
    }
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

    use super::{Activation, Rows};
    use crate::simd::{self, dims, tensor, vectorised, whole};

    /// A nonlinearity whose slope follows from its value, so that the backward pass needs nothing else.
    #[derive(Clone, Copy, Debug)]
    pub enum Rule {
        Identity,
        Softplus,
        /// `x` if positive, else this much of it.
        Leaky(f32),
        Tanh,
    }

    impl Rule {
        pub fn of(activation: Option<Activation>) -> Option<Self> {
            match activation {
                None | Some(Activation::Identity) => Some(Self::Identity),
                Some(Activation::Softplus) => Some(Self::Softplus),
                Some(Activation::Relu) => Some(Self::Leaky(0.0)),
                Some(Activation::LeakyRelu) => Some(Self::Leaky(Activation::LEAK)),
                Some(Activation::Tanh) => Some(Self::Tanh),
                Some(Activation::Silu) => None,
            }
        }
    }

    pub fn activate(product: Tensor<2>, bias: Tensor<2>, rule: Rule, rows: Rows) -> Tensor<2> {
        let (product, bias) = (product.into_dispatch(), bias.into_dispatch());
        Tensor::from_dispatch(Dispatch::activate(product, bias, rule, rows))
    }

    #[backend_extension(Flex, Autodiff)]
    pub trait ActivateOps: Backend {
        fn activate(
            product: FloatTensor<Self>,
            bias: FloatTensor<Self>,
            rule: Rule,
            rows: Rows,
        ) -> FloatTensor<Self>;
    }

    impl ActivateOps for Flex {
        fn activate(product: FlexTensor, bias: FlexTensor, rule: Rule, rows: Rows) -> FlexTensor {
            match rule {
                Rule::Identity => forward(product, &bias, rows, |v| v),
                Rule::Softplus => forward(product, &bias, rows, simd::softplus),
                Rule::Leaky(leak) => {
                    forward(product, &bias, rows, move |v| if v > 0.0 { v } else { leak * v })
                }
                Rule::Tanh => forward(product, &bias, rows, simd::tanh),
            }
        }
    }

    impl<C: CheckpointStrategy> ActivateOps for Autodiff<Flex, C> {
        fn activate(
            product: FloatTensor<Self>,
            bias: FloatTensor<Self>,
            rule: Rule,
            rows: Rows,
        ) -> FloatTensor<Self> {
            let (product, product_node) = product.into_parts();
            let (bias, bias_node) = bias.into_parts();
            let [groups, _] = dims(&bias);
            let output = Flex::activate(product, bias, rule, rows);
            match Activate.prepare::<C>([product_node, bias_node]).compute_bound().stateful() {
                OpsKind::Tracked(prep) => {
                    prep.finish(Taken { output: output.clone(), groups, rule, rows }, output)
                }
                OpsKind::UnTracked(prep) => prep.finish(output),
            }
        }
    }

    #[derive(Debug)]
    struct Activate;

    /// What the backward pass is told.
    #[derive(Clone, Debug)]
    struct Taken {
        output: FlexTensor,
        groups: usize,
        rule: Rule,
        rows: Rows,
    }

    impl Backward<Flex, 2> for Activate {
        type State = Taken;

        fn backward(self, ops: Ops<Taken, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
            let gradient = grads.consume::<Flex>(&ops.node);
            let taken = ops.state;
            let [product, bias] = match taken.rule {
                Rule::Identity => backward(&taken, gradient, |_| 1.0),
                Rule::Softplus => backward(&taken, gradient, simd::one_minus_exp_of_negative),
                Rule::Leaky(leak) => {
                    backward(&taken, gradient, move |value| if value > 0.0 { 1.0 } else { leak })
                }
                Rule::Tanh => backward(&taken, gradient, |value| 1.0 - value * value),
            };
            for (parent, gradient) in ops.parents.into_iter().zip([product, bias]) {
                if let Some(parent) = parent {
                    grads.register::<Flex>(parent.id, gradient);
                }
            }
        }
    }

    /// A gradient times the slope of a nonlinearity, which follows from its value; plain tensors of one size.
    pub fn times_slope(gradient: Tensor<2>, value: Tensor<2>, rule: Rule) -> Tensor<2> {
        let [gradient, value] =
            [gradient, value].map(|tensor| match tensor.try_into_primitive::<Flex>() {
                Ok(tensor) => whole(tensor),
                Err(error) => unreachable!("both are on the plain CPU: {error:?}"),
            });
        let product = match rule {
            Rule::Identity => gradient,
            Rule::Softplus => scaled(gradient, &value, simd::one_minus_exp_of_negative),
            Rule::Leaky(leak) => {
                scaled(gradient, &value, move |value| if value > 0.0 { 1.0 } else { leak })
            }
            Rule::Tanh => scaled(gradient, &value, |value| 1.0 - value * value),
        };
        Tensor::from_primitive::<Flex>(product)
    }

    fn scaled(
        mut gradient: FlexTensor,
        value: &FlexTensor,
        slope: impl Fn(f32) -> f32,
    ) -> FlexTensor {
        let (gradients, values) = (gradient.storage_mut::<f32>(), value.storage::<f32>());
        vectorised(
            #[inline(always)]
            || {
                for (gradient, &value) in gradients.iter_mut().zip(values) {
                    *gradient *= slope(value);
                }
            },
        );
        gradient
    }

    fn forward(
        product: FlexTensor,
        bias: &FlexTensor,
        rows: Rows,
        f: impl Fn(f32) -> f32,
    ) -> FlexTensor {
        let (mut product, bias) = (whole(product), whole(bias.clone()));
        let ([count, units], [groups, _]) = (dims(&product), dims(&bias));
        let bias: &[f32] = bias.storage();
        if rows == Rows::Shared && groups > 1 {
            let out = vectorised(
                #[inline(always)]
                || spread(product.storage(), bias, units, f),
            );
            return tensor(out, [groups * count, units]);
        }
        vectorised(
            #[inline(always)]
            || in_place(product.storage_mut(), bias, units, f),
        );
        product
    }

    /// Every group of rows under its row of the bias.
    #[inline(always)]
    fn in_place(values: &mut [f32], bias: &[f32], units: usize, f: impl Fn(f32) -> f32) {
        let groups = groups_of(values, bias.len() / units);
        for (rows, bias) in groups.zip(bias.chunks_exact(units)) {
            for row in rows.chunks_exact_mut(units) {
                for (value, bias) in row.iter_mut().zip(bias) {
                    *value = f(*value + bias);
                }
            }
        }
    }

    /// Every row of the product under every row of the bias.
    #[inline(always)]
    fn spread(product: &[f32], bias: &[f32], units: usize, f: impl Fn(f32) -> f32) -> Vec<f32> {
        let mut out = Vec::with_capacity(bias.len() / units * product.len());
        for bias in bias.chunks_exact(units) {
            for row in product.chunks_exact(units) {
                out.extend(row.iter().zip(bias).map(|(value, bias)| f(value + bias)));
            }
        }
        out
    }

    /// Gradients of product and bias; `slope` gives the nonlinearity's from its value.
    fn backward(
        taken: &Taken,
        gradient: FlexTensor,
        slope: impl Fn(f32) -> f32,
    ) -> [FlexTensor; 2] {
        let (output, mut gradient) = (whole(taken.output.clone()), whole(gradient));
        let [count, units] = dims(&output);
        let groups = taken.groups;
        let mut bias = vec![0.0; groups * units];
        let product = if taken.rows == Rows::Shared && groups > 1 {
            let mut sums = vec![0.0; count / groups * units];
            let (output, gradient) = (output.storage(), gradient.storage());
            let both = [&mut sums[..], &mut bias];
            vectorised(
                #[inline(always)]
                || gather(output, gradient, both, units, slope),
            );
            tensor(sums, [count / groups, units])
        } else {
            let (output, values) = (output.storage(), gradient.storage_mut());
            vectorised(
                #[inline(always)]
                || pull_back(output, values, &mut bias[..], units, slope),
            );
            gradient
        };
        [product, tensor(bias, [groups, units])]
    }

    /// The gradient before the nonlinearity, in place, and its sums over each group's rows.
    #[inline(always)]
    fn pull_back(
        output: &[f32],
        gradient: &mut [f32],
        by_bias: &mut [f32],
        units: usize,
        slope: impl Fn(f32) -> f32,
    ) {
        let size = output.len() / (by_bias.len() / units);
        let groups = output.chunks(size.max(1)).zip(groups_of(gradient, by_bias.len() / units));
        for ((output, gradient), by_bias) in groups.zip(by_bias.chunks_exact_mut(units)) {
            for (output, gradient) in
                output.chunks_exact(units).zip(gradient.chunks_exact_mut(units))
            {
                for ((&value, gradient), sum) in output.iter().zip(gradient).zip(by_bias.iter_mut())
                {
                    *gradient *= slope(value);
                    *sum += *gradient;
                }
            }
        }
    }

    /// The same where the groups share the rows of the product: its gradient sums over the groups.
    #[inline(always)]
    fn gather(
        output: &[f32],
        gradient: &[f32],
        [by_product, by_bias]: [&mut [f32]; 2],
        units: usize,
        slope: impl Fn(f32) -> f32,
    ) {
        let size = by_product.len().max(1);
        let groups = output.chunks(size).zip(gradient.chunks(size));
        for ((output, gradient), by_bias) in groups.zip(by_bias.chunks_exact_mut(units)) {
            let rows = output.chunks_exact(units).zip(gradient.chunks_exact(units));
            for ((output, gradient), by_row) in rows.zip(by_product.chunks_exact_mut(units)) {
                for (((&value, gradient), by_row), by_bias) in
                    output.iter().zip(gradient).zip(by_row).zip(by_bias.iter_mut())
                {
                    let before = gradient * slope(value);
                    *by_row += before;
                    *by_bias += before;
                }
            }
        }
    }

    fn groups_of(values: &mut [f32], groups: usize) -> std::slice::ChunksMut<'_, f32> {
        let size = values.len() / groups;
        values.chunks_mut(size.max(1))
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::noise::Noise;

    const ALL: [Option<Activation>; 7] = [
        None,
        Some(Activation::Softplus),
        Some(Activation::Relu),
        Some(Activation::LeakyRelu),
        Some(Activation::Silu),
        Some(Activation::Tanh),
        Some(Activation::Identity),
    ];

    type Layer = fn(Tensor<2>, Tensor<2>, Option<Activation>, Rows) -> Tensor<2>;

    /// Output and both gradients of `Σ weight * layer(product, bias)`.
    fn run(
        layer: Layer,
        activation: Option<Activation>,
        rows: Rows,
        [count, groups, units]: [usize; 3],
    ) -> [Vec<f32>; 3] {
        let device = Device::flex().autodiff();
        let noise = Noise::new(5);
        let draw = |purpose: &str, shape: [usize; 2]| {
            let values = noise.split(purpose).normal(shape[0] * shape[1]);
            Tensor::<2>::from_data(TensorData::new(values, shape), &device)
        };
        let product = draw("product", [count, units]).require_grad();
        let bias = draw("bias", [groups, units]).require_grad();
        let output = layer(product.clone() * 3.0, bias.clone(), activation, rows);
        let grads = (output.clone() * draw("weights", output.dims())).sum().backward();
        let read = |tensor: Tensor<2>| tensor.into_data().try_into_vec_as::<f32>().unwrap();
        [
            read(output.inner()),
            read(product.grad(&grads).unwrap()),
            read(bias.grad(&grads).unwrap()),
        ]
    }

    #[test]
    fn fused_layers_are_the_composed_ones() {
        for (rows, shape) in [
            (Rows::Own, [7, 1, 5]),
            (Rows::Own, [6, 3, 17]),
            (Rows::Shared, [4, 3, 33]),
            (Rows::Shared, [4, 1, 3]),
        ] {
            for activation in ALL {
                let fused = run(activate, activation, rows, shape);
                let composed = run(composed, activation, rows, shape);
                for (fused, composed) in fused.iter().zip(&composed) {
                    assert_eq!(fused.len(), composed.len());
                    for (a, b) in fused.iter().zip(composed) {
                        assert!(
                            (a - b).abs() <= 2e-6 * (1.0 + b.abs()),
                            "{activation:?} {rows:?}: {a} {b}"
                        );
                    }
                }
            }
        }
    }

    /// What lies on the edge is treated alike everywhere: a patch of an image that is empty has sums of exactly 0.
    #[test]
    fn at_zero_slopes_are_those_of_the_other_side() {
        let device = Device::flex().autodiff();
        for (activation, expected) in [
            (Activation::Relu, 0.0),
            (Activation::LeakyRelu, Activation::LEAK),
            (Activation::Softplus, 0.5),
            (Activation::Silu, 0.5),
            (Activation::Tanh, 1.0),
        ] {
            for layer in [activate as Layer, composed] {
                let product = Tensor::<2>::zeros([1, 3], &device).require_grad();
                let bias = Tensor::<2>::zeros([1, 3], &device);
                let output = layer(product.clone(), bias, Some(activation), Rows::Own);
                let slopes = product.grad(&output.sum().backward()).unwrap();
                let slopes = slopes.into_data().try_into_vec_as::<f32>().unwrap();
                assert!(
                    slopes.iter().all(|slope| (slope - expected).abs() < 1e-6),
                    "{activation:?}: {slopes:?}, not {expected}"
                );
            }
        }
    }
}
