//! Convolutions with fewer multiplications than are written (Winograd 1980; Lavin and Gray 2016): 16 instead of 36 for a kernel of
//! 3 by 3 cells and stride 1, 9 instead of 16 for each of the four kernels of 2 by 2 cells that make one of 4 by 4 and stride 2.
//!
//! Two by two cells of the output depend on a square of the input. Both and the weights are transformed linearly; then, for each
//! of the square's *points*, a convolution is a matrix product over maps. Sums and differences of four numbers cost a few of
//! the last bits: errors are about twice those of the plain sum.

mod correlate;
mod gather;
mod squares;
mod transforms;
mod views;

pub use correlate::Correlate;
pub use gather::Gather;
pub use views::{to_narrow, to_wide};

use super::reach::Reach;
use super::window::Window;

/// What the longest vectors hold: numbers of maps that are a multiple of it need no ends of vectors.
const LANES: usize = 16;

/// Numbers of transformed squares that are worked on at once, both sides of a product together.
const BLOCK: usize = 1 << 16;

/// How many transformed weights there are at most for each of these numbers: all of them pass by once for every block.
const WEIGHTS_TO_NUMBERS: usize = 8;

/// Squares at least: with fewer, what is gained with them is lost with the weights.
const FEWEST_SQUARES: usize = 128;

/// Whether a convolution, or its transpose, is done so for `batch` images, from `inputs` maps to `outputs`.
pub fn applies(reach: &Reach, batch: usize, inputs: usize, outputs: usize) -> bool {
    let Window { kernel, stride, border } = reach.window;
    let squares: usize = reach.narrow.iter().map(|cells| cells.div_ceil(2)).product();
    matches!((kernel, stride), ([3, 3], 1) | ([4, 4], 2))
        && border < kernel[0]
        && batch * squares >= FEWEST_SQUARES
        && inputs.is_multiple_of(LANES)
        && outputs.is_multiple_of(LANES)
}

/// How many squares are worked on at once, each with so many points, with so many maps on either side.
fn at_once(points: usize, [inputs, outputs]: [usize; 2]) -> usize {
    let numbers = BLOCK.max(points * inputs * outputs / WEIGHTS_TO_NUMBERS);
    (numbers / (points * (inputs + outputs))).next_multiple_of(8).max(8)
}
