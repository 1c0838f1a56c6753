//! Convolutions of 3 by 3 cells and stride 1 with 16 multiplications where 36 are written (Winograd 1980; Lavin and Gray 2016).
//!
//! Two by two cells of the output depend on four by four of the input. Both squares and the weights are transformed
//! linearly; then, for each of 16 *points*, a convolution is a matrix product over maps. Sums and differences of four numbers cost a
//! few of the last bits: errors are about twice those of the plain sum.

mod correlate;
mod gather;
mod squares;
mod transforms;

pub use correlate::Correlate;
pub use gather::Gather;

use super::window::Window;

/// Points of a square.
const POINTS: usize = 16;

/// What the longest vectors hold: numbers of maps that are a multiple of it need no ends of vectors.
const LANES: usize = 16;

/// Whether a convolution can be done so, from `inputs` maps to `outputs`.
pub fn applies(window: Window, inputs: usize, outputs: usize) -> bool {
    let Window { kernel, stride, border } = window;
    kernel == [3; 2]
        && stride == 1
        && border <= 2
        && inputs.is_multiple_of(LANES)
        && outputs.is_multiple_of(LANES)
}
