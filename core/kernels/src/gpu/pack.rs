//! Many vectors as one, on GPUs: whatever is done to all of them is then one launch. Six are copied by a launch.

#![expect(
    clippy::type_complexity,
    reason = "an extension of a back end returns no list of tensors"
)]

#[cfg(feature = "fusion")]
use burn::backend::fusion::custom::TensorSpec;
use burn::backend::ops::FloatTensorOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, TensorMetadata as _, backend_extension};
use burn::tensor::{Shape, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::ir::ElemType;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::std::tensor::layout::linear::{LinearView, LinearViewMut};
use burn_cubecl::tensor::CubeTensor;

use super::launch::{Elementwise, new};

/// Vectors that one launch copies; it binds their buffers and the one that they are copied to.
const AT_ONCE: usize = 6;

/// Every vector starts at a multiple of this many numbers, where all GPUs let a buffer be bound: so what is taken out again is no copy.
const STEP: usize = 128;

/// Where vectors lie in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Start and length of each.
    each: Vec<(usize, usize)>,
    total: usize,
}

impl Places {
    /// One after the other.
    pub fn of(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut total = 0;
        let place = |length: usize| {
            let start = total;
            total += length.next_multiple_of(STEP);
            (start, length)
        };
        let each = lengths.into_iter().map(place).collect();
        Self { each, total }
    }

    /// The vectors as one, with zeros between them.
    ///
    /// # Panics
    /// If there is none, or they are not as long as these places.
    pub fn pack(&self, vectors: &[Tensor<1>]) -> Tensor<1> {
        let mut packed: Vec<_> = vectors.chunks(AT_ONCE).map(pack).collect();
        while packed.len() > 1 {
            packed = packed.chunks(AT_ONCE).map(pack).collect();
        }
        let all = packed.remove(0);
        assert_eq!(all.dims(), [self.total], "vectors of other lengths than their places");
        all
    }

    /// The vectors again.
    pub fn unpack(&self, packed: &Tensor<1>) -> Vec<Tensor<1>> {
        self.each.chunks(AT_ONCE).flat_map(|places| unpack(packed, places)).collect()
    }
}

/// A few vectors as one.
fn pack(vectors: &[Tensor<1>]) -> Tensor<1> {
    // What is missing of them has no length.
    let lengths = std::array::from_fn(|at| vectors.get(at).map_or(0, |vector| vector.dims()[0]));
    let [a, b, c, d, e, f] =
        std::array::from_fn(|at| vectors[at.min(vectors.len() - 1)].clone().into_dispatch());
    Tensor::from_dispatch(Dispatch::pack(a, b, c, d, e, f, lengths))
}

/// A few vectors of one.
fn unpack(packed: &Tensor<1>, places: &[(usize, usize)]) -> impl Iterator<Item = Tensor<1>> {
    let all = std::array::from_fn(|at| places[at.min(places.len() - 1)]);
    let (a, b, c, d, e, f) = Dispatch::unpack(packed.clone().into_dispatch(), all);
    [a, b, c, d, e, f].map(Tensor::from_dispatch).into_iter().take(places.len())
}

/// Numbers that such vectors take.
fn room(lengths: &[usize; AT_ONCE]) -> usize {
    lengths.iter().map(|length| length.next_multiple_of(STEP)).sum()
}

/// Six vectors, in which a kernel's list of buffers can be written out.
pub type Six<T> = (T, T, T, T, T, T);

#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
pub trait PackOps: Backend {
    /// Vectors of these lengths as one, each with zeros up to the next step.
    #[fusion(dtype = a, shape = Shape::new([room(lengths)]))]
    fn pack(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        lengths: [usize; AT_ONCE],
    ) -> FloatTensor<Self>;

    /// The parts that start at places and have lengths.
    #[fusion(meta = |packed, places| parts(packed, places))]
    fn unpack(
        packed: FloatTensor<Self>,
        places: [(usize, usize); AT_ONCE],
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    );
}

