//! Linear layers initialised from host noise.

use burn::module::{Param, ParamId};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};

use super::Activation;
use crate::noise::Noise;
use gleaner_kernels::activate::{Rows, activate};

/// `f(x W + b)`; without a nonlinearity, `x W + b`.
///
/// # Shapes
/// - `x`: `[batch, inputs]`
/// - output: `[batch, outputs]`
pub fn dense(layer: &Linear, x: Tensor<2>, activation: Option<Activation>) -> Tensor<2> {
    let product = x.matmul(layer.weight.val());
    match &layer.bias {
        Some(bias) => activate(product, bias.val().unsqueeze(), activation, Rows::Own),
        None => activation.map_or(product.clone(), |f| f.forward(product)),
    }
}

/// A layer `y = x W + b` with `W ~ N(0, 2 / (inputs + outputs))` (Glorot and Bengio 2010, eq. 12, in its
/// normal form) and `b = 0`.
pub fn glorot_linear(inputs: usize, outputs: usize, noise: &mut Noise, device: &Device) -> Linear {
    Linear {
        weight: glorot(inputs, inputs + outputs, outputs, noise, device),
        bias: Some(constant(0.0, outputs, device)),
    }
}

/// A weight of any shape with variance `2 / inputs` (He et al. 2015, eq. 10).
pub(super) fn he<const D: usize>(
    shape: [usize; D],
    inputs: usize,
    noise: &mut Noise,
    device: &Device,
) -> Param<Tensor<D>> {
    let std = (2.0 / inputs as f32).sqrt();
    drawn(shape, std, noise, device)
}

/// A weight `[rows, columns]` with variance `2 / fans`.
pub(super) fn glorot(
    rows: usize,
    fans: usize,
    columns: usize,
    noise: &mut Noise,
    device: &Device,
) -> Param<Tensor<2>> {
    let std = (2.0 / fans as f32).sqrt();
    drawn([rows, columns], std, noise, device)
}

/// A weight whose values have the standard deviation `std`. Of a silent stream it is left open: it has a shape and takes no memory.
fn drawn<const D: usize>(
    shape: [usize; D],
    std: f32,
    noise: &mut Noise,
    device: &Device,
) -> Param<Tensor<D>> {
    if noise.is_silent() {
        return open(0.0, shape, device);
    }
    let values = noise.normal(shape.iter().product()).into_iter().map(|v| v * std).collect();
    parameter(values, shape, device)
}

/// A parameter `[size]` of equal values.
pub fn constant(value: f32, size: usize, device: &Device) -> Param<Tensor<1>> {
    open(value, [size], device)
}

/// Equal values that are made when they are first asked for.
fn open<const D: usize>(value: f32, shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    let make = move |device: &Device, trainable: bool| {
        let tensor = Tensor::full(shape, value, device);
        if trainable { tensor.require_grad() } else { tensor }
    };
    Param::uninitialized(ParamId::new(), make, device.clone(), device.is_autodiff(), shape.into())
}

/// A parameter of given values.
fn parameter<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    let value = Tensor::from_data(TensorData::new(values, shape), device);
    let trainable = device.is_autodiff();
    Param::initialized(ParamId::new(), if trainable { value.require_grad() } else { value })
}
