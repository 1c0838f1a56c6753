//! Weights in the order in which registers take them, and back.
//!
//! A panel has a few vectors of outputs; in it, for each number of a patch, a weight for each output. In a model a kernel's cells lie
//! together instead. A kernel is turned over in a small buffer, so that both sides are read and written in runs.

use aligned_vec::{AVec, avec};

use super::reach::Patches;
use super::tile::{VECTORS, panels_of};

/// Weights `[narrow maps, wide maps, kernel cells]`, and which of the two sides goes in.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// The numbers.
    pub values: &'a [f32],
    /// Columns of the kernel.
    pub columns: usize,
    /// From one map that goes in to the next.
    pub inputs_apart: usize,
    /// From one map that comes out to the next.
    pub outputs_apart: usize,
}

/// Patches of a block of images, and the weights of their part of the kernel.
#[derive(Debug)]
pub struct Prepared {
    /// Where each patch starts, and where its cell's output does.
    pub places: Vec<[usize; 2]>,
    /// Where its runs start, from there.
    pub runs: Vec<usize>,
    /// Numbers of a run.
    pub length: usize,
    /// The weights, in panels or in rows.
    pub weights: AVec<f32>,
}

/// The weights of each part of a kernel in rows: for each output the numbers of a patch in order.
pub fn in_rows(
    Weights { values, columns, inputs_apart, outputs_apart }: Weights,
    parts: &[Patches],
    [inputs, outputs]: [usize; 2],
) -> Vec<AVec<f32>> {
    let rows = |part: &Patches| {
        let mut rows = avec![0.0; outputs * part.kernel.len() * inputs];
        let mut cells = rows.chunks_exact_mut(inputs);
        for output in 0..outputs {
            for ([i, j], row) in part.kernel.iter().zip(&mut cells) {
                let from = &values[output * outputs_apart + i * columns + j..];
                for (number, value) in row.iter_mut().zip(from.iter().step_by(inputs_apart)) {
                    *number = *value;
                }
            }
        }
        rows
    };
    parts.iter().map(rows).collect()
}

/// The panels of each part of a kernel, whose cells are all in one part or another. Outputs that are missing have zeros.
pub fn packed(
    weights: Weights,
    parts: &[Patches],
    [inputs, outputs]: [usize; 2],
    lanes: usize,
) -> Vec<AVec<f32>> {
    let Weights { values, columns, inputs_apart, outputs_apart } = weights;
    let cells = parts.iter().map(|part| part.kernel.len()).sum::<usize>();
    let all: usize = panels_of(outputs, lanes).map(|[_, width]| width).sum();
    let size = |part: &Patches| all * part.kernel.len() * inputs;
    let mut panels: Vec<AVec<f32>> = parts.iter().map(|part| avec![0.0; size(part)]).collect();
    let mut turned = vec![0.0; cells * VECTORS * lanes];
    for [at, width] in panels_of(outputs, lanes) {
        let some = width.min(outputs - at);
        turned.fill(0.0);
        for input in 0..inputs {
            for lane in 0..some {
                let from = input * inputs_apart + (at + lane) * outputs_apart;
                for (cell, &value) in values[from..from + cells].iter().enumerate() {
                    turned[cell * width + lane] = value;
                }
            }
            for (part, panels) in parts.iter().zip(&mut panels) {
                let panel = &mut panels[at * part.kernel.len() * inputs..];
                for (number, [i, j]) in part.kernel.iter().enumerate() {
                    let row = &turned[(i * columns + j) * width..][..width];
                    panel[(number * inputs + input) * width..][..width].copy_from_slice(row);
                }
            }
        }
    }
    panels
}

/// From panels of all the cells, in order, to `[outputs, inputs, cells]`.
pub fn unpacked(
    panels: &[f32],
    cells: usize,
    [inputs, outputs]: [usize; 2],
    lanes: usize,
) -> Vec<f32> {
    let mut out = vec![0.0; outputs * inputs * cells];
    let mut turned = vec![0.0; cells * VECTORS * lanes];
    for [at, width] in panels_of(outputs, lanes) {
        let some = width.min(outputs - at);
        let panel = &panels[at * cells * inputs..];
        for input in 0..inputs {
            for (cell, row) in turned.chunks_exact_mut(width).take(cells).enumerate() {
                row.copy_from_slice(&panel[(cell * inputs + input) * width..][..width]);
            }
            for lane in 0..some {
                let to = ((at + lane) * inputs + input) * cells;
                for (cell, value) in out[to..to + cells].iter_mut().enumerate() {
                    *value = turned[cell * width + lane];
                }
            }
        }
    }
    out
}
