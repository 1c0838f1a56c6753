//! A convolution to so few maps that they would leave most of a vector empty: vectors go along the patches instead, and every
//! number that comes out is a product of two of them.

#![expect(
    clippy::needless_range_loop,
    reason = "loops of known length over arrays stay in registers"
)]

use pulp::Simd;

use super::packing::Prepared;
use super::tile::vector;

/// Cells at once, so that sums do not wait for each other.
const CELLS: usize = 4;

/// Maps that come out at most.
const MOST_OUTPUTS: usize = 4;

/// Whether a convolution is done so: patches are whole vectors, outputs are few.
pub fn applies(inputs: usize, outputs: usize, lanes: usize) -> bool {
    outputs <= MOST_OUTPUTS && inputs.is_multiple_of(lanes)
}

/// All the cells.
#[inline(always)]
pub fn run<S: Simd>(
    simd: S,
    part: &Prepared,
    places: &[[usize; 2]],
    framed: &[f32],
    out: &mut [f32],
    outputs: usize,
) {
    match outputs {
        1 => cells::<S, 1>(simd, part, places, framed, out),
        2 => cells::<S, 2>(simd, part, places, framed, out),
        3 => cells::<S, 3>(simd, part, places, framed, out),
        _ => cells::<S, MOST_OUTPUTS>(simd, part, places, framed, out),
    }
}

#[inline(always)]
fn cells<S: Simd, const O: usize>(
    simd: S,
    part: &Prepared,
    places: &[[usize; 2]],
    framed: &[f32],
    out: &mut [f32],
) {
    let (some, rest) = places.as_chunks::<CELLS>();
    for places in some {
        products::<S, CELLS, O>(simd, part, places, framed, out);
    }
    for place in rest {
        products::<S, 1, O>(simd, part, std::array::from_ref(place), framed, out);
    }
}

#[inline(always)]
fn products<S: Simd, const M: usize, const O: usize>(
    simd: S,
    part: &Prepared,
    places: &[[usize; 2]; M],
    framed: &[f32],
    out: &mut [f32],
) {
    let mut sums = [[simd.splat_f32s(0.0); O]; M];
    let numbers = part.runs.len() * part.length;
    for (number, run) in part.runs.iter().enumerate() {
        for at in (0..part.length).step_by(S::F32_LANES) {
            let mut weights = [simd.splat_f32s(0.0); O];
            for o in 0..O {
                let from = o * numbers + number * part.length + at;
                weights[o] = vector::<S>(&part.weights[from..]);
            }
            for m in 0..M {
                let values = vector::<S>(&framed[places[m][0] + run + at..]);
                for o in 0..O {
                    sums[m][o] = simd.mul_add_e_f32s(values, weights[o], sums[m][o]);
                }
            }
        }
    }
    for m in 0..M {
        for o in 0..O {
            out[places[m][1] + o] = simd.reduce_sum_f32s(sums[m][o]);
        }
    }
}
