//! Squares of images: where they lie, and how they become points.

#![expect(
    clippy::needless_range_loop,
    reason = "loops of known length over arrays stay in registers"
)]

use pulp::Simd;

use super::LANES;
use super::transforms::{Lines, Square, of_columns, of_output_gradient, to_output};
use super::views::View;
use crate::tile::vector;

/// A square of two by two cells of the output.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its image.
    image: usize,
    /// Its first cell in the output's view, and in the input's.
    cell: [usize; 2],
}

/// All squares of so many images.
pub fn places(output: &View, images: usize) -> Vec<Place> {
    let [rows, columns] = output.count().map(|cells| cells.div_ceil(2));
    let mut places = Vec::with_capacity(images * rows * columns);
    for image in 0..images {
        for y in 0..rows {
            places.extend((0..columns).map(|x| Place { image, cell: [2 * y, 2 * x] }));
        }
    }
    places
}

/// How the numbers of one point lie in memory: so many maps of a place together, then those of the next place.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Places.
    pub places: usize,
    /// Maps of each.
    pub maps: usize,
    /// Maps that lie together.
    pub together: usize,
}

impl Layout {
    /// All maps of a place lie together.
    pub fn by_place(places: usize, maps: usize) -> Self {
        Self { places, maps, together: maps }
    }

    /// Where a map of a place is.
    #[inline(always)]
    fn at(&self, place: usize, map: usize) -> usize {
        (map / self.together * self.places + place) * self.together + map % self.together
    }

    /// How far apart the numbers of two points lie. Not a power of two: the points of a place would share the few lines of the first
    /// cache that such addresses have.
    pub fn apart(&self) -> usize {
        self.places * self.maps.next_multiple_of(self.together) + LANES
    }
}

/// The numbers of each of `P` by `P` points.
pub type Points<'a, const P: usize> = [[&'a [f32]; P]; P];

/// As [`Points`].
pub type PointsMut<'a, const P: usize> = [[&'a mut [f32]; P]; P];

/// Divides numbers among points, `apart` of them each.
#[inline(always)]
pub fn by_point<const P: usize>(numbers: &[f32], apart: usize) -> Points<'_, P> {
    let mut points = [[numbers; P]; P];
    let mut each = numbers.chunks_exact(apart);
    for point in points.as_flattened_mut() {
        *point = &each.next().unwrap_or_default()[..apart];
    }
    points
}

/// As [`by_point`].
#[inline(always)]
pub fn by_point_mut<const P: usize>(numbers: &mut [f32], apart: usize) -> PointsMut<'_, P> {
    let mut each = numbers.chunks_exact_mut(apart);
    std::array::from_fn(|_| std::array::from_fn(|_| &mut each.next().unwrap_or_default()[..apart]))
}

/// One vector of each point.
#[inline(always)]
pub fn get<S: Simd, const P: usize>(simd: S, points: &Points<P>, at: usize) -> Square<S, P> {
    let mut square = [[simd.splat_f32s(0.0); P]; P];
    for i in 0..P {
        for j in 0..P {
            square[i][j] = vector::<S>(&points[i][j][at..]);
        }
    }
    square
}

/// The opposite.
#[inline(always)]
pub fn put<S: Simd, const P: usize>(points: &mut PointsMut<P>, at: usize, square: Square<S, P>) {
    for i in 0..P {
        for j in 0..P {
            let (place, _) = S::as_mut_simd_f32s(&mut points[i][j][at..][..S::F32_LANES]);
            place[0] = square[i][j];
        }
    }
}

/// The points of squares of an input that is seen by several terms; its maps are those of all terms.
#[inline(always)]
pub fn points_of_input<'v, S: Simd, L: Lines<P, R>, const P: usize, const R: usize>(
    simd: S,
    views: impl ExactSizeIterator<Item = &'v View>,
    images: &[f32],
    channels: usize,
    places: &[Place],
    layout: Layout,
    points: &mut [f32],
) {
    let mut points = by_point_mut::<P>(points, layout.apart());
    for (term, view) in views.enumerate() {
        let mut first = 0;
        for line in places.chunk_by(|a, b| (a.image, a.cell[0]) == (b.image, b.cell[0])) {
            let rows = rows::<P>(view, &line[0], images, channels);
            for at in (0..channels).step_by(S::F32_LANES) {
                let to = [layout.at(first, term * channels + at), layout.together];
                let line = Line { view, x: line[0].cell[1], count: line.len(), rows };
                line.points::<S, L, R>(simd, channels, at, to, &mut points);
            }
            first += line.len();
        }
    }
}

