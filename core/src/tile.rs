//! Samples as tiles of one picture, to look at.

/// Size of one sample's tile. A sample that is no image becomes one: its values row by row, nearly square.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Values of a pixel: 3 for colours, else the first is its grey.
    pub channels: usize,
}

impl Tile {
    /// The tile of a sample of some shape.
    #[must_use]
    pub fn of(shape: &[usize]) -> Self {
        match *shape {
            [height, width, channels] => Self { height, width, channels },
            [height, width] => Self { height, width, channels: 1 },
            _ => {
                let values: usize = shape.iter().product();
                let width = (1..).find(|side| side * side >= values).unwrap_or(1);
                Self { height: values.div_ceil(width.max(1)), width, channels: 1 }
            }
        }
    }

    fn values(self) -> usize {
        self.height * self.width * self.channels
    }
}

/// How many tiles lie side by side in the picture of `count`.
#[must_use]
pub fn columns(count: usize) -> usize {
    (1..).find(|side| side * side >= count).unwrap_or(1)
}

/// Tiles in the order of the samples, row by row, [`columns`] in each: pixels as red, green, blue, opacity.
///
/// Values from 0 to 1 are shades; where others occur, the smallest is black and the largest white.
#[must_use]
pub fn pixels(x: &[f32], features: usize, tile: Tile) -> (Vec<u8>, [usize; 2]) {
    let count = x.len() / features.max(1);
    let across = columns(count);
    let [width, height] = [across * tile.width, count.div_ceil(across.max(1)) * tile.height];
    let low = x.iter().copied().fold(0.0, f32::min);
    let high = x.iter().copied().fold(1.0, f32::max);
    let shade = |value: f32| (255.0 * (value - low) / (high - low)).round() as u8;
    let mut out = vec![0; width * height * 4];
    for (number, sample) in x.chunks_exact(features).enumerate() {
        let corner = (number / across * tile.height) * width + number % across * tile.width;
        for (pixel, values) in sample.chunks(tile.channels).take(tile.values()).enumerate() {
            let at = 4 * (corner + pixel / tile.width * width + pixel % tile.width);
            let colour = |channel: usize| shade(values[if values.len() < 3 { 0 } else { channel }]);
            out[at..at + 4].copy_from_slice(&[colour(0), colour(1), colour(2), 255]);
        }
    }
    (out, [width, height])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_of_images_and_of_rows_of_numbers() {
        let tile = |shape: &[usize]| {
            let Tile { height, width, channels } = Tile::of(shape);
            [height, width, channels]
        };
        assert_eq!(tile(&[28, 20, 1]), [28, 20, 1]);
        assert_eq!(tile(&[8, 8]), [8, 8, 1]);
        assert_eq!(tile(&[32, 32, 3]), [32, 32, 3]);
        assert_eq!(tile(&[9]), [3, 3, 1]);
        assert_eq!(tile(&[10]), [3, 4, 1]);
    }

    #[test]
    fn each_sample_lies_in_its_tile() {
        // Three samples of 1 x 2 grey pixels: two tiles across, two down, the last of them empty.
        let tile = Tile { height: 1, width: 2, channels: 1 };
        let (pixels, size) = pixels(&[0.0, 1.0, 0.2, 0.4, 0.6, 0.8], 2, tile);
        assert_eq!(size, [4, 2]);
        let greys: Vec<u8> = pixels.chunks(4).map(|pixel| pixel[0]).collect();
        assert_eq!(greys, [0, 255, 51, 102, 153, 204, 0, 0]);
        let opaque: Vec<u8> = pixels.chunks(4).map(|pixel| pixel[3]).collect();
        assert_eq!(opaque, [255, 255, 255, 255, 255, 255, 0, 0]);
    }

    #[test]
    fn colours_stay_and_wide_ranges_are_shown_whole() {
        let tile = Tile { height: 1, width: 1, channels: 3 };
        assert_eq!(pixels(&[0.0, 0.2, 1.0], 3, tile).0, [0, 51, 255, 255]);
        let grey = Tile { height: 1, width: 2, channels: 1 };
        assert_eq!(pixels(&[-1.0, 3.0], 2, grey).0[..5], [0, 0, 0, 255, 255]);
    }
}
