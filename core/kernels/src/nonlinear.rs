//! Nonlinearities on GPUs: one launch forward, with what is added before it, and one backward beside the sums.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Cube, Dispatch, TensorMetadata as _, backend_extension};
use burn::tensor::{Shape, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::ir::ElemType;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::std::tensor::layout::linear::{LinearView, LinearViewMut};
use burn_cubecl::tensor::CubeTensor;
use serde::{Deserialize, Serialize};

use crate::gpu::{Elementwise, softplus, softplus_slope, stretched};

/// A nonlinearity whose slope follows from its value, so that the backward pass needs nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rule {
    Identity,
    Softplus,
    /// `x` if positive, else a share of it, whose bits these are: kernels are told apart by what compares exactly.
    Leaky(u32),
    Tanh,
    /// `b tanh(x / b)`, for a number `b` of these bits.
    SoftClamp(u32),
}

/// `f(product + bias)`; what has a single row stretches to all rows.
///
/// # Shapes
/// - `product`: `[groups, rows, units]` or `[1, rows, units]`; `bias`: `[groups, 1, units]`
/// - output: `[groups, rows, units]`
pub fn shifted(product: Tensor<3>, bias: Tensor<3>, rule: Rule) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::shifted(product.into_dispatch(), bias.into_dispatch(), rule))
}

/// A nonlinearity of each number.
pub fn apply<const D: usize>(x: Tensor<D>, rule: Rule) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::shaped(x.into_dispatch(), rule))
}

#[backend_extension(Cube, Autodiff, Fusion: cfg(feature = "fusion"))]
pub trait NonlinearOps: Backend {
    /// `f(product + bias)`, `[groups, rows, units]`, of `[groups, rows, units]` or `[1, rows, units]` and `[groups, 1, units]`.
    #[fusion(dtype = product, shape = stretched(product, bias))]
    fn shifted(
        product: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        rule: Rule,
    ) -> FloatTensor<Self>;

    /// `f(x)`, of any shape.
    #[fusion(dtype = x, shape = x)]
    fn shaped(x: FloatTensor<Self>, rule: Rule) -> FloatTensor<Self>;

    /// `gradient` times the slope where the nonlinearity's value is `value`, both of one shape.
    #[fusion(dtype = value, shape = value)]
    fn pulled_back(
        gradient: FloatTensor<Self>,
        value: FloatTensor<Self>,
        rule: Rule,
    ) -> FloatTensor<Self>;
}

impl NonlinearOps for CubeBackend {
    fn shifted(product: CubeTensor, bias: CubeTensor, rule: Rule) -> CubeTensor {
        let shape = stretched(&product.shape(), &bias.shape());
        let (launch, output) = Elementwise::over(&shape, &[&product, &bias]);
        let client = product.client.clone();
        shifted_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            launch.vector,
            product.into_linear_view_like(&output),
            bias.into_linear_view_like(&output),
            output.clone().into_linear_view(),
            rule,
            launch.dtype,
        );
        output
    }

    fn shaped(x: CubeTensor, rule: Rule) -> CubeTensor {
        let (launch, output) = Elementwise::over(&x.shape(), &[&x]);
        let client = x.client.clone();
        shaped_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            launch.vector,
            x.into_linear_view(),
            output.clone().into_linear_view(),
            rule,
            launch.dtype,
        );
        output
    }

    fn pulled_back(gradient: CubeTensor, value: CubeTensor, rule: Rule) -> CubeTensor {
        let (launch, output) = Elementwise::over(&value.shape(), &[&gradient, &value]);
        let client = value.client.clone();
        pulled_back_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            launch.vector,
            gradient.into_linear_view(),
            value.into_linear_view(),
            output.clone().into_linear_view(),
            rule,
            launch.dtype,
        );
        output
    }
}

#[cube]
fn nonlinear<F: Float, N: Size>(x: Vector<F, N>, #[comptime] rule: Rule) -> Vector<F, N> {
    let zero = Vector::new(F::new(0.0_f32));
    match rule {
        Rule::Identity => x,
        Rule::Softplus => softplus::<F, N>(x),
        Rule::Leaky(leak) => {
            let leak = Vector::new(F::new(comptime![f32::from_bits(leak)]));
            select_many(x.less_than(&zero), x * leak, x)
        }
        Rule::Tanh => tanh::<F, N>(x),
        Rule::SoftClamp(bound) => {
            let bound = Vector::new(F::new(comptime![f32::from_bits(bound)]));
            tanh::<F, N>(x / bound) * bound
        }
    }
}

/// A GPU may make `tanh` of `exp(2 x)`, which overflows from 45 on. From 20 on it is 1 to the last bit.
#[cube]
fn tanh<F: Float, N: Size>(x: Vector<F, N>) -> Vector<F, N> {
    let end = Vector::new(F::new(20.0_f32));
    let start = Vector::new(F::new(-20.0_f32));
    let x = select_many(x.greater_than(&end), end, x);
    Vector::tanh(select_many(x.less_than(&start), start, x))
}