/// The rows of a square in its image; none where it has none.
#[inline(always)]
fn rows<'a, const P: usize>(
    view: &View,
    place: &Place,
    images: &'a [f32],
    channels: usize,
) -> [Option<&'a [f32]>; P] {
    let [height, width] = view.image;
    let mut rows = [None; P];
    for i in 0..P {
        let row = view.place(0, place.cell[0] + i);
        if row < height {
            let start = (place.image * height + row) * width * channels;
            rows[i] = Some(&images[start..][..width * channels]);
        }
    }
    rows
}

/// Squares beside each other.
struct Line<'a, const P: usize> {
    view: &'a View,
    /// The first cell of the first one.
    x: usize,
    count: usize,
    rows: [Option<&'a [f32]>; P],
}

impl<const P: usize> Line<'_, P> {
    /// One vector of the points. A square shares all but two columns with the one before it.
    #[inline(always)]
    fn points<S: Simd, L: Lines<P, R>, const R: usize>(
        &self,
        simd: S,
        channels: usize,
        from: usize,
        [to, step]: [usize; 2],
        points: &mut PointsMut<P>,
    ) {
        let mut columns = [[simd.splat_f32s(0.0); P]; P];
        for j in 0..P - 2 {
            columns[j + 2] = self.column::<S, L, R>(simd, channels, from, self.x + j);
        }
        for number in 0..self.count {
            for j in 0..P - 2 {
                columns[j] = columns[j + 2];
            }
            for j in P - 2..P {
                let x = self.x + 2 * number + j;
                columns[j] = self.column::<S, L, R>(simd, channels, from, x);
            }
            put::<S, P>(points, to + number * step, of_columns::<S, L, P, R>(simd, columns));
        }
    }

    /// One vector of each cell of a column, transformed along it.
    #[inline(always)]
    fn column<S: Simd, L: Lines<P, R>, const R: usize>(
        &self,
        simd: S,
        channels: usize,
        from: usize,
        x: usize,
    ) -> [S::f32s; P] {
        let mut cells = [simd.splat_f32s(0.0); P];
        let x = self.view.place(1, x);
        if x < self.view.image[1] {
            for i in 0..P {
                if let Some(row) = self.rows[i] {
                    cells[i] = vector::<S>(&row[x * channels + from..]);
                }
            }
        }
        L::input(simd, cells)
    }
}

/// The points of squares of the output's gradient. What lies beyond the output is zero.
#[inline(always)]
pub fn points_of_gradient<S: Simd, L: Lines<P, R>, const P: usize, const R: usize>(
    simd: S,
    output: &View,
    gradient: &[f32],
    places: &[Place],
    layout: Layout,
    points: &mut [f32],
) {
    let mut points = by_point_mut::<P>(points, layout.apart());
    for (number, place) in places.iter().enumerate() {
        let cells = cells(output, place, layout.maps);
        for at in (0..layout.maps).step_by(S::F32_LANES) {
            let mut square = [[simd.splat_f32s(0.0); 2]; 2];
            for i in 0..2 {
                for j in 0..2 {
                    if let Some(cell) = cells[i][j] {
                        square[i][j] = vector::<S>(&gradient[cell + at..]);
                    }
                }
            }
            let square = of_output_gradient::<S, L, P, R>(simd, square);
            put::<S, P>(&mut points, layout.at(number, at), square);
        }
    }
}

/// The output's squares from their points.
#[inline(always)]
pub fn put_output<S: Simd, L: Lines<P, R>, const P: usize, const R: usize>(
    simd: S,
    output: &View,
    points: &[f32],
    maps: usize,
    places: &[Place],
    images: &mut [f32],
) {
    let layout = Layout::by_place(places.len(), maps);
    let points = by_point::<P>(points, layout.apart());
    for (number, place) in places.iter().enumerate() {
        let cells = cells(output, place, maps);
        for at in (0..maps).step_by(S::F32_LANES) {
            let square = get::<S, P>(simd, &points, layout.at(number, at));
            let square = to_output::<S, L, P, R>(simd, square);
            for i in 0..2 {
                for j in 0..2 {
                    if let Some(cell) = cells[i][j] {
                        let to = &mut images[cell + at..][..S::F32_LANES];
                        let (place, _) = S::as_mut_simd_f32s(to);
                        place[0] = square[i][j];
                    }
                }
            }
        }
    }
}

/// Where the maps of a square's cells start in images of the output; none beyond them.
#[inline(always)]
fn cells(output: &View, place: &Place, maps: usize) -> [[Option<usize>; 2]; 2] {
    let [height, width] = output.image;
    let mut cells = [[None; 2]; 2];
    for i in 0..2 {
        let row = output.place(0, place.cell[0] + i);
        for j in 0..2 {
            let column = output.place(1, place.cell[1] + j);
            if row < height && column < width {
                cells[i][j] = Some(((place.image * height + row) * width + column) * maps);
            }
        }
    }
    cells
}
