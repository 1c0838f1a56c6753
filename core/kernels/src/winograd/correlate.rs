//! The gradient of the weights.

use aligned_vec::avec;
use pulp::{Simd, WithSimd};

use super::at_once;
use super::squares::{Layout, by_point, get, places, points_of_gradient, points_of_input};
use super::transforms::{Lines, Three, Two, to_weight_gradient};
use super::views::Sum;
use crate::correlate::{NUMBERS, SHORT_ROWS};
use crate::tile::{ROWS, VECTORS, add_outer, panels_of, zeros};

/// Squares at once at least: all the sums are read and written again after so many.
const FEWEST_PLACES: usize = 64;

/// How many sums there are at most for each number of the places that are worked on at once.
const SUMS_TO_NUMBERS: usize = 2;

/// Everything about one gradient.
#[derive(Debug)]
pub struct Correlate<'a> {
    /// What was convolved, `[batch, input height, input width, inputs]`.
    pub images: &'a [f32],
    /// The gradient of what came out, `[batch, output height, output width, outputs]`.
    pub gradient: &'a [f32],
    /// What the output consisted of.
    pub sum: &'a Sum,
    /// Maps that went in.
    pub inputs: usize,
    /// Maps that came out.
    pub outputs: usize,
}

impl WithSimd for Correlate<'_> {
    /// `[outputs, inputs, kernel cells]`.
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let three = self.sum.terms[0].cells.len() == 9;
        match (S::F32_LANES, three) {
            (16.., true) => run::<S, Three, ROWS, 4, 3>(simd, &self),
            (16.., false) => run::<S, Two, ROWS, 3, 2>(simd, &self),
            (_, true) => run::<S, Three, SHORT_ROWS, 4, 3>(simd, &self),
            (_, false) => run::<S, Two, SHORT_ROWS, 3, 2>(simd, &self),
        }
    }
}

#[inline(always)]
fn run<S: Simd, L: Lines<P, R>, const M: usize, const P: usize, const R: usize>(
    simd: S,
    work: &Correlate,
) -> Vec<f32> {
    let Correlate { images, gradient, sum, inputs, outputs } = *work;
    let [height, width] = sum.terms[0].input.image;
    let batch = images.len() / (height * width * inputs).max(1);
    let places = places(&sum.output, batch);
    let rows = sum.terms.len() * inputs;
    let layouts = |places: usize| {
        let together = [NUMBERS, VECTORS * S::F32_LANES];
        [0, 1].map(|side| Layout { places, maps: [rows, outputs][side], together: together[side] })
    };
    let at_once = (rows * outputs / (SUMS_TO_NUMBERS * (rows + outputs)))
        .max(at_once(P * P, [rows, outputs]))
        .clamp(FEWEST_PLACES, places.len().max(FEWEST_PLACES));
    let [mut of_input, mut of_output] =
        layouts(at_once).map(|layout| avec![0.0; P * P * layout.apart()]);
    let sums_apart = Layout::by_place(rows, outputs).apart();
    let mut sums = avec![0.0; P * P * sums_apart];
    for places in places.chunks(at_once) {
        let layouts @ [before, after] = layouts(places.len());
        let of_input = &mut of_input[..P * P * before.apart()];
        let of_output = &mut of_output[..P * P * after.apart()];
        let views = sum.terms.iter().map(|term| &term.input);
        points_of_input::<S, L, P, R>(simd, views, images, inputs, places, before, of_input);
        points_of_gradient::<S, L, P, R>(simd, &sum.output, gradient, places, after, of_output);
        let by_point = of_input
            .chunks_exact(before.apart())
            .zip(of_output.chunks_exact(after.apart()))
            .zip(sums.chunks_exact_mut(sums_apart));
        for ((of_input, of_output), sums) in by_point {
            add_products::<S, M>(simd, [of_input, of_output], layouts, sums);
        }
    }
    weights::<S, L, P, R>(simd, work, &sums)
}

