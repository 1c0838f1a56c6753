//! A decoded picture brought to another size and number of channels.

use super::picture::Picture;

/// Weights of red, green and blue in the brightness (ITU-R BT.601), in 65,536ths, as Pillow has them.
const BRIGHTNESS: [u32; 3] = [19_595, 38_470, 7_471];

impl Picture {
    /// The picture in the shape `[height, width, channels]`, where channels are 1 or 3 and no side is 0: grey becomes
    /// colour by repeating it, colour becomes grey by its brightness.
    ///
    /// Sizes change by a triangle as wide as the step from one new pixel to the next, so that reducing averages over
    /// all pixels and fine patterns do not alias. It is what Pillow calls bilinear.
    #[must_use]
    pub fn fitted(self, shape: [usize; 3]) -> Self {
        let [height, width, channels] = shape;
        let mut picture = self;
        // Less is left to resize in grey.
        if channels == 1 && picture.shape[2] == 3 {
            picture = grey(&picture);
        }
        if picture.shape[..2] != shape[..2] {
            picture.pixels = resized(&picture, [height, width]);
            picture.shape = [height, width, picture.shape[2]];
        }
        if channels == 3 && picture.shape[2] == 1 {
            picture.pixels = picture.pixels.iter().flat_map(|&value| [value; 3]).collect();
            picture.shape[2] = 3;
        }
        picture
    }
}

fn grey(picture: &Picture) -> Picture {
    let [height, width, _] = picture.shape;
    let brightness = |rgb: &[u8]| {
        let sum: u32 =
            rgb.iter().zip(BRIGHTNESS).map(|(&value, weight)| u32::from(value) * weight).sum();
        ((sum + (1 << 15)) >> 16) as u8
    };
    let pixels = picture.pixels.chunks_exact(3).map(brightness).collect();
    Picture { shape: [height, width, 1], pixels, ..*picture }
}

/// Pixels `[height, width, channels]` of another height and width.
fn resized(picture: &Picture, [height, width]: [usize; 2]) -> Vec<u8> {
    let [old_height, old_width, channels] = picture.shape;
    if old_height == 0 || old_width == 0 {
        return vec![0; height * width * channels];
    }
    let (down, across) = (triangles(old_height, height), triangles(old_width, width));
    let old_row = old_width * channels;
    let mut row = vec![0.0f32; old_row];
    let mut pixels = Vec::with_capacity(height * width * channels);
    for window in &down {
        // Down first, whole rows at a time: these loops over neighbours are what vector units are good at.
        row.fill(0.0);
        for (offset, &weight) in window.weights.iter().enumerate() {
            let start = (window.start + offset) * old_row;
            for (sum, &value) in row.iter_mut().zip(&picture.pixels[start..start + old_row]) {
                *sum += weight * f32::from(value);
            }
        }
        for window in &across {
            let values = &row[window.start * channels..];
            for channel in 0..channels {
                let column = values[channel..].iter().step_by(channels);
                let sum: f32 =
                    column.zip(&window.weights).map(|(value, weight)| value * weight).sum();
                // Converting a float saturates.
                pixels.push((sum + 0.5) as u8);
            }
        }
    }
    pixels
}

/// Which old pixels one new pixel is the mean of.
struct Window {
    start: usize,
    /// They sum to 1.
    weights: Vec<f32>,
}

/// A window for each of `new` pixels along a side of `old` ones.
fn triangles(old: usize, new: usize) -> Vec<Window> {
    let scale = old as f64 / new as f64;
    let reach = scale.max(1.0);
    let window = |at: usize| {
        let centre = (at as f64 + 0.5) * scale;
        // A pixel counts by where its own centre is.
        let start = ((centre - reach + 0.5).max(0.0) as usize).min(old - 1);
        let end = ((centre + reach + 0.5) as usize).clamp(start + 1, old);
        let weight = |pixel: usize| (1.0 - (pixel as f64 + 0.5 - centre).abs() / reach).max(0.0);
        let sum: f64 = (start..end).map(weight).sum();
        Window { start, weights: (start..end).map(|pixel| (weight(pixel) / sum) as f32).collect() }
    };
    (0..new).map(window).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(shape: [usize; 3], pixels: Vec<u8>) -> Picture {
        assert_eq!(pixels.len(), shape.iter().product::<usize>());
        Picture {
            shape,
            pixels,
            transparent: false,
            first_of_several: false,
            highest_of_16_bits: None,
        }
    }

    #[test]
    fn sizes_change_as_in_pillow() {
        // Pillow 13.0.0: Image.fromarray(a).resize((width, height), Image.BILINEAR). It rounds between its two passes,
        // so values differ by 1 at most.
        let pixels: Vec<u8> = (0..35u32).map(|at| ((at * 37 + at * at * 11) % 256) as u8).collect();
        let pillow: [([usize; 2], &[u8]); 3] = [
            ([2, 3], &[120, 168, 129, 156, 121, 125]),
            (
                [9, 4],
                &[
                    26, 130, 135, 146, 59, 155, 158, 141, 114, 196, 197, 132, 138, 179, 179, 92,
                    155, 147, 146, 45, 202, 106, 131, 89, 228, 73, 124, 127, 170, 73, 151, 140,
                    135, 73, 167, 148,
                ],
            ),
            (
                [3, 14],
                &[
                    13, 42, 99, 134, 147, 165, 189, 182, 144, 148, 195, 183, 112, 76, 126, 151,
                    201, 193, 126, 114, 157, 171, 154, 143, 138, 109, 58, 32, 215, 200, 170, 118,
                    44, 40, 105, 139, 142, 150, 164, 156, 126, 111,
                ],
            ),
        ];
        for ([height, width], expected) in pillow {
            let grey = picture([5, 7, 1], pixels.clone()).fitted([height, width, 1]);
            assert_eq!(grey.shape, [height, width, 1]);
            let close = |(mine, theirs): (&u8, &u8)| mine.abs_diff(*theirs) <= 1;
            assert!(grey.pixels.iter().zip(expected).all(close), "{:?}", grey.pixels);
            // Channels do not mix: each is resized as it would be alone.
            let colour = pixels.iter().flat_map(|&value| [value, 255 - value, 7]).collect();
            let colour = picture([5, 7, 3], colour).fitted([height, width, 3]);
            for (rgb, value) in colour.pixels.chunks_exact(3).zip(&grey.pixels) {
                assert_eq!((rgb[0], rgb[2]), (*value, 7));
                assert!(rgb[1].abs_diff(255 - value) <= 1);
            }
        }
    }

    #[test]
    fn a_fine_pattern_becomes_its_mean() {
        let stripes = (0..64 * 64).map(|at| if at % 2 == 0 { 255 } else { 0 }).collect();
        let small = picture([64, 64, 1], stripes).fitted([4, 4, 1]);
        assert!(small.pixels.iter().all(|value| (124..=131).contains(value)), "{:?}", small.pixels);
    }

    #[test]
    fn colours_change_to_grey_and_back() {
        // Pillow 13.0.0: Image.fromarray(a).convert("L").
        let colours = vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 200, 100, 50];
        let grey = picture([2, 2, 3], colours).fitted([2, 2, 1]);
        assert_eq!(grey.pixels, [76, 150, 29, 124]);
        let back = grey.fitted([2, 2, 3]);
        assert_eq!(back.pixels, [76, 76, 76, 150, 150, 150, 29, 29, 29, 124, 124, 124]);
    }
}
