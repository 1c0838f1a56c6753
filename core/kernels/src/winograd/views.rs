//! A convolution as sums of convolutions of stride 1: which cells of images they take, and which part of the kernel.
//!
//! A kernel of stride `s` has `s * s` parts, whose cells are `s` apart. Going to the narrow image, every part has its own view of the wide
//! one, of every `s`th cell, and all are summed. Going to the wide image, every view of it has its own part.

use crate::reach::Reach;

/// Every few cells of images.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Height and width of the images.
    pub image: [usize; 2],
    /// Row and column of the first cell; one before the image is a number that wraps round.
    first: [usize; 2],
    stride: usize,
}

impl View {
    /// A cell's row, or its column, in the image; not less than [`Self::image`] if it lies outside.
    #[inline(always)]
    pub fn place(&self, axis: usize, number: usize) -> usize {
        self.first[axis].wrapping_add(number * self.stride)
    }

    /// Rows and columns from the first cell to the last one of the image.
    pub fn count(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.image[axis].saturating_sub(self.first[axis]).div_ceil(self.stride))
    }
}

/// A convolution of stride 1: the cells that it is applied to, and the cells of its kernel, row by row.
#[derive(Clone, Debug)]
pub struct Term {
    /// What is under the kernel; its first cell is the first cell of the view for the first cell of the output.
    pub input: View,
    /// Where its cells lie in the whole kernel.
    pub cells: Vec<usize>,
}

/// Some cells of the output, and the convolutions that they are the sum of.
#[derive(Clone, Debug)]
pub struct Sum {
    /// The cells.
    pub output: View,
    /// The convolutions.
    pub terms: Vec<Term>,
}

/// All narrow cells, from views of the wide image.
pub fn to_narrow(reach: &Reach) -> Sum {
    let stride = reach.window.stride;
    let term = |parity: [usize; 2]| {
        let first = parity.map(|parity| parity.wrapping_sub(reach.window.border));
        let input = View { image: reach.wide, first, stride };
        Term { input, cells: part(reach, parity, |tap, _| tap) }
    };
    let output = View { image: reach.narrow, first: [0; 2], stride: 1 };
    Sum { output, terms: parities(stride).map(term).collect() }
}

/// Views of the wide image, from the narrow one.
pub fn to_wide(reach: &Reach) -> Vec<Sum> {
    let (border, stride) = (reach.window.border, reach.window.stride);
    let view = |first: [usize; 2]| {
        let parity = first.map(|first| (first + border) % stride);
        // The last kernel that reaches the first cell is this one; those before it reach it with later cells.
        let last = first.map(|first| (first + border) / stride);
        let start = last.map(|last| (last + 1).wrapping_sub(taps(reach)));
        let input = View { image: reach.narrow, first: start, stride: 1 };
        let term = Term { input, cells: part(reach, parity, |tap, taps| taps - 1 - tap) };
        Sum { output: View { image: reach.wide, first, stride }, terms: vec![term] }
    };
    parities(stride).map(view).collect()
}

fn parities(stride: usize) -> impl Iterator<Item = [usize; 2]> {
    (0..stride).flat_map(move |y| (0..stride).map(move |x| [y, x]))
}

/// Rows, and columns, of a part of the kernel.
fn taps(reach: &Reach) -> usize {
    reach.window.kernel[0] / reach.window.stride
}

/// The cells of one part of the kernel, taken in an order.
fn part(
    reach: &Reach,
    parity: [usize; 2],
    order: impl Fn(usize, usize) -> usize + Copy,
) -> Vec<usize> {
    let (stride, taps, [_, across]) = (reach.window.stride, taps(reach), reach.window.kernel);
    let along = move |axis: usize| {
        (0..taps).map(move |tap| parity[axis] + stride * order(tap, taps)).collect::<Vec<_>>()
    };
    let columns = along(1);
    along(0).iter().flat_map(|i| columns.iter().map(move |j| i * across + j)).collect()
}