/// What fusion is told of parts before there are any.
#[cfg(feature = "fusion")]
fn parts(packed: &TensorSpec, places: &[(usize, usize); AT_ONCE]) -> Six<TensorSpec> {
    let [a, b, c, d, e, f] =
        places.map(|(_, length)| TensorSpec::new(Shape::new([length]), packed.dtype));
    (a, b, c, d, e, f)
}

impl PackOps for CubeBackend {
    fn pack(
        a: CubeTensor,
        b: CubeTensor,
        c: CubeTensor,
        d: CubeTensor,
        e: CubeTensor,
        f: CubeTensor,
        lengths: [usize; AT_ONCE],
    ) -> CubeTensor {
        let total = room(&lengths);
        let output = new(Shape::new([total]), &a);
        let mut end = 0;
        let ends = lengths.map(|length| {
            end += length.next_multiple_of(STEP);
            end
        });
        let client = output.client.clone();
        let launch = Elementwise::units(total, &client, [&a, &output]);
        pack_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            a.into_linear_view(),
            b.into_linear_view(),
            c.into_linear_view(),
            d.into_linear_view(),
            e.into_linear_view(),
            f.into_linear_view(),
            output.clone().into_linear_view(),
            ends[0],
            ends[1],
            ends[2],
            ends[3],
            ends[4],
            ends[5],
            lengths[0],
            lengths[1],
            lengths[2],
            lengths[3],
            lengths[4],
            lengths[5],
            launch.dtype,
        );
        output
    }

    fn unpack(packed: CubeTensor, places: [(usize, usize); AT_ONCE]) -> Six<CubeTensor> {
        let [a, b, c, d, e, f] = places.map(|place| part(&packed, place));
        (a, b, c, d, e, f)
    }
}

/// A look at a part of a buffer, or a copy where the device does not allow a look at any multiple of a step.
fn part(packed: &CubeTensor, (start, length): (usize, usize)) -> CubeTensor {
    let bytes = |numbers: usize| (numbers * size_of::<f32>()) as u64;
    if !bytes(STEP).is_multiple_of(packed.client.properties().memory.alignment) {
        return CubeBackend::float_slice(packed.clone(), &[(start..start + length).into()]);
    }
    let total = packed.shape()[0];
    let handle = packed.handle.clone().offset_start(bytes(start));
    let handle = handle.offset_end(bytes(total - start - length));
    let (client, device) = (packed.client.clone(), packed.device.clone());
    CubeTensor::new_contiguous(client, device, Shape::new([length]), handle, packed.dtype)
}

#[cube(launch, address_type = "dynamic")]
#[expect(clippy::too_many_arguments, reason = "a kernel has no lists of buffers")]
fn pack_kernel<F: Float>(
    a: LinearView<'_, F>,
    b: LinearView<'_, F>,
    c: LinearView<'_, F>,
    d: LinearView<'_, F>,
    e: LinearView<'_, F>,
    f: LinearView<'_, F>,
    mut output: LinearViewMut<'_, F>,
    end_a: usize,
    end_b: usize,
    end_c: usize,
    end_d: usize,
    end_e: usize,
    end_f: usize,
    length_a: usize,
    length_b: usize,
    length_c: usize,
    length_d: usize,
    length_e: usize,
    length_f: usize,
    #[define(F)] _dtype: ElemType,
) {
    let at = ABSOLUTE_POS;
    if at >= end_f {
        terminate!();
    }
    let mut value = F::new(0.0_f32);
    if at < end_a {
        if at < length_a {
            value = a.read(at);
        }
    } else if at < end_b {
        if at - end_a < length_b {
            value = b.read(at - end_a);
        }
    } else if at < end_c {
        if at - end_b < length_c {
            value = c.read(at - end_b);
        }
    } else if at < end_d {
        if at - end_c < length_d {
            value = d.read(at - end_c);
        }
    } else if at < end_e {
        if at - end_d < length_e {
            value = e.read(at - end_d);
        }
    } else if at - end_e < length_f {
        value = f.read(at - end_e);
    }
    output.write(at, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_start_at_steps_and_do_not_overlap() {
        let places = Places::of([1, 128, 129]);
        assert_eq!(places.each, [(0, 1), (128, 128), (256, 129)]);
        assert_eq!(places.total, 512);
    }
}
