//! The gradient of the weights.

use pulp::{Simd, WithSimd};

use super::POINTS;
use super::squares::{Squares, get};
use super::transforms::to_weight_gradient;
use crate::nets::kernels::tile::{
    FEWER_ROWS, MORE_ROWS, ROWS, VECTORS, add_outer, panels_of, zeros,
};

/// Squares at once at least: all the sums are read and written again after so many.
const FEWEST_PLACES: usize = 64;

/// Everything about one gradient.
#[derive(Debug)]
pub struct Correlate<'a> {
    /// What was convolved, `[batch, input height, input width, inputs]`.
    pub images: &'a [f32],
    /// The gradient of what came out, `[batch, output height, output width, outputs]`.
    pub gradient: &'a [f32],
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
    /// Rows and columns of zeros before the input.
    pub before: usize,
    /// Maps that went in.
    pub inputs: usize,
    /// Maps that came out.
    pub outputs: usize,
}

impl WithSimd for Correlate<'_> {
    /// `[outputs, inputs, 9]`.
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let sums = match S::F32_LANES {
            16.. => run::<S, ROWS>(simd, &self),
            _ => run::<S, FEWER_ROWS>(simd, &self),
        };
        self.weights(simd, &sums)
    }
}

#[inline(always)]
fn run<S: Simd, const M: usize>(simd: S, work: &Correlate) -> Vec<f32> {
    let Correlate { images, gradient, input, output, before, inputs, outputs } = *work;
    let squares = Squares { input, output, before };
    let batch = images.len() / (input[0] * input[1] * inputs).max(1);
    let places = squares.places(batch);
    let at_once = Squares::at_once(inputs + outputs).max(FEWEST_PLACES).min(places.len());
    let mut of_input = vec![0.0; POINTS * Squares::apart(at_once, inputs)];
    let mut of_output = vec![0.0; POINTS * Squares::apart(at_once, outputs)];
    let mut sums = vec![0.0; POINTS * Squares::apart(inputs, outputs)];
    for places in places.chunks(at_once.max(1)) {
        let of_input = &mut of_input[..POINTS * Squares::apart(places.len(), inputs)];
        let of_output = &mut of_output[..POINTS * Squares::apart(places.len(), outputs)];
        squares.points_of_input(simd, images, inputs, places, of_input);
        squares.points_of_gradient(simd, gradient, outputs, places, of_output);
        let by_point = of_input
            .chunks_exact(Squares::apart(places.len(), inputs))
            .zip(of_output.chunks_exact(Squares::apart(places.len(), outputs)))
            .zip(sums.chunks_exact_mut(Squares::apart(inputs, outputs)));
        for ((rows, others), sums) in by_point {
            let rows = &rows[..places.len() * inputs];
            let others = &others[..places.len() * outputs];
            add_products::<S, M>(simd, [rows, others], [inputs, outputs], sums);
        }
    }
    sums
}

/// Adds, over all places, every input times every output of one point; in panels of outputs, a row for each input.
#[inline(always)]
fn add_products<S: Simd, const M: usize>(
    simd: S,
    points: [&[f32]; 2],
    maps @ [inputs, outputs]: [usize; 2],
    sums: &mut [f32],
) {
    for [at, width] in panels_of(outputs, S::F32_LANES) {
        let panel = &mut sums[at * inputs..][..width * inputs];
        if width > S::F32_LANES {
            add_panel::<S, M, VECTORS>(simd, points, maps, at, panel);
        } else {
            add_panel::<S, MORE_ROWS, 1>(simd, points, maps, at, panel);
        }
    }
}

#[inline(always)]
fn add_panel<S: Simd, const M: usize, const N: usize>(
    simd: S,
    points: [&[f32]; 2],
    maps: [usize; 2],
    at: usize,
    panel: &mut [f32],
) {
    let (panel, _) = S::as_mut_simd_f32s(panel);
    let (panel, _) = panel.as_chunks_mut::<N>();
    let (tiles, last) = panel.as_chunks_mut::<M>();
    let done = tiles.len() * M;
    for (number, tile) in tiles.iter_mut().enumerate() {
        add_tile::<S, M, N>(simd, points, maps, [number * M, at], tile);
    }
    for (number, row) in last.iter_mut().enumerate() {
        let from = [done + number, at];
        add_tile::<S, 1, N>(simd, points, maps, from, std::array::from_mut(row));
    }
}

#[inline(always)]
fn add_tile<S: Simd, const M: usize, const N: usize>(
    simd: S,
    [of_input, of_output]: [&[f32]; 2],
    [inputs, outputs]: [usize; 2],
    [from, at]: [usize; 2],
    tile: &mut [[S::f32s; N]; M],
) {
    let mut sums = zeros::<S, M, N>(simd);
    let (of_output, _) = S::as_simd_f32s(&of_output[at..]);
    let rows = of_input[from..].chunks(inputs).zip(of_output.chunks(outputs / S::F32_LANES));
    for (row, others) in rows {
        let (Some(column), Some(others)) = (row.first_chunk::<M>(), others.first_chunk::<N>())
        else {
            return;
        };
        add_outer(simd, &mut sums, column, *others);
    }
    for m in 0..M {
        for n in 0..N {
            tile[m][n] = simd.add_f32s(tile[m][n], sums[m][n]);
        }
    }
}

impl Correlate<'_> {
    /// From the sums of the points to the weights' gradient.
    #[inline(always)]
    fn weights<S: Simd>(&self, simd: S, sums: &[f32]) -> Vec<f32> {
        let Self { inputs, outputs, .. } = *self;
        let apart = Squares::apart(inputs, outputs);
        let mut out = vec![0.0; 9 * inputs * outputs];
        let mut kernels = vec![0.0; 9 * S::F32_LANES];
        for [at, width] in panels_of(outputs, S::F32_LANES) {
            for input in 0..inputs {
                for vector_at in (0..width).step_by(S::F32_LANES) {
                    let point_at = at * inputs + input * width + vector_at;
                    let kernel = to_weight_gradient(simd, get(simd, sums, apart, point_at));
                    let (places, _) = S::as_mut_simd_f32s(&mut kernels);
                    for (place, value) in places.iter_mut().zip(kernel.into_iter().flatten()) {
                        *place = value;
                    }
                    for lane in 0..S::F32_LANES {
                        let to = ((at + vector_at + lane) * inputs + input) * 9;
                        for (cell, value) in out[to..to + 9].iter_mut().enumerate() {
                            *value = kernels[cell * S::F32_LANES + lane];
                        }
                    }
                }
            }
        }
        out
    }
}
