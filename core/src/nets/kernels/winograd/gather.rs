//! The convolution itself.

use pulp::{Simd, WithSimd};

use super::POINTS;
use super::squares::{Place, Squares, put};
use super::transforms::of_weights;
use crate::nets::kernels::gather::BLOCK;
use crate::nets::kernels::matrix::{self, AsTheyAre};
use crate::nets::kernels::packing::Weights;
use crate::nets::kernels::tile::{FEWER_ROWS, ROWS, panels_of};

/// Everything about one convolution.
#[derive(Debug)]
pub struct Gather<'a> {
    /// `[batch, input height, input width, inputs]`.
    pub images: &'a [f32],
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
    /// Rows and columns of zeros before the input.
    pub before: usize,
    /// The weights.
    pub weights: Weights<'a>,
    /// Whether the kernel is turned round, as that of a transposed convolution.
    pub turned: bool,
    /// Maps that go in.
    pub inputs: usize,
    /// Maps that come out.
    pub outputs: usize,
}

impl WithSimd for Gather<'_> {
    /// `[batch, output height, output width, outputs]`.
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
    let Gather { images, input, output, before, inputs, outputs, .. } = *work;
    let squares = Squares { input, output, before };
    let weights = points_of_weights(simd, work);
    let (size, output_size) = (input[0] * input[1] * inputs, output[0] * output[1] * outputs);
    let batch = images.len() / size.max(1);
    let some = (BLOCK / output_size).clamp(1, batch.max(1));
    let places = squares.places(some);
    let at_once = Squares::at_once(inputs + outputs).min(places.len());
    let mut block = vec![0.0; some * output_size];
    let mut points = vec![0.0; POINTS * Squares::apart(at_once, inputs)];
    let mut products = vec![0.0; POINTS * Squares::apart(at_once, outputs)];
    let mut out = Vec::with_capacity(batch * output_size);
    for images in images.chunks(some * size) {
        let count = images.len() / size;
        for places in places[..places.len() / some * count].chunks(at_once) {
            let points = &mut points[..POINTS * Squares::apart(places.len(), inputs)];
            let products = &mut products[..POINTS * Squares::apart(places.len(), outputs)];
            squares.points_of_input(simd, images, inputs, places, points);
            multiply::<S, M>(simd, work, places, points, &weights, products);
            squares.output(simd, products, outputs, places, &mut block);
        }
        out.extend_from_slice(&block[..count * output_size]);
    }
    out
}

/// The weights' points: for each of them the panels of outputs, for each panel a row for each input.
#[inline(always)]
fn points_of_weights<S: Simd>(simd: S, work: &Gather) -> Vec<f32> {
    let Gather {
        weights: Weights { values, inputs_apart, outputs_apart, .. },
        inputs,
        outputs,
        ..
    } = *work;
    let apart = Squares::apart(inputs, outputs);
    let mut points = vec![0.0; POINTS * apart];
    let mut kernels = vec![0.0; 9 * S::F32_LANES];
    for [at, width] in panels_of(outputs, S::F32_LANES) {
        for input in 0..inputs {
            for vector_at in (0..width).step_by(S::F32_LANES) {
                for lane in 0..S::F32_LANES {
                    let from = input * inputs_apart + (at + vector_at + lane) * outputs_apart;
                    for (cell, &value) in values[from..from + 9].iter().enumerate() {
                        let cell = if work.turned { 8 - cell } else { cell };
                        kernels[cell * S::F32_LANES + lane] = value;
                    }
                }
                let (kernel, _) = S::as_simd_f32s(&kernels);
                let kernel = [
                    [kernel[0], kernel[1], kernel[2]],
                    [kernel[3], kernel[4], kernel[5]],
                    [kernel[6], kernel[7], kernel[8]],
                ];
                let at = at * inputs + input * width + vector_at;
                put::<S>(&mut points, apart, at, of_weights(simd, kernel));
            }
        }
    }
    points
}

/// For every point, the places' inputs times the weights.
#[inline(always)]
fn multiply<S: Simd, const M: usize>(
    simd: S,
    work: &Gather,
    places: &[Place],
    points: &[f32],
    weights: &[f32],
    products: &mut [f32],
) {
    let Gather { inputs, outputs, .. } = *work;
    let by_point = points
        .chunks_exact(Squares::apart(places.len(), inputs))
        .zip(weights.chunks_exact(Squares::apart(inputs, outputs)))
        .zip(products.chunks_exact_mut(Squares::apart(places.len(), outputs)));
    for ((rows, weights), products) in by_point {
        let rows = &rows[..places.len() * inputs];
        let products = &mut products[..places.len() * outputs];
        let maps = [inputs, outputs];
        matrix::multiply::<S, M>(simd, rows, weights, maps, products, AsTheyAre);
    }
}
