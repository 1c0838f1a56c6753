//! A convolution on the CPU as matrix products of patches, some rows of cells at a time.
//!
//! The kernel stands once at every cell of the *narrow* image and covers a patch of the *wide* one. With channels
//! last, a row of a patch is one run of memory. A convolution multiplies the patches of the wide image; its
//! transpose multiplies cells of the narrow image and adds the patches that come out to the wide one. Each is
//! the gradient of the other. Patches are made for as many cells as stay in the cache, in a buffer that is
//! used again.

use std::ops::Range;

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, Shape};

use super::window::Window;
use crate::simd::{dims, tensor, vectorised, whole};

/// Values of patches worked on at once: what a core's second-level cache holds beside weights and results.
const VALUES: usize = 1 << 17;

/// Cells worked on at once at least, so that a matrix product is worth its overheads.
const CELLS: usize = 192;

/// Where patches lie.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// The kernel.
    pub window: Window,
    /// Height and width of the wide image.
    pub wide: [usize; 2],
    /// Height and width of the narrow image.
    pub narrow: [usize; 2],
}

impl Reach {
    fn kernel_cells(&self) -> usize {
        self.window.kernel.iter().product()
    }

    /// Whether the patch of a cell reaches beyond the image.
    fn is_clipped(&self, cell: [usize; 2]) -> bool {
        let Window { kernel, stride, border } = self.window;
        [0, 1].iter().any(|&axis| {
            let first = cell[axis] * stride;
            first < border || first + kernel[axis] > self.wide[axis] + border
        })
    }

    /// Rows of all the narrow images together, some at a time.
    fn blocks(&self, batch: usize, channels: usize) -> impl Iterator<Item = Range<usize>> {
        let [height, width] = self.narrow;
        let cells = (VALUES / (self.kernel_cells() * channels)).max(CELLS);
        let (rows, all) = ((cells / width).clamp(1, (batch * height).max(1)), batch * height);
        (0..all).step_by(rows).map(move |first| first..(first + rows).min(all))
    }

    /// Calls `f(cell of the block, place in the patch, place in the wide image, length)` for every run of
    /// channels that a patch shares with its image, for the cells of some rows.
    #[inline(always)]
    fn runs(
        &self,
        channels: usize,
        rows: Range<usize>,
        mut f: impl FnMut(usize, usize, usize, usize),
    ) {
        let Self { window: Window { kernel, stride, border }, wide, narrow } = *self;
        let image = wide[0] * wide[1] * channels;
        let mut cell = 0;
        for row in rows {
            let (example, y) = (row / narrow[0], row % narrow[0]);
            for x in 0..narrow[1] {
                let left = x * stride;
                let first = border.saturating_sub(left);
                let last = (wide[1] + border).saturating_sub(left).min(kernel[1]);
                for i in 0..kernel[0] {
                    let line = (y * stride + i).wrapping_sub(border);
                    if line < wide[0] && first < last {
                        let from = (line * wide[1] + left + first - border) * channels;
                        let place = (i * kernel[1] + first) * channels;
                        f(cell, place, example * image + from, (last - first) * channels);
                    }
                }
                cell += 1;
            }
        }
    }
}

/// Patches of some cells at a time.
struct Patches {
    buffer: FlexTensor,
    size: usize,
}

impl Patches {
    fn new(reach: &Reach, batch: usize, channels: usize) -> Self {
        let size = reach.kernel_cells() * channels;
        let rows = reach.blocks(batch, channels).next().map_or(0, |rows| rows.len());
        let shape = Shape::from(vec![rows * reach.narrow[1], size]);
        Self { buffer: FlexTensor::zeros(shape, DType::F32), size }
    }

    /// Those of the cells in some rows, `[cells, kernel cells * channels]`.
    fn of(
        &mut self,
        wide: &[f32],
        channels: usize,
        reach: &Reach,
        rows: Range<usize>,
    ) -> FlexTensor {
        let count = rows.len() * reach.narrow[1];
        let patches = &mut self.buffer.storage_mut::<f32>()[..count * self.size];
        let size = self.size;
        // What lies outside of the image is zero; the buffer still has what others had there.
        for (cell, patch) in patches.chunks_exact_mut(size).enumerate() {
            let (row, column) = (rows.start + cell / reach.narrow[1], cell % reach.narrow[1]);
            if reach.is_clipped([row % reach.narrow[0], column]) {
                patch.fill(0.0);
            }
        }
        reach.runs(channels, rows, |cell, place, from, length| {
            let to = cell * size + place;
            patches[to..to + length].copy_from_slice(&wide[from..from + length]);
        });
        self.buffer.narrow(0, 0, count)
    }
}

