//! What a pen drew, as a picture of the kind that MNIST is made of.

/// Radius of the pen in pixels: strokes of MNIST are two to three pixels wide.
const PEN: f64 = 1.2;

/// MNIST's digits fill a box of 20 of its 28 pixels (LeCun et al. 1998).
const BOX: f64 = 20.0 / 28.0;

/// A point of a sheet whose upper left corner is (0, 0) and whose lower right one (1, 1).
pub type Point = [f64; 2];

/// How a drawing is brought to its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// As MNIST's digits: as large as its box and with the centre of its mass in the middle.
    Digit,
    /// Where it was drawn.
    Sheet,
}

/// The grey values of strokes, `[side, side]`, row-major, from 0 (nothing) to 1. A stroke of one point is a dot.
pub fn picture(strokes: &[Vec<Point>], side: usize, framing: Framing) -> Vec<f32> {
    let points = || strokes.iter().flatten();
    if points().next().is_none() {
        return vec![0.0; side * side];
    }
    let size = side as f64;
    let radius = PEN * size / 28.0;
    let mut place = Place { scale: size, shift: [0.0; 2] };
    if framing == Framing::Digit {
        let ends = |axis: usize| {
            let along = points().map(move |point| point[axis]);
            let low = along.clone().fold(f64::INFINITY, f64::min);
            (low, along.fold(f64::NEG_INFINITY, f64::max))
        };
        let ends = [ends(0), ends(1)];
        let extent = ends.iter().map(|(low, high)| high - low).fold(0.0, f64::max);
        if extent > 0.0 {
            place.scale = (BOX * size - 2.0 * radius) / extent;
        }
        place.shift = ends.map(|(low, high)| size / 2.0 - (low + high) / 2.0 * place.scale);
        let centre = centre_of_mass(&place.drawn(strokes, side, radius), side);
        place.shift = [0, 1].map(|axis| place.shift[axis] + size / 2.0 - centre[axis]);
    }
    place.drawn(strokes, side, radius)
}

/// Where a point of the sheet lies in the picture, in pixels.
struct Place {
    scale: f64,
    shift: Point,
}

impl Place {
    fn drawn(&self, strokes: &[Vec<Point>], side: usize, radius: f64) -> Vec<f32> {
        let to = |point: &Point| [0, 1].map(|axis| point[axis] * self.scale + self.shift[axis]);
        let mut picture = vec![0.0_f32; side * side];
        for stroke in strokes.iter().filter(|stroke| !stroke.is_empty()) {
            let points: Vec<Point> = stroke.iter().map(to).collect();
            let only = [points[0], points[0]];
            let segments = if points.len() > 1 { points.windows(2) } else { only.windows(2) };
            for segment in segments {
                ink(&mut picture, side, radius, segment);
            }
        }
        picture
    }
}

/// Darkens the pixels near a segment. An edge is one pixel wide: a pixel is as dark as the pen covers it, nearly.
fn ink(picture: &mut [f32], side: usize, radius: f64, segment: &[Point]) {
    let (from, to) = (segment[0], segment[1]);
    let reach = radius + 1.0;
    let range = |axis: usize| {
        let (low, high) = (from[axis].min(to[axis]) - reach, from[axis].max(to[axis]) + reach);
        low.clamp(0.0, side as f64) as usize..high.ceil().clamp(0.0, side as f64) as usize
    };
    for row in range(1) {
        for column in range(0) {
            let centre = [column as f64 + 0.5, row as f64 + 0.5];
            let covered = (radius + 0.5 - distance(centre, from, to)).clamp(0.0, 1.0) as f32;
            let pixel = &mut picture[row * side + column];
            *pixel = pixel.max(covered);
        }
    }
}

/// From a point to a segment.
fn distance(point: Point, from: Point, to: Point) -> f64 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let length = along[0].powi(2) + along[1].powi(2);
    let dot = (point[0] - from[0]) * along[0] + (point[1] - from[1]) * along[1];
    let share = if length > 0.0 { (dot / length).clamp(0.0, 1.0) } else { 0.0 };
    (from[0] + share * along[0] - point[0]).hypot(from[1] + share * along[1] - point[1])
}

fn centre_of_mass(picture: &[f32], side: usize) -> Point {
    let mut sums = [0.0; 3];
    for (at, &mass) in picture.iter().enumerate() {
        let mass = f64::from(mass);
        sums[0] += mass * ((at % side) as f64 + 0.5);
        sums[1] += mass * ((at / side) as f64 + 0.5);
        sums[2] += mass;
    }
    [sums[0] / sums[2], sums[1] / sums[2]]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A seven, small and in a corner.
    fn seven() -> Vec<Vec<Point>> {
        vec![vec![[0.6, 0.7], [0.8, 0.7], [0.68, 0.95]], vec![[0.65, 0.82], [0.78, 0.82]]]
    }

    fn inked(picture: &[f32], side: usize, axis: usize) -> (usize, usize) {
        let places = picture.iter().enumerate().filter(|(_, ink)| **ink > 0.0);
        let along = places.map(|(at, _)| if axis == 0 { at % side } else { at / side });
        let (low, high) = along.fold((side, 0), |(low, high), at| (low.min(at), high.max(at)));
        (low, high)
    }

    #[test]
    fn a_digit_fills_its_box_and_has_its_mass_in_the_middle() {
        let picture = picture(&seven(), 28, Framing::Digit);
        let (top, bottom) = inked(&picture, 28, 1);
        // Twenty pixels and the soft edges.
        assert!((20..=22).contains(&(bottom + 1 - top)), "{top} to {bottom}");
        for centre in centre_of_mass(&picture, 28) {
            assert!((centre - 14.0).abs() < 0.05, "{centre}");
        }
        assert!(picture.iter().all(|ink| (0.0..=1.0).contains(ink)));
        assert!(picture.contains(&1.0));
    }

    #[test]
    fn neither_place_nor_size_of_a_digit_matters() {
        let moved: Vec<Vec<Point>> = seven()
            .into_iter()
            .map(|stroke| stroke.into_iter().map(|[x, y]| [x * 0.5 - 0.2, y * 0.5 + 0.1]).collect())
            .collect();
        let [one, other] = [seven(), moved].map(|strokes| picture(&strokes, 28, Framing::Digit));
        let worst = one.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{worst}");
    }

    #[test]
    fn a_sheet_stays_where_it_is() {
        let stroke = vec![vec![[0.25, 0.5], [0.75, 0.5]]];
        let picture = picture(&stroke, 28, Framing::Sheet);
        // From 7 to 21 and the pen's radius beyond, around the line between rows 13 and 14.
        assert_eq!(inked(&picture, 28, 1), (12, 15));
        assert_eq!(inked(&picture, 28, 0), (5, 22));
        // Half a pixel from the line, all covered; one and a half, by the radius less one.
        assert_eq!(picture[13 * 28 + 14], 1.0);
        assert!((picture[12 * 28 + 14] - 0.2).abs() < 1e-6);
    }

    #[test]
    fn a_dot_and_nothing_are_pictures_too() {
        let dot = picture(&[vec![[0.1, 0.9]]], 28, Framing::Digit);
        let mass: f32 = dot.iter().sum();
        // A disc of the pen's radius.
        assert!((mass - (std::f64::consts::PI * PEN * PEN) as f32).abs() < 0.5, "{mass}");
        assert_eq!(picture(&[], 8, Framing::Digit), [0.0; 64]);
        assert_eq!(picture(&[vec![]], 8, Framing::Sheet), [0.0; 64]);
    }
}
