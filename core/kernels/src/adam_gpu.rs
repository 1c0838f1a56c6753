//! The update of Adam on GPUs: one launch for each parameter.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, TensorMetadata as _, backend_extension};
use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::ir::ElemType;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::std::tensor::layout::linear::{LinearView, LinearViewMut};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use crate::adam::Constants;
use crate::gpu::Elementwise;

/// New value, first and second moment, `[values]` each, of a parameter whose gradient is `gradient * factor`, weight decay apart.
pub fn updated(
    [value, first, second, gradient]: [Tensor<1>; 4],
    factor: Tensor<1>,
    constants: Constants,
) -> [Tensor<1>; 3] {
    let [value, first, second, gradient] =
        [value, first, second, gradient].map(Tensor::into_dispatch);
    let (value, first, second) =
        Dispatch::adam(value, first, second, gradient, factor.into_dispatch(), constants);
    [value, first, second].map(Tensor::from_dispatch)
}

#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
pub(crate) trait AdamOps: Backend {
    /// See [`updated`].
    #[fusion(meta = |value, _, _, _, _, _| (value.clone(), value.clone(), value.clone()))]
    fn adam(
        value: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        constants: Constants,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl AdamOps for CubeBackend {
    fn adam(
        value: CubeTensor,
        first: CubeTensor,
        second: CubeTensor,
        gradient: CubeTensor,
        factor: CubeTensor,
        constants: Constants,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let (launch, new_value) =
            Elementwise::over(&value.shape(), &[&value, &first, &second, &gradient]);
        let client = value.client.clone();
        let alike = || {
            let (device, shape) = (value.device.clone(), value.shape());
            empty_device_contiguous_dtype(client.clone(), device, shape, value.dtype)
        };
        let (new_first, new_second) = (alike(), alike());
        let Constants { rate, epsilon, keep, decay } = constants;
        let [rate, epsilon, decay] = [rate, epsilon, decay].map(|v| v as f32);
        let [keep_1, keep_2] = keep.map(|v| v as f32);
        adam_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            launch.vector,
            value.into_linear_view(),
            first.into_linear_view(),
            second.into_linear_view(),
            gradient.into_linear_view(),
            factor.into_linear_view(),
            new_value.clone().into_linear_view(),
            new_first.clone().into_linear_view(),
            new_second.clone().into_linear_view(),
            rate,
            epsilon,
            keep_1,
            keep_2,
            decay,
            launch.dtype,
        );
        (new_value, new_first, new_second)
    }
}

#[cube(launch, address_type = "dynamic")]
#[expect(clippy::too_many_arguments, reason = "a kernel takes what it reads and writes one by one")]
fn adam_kernel<F: Float, N: Size>(
    value: LinearView<'_, Vector<F, N>>,
    first: LinearView<'_, Vector<F, N>>,
    second: LinearView<'_, Vector<F, N>>,
    gradient: LinearView<'_, Vector<F, N>>,
    factor: LinearView<'_, F>,
    mut new_value: LinearViewMut<'_, Vector<F, N>>,
    mut new_first: LinearViewMut<'_, Vector<F, N>>,
    mut new_second: LinearViewMut<'_, Vector<F, N>>,
    rate: f32,
    epsilon: f32,
    keep_1: f32,
    keep_2: f32,
    decay: f32,
    #[define(F)] _dtype: ElemType,
) {
    if !new_value.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let value = value.read(ABSOLUTE_POS);
    let clipped = gradient.read(ABSOLUTE_POS) * Vector::new(factor.read(0));
    let gradient = clipped + value * Vector::new(F::cast_from(decay));
    let one = F::new(1.0_f32);
    let keep_1 = F::cast_from(keep_1);
    let keep_2 = F::cast_from(keep_2);
    let first =
        first.read(ABSOLUTE_POS) * Vector::new(keep_1) + gradient * Vector::new(one - keep_1);
    let second = second.read(ABSOLUTE_POS) * Vector::new(keep_2)
        + gradient * gradient * Vector::new(one - keep_2);
    let change = first / (Vector::sqrt(second) + Vector::new(F::cast_from(epsilon)));
    new_value.write(ABSOLUTE_POS, value - change * Vector::new(F::cast_from(rate)));
    new_first.write(ABSOLUTE_POS, first);
    new_second.write(ABSOLUTE_POS, second);
}
