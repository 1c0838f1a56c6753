//! Which cells of an image a kernel reaches: the geometry that a convolution and its transpose share.

/// A square kernel that is moved over an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Cells from one place of the kernel to the next.
    pub stride: usize,
    /// Cells of zeros around the image.
    pub border: usize,
}

impl Window {
    /// Height and width that a convolution leaves of an image.
    pub fn narrowed(&self, image: [usize; 2]) -> [usize; 2] {
        let places =
            |axis: usize| (image[axis] + 2 * self.border - self.kernel[axis]) / self.stride + 1;
        [places(0), places(1)]
    }

    /// Height and width that a transposed convolution makes of an image.
    pub fn widened(&self, image: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|axis| (image[axis] - 1) * self.stride + self.kernel[axis] - 2 * self.border)
    }
}