#[cube]
fn slope<F: Float, N: Size>(value: Vector<F, N>, #[comptime] rule: Rule) -> Vector<F, N> {
    let zero = Vector::new(F::new(0.0_f32));
    let one = Vector::new(F::new(1.0_f32));
    match rule {
        Rule::Identity => one,
        Rule::Softplus => softplus_slope::<F, N>(value),
        Rule::Leaky(leak) => {
            let leak = Vector::new(F::new(comptime![f32::from_bits(leak)]));
            select_many(value.greater_than(&zero), one, leak)
        }
        Rule::Tanh => one - value * value,
        Rule::SoftClamp(bound) => {
            let share = value / Vector::new(F::new(comptime![f32::from_bits(bound)]));
            one - share * share
        }
    }
}

#[cube(launch, address_type = "dynamic")]
fn shifted_kernel<F: Float, N: Size>(
    product: LinearView<'_, Vector<F, N>>,
    bias: LinearView<'_, Vector<F, N>>,
    mut output: LinearViewMut<'_, Vector<F, N>>,
    #[comptime] rule: Rule,
    #[define(F)] _dtype: ElemType,
) {
    if !output.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let sum = product.read(ABSOLUTE_POS) + bias.read(ABSOLUTE_POS);
    output.write(ABSOLUTE_POS, nonlinear::<F, N>(sum, rule));
}

#[cube(launch, address_type = "dynamic")]
fn shaped_kernel<F: Float, N: Size>(
    x: LinearView<'_, Vector<F, N>>,
    mut output: LinearViewMut<'_, Vector<F, N>>,
    #[comptime] rule: Rule,
    #[define(F)] _dtype: ElemType,
) {
    if !output.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    output.write(ABSOLUTE_POS, nonlinear::<F, N>(x.read(ABSOLUTE_POS), rule));
}

#[cube(launch, address_type = "dynamic")]
fn pulled_back_kernel<F: Float, N: Size>(
    gradient: LinearView<'_, Vector<F, N>>,
    value: LinearView<'_, Vector<F, N>>,
    mut output: LinearViewMut<'_, Vector<F, N>>,
    #[comptime] rule: Rule,
    #[define(F)] _dtype: ElemType,
) {
    if !output.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let slope = slope::<F, N>(value.read(ABSOLUTE_POS), rule);
    output.write(ABSOLUTE_POS, gradient.read(ABSOLUTE_POS) * slope);
}

impl<C: CheckpointStrategy> NonlinearOps for Autodiff<Cube, C> {
    fn shifted(
        product: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        rule: Rule,
    ) -> FloatTensor<Self> {
        let (product, product_node) = product.into_parts();
        let (bias, bias_node) = bias.into_parts();
        let shapes = [product.shape(), bias.shape()];
        let output = Cube::shifted(product, bias, rule);
        match Shifted.prepare::<C>([product_node, bias_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((output.clone(), shapes, rule), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn shaped(x: FloatTensor<Self>, rule: Rule) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let output = Cube::shaped(x, rule);
        match Shaped.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((output.clone(), rule), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn pulled_back(
        _gradient: FloatTensor<Self>,
        _value: FloatTensor<Self>,
        _rule: Rule,
    ) -> FloatTensor<Self> {
        unreachable!("a gradient is pulled back off the tape")
    }
}

#[derive(Debug)]
struct Shifted;

impl Backward<Cube, 2> for Shifted {
    type State = (FloatTensor<Cube>, [Shape; 2], Rule);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Cube>(&ops.node);
        let (output, shapes, rule) = ops.state;
        let before = pull_back(gradient, output, rule);
        for (parent, shape) in ops.parents.into_iter().zip(shapes) {
            if let Some(parent) = parent {
                grads.register::<Cube>(parent.id, summed_to(before.clone(), &shape));
            }
        }
    }
}

#[derive(Debug)]
struct Shaped;

impl Backward<Cube, 1> for Shaped {
    type State = (FloatTensor<Cube>, Rule);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Cube>(&ops.node);
        let (output, rule) = ops.state;
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            grads.register::<Cube>(parent.id, pull_back(gradient, output, rule));
        }
    }
}

fn pull_back(
    gradient: FloatTensor<Cube>,
    value: FloatTensor<Cube>,
    rule: Rule,
) -> FloatTensor<Cube> {
    match rule {
        Rule::Identity => gradient,
        _ => Cube::pulled_back(gradient, value, rule),
    }
}

/// The sums over the dimensions in which `shape` has a single row.
fn summed_to(mut tensor: FloatTensor<Cube>, shape: &Shape) -> FloatTensor<Cube> {
    for (dim, &size) in shape.iter().enumerate() {
        if size == 1 && tensor.shape()[dim] != 1 {
            tensor = Cube::float_sum_dim(tensor, dim);
        }
    }
    tensor
}

/// A gradient times the slope of a nonlinearity, which follows from its value; plain tensors of one size.
pub fn times_slope(gradient: Tensor<2>, value: Tensor<2>, rule: Rule) -> Tensor<2> {
    match rule {
        Rule::Identity => gradient,
        _ => Tensor::from_dispatch(Dispatch::pulled_back(
            gradient.into_dispatch(),
            value.into_dispatch(),
            rule,
        )),
    }
}