/// Adds, over all places, every input times every output of one point; in panels of outputs, a row for each input.
#[inline(always)]
fn add_products<S: Simd, const M: usize>(
    simd: S,
    [of_input, of_output]: [&[f32]; 2],
    [Layout { places, maps: inputs, .. }, Layout { maps: outputs, together, .. }]: [Layout; 2],
    sums: &mut [f32],
) {
    for [at, width] in panels_of(outputs, S::F32_LANES) {
        let panel = &of_output[at * places..][..together * places];
        let sums = &mut sums[at * inputs..][..width * inputs];
        if width > S::F32_LANES {
            add_panel::<S, M, VECTORS>(simd, of_input, panel, places, sums);
        } else {
            add_panel::<S, NUMBERS, 1>(simd, of_input, panel, places, sums);
        }
    }
}

#[inline(always)]
fn add_panel<S: Simd, const M: usize, const N: usize>(
    simd: S,
    of_input: &[f32],
    panel: &[f32],
    places: usize,
    sums: &mut [f32],
) {
    let (columns, _) = of_input.as_chunks::<NUMBERS>();
    let (panel, _) = S::as_simd_f32s(panel);
    let (panel, _) = panel.as_chunks::<VECTORS>();
    let (sums, _) = S::as_mut_simd_f32s(sums);
    let (sums, _) = sums.as_chunks_mut::<N>();
    let (tiles, _) = sums.as_chunks_mut::<M>();
    for (number, tile) in tiles.iter_mut().enumerate() {
        let from = number * M;
        let columns = &columns[from / NUMBERS * places..][..places];
        add_tile::<S, M, N>(simd, columns, from % NUMBERS, panel, tile);
    }
}

#[inline(always)]
fn add_tile<S: Simd, const M: usize, const N: usize>(
    simd: S,
    columns: &[[f32; NUMBERS]],
    from: usize,
    panel: &[[S::f32s; VECTORS]],
    tile: &mut [[S::f32s; N]; M],
) {
    let mut sums = zeros::<S, M, N>(simd);
    for (column, row) in columns.iter().zip(panel) {
        let (Some(column), Some(row)) = (column[from..].first_chunk::<M>(), row.first_chunk::<N>())
        else {
            return;
        };
        add_outer(simd, &mut sums, column, *row);
    }
    for m in 0..M {
        for n in 0..N {
            tile[m][n] = simd.add_f32s(tile[m][n], sums[m][n]);
        }
    }
}

/// From the sums of the points to the weights' gradient.
#[inline(always)]
fn weights<S: Simd, L: Lines<P, R>, const P: usize, const R: usize>(
    simd: S,
    work: &Correlate,
    sums: &[f32],
) -> Vec<f32> {
    let Correlate { sum, inputs, outputs, .. } = *work;
    let rows = sum.terms.len() * inputs;
    let cells = sum.terms.len() * R * R;
    let sums = by_point::<P>(sums, Layout::by_place(rows, outputs).apart());
    let mut out = vec![0.0; cells * inputs * outputs];
    let mut kernels = avec![0.0; cells * S::F32_LANES];
    for [at, width] in panels_of(outputs, S::F32_LANES) {
        for input in 0..inputs {
            for vector_at in (0..width).step_by(S::F32_LANES) {
                let (places, _) = S::as_mut_simd_f32s(&mut kernels);
                for (number, term) in sum.terms.iter().enumerate() {
                    let from = at * rows + (number * inputs + input) * width + vector_at;
                    let points = get::<S, P>(simd, &sums, from);
                    let kernel = to_weight_gradient::<S, L, P, R>(simd, points);
                    for (cell, value) in term.cells.iter().zip(kernel.as_flattened()) {
                        places[*cell] = *value;
                    }
                }
                for lane in 0..S::F32_LANES {
                    let to = ((at + vector_at + lane) * inputs + input) * cells;
                    for (cell, value) in out[to..to + cells].iter_mut().enumerate() {
                        *value = kernels[cell * S::F32_LANES + lane];
                    }
                }
            }
        }
    }
    out
}
