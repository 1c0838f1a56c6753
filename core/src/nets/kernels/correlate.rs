//! The gradient of a convolution's weights on the CPU: every number of a patch times what its cell is worth, summed over the
//! cells of all images. Patches are read where they lie.

use pulp::{Simd, WithSimd};

use super::gather::BLOCK;
use super::packing::unpacked;
use super::reach::{Frame, Patches};
use super::tile::{FEWER_ROWS, MORE_ROWS, ROWS, VECTORS, add_outer, load, panels_of, zeros};

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
            _ => run::<S, FEWER_ROWS>(simd, &self),
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
fn run<S: Simd, const M: usize>(simd: S, work: &Correlate) -> Vec<f32> {
    let Correlate { wide, narrow, frame, patches, channels, maps } = *work;
    let (size, framed_size) = (frame.inner_cells() * channels, frame.cells() * channels);
    let narrow_size = patches.to.len() * maps;
    let batch = wide.len() / size.max(1);
    let some = (BLOCK / framed_size.max(1)).clamp(1, batch.max(1));
    let mut starts = Vec::with_capacity(some * patches.from.len());
    for image in 0..some {
        starts.extend(patches.from.iter().map(|from| image * framed_size + from * channels));
    }
    let width: usize = panels_of(maps, S::F32_LANES).map(|[_, width]| width).sum();
    let mut framed = vec![0.0; some * framed_size];
    let mut sums = vec![0.0; width * work.numbers()];
    for (wide, narrow) in wide.chunks(some * size).zip(narrow.chunks(some * narrow_size)) {
        frame.fill(wide, &mut framed, channels);
        let starts = &starts[..narrow.len() / maps];
        let block = Block { framed: &framed, narrow, starts, maps };
        let mut rest = &mut sums[..];
        for [at, width] in panels_of(maps, S::F32_LANES) {
            let (panel, after) = rest.split_at_mut(width * work.numbers());
            rest = after;
            if width > S::F32_LANES {
                rows::<S, M, VECTORS>(simd, work, &block, panel, at);
            } else {
                rows::<S, MORE_ROWS, 1>(simd, work, &block, panel, at);
            }
        }
    }
    sums
}

/// Some images.
struct Block<'a> {
    framed: &'a [f32],
    narrow: &'a [f32],
    /// Where the patch of each cell starts.
    starts: &'a [usize],
    maps: usize,
}

/// All numbers of the patches, for one panel.
#[inline(always)]
fn rows<S: Simd, const M: usize, const N: usize>(
    simd: S,
    work: &Correlate,
    block: &Block,
    panel: &mut [f32],
    at: usize,
) {
    let length = work.patches.length * work.channels;
    let (panel, _) = S::as_mut_simd_f32s(panel);
    let (panel, _) = panel.as_chunks_mut::<N>();
    if length < M {
        return scattered_rows::<S, M, N>(simd, work, block, panel, at);
    }
    for (run, panel) in work.patches.runs.iter().zip(panel.chunks_exact_mut(length)) {
        let from = run * work.channels;
        let (tiles, last) = panel.as_chunks_mut::<M>();
        for (number, tile) in tiles.iter_mut().enumerate() {
            add_tile::<S, M, N>(simd, block, from + number * M, at, tile);
        }
        let from = from + length - last.len();
        for (number, row) in last.iter_mut().enumerate() {
            add_tile::<S, 1, N>(simd, block, from + number, at, std::array::from_mut(row));
        }
    }
}

/// The same where a run is shorter than a tile: numbers of several runs make one.
#[inline(always)]
fn scattered_rows<S: Simd, const M: usize, const N: usize>(
    simd: S,
    work: &Correlate,
    block: &Block,
    panel: &mut [[S::f32s; N]],
    at: usize,
) {
    let length = work.patches.length * work.channels;
    let runs = work.patches.runs.iter();
    let numbers: Vec<usize> =
        runs.flat_map(|run| (0..length).map(move |k| run * work.channels + k)).collect();
    for (numbers, rows) in numbers.chunks(M).zip(panel.chunks_mut(M)) {
        // What is beyond the last number is summed and not kept.
        let mut from = [numbers[0]; M];
        from[..numbers.len()].copy_from_slice(numbers);
        let mut sums = zeros::<S, M, N>(simd);
        for (start, cell) in block.starts.iter().zip(block.narrow.chunks_exact(block.maps)) {
            let patch = &block.framed[*start..];
            let mut column = [0.0; M];
            for m in 0..M {
                column[m] = patch[from[m]];
            }
            add_outer(simd, &mut sums, &column, load(simd, &cell[at..]));
        }
        for (all, sums) in rows.iter_mut().zip(sums) {
            for n in 0..N {
                all[n] = simd.add_f32s(all[n], sums[n]);
            }
        }
    }
}

/// Adds, over all cells, the numbers from `from` on of each patch times the cell's maps from `at` on.
#[inline(always)]
fn add_tile<S: Simd, const M: usize, const N: usize>(
    simd: S,
    block: &Block,
    from: usize,
    at: usize,
    tile: &mut [[S::f32s; N]; M],
) {
    let mut sums = zeros::<S, M, N>(simd);
    for (start, cell) in block.starts.iter().zip(block.narrow.chunks_exact(block.maps)) {
        let Some(column) = block.framed[start + from..].first_chunk::<M>() else { return };
        add_outer(simd, &mut sums, column, load(simd, &cell[at..]));
    }
    for m in 0..M {
        for n in 0..N {
            tile[m][n] = simd.add_f32s(tile[m][n], sums[m][n]);
        }
    }
}
