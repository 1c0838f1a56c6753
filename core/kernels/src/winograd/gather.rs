//! The convolution itself.

use aligned_vec::{AVec, avec};
use pulp::{Simd, WithSimd};

use super::at_once;
use super::squares::{Layout, Place, by_point_mut, places, points_of_input, put, put_output};
use super::transforms::{Lines, Three, Two, of_weights};
use super::views::Sum;
use crate::gather::BLOCK;
use crate::matrix::{self, AsTheyAre};
use crate::packing::Weights;
use crate::tile::{FEWER_ROWS, ROWS, panels_of};

/// Everything about one convolution.
#[derive(Debug)]
pub struct Gather<'a> {
    /// `[batch, input height, input width, inputs]`.
    pub images: &'a [f32],
    /// What the output consists of.
    pub sums: &'a [Sum],
    /// The weights.
    pub weights: Weights<'a>,
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
        let three = self.sums[0].terms[0].cells.len() == 9;
        match (S::F32_LANES, three) {
            (16.., true) => run::<S, Three, ROWS, 4, 3>(simd, &self),
            (16.., false) => run::<S, Two, ROWS, 3, 2>(simd, &self),
            (_, true) => run::<S, Three, FEWER_ROWS, 4, 3>(simd, &self),
            (_, false) => run::<S, Two, FEWER_ROWS, 3, 2>(simd, &self),
        }
    }
}

/// One of the sums, ready for a block of images.
struct Prepared<'a> {
    sum: &'a Sum,
    places: Vec<Place>,
    weights: AVec<f32>,
}

#[inline(always)]
fn run<S: Simd, L: Lines<P, R>, const M: usize, const P: usize, const R: usize>(
    simd: S,
    work: &Gather,
) -> Vec<f32> {
    let Gather { images, sums, inputs, outputs, .. } = *work;
    let numbers = |image: [usize; 2], maps: usize| image[0] * image[1] * maps;
    let size = numbers(sums[0].terms[0].input.image, inputs);
    let output_size = numbers(sums[0].output.image, outputs);
    let batch = images.len() / size.max(1);
    let some = (BLOCK / output_size).clamp(1, batch.max(1));
    let maps = [sums[0].terms.len() * inputs, outputs];
    let weights = points_of_weights::<S, L, P, R>(simd, work);
    let prepared = sums.iter().zip(weights);
    let prepared: Vec<Prepared> = prepared
        .map(|(sum, weights)| Prepared { sum, places: places(&sum.output, some), weights })
        .collect();
    let at_once = at_once(P * P, maps).min(prepared[0].places.len());
    let [mut points, mut products] =
        maps.map(|maps| avec![0.0; P * P * Layout::by_place(at_once, maps).apart()]);
    let mut block = avec![0.0; some * output_size];
    let mut out = Vec::with_capacity(batch * output_size);
    for images in images.chunks(some * size) {
        let count = images.len() / size;
        for Prepared { sum, places, weights } in &prepared {
            for places in places[..places.len() / some * count].chunks(at_once) {
                let layouts = maps.map(|maps| Layout::by_place(places.len(), maps));
                let points = &mut points[..P * P * layouts[0].apart()];
                let products = &mut products[..P * P * layouts[1].apart()];
                let views = sum.terms.iter().map(|term| &term.input);
                points_of_input::<S, L, P, R>(
                    simd, views, images, inputs, places, layouts[0], points,
                );
                multiply::<S, M>(simd, layouts, points, weights, products);
                put_output::<S, L, P, R>(simd, &sum.output, products, outputs, places, &mut block);
            }
        }
        out.extend_from_slice(&block[..count * output_size]);
    }
    out
}

/// The points of the weights of each sum: for each of them the panels of outputs, for each panel a row for each input of each
/// term.
#[inline(always)]
fn points_of_weights<S: Simd, L: Lines<P, R>, const P: usize, const R: usize>(
    simd: S,
    work: &Gather,
) -> Vec<AVec<f32>> {
    let Gather { sums, inputs, outputs, .. } = *work;
    let terms = sums[0].terms.len();
    let apart = Layout::by_place(terms * inputs, outputs).apart();
    let mut points: Vec<AVec<f32>> = sums.iter().map(|_| avec![0.0; P * P * apart]).collect();
    let mut by_point: Vec<_> =
        points.iter_mut().map(|points| by_point_mut::<P>(points, apart)).collect();
    let mut kernels = avec![0.0; sums.len() * terms * R * R * S::F32_LANES];
    for [at, width] in panels_of(outputs, S::F32_LANES) {
        for input in 0..inputs {
            for vector_at in (0..width).step_by(S::F32_LANES) {
                copy_kernels(&work.weights, input, at + vector_at, S::F32_LANES, &mut kernels);
                let (kernels, _) = S::as_simd_f32s(&kernels);
                for (sum, points) in sums.iter().zip(&mut by_point) {
                    for (number, term) in sum.terms.iter().enumerate() {
                        let mut kernel = [[simd.splat_f32s(0.0); R]; R];
                        for (place, cell) in kernel.as_flattened_mut().iter_mut().zip(&term.cells) {
                            *place = kernels[*cell];
                        }
                        let row = number * inputs + input;
                        let to = at * terms * inputs + row * width + vector_at;
                        put::<S, P>(points, to, of_weights::<S, L, P, R>(simd, kernel));
                    }
                }
            }
        }
    }
    points
}

/// The kernels from one input to so many outputs: for each of their cells a number for each output.
fn copy_kernels(weights: &Weights, input: usize, first: usize, lanes: usize, kernels: &mut [f32]) {
    let Weights { values, inputs_apart, outputs_apart, .. } = *weights;
    let cells = kernels.len() / lanes;
    for lane in 0..lanes {
        let from = input * inputs_apart + (first + lane) * outputs_apart;
        for (cell, &value) in values[from..from + cells].iter().enumerate() {
            kernels[cell * lanes + lane] = value;
        }
    }
}

/// For every point, the places' inputs times the weights.
#[inline(always)]
fn multiply<S: Simd, const M: usize>(
    simd: S,
    [before, after]: [Layout; 2],
    points: &[f32],
    weights: &[f32],
    products: &mut [f32],
) {
    let maps = [before.maps, after.maps];
    let by_point = points
        .chunks_exact(before.apart())
        .zip(weights.chunks_exact(Layout::by_place(maps[0], maps[1]).apart()))
        .zip(products.chunks_exact_mut(after.apart()));
    for ((rows, weights), products) in by_point {
        let rows = &rows[..before.places * before.maps];
        let products = &mut products[..after.places * after.maps];
        matrix::multiply::<S, M>(simd, rows, weights, maps, products, AsTheyAre);
    }
}
