//! How a kernel of our own is launched over tensors.

use burn::tensor::{Device, Shape};
use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::ir::{AddressType, ElemType, FloatKind, VectorSize};
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::{calculate_cube_count_elemwise, tensor_vector_size_parallel};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use crate::simd::on_cpu;

/// Whether a device computes with such kernels: all of this process do but the CPU back end.
pub fn is_gpu(device: &Device) -> bool {
    !on_cpu(device) && !is_elsewhere(device)
}

#[cfg(feature = "remote")]
fn is_elsewhere(device: &Device) -> bool {
    use burn::backend::DispatchDevice;

    let is_remote = |device: &Device| matches!(device.as_dispatch(), DispatchDevice::Remote(_));
    is_remote(device) || device.is_autodiff() && is_remote(&device.clone().inner())
}

#[cfg(not(feature = "remote"))]
fn is_elsewhere(_: &Device) -> bool {
    false
}

/// How a kernel is launched that computes each number of its output from one of each operand.
pub struct Elementwise {
    pub count: CubeCount,
    pub dim: CubeDim,
    pub address: AddressType,
    /// Numbers that one unit computes.
    pub vector: VectorSize,
    pub dtype: ElemType,
}

impl Elementwise {
    /// A launch over `shape`, which every operand has or stretches to, and a new tensor for its output.
    pub fn over(shape: &Shape, operands: &[&CubeTensor]) -> (Self, CubeTensor) {
        let first = operands[0];
        let (client, last) = (&first.client, shape.num_dims() - 1);
        let output = new(shape.clone(), first);
        let widths: Vec<_> = client.io_optimized_vector_sizes(first.dtype.size()).collect();
        let width = |tensor: &&CubeTensor| {
            let (shape, strides) = (tensor.meta.shape(), tensor.meta.strides());
            tensor_vector_size_parallel(widths.iter().copied(), shape, strides, last)
        };
        let vector = operands.iter().map(width).min().unwrap_or(1);
        let units = shape.num_elements() / vector;
        let dim = CubeDim::new(client, units);
        let addresses = operands.iter().map(|tensor| tensor.required_address_type());
        let launch = Self {
            count: calculate_cube_count_elemwise(client, units, dim),
            dim,
            address: addresses.fold(output.required_address_type(), Ord::max),
            vector,
            dtype: ElemType::Float(FloatKind::F32),
        };
        (launch, output)
    }
}

impl Elementwise {
    /// A launch of so many units, each of which goes through numbers of its own.
    pub fn units(units: usize, client: &Client, tensors: [&CubeTensor; 2]) -> Self {
        let dim = CubeDim::new(client, units);
        let [a, b] = tensors.map(CubeTensor::required_address_type);
        Self {
            count: calculate_cube_count_elemwise(client, units, dim),
            dim,
            address: a.max(b),
            vector: 1,
            dtype: ElemType::Float(FloatKind::F32),
        }
    }
}

/// A new tensor of a shape beside another.
pub fn new(shape: Shape, beside: &CubeTensor) -> CubeTensor {
    let (client, device) = (beside.client.clone(), beside.device.clone());
    empty_device_contiguous_dtype(client, device, shape, beside.dtype)
}

/// The shape that tensors of as many dimensions stretch to: where one has a single row, it takes that of the other.
pub fn stretched(a: &Shape, b: &Shape) -> Shape {
    Shape::from(
        a.iter().zip(b.iter()).map(|(&a, &b)| if a == 1 { b } else { a }).collect::<Vec<_>>(),
    )
}
