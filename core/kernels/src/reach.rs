//! Where the cells that a kernel reaches lie in memory, for images whose channels come last.
//!
//! The kernel stands once at every cell of the *narrow* image and covers a patch of the *wide* one. A row of a patch is one
//! run of memory, so a patch is a start and a few runs. That holds both ways: a convolution gathers patches of the wide image, its
//! transpose gathers, for every cell of the wide image, the narrow cells whose patches cover it. Which of the kernel's rows
//! and columns those are depends only on the cell's place modulo the stride, so a transposed convolution of stride `s` is
//! `s * s` convolutions of stride 1, each with some of the kernel's cells.

use super::window::Window;

/// A kernel, and the two images that it joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The kernel.
    pub window: Window,
    /// Height and width of the wide image.
    pub wide: [usize; 2],
    /// Height and width of the narrow image.
    pub narrow: [usize; 2],
}

/// An image with room for the kernel around it, all of it zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Height and width of the image.
    pub image: [usize; 2],
    /// Rows above and columns to the left.
    pub before: [usize; 2],
    /// Height and width of it all.
    pub size: [usize; 2],
}

/// Patches of framed images, and the cells of another image that they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patches {
    /// The cells of the kernel, in the order in which a patch has them.
    pub kernel: Vec<[usize; 2]>,
    /// Where the runs of a patch begin, counted in cells from its start.
    pub runs: Vec<usize>,
    /// Cells of a run.
    pub length: usize,
    /// Where the patches start, in cells of the framed image.
    pub from: Vec<usize>,
    /// The cells that they are for.
    pub to: Vec<usize>,
}

impl Reach {
    /// Number of the kernel's cells.
    pub fn cells(&self) -> usize {
        self.window.kernel.iter().product()
    }

    /// The frame of a wide image in which no patch reaches beyond.
    pub fn around_wide(&self) -> Frame {
        let Self { window: Window { kernel, stride, border }, wide, narrow } = *self;
        let needed = |axis: usize| (narrow[axis] - 1) * stride + kernel[axis];
        // A last row may be reached by no kernel.
        let size = [0, 1].map(|axis| needed(axis).max(wide[axis] + border));
        Frame { image: wide, before: [border; 2], size }
    }

    /// The patch of every narrow cell, in a wide image that is framed.
    pub fn of_narrow(&self) -> Patches {
        let Self { window: Window { kernel: [high, across], stride, .. }, narrow, .. } = *self;
        let [_, pitch] = self.around_wide().size;
        let cells = (0..high).flat_map(|i| (0..across).map(move |j| [i, j]));
        let mut from = Vec::with_capacity(narrow[0] * narrow[1]);
        for y in 0..narrow[0] {
            from.extend((0..narrow[1]).map(|x| (y * pitch + x) * stride));
        }
        Patches {
            kernel: cells.collect(),
            runs: (0..high).map(|i| i * pitch).collect(),
            length: across,
            from,
            to: (0..narrow[0] * narrow[1]).collect(),
        }
    }

    /// The frame of a narrow image in which no wide cell looks for kernels beyond.
    pub fn around_narrow(&self) -> Frame {
        let Self { window: Window { kernel, stride, border }, wide, narrow } = *self;
        // Kernels that cover a cell from above, beside the one that stands at it.
        let before = kernel.map(|kernel| (kernel - 1) / stride);
        let last = |axis: usize| (wide[axis] - 1 + border) / stride;
        let size = [0, 1].map(|axis| before[axis] + (last(axis) + 1).max(narrow[axis]));
        Frame { image: narrow, before, size }
    }

    /// The patches of the wide cells in a narrow image that is framed, those with the same part of the kernel together.
    pub fn of_wide(&self) -> Vec<Patches> {
        let stride = self.window.stride;
        let parities = (0..stride).flat_map(|y| (0..stride).map(move |x| [y, x]));
        parities.filter_map(|parity| self.of_parity(parity)).collect()
    }

    /// Those whose row and column, counted from the border, leave `parity` when divided by the stride.
    fn of_parity(&self, parity: [usize; 2]) -> Option<Patches> {
        let Self { window: Window { kernel, stride, border }, wide, .. } = *self;
        let Frame { before, size: [_, pitch], .. } = self.around_narrow();
        // The kernel's rows and columns that reach such a cell: parity, parity + stride, ...
        let taps = [0, 1].map(|axis| kernel[axis].saturating_sub(parity[axis]).div_ceil(stride));
        if taps.contains(&0) {
            return None;
        }
        let first = |axis: usize| (parity[axis] + stride - border % stride) % stride;
        let places = |axis: usize| (first(axis)..wide[axis]).step_by(stride);
        // The later a row of the kernel, the earlier the kernel's cell in the narrow image.
        let backwards = |axis: usize| (0..taps[axis]).rev().map(move |t| parity[axis] + stride * t);
        let start =
            |axis: usize, place: usize| (place + border) / stride + before[axis] + 1 - taps[axis];
        let (mut from, mut to) = (Vec::new(), Vec::new());
        for y in places(0) {
            let (row, line) = (start(0, y) * pitch + start(1, first(1)), y * wide[1]);
            from.extend((row..).take(places(1).len()));
            to.extend(places(1).map(|x| line + x));
        }
        Some(Patches {
            kernel: backwards(0).flat_map(|i| backwards(1).map(move |j| [i, j])).collect(),
            runs: (0..taps[0]).map(|t| t * pitch).collect(),
            length: taps[1],
            from,
            to,
        })
    }
}

impl Frame {
    /// Number of cells, those around included.
    pub fn cells(&self) -> usize {
        self.size.iter().product()
    }

    /// Number of cells of the image itself.
    pub fn inner_cells(&self) -> usize {
        self.image.iter().product()
    }

    /// Copies images of so many channels into their frames, whose other cells are zeros already.
    pub fn fill(&self, images: &[f32], framed: &mut [f32], channels: usize) {
        let Self { image: [height, width], before: [above, left], size: [_, pitch] } = *self;
        let (size, framed_size) = (height * width * channels, self.cells() * channels);
        let pairs = images.chunks_exact(size).zip(framed.chunks_exact_mut(framed_size));
        for (image, framed) in pairs {
            for (y, row) in image.chunks_exact(width * channels).enumerate() {
                let at = ((y + above) * pitch + left) * channels;
                framed[at..at + row.len()].copy_from_slice(row);
            }
        }
    }
}
