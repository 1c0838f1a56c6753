//! The gradient of a convolution's weights on the CPU: every number of a patch times what its cell is worth, summed over the
//! cells of all images. A few numbers of all patches are copied together and multiplied with all maps, which are copied panel by panel: where
//! they lie, cells are a power of two apart, and the first cache has room for few such addresses.

use aligned_vec::{AVec, avec};
use pulp::{Simd, WithSimd};

use super::gather::BLOCK;
use super::packing::unpacked;
use super::reach::{Frame, Patches};
use super::tile::{ROWS, VECTORS, add_outer, panels_of, zeros};

/// Numbers of patches that are worked on at once.
pub const NUMBERS: usize = 16;

/// Rows of a tile where vectors are short. As [`ROWS`], it divides the numbers at once.
pub const SHORT_ROWS: usize = 4;

/// How many sums there are at most for each number of a block of images.
const SUMS_TO_IMAGES: usize = 2;

/// Everything about one gradient.
#[derive(Debug)]
pub struct Correlate<'a> {
    /// `[batch, height, width, channels]`.
    pub wide: &'a [f32],
    /// `[batch, narrow height, narrow width, maps]`.
    pub narrow: &'a [f32],
    /// Where the wide images lie among zeros.
    pub frame: Frame,
    /// The patch of each narrow cell.
    pub patches: &'a Patches,
    /// Channels of the wide images.
    pub channels: usize,
    /// Maps of the narrow images.
    pub maps: usize,
}

impl WithSimd for Correlate<'_> {
    /// `[maps, channels, kernel cells]`.
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let sums = match S::F32_LANES {
            16.. => run::<S, ROWS>(simd, &self),
            _ => run::<S, SHORT_ROWS>(simd, &self),
        };
        let maps = [self.channels, self.maps];
        unpacked(&sums, self.patches.kernel.len(), maps, S::F32_LANES)
    }
}

impl Correlate<'_> {
    /// Numbers of a patch.
    fn numbers(&self) -> usize {
        self.patches.kernel.len() * self.channels
    }
}

/// The sums, in panels of maps: for each panel, for each number of a patch, a sum for each map of the panel.
#[inline(always)]
fn run<S: Simd, const M: usize>(simd: S, work: &Correlate) -> AVec<f32> {
    let Correlate { wide, narrow, frame, patches, channels, maps } = *work;
    let (size, framed_size) = (frame.inner_cells() * channels, frame.cells() * channels);
    let narrow_size = patches.to.len() * maps;
    let batch = wide.len() / size.max(1);
    let width: usize = panels_of(maps, S::F32_LANES).map(|[_, width]| width).sum();
    let mut sums = avec![0.0; width * work.numbers()];
    // All sums are read and written once for every block: where they are many, so are the images.
    let block = BLOCK.max(sums.len() / SUMS_TO_IMAGES);
    let largest = framed_size.max(patches.from.len() * NUMBERS).max(1);
    let some = (block / largest).clamp(1, batch.max(1));
    let mut starts = Vec::with_capacity(some * patches.from.len());
    for image in 0..some {
        starts.extend(patches.from.iter().map(|from| image * framed_size + from * channels));
    }
    let numbers = numbers(work);
    let mut framed = avec![0.0; some * framed_size];
    let mut columns = avec![[0.0; NUMBERS]; starts.len()];
    // Maps that are just one panel are one where they lie.
    let is_panel = maps == width && maps <= VECTORS * S::F32_LANES;
    let mut copied = avec![0.0; if is_panel { 0 } else { starts.len() * width }];
    for (wide, narrow) in wide.chunks(some * size).zip(narrow.chunks(some * narrow_size)) {
        frame.fill(wide, &mut framed, channels);
        let cells = narrow.len() / maps;
        let panels = if is_panel {
            narrow
        } else {
            to_panels(narrow, maps, S::F32_LANES, &mut copied[..cells * width]);
            &copied
        };
        for (number, numbers) in numbers.chunks(NUMBERS).enumerate() {
            let columns = &mut columns[..cells];
            copy_numbers(&framed, &starts[..cells], numbers, columns);
            for [at, width] in panels_of(maps, S::F32_LANES) {
                let first = at * work.numbers() + number * NUMBERS * width;
                let sums = &mut sums[first..][..numbers.len() * width];
                let panel = &panels[at * cells..][..width * cells];
                if width > S::F32_LANES {
                    add_numbers::<S, M, VECTORS>(simd, columns, panel, sums);
                } else {
                    add_numbers::<S, NUMBERS, 1>(simd, columns, panel, sums);
                }
            }
        }
    }
    sums
}

/// Where the numbers of a patch lie, from its start.
fn numbers(work: &Correlate) -> Vec<usize> {
    let length = work.patches.length * work.channels;
    let runs = work.patches.runs.iter().map(|run| run * work.channels);
    runs.flat_map(|run| run..run + length).collect()
}

/// Cells `[cells, maps]` panel by panel, `[cells, width]` each; maps that are missing have zeros.
fn to_panels(cells: &[f32], maps: usize, lanes: usize, panels: &mut [f32]) {
    let count = cells.len() / maps;
    for [at, width] in panels_of(maps, lanes) {
        let panel = panels[at * count..][..width * count].chunks_exact_mut(width);
        let some = width.min(maps - at);
        for (row, cell) in panel.zip(cells.chunks_exact(maps)) {
            row[..some].copy_from_slice(&cell[at..at + some]);
        }
    }
}

/// Some numbers of every patch. What is beyond the last one stays as it was; nobody looks at it.
fn copy_numbers(
    framed: &[f32],
    starts: &[usize],
    numbers: &[usize],
    columns: &mut [[f32; NUMBERS]],
) {
    let in_a_run = numbers.len() == NUMBERS && numbers[NUMBERS - 1] - numbers[0] == NUMBERS - 1;
    for (column, start) in columns.iter_mut().zip(starts) {
        let patch = &framed[*start..];
        if in_a_run {
            column.copy_from_slice(&patch[numbers[0]..][..NUMBERS]);
        } else {
            for (value, number) in column.iter_mut().zip(numbers) {
                *value = patch[*number];
            }
        }
    }
}

/// Adds, over all cells, every number times every map of a panel.
#[inline(always)]
fn add_numbers<S: Simd, const M: usize, const N: usize>(
    simd: S,
    columns: &[[f32; NUMBERS]],
    panel: &[f32],
    sums: &mut [f32],
) {
    let (panel, _) = S::as_simd_f32s(panel);
    let (panel, _) = panel.as_chunks::<N>();
    let (all, _) = S::as_mut_simd_f32s(sums);
    let (all, _) = all.as_chunks_mut::<N>();
    for (part, all) in all.chunks_mut(M).enumerate() {
        let mut sums = zeros::<S, M, N>(simd);
        for (column, row) in columns.iter().zip(panel) {
            let Some(column) = column[part * M..].first_chunk::<M>() else { return };
            add_outer(simd, &mut sums, column, *row);
        }
        for (m, all) in all.iter_mut().enumerate() {
            for n in 0..N {
                all[n] = simd.add_f32s(all[n], sums[m][n]);
            }
        }
    }
}
