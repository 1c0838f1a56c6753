//! Squares of images: where they lie, and how they become points.

#![expect(
    clippy::needless_range_loop,
    reason = "loops of known length over arrays stay in registers"
)]

use pulp::Simd;

use super::transforms::{Square, of_input, of_output_gradient, to_output};
use super::{LANES, POINTS};
use crate::nets::kernels::tile::vector;

/// Numbers of transformed squares that are worked on at once, both sides of a product together.
const BLOCK: usize = 1 << 16;

/// How images of the output are divided into squares of two by two cells.
#[derive(Clone, Copy, Debug)]
pub struct Squares {
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
    /// Rows and columns of zeros before the input.
    pub before: usize,
}

/// One square.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its image.
    pub image: usize,
    /// Its first cell in the output, and in the input with zeros around it.
    pub cell: [usize; 2],
}

impl Squares {
    /// All squares of so many images.
    pub fn places(&self, images: usize) -> Vec<Place> {
        let [rows, columns] = self.output.map(|cells| cells.div_ceil(2));
        let mut places = Vec::with_capacity(images * rows * columns);
        for image in 0..images {
            for y in 0..rows {
                places.extend((0..columns).map(|x| Place { image, cell: [2 * y, 2 * x] }));
            }
        }
        places
    }

    /// How many squares are worked on at once, with so many maps on both sides together.
    pub fn at_once(maps: usize) -> usize {
        (BLOCK / (POINTS * maps)).next_multiple_of(8).max(8)
    }

    /// How far apart the numbers of two points lie that so many places have, with so many maps each. Not a power of two: the
    /// sixteen points of a place would share the few lines of the first cache that such addresses have.
    pub fn apart(places: usize, maps: usize) -> usize {
        places * maps + LANES
    }

    /// The points of squares of the input: for each of them `[places, channels]`.
    #[inline(always)]
    pub fn points_of_input<S: Simd>(
        &self,
        simd: S,
        images: &[f32],
        channels: usize,
        places: &[Place],
        points: &mut [f32],
    ) {
        let apart = Self::apart(places.len(), channels);
        for (number, place) in places.iter().enumerate() {
            let start = self.inside(place);
            let cells = self.cells::<4>(place, self.input, self.before, channels);
            for at in (0..channels).step_by(S::F32_LANES) {
                let square = match start {
                    Some(start) => {
                        let from = &images[start * channels + at..];
                        read_inside(simd, from, self.input[1] * channels, channels)
                    }
                    None => read(simd, images, &cells, at),
                };
                put::<S>(points, apart, number * channels + at, of_input(simd, square));
            }
        }
    }

    /// The points of squares of the output's gradient: for each of them `[places, maps]`. What lies beyond the output is zero.
    #[inline(always)]
    pub fn points_of_gradient<S: Simd>(
        &self,
        simd: S,
        gradient: &[f32],
        maps: usize,
        places: &[Place],
        points: &mut [f32],
    ) {
        let apart = Self::apart(places.len(), maps);
        for (number, place) in places.iter().enumerate() {
            let cells = self.cells::<2>(place, self.output, 0, maps);
            for at in (0..maps).step_by(S::F32_LANES) {
                let square = read(simd, gradient, &cells, at);
                put::<S>(points, apart, number * maps + at, of_output_gradient(simd, square));
            }
        }
    }

    /// The output's squares from their points.
    #[inline(always)]
    pub fn output<S: Simd>(
        &self,
        simd: S,
        points: &[f32],
        maps: usize,
        places: &[Place],
        out: &mut [f32],
    ) {
        let apart = Self::apart(places.len(), maps);
        for (number, place) in places.iter().enumerate() {
            let cells = self.cells::<2>(place, self.output, 0, maps);
            for at in (0..maps).step_by(S::F32_LANES) {
                let square = to_output(simd, get(simd, points, apart, number * maps + at));
                for i in 0..2 {
                    for j in 0..2 {
                        if cells[i][j] != OUTSIDE {
                            let to = &mut out[cells[i][j] + at..][..S::F32_LANES];
                            let (place, _) = S::as_mut_simd_f32s(to);
                            place[0] = square[i][j];
                        }
                    }
                }
            }
        }
    }

    /// The first of a square's four by four cells of the input, if it has them all.
    #[inline(always)]
    fn inside(&self, place: &Place) -> Option<usize> {
        let ([y, x], [height, width], before) = (place.cell, self.input, self.before);
        let inside =
            y >= before && x >= before && y + 4 <= height + before && x + 4 <= width + before;
        inside.then(|| (place.image * height + y - before) * width + x - before)
    }

    /// Where the maps of a square's `E` by `E` cells start in images of a size, with so many zeros before them.
    #[inline(always)]
    fn cells<const E: usize>(
        &self,
        place: &Place,
        [height, width]: [usize; 2],
        before: usize,
        maps: usize,
    ) -> [[usize; E]; E] {
        let [y, x] = place.cell;
        let mut cells = [[OUTSIDE; E]; E];
        for i in 0..E {
            let row = (y + i).wrapping_sub(before);
            for j in 0..E {
                let column = (x + j).wrapping_sub(before);
                if row < height && column < width {
                    cells[i][j] = ((place.image * height + row) * width + column) * maps;
                }
            }
        }
        cells
    }
}

/// The place of a cell that an image does not have.
const OUTSIDE: usize = usize::MAX;

/// One vector of each of four by four cells, given how far rows and cells lie apart.
#[inline(always)]
fn read_inside<S: Simd>(simd: S, values: &[f32], row: usize, cell: usize) -> Square<S> {
    let mut square = [[simd.splat_f32s(0.0); 4]; 4];
    for i in 0..4 {
        let line = &values[i * row..][..3 * cell + S::F32_LANES];
        for j in 0..4 {
            square[i][j] = vector::<S>(&line[j * cell..]);
        }
    }
    square
}

/// One vector of each cell, zeros of those outside.
#[inline(always)]
fn read<S: Simd, const E: usize>(
    simd: S,
    values: &[f32],
    cells: &[[usize; E]; E],
    at: usize,
) -> [[S::f32s; E]; E] {
    let mut square = [[simd.splat_f32s(0.0); E]; E];
    for i in 0..E {
        for j in 0..E {
            if cells[i][j] != OUTSIDE {
                square[i][j] = vector::<S>(&values[cells[i][j] + at..]);
            }
        }
    }
    square
}

/// One vector of each point; those of two points lie `apart` numbers apart.
#[inline(always)]
pub fn get<S: Simd>(simd: S, points: &[f32], apart: usize, at: usize) -> Square<S> {
    let mut square = [[simd.splat_f32s(0.0); 4]; 4];
    for (i, row) in square.iter_mut().enumerate() {
        for (j, value) in row.iter_mut().enumerate() {
            *value = vector::<S>(&points[(4 * i + j) * apart + at..]);
        }
    }
    square
}

/// The opposite.
#[inline(always)]
pub fn put<S: Simd>(points: &mut [f32], apart: usize, at: usize, square: Square<S>) {
    for (i, row) in square.into_iter().enumerate() {
        for (j, value) in row.into_iter().enumerate() {
            let at = (4 * i + j) * apart + at;
            let (place, _) = S::as_mut_simd_f32s(&mut points[at..][..S::F32_LANES]);
            place[0] = value;
        }
    }
}