/// A convolution: the patch of every cell times the weights.
///
/// # Shapes
/// - `wide`: `[batch, height, width, channels]`
/// - `weight`: `[kernel cells * channels, maps]`
/// - output: `[batch, narrow height, narrow width, maps]`
pub fn gathered(wide: FlexTensor, weight: &FlexTensor, reach: &Reach) -> FlexTensor {
    let wide = whole(wide);
    let ([batch, _, _, channels], [_, maps]) = (dims(&wide), dims(weight));
    let [height, width] = reach.narrow;
    let mut patches = Patches::new(reach, batch, channels);
    let mut out: Vec<f32> = Vec::with_capacity(batch * height * width * maps);
    for rows in reach.blocks(batch, channels) {
        let patches = patches.of(wide.storage(), channels, reach, rows);
        out.extend_from_slice(product(patches, weight.clone()).storage());
    }
    tensor(out, [batch, height, width, maps])
}

/// A transposed convolution: every cell times the weights, added up where the patches lie.
///
/// # Shapes
/// - `narrow`: `[batch, narrow height, narrow width, maps]`
/// - `weight`: `[maps, kernel cells * channels]`
/// - output: `[batch, height, width, channels]`
pub fn scattered(narrow: FlexTensor, weight: &FlexTensor, reach: &Reach) -> FlexTensor {
    let narrow = whole(narrow);
    let ([batch, _, _, maps], [_, size]) = (dims(&narrow), dims(weight));
    let channels = size / reach.kernel_cells();
    let ([height, width], cells) = (reach.wide, narrow.reshape(matrix(&narrow, maps)));
    let mut out = vec![0.0_f32; batch * height * width * channels];
    for rows in reach.blocks(batch, channels) {
        let patches = product(rows_of(&cells, reach, &rows), weight.clone());
        vectorised(
            #[inline(always)]
            || put_back(patches.storage(), &mut out[..], reach, channels, rows),
        );
    }
    tensor(out, [batch, height, width, channels])
}

/// Adds the patches of the cells in some rows to the wide image.
#[inline(always)]
fn put_back(patches: &[f32], out: &mut [f32], reach: &Reach, channels: usize, rows: Range<usize>) {
    let size = reach.kernel_cells() * channels;
    reach.runs(channels, rows, |cell, place, to, length| {
        let from = &patches[cell * size + place..][..length];
        for (sum, value) in out[to..to + length].iter_mut().zip(from) {
            *sum += value;
        }
    });
}

/// The gradient of a convolution's weights: every patch times what its cell is worth, summed.
///
/// # Shapes
/// - `wide`: `[batch, height, width, channels]`
/// - `narrow`: `[batch, narrow height, narrow width, maps]`
/// - output: `[kernel cells * channels, maps]`
pub fn correlated(wide: FlexTensor, narrow: FlexTensor, reach: &Reach) -> FlexTensor {
    let (wide, narrow) = (whole(wide), whole(narrow));
    let ([batch, _, _, channels], [_, _, _, maps]) = (dims(&wide), dims(&narrow));
    let cells = narrow.reshape(matrix(&narrow, maps));
    let mut patches = Patches::new(reach, batch, channels);
    let mut sum = vec![0.0_f32; patches.size * maps];
    for rows in reach.blocks(batch, channels) {
        let by_cell = rows_of(&cells, reach, &rows);
        let patches = patches.of(wide.storage(), channels, reach, rows);
        let part = product(patches.transpose(0, 1), by_cell);
        vectorised(
            #[inline(always)]
            || add(&mut sum[..], part.storage()),
        );
    }
    tensor(sum, [patches.size, maps])
}

#[inline(always)]
fn add(sum: &mut [f32], part: &[f32]) {
    for (sum, part) in sum.iter_mut().zip(part) {
        *sum += part;
    }
}

fn product(a: FlexTensor, b: FlexTensor) -> FlexTensor {
    <Flex as burn::backend::ops::FloatTensorOps<Flex>>::float_matmul(a, b)
}

fn matrix(cells: &FlexTensor, maps: usize) -> Shape {
    let count = cells.layout().num_elements() / maps;
    Shape::from(vec![count, maps])
}

/// The cells of some rows of narrow images, `[cells, maps]`.
fn rows_of(cells: &FlexTensor, reach: &Reach, rows: &Range<usize>) -> FlexTensor {
    let width = reach.narrow[1];
    cells.narrow(0, rows.start * width, rows.len() * width)
}
