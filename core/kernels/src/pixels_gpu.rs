//! Pixels of chosen rows from bytes on a GPU: one launch.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, TensorMetadata as _, backend_extension};
use burn::tensor::{DType, Int as Whole, Shape, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::calculate_cube_count_elemwise;
use burn_cubecl::cubecl::ir::{ElemType, FloatKind, IntKind};
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::std::tensor::layout::linear::{LinearView, LinearViewMut};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

/// Pixels as numbers from 0 to 1.
///
/// # Shapes
/// - `words`: `[examples, ⌈features / 4⌉]`, four bytes in each, the first one lowest; `rows`: `[rows]`
/// - output: `[rows, features]`
pub fn pixels(words: Tensor<2, Whole>, rows: Tensor<1, Whole>, features: usize) -> Tensor<2> {
    let (words, rows) = (words.into_dispatch(), rows.into_dispatch());
    Tensor::from_dispatch(Dispatch::pixels_of_rows(words, rows, features))
}

#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
pub(crate) trait PixelOps: Backend {
    /// See [`pixels`].
    #[fusion(dtype = DType::F32, shape = Shape::new([rows[0], *features]))]
    fn pixels_of_rows(
        words: IntTensor<Self>,
        rows: IntTensor<Self>,
        features: usize,
    ) -> FloatTensor<Self>;
}

impl PixelOps for CubeBackend {
    fn pixels_of_rows(words: CubeTensor, rows: CubeTensor, features: usize) -> CubeTensor {
        let shape = Shape::new([rows.shape()[0], features]);
        let (client, count) = (words.client.clone(), shape.num_elements());
        let output =
            empty_device_contiguous_dtype(client.clone(), words.device.clone(), shape, DType::F32);
        let address = words.required_address_type().max(output.required_address_type());
        let dim = CubeDim::new(&client, count);
        let in_row = words.shape()[1];
        pixels_kernel::launch(
            &client,
            calculate_cube_count_elemwise(&client, count, dim),
            dim,
            address,
            words.into_linear_view(),
            rows.into_linear_view(),
            output.clone().into_linear_view(),
            features,
            in_row,
            [ElemType::Int(IntKind::I32), ElemType::Float(FloatKind::F32)],
        );
        output
    }
}

#[cube(launch, address_type = "dynamic")]
fn pixels_kernel<I: Int, F: Float>(
    words: LinearView<'_, I>,
    rows: LinearView<'_, I>,
    mut output: LinearViewMut<'_, F>,
    features: usize,
    words_in_row: usize,
    #[define(I, F)] _dtypes: [ElemType; 2],
) {
    if !output.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let row = usize::cast_from(rows.read(ABSOLUTE_POS / features));
    let place = ABSOLUTE_POS % features;
    let word = words.read(row * words_in_row + place / 4);
    let byte = (word >> I::cast_from(8 * (place % 4))) & I::new(255);
    output.write(ABSOLUTE_POS, F::cast_from(byte) / F::new(255.0_f32));
}
