//! Many vectors as one, on GPUs: whatever is done to all of them is then one launch. Six are copied by a launch.

use burn::tensor::Tensor;

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
    pub fn pack(&self, vectors: Vec<Tensor<1>>) -> Tensor<1> {
        #[cfg(not(feature = "fusion"))]
        if let Some(packed) = kernel::pack(self, &vectors) {
            return packed;
        }
        let filled = vectors.into_iter().flat_map(|vector| {
            let [length] = vector.dims();
            let gap = length.next_multiple_of(STEP) - length;
            let zeros = (gap > 0).then(|| Tensor::zeros([gap], &vector.device()));
            std::iter::once(vector).chain(zeros)
        });
        Tensor::cat(filled.collect(), 0)
    }

    /// The vectors again.
    pub fn unpack(&self, packed: &Tensor<1>) -> Vec<Tensor<1>> {
        #[cfg(not(feature = "fusion"))]
        if let Some(vectors) = kernel::unpack(self, packed) {
            return vectors;
        }
        let take =
            |&(start, length): &(usize, usize)| packed.clone().slice_dim(0, start..start + length);
        self.each.iter().map(take).collect()
    }
}

/// Without fusion there are buffers to copy into and to look at parts of.
#[cfg(not(feature = "fusion"))]
mod kernel {
    use burn::backend::{Cube, TensorMetadata as _};
    use burn::tensor::{Shape, Tensor};
    use burn_cubecl::cubecl;
    use burn_cubecl::cubecl::ir::ElemType;
    use burn_cubecl::cubecl::prelude::*;
    use burn_cubecl::cubecl::std::tensor::layout::linear::{LinearView, LinearViewMut};
    use burn_cubecl::tensor::CubeTensor;

    use super::{Places, STEP};
    use crate::gpu::launch::{Elementwise, new};

    /// Vectors that one launch copies; it binds their buffers and the one that they are copied to.
    const SOURCES: usize = 6;

    pub fn pack(places: &Places, vectors: &[Tensor<1>]) -> Option<Tensor<1>> {
        let of_gpu = |vector: &Tensor<1>| vector.clone().try_into_primitive::<Cube>().ok();
        let vectors: Vec<CubeTensor> = vectors.iter().map(of_gpu).collect::<Option<_>>()?;
        let output = new(Shape::new([places.total]), vectors.first()?);
        for (vectors, places) in vectors.chunks(SOURCES).zip(places.each.chunks(SOURCES)) {
            copy(vectors, places, &output);
        }
        Some(Tensor::from_primitive::<Cube>(output))
    }

    fn copy(vectors: &[CubeTensor], places: &[(usize, usize)], output: &CubeTensor) {
        let (first, _) = places[0];
        // Those that are missing end where the last one does.
        let place = |at: usize| places.get(at).or(places.last()).copied().unwrap_or_default();
        let ends = [0, 1, 2, 3, 4, 5].map(|at| {
            let (start, length) = place(at);
            start + length.next_multiple_of(STEP) - first
        });
        let lengths = [0, 1, 2, 3, 4, 5].map(|at| place(at).1);
        let source = |at: usize| vectors[at.min(vectors.len() - 1)].clone().into_linear_view();
        let client = output.client.clone();
        let launch = Elementwise::units(ends[5], &client, [&vectors[0], output]);
        pack_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            source(0),
            source(1),
            source(2),
            source(3),
            source(4),
            source(5),
            output.clone().into_linear_view(),
            first,
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
        first: usize,
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
        output.write(first + at, value);
    }

    /// Looks at parts of the buffer.
    pub fn unpack(places: &Places, packed: &Tensor<1>) -> Option<Vec<Tensor<1>>> {
        let packed = packed.clone().try_into_primitive::<Cube>().ok()?;
        if !((STEP * size_of::<f32>()) as u64)
            .is_multiple_of(packed.client.properties().memory.alignment)
        {
            return None;
        }
        let bytes = |numbers: usize| (numbers * size_of::<f32>()) as u64;
        let total = packed.shape()[0];
        let part = |&(start, length): &(usize, usize)| {
            let handle = packed.handle.clone().offset_start(bytes(start));
            let handle = handle.offset_end(bytes(total - start - length));
            let (client, device) = (packed.client.clone(), packed.device.clone());
            let shape = Shape::new([length]);
            let part = CubeTensor::new_contiguous(client, device, shape, handle, packed.dtype);
            Tensor::from_primitive::<Cube>(part)
        };
        Some(places.each.iter().map(part).collect())
    }
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
