//! A convolution on the CPU without patches in memory: every output cell is the product of the runs that its patch has in a
//! framed image, where they lie, with weights that are packed for the registers.

use aligned_vec::avec;
use pulp::{Simd, WithSimd};

use super::dots;
use super::packing::{Prepared, Weights, in_rows, packed};
use super::reach::{Frame, Patches};
use super::tile::{FEWER_ROWS, ROWS, VECTORS, add_rows, panels_of, store, zeros};

/// Numbers of framed images, or of what comes out, that are worked on at once: what stays in a core's second-level cache beside weights.
pub const BLOCK: usize = 1 << 16;

/// How many weights there are at most for each number of a block of images.
const WEIGHTS_TO_IMAGES: usize = 16;

/// Everything about one convolution.
#[derive(Debug)]
pub struct Gather<'a> {
    /// `[batch, image height, image width, inputs]`.
    pub images: &'a [f32],
    /// Where the images lie among zeros.
    pub frame: Frame,
    /// What each output cell takes.
    pub patches: &'a [Patches],
    /// The weights.
    pub weights: Weights<'a>,
    /// Maps that go in.
    pub inputs: usize,
    /// Maps that come out.
    pub outputs: usize,
    /// Cells of an image that comes out.
    pub cells: usize,
}

impl WithSimd for Gather<'_> {
    /// `[batch, cells, outputs]`.
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        match S::F32_LANES {
            16.. => run::<S, ROWS>(simd, &self),
            _ => run::<S, FEWER_ROWS>(simd, &self),
        }
    }
}

#[inline(always)]
fn run<S: Simd, const M: usize>(simd: S, work: &Gather) -> Vec<f32> {
    let Gather { images, frame, inputs, outputs, cells, .. } = *work;
    let size = frame.inner_cells() * inputs;
    let framed_size = frame.cells() * inputs;
    let batch = images.len() / size.max(1);
    // All weights pass by once for every block: where they are many, so are the images.
    let block = BLOCK.max(work.weights.values.len() / WEIGHTS_TO_IMAGES);
    let largest = framed_size.max(cells * outputs).max(1);
    let some = (block / largest).clamp(1, batch.max(1));
    let prepared = prepared(work, some, S::F32_LANES);
    let mut framed = avec![0.0; some * framed_size];
    let mut block = avec![0.0; some * cells * outputs];
    let mut out = Vec::with_capacity(batch * cells * outputs);
    for images in images.chunks(some * size) {
        let count = images.len() / size;
        frame.fill(images, &mut framed, inputs);
        for part in &prepared {
            let places = &part.places[..part.places.len() / some * count];
            if dots::applies(inputs, outputs, S::F32_LANES) {
                dots::run(simd, part, places, &framed, &mut block, outputs);
            } else {
                panels::<S, M>(simd, part, places, &framed, &mut block, outputs);
            }
        }
        out.extend_from_slice(&block[..count * cells * outputs]);
    }
    out
}

fn prepared(work: &Gather, images: usize, lanes: usize) -> Vec<Prepared> {
    let Gather { patches, weights, inputs, outputs, .. } = *work;
    let packed = match dots::applies(inputs, outputs, lanes) {
        true => in_rows(weights, patches, [inputs, outputs]),
        false => packed(weights, patches, [inputs, outputs], lanes),
    };
    let parts = patches.iter().zip(packed);
    parts
        .map(|(part, weights)| Prepared {
            places: places(part, work, images),
            runs: part.runs.iter().map(|run| run * inputs).collect(),
            length: part.length * inputs,
            weights,
        })
        .collect()
}

/// Where the patches of so many images start, and where their outputs do.
fn places(patches: &Patches, work: &Gather, images: usize) -> Vec<[usize; 2]> {
    let Gather { frame, inputs, outputs, cells, .. } = *work;
    let mut places = Vec::with_capacity(images * patches.from.len());
    for image in 0..images {
        let (before, cells_before) = (image * frame.cells(), image * cells);
        let pairs = patches.from.iter().zip(&patches.to);
        places.extend(
            pairs.map(|(from, to)| [(before + from) * inputs, (cells_before + to) * outputs]),
        );
    }
    places
}

#[inline(always)]
fn panels<S: Simd, const M: usize>(
    simd: S,
    part: &Prepared,
    places: &[[usize; 2]],
    framed: &[f32],
    out: &mut [f32],
    outputs: usize,
) {
    let numbers = part.runs.len() * part.length;
    let mut rest = &part.weights[..];
    for [at, width] in panels_of(outputs, S::F32_LANES) {
        let (panel, after) = rest.split_at(width * numbers);
        rest = after;
        let columns = at..outputs.min(at + width);
        if width > S::F32_LANES {
            tiles::<S, M, VECTORS>(simd, part, places, framed, panel, out, columns);
        } else {
            tiles::<S, M, 1>(simd, part, places, framed, panel, out, columns);
        }
    }
}

/// All the cells, for one panel. The last tile does some cells again rather than fewer.
#[inline(always)]
fn tiles<S: Simd, const M: usize, const N: usize>(
    simd: S,
    part: &Prepared,
    places: &[[usize; 2]],
    framed: &[f32],
    panel: &[f32],
    out: &mut [f32],
    columns: std::ops::Range<usize>,
) {
    let (panel, _) = S::as_simd_f32s(panel);
    let (panel, _) = panel.as_chunks::<N>();
    if places.len() < M {
        for place in places {
            tile::<S, 1, N>(simd, part, std::array::from_ref(place), framed, panel, out, &columns);
        }
        return;
    }
    for first in (0..places.len()).step_by(M) {
        let first = first.min(places.len() - M);
        let Some(places) = places[first..].first_chunk::<M>() else { return };
        tile::<S, M, N>(simd, part, places, framed, panel, out, &columns);
    }
}

#[inline(always)]
fn tile<S: Simd, const M: usize, const N: usize>(
    simd: S,
    part: &Prepared,
    places: &[[usize; 2]; M],
    framed: &[f32],
    panel: &[[S::f32s; N]],
    out: &mut [f32],
    columns: &std::ops::Range<usize>,
) {
    let mut sums = zeros::<S, M, N>(simd);
    for (run, weights) in part.runs.iter().zip(panel.chunks_exact(part.length)) {
        let mut rows = [framed; M];
        for m in 0..M {
            rows[m] = &framed[places[m][0] + run..];
        }
        add_rows(simd, &mut sums, rows, weights);
    }
    for m in 0..M {
        let to = places[m][1];
        store(simd, &mut out[to + columns.start..to + columns.end], sums[m]);
    }
}
