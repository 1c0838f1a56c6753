//! Pictures that are transparent, laid over white, as viewers and printers do.

use image::DynamicImage;

/// Lays pixels that are not opaque over white; whether there are any.
pub(super) fn lay_over_white(picture: &mut DynamicImage) -> bool {
    match picture {
        DynamicImage::ImageRgba8(picture) => lay::<_, 4>(picture, over_white),
        DynamicImage::ImageLumaA8(picture) => lay::<_, 2>(picture, over_white),
        DynamicImage::ImageRgba16(picture) => lay::<_, 4>(picture, over_white_16),
        DynamicImage::ImageLumaA16(picture) => lay::<_, 2>(picture, over_white_16),
        _ => false,
    }
}

/// Lays pixels of so many values, the last of which says how opaque they are; whether any is not.
pub(super) fn lay<T: Copy + PartialOrd, const VALUES: usize>(
    values: &mut [T],
    over_white: fn(T, T) -> (T, bool),
) -> bool {
    let mut any = false;
    for pixel in values.chunks_exact_mut(VALUES) {
        let alpha = pixel[VALUES - 1];
        for value in &mut pixel[..VALUES - 1] {
            let (laid, clear) = over_white(*value, alpha);
            *value = laid;
            any |= clear;
        }
    }
    any
}

/// A value over white, and whether any white shines through.
pub(super) fn over_white(value: u8, alpha: u8) -> (u8, bool) {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    let sum = value * alpha + 255 * (255 - alpha);
    (((sum + 127) / 255) as u8, alpha < 255)
}

/// [`over_white`] of 16 bits.
fn over_white_16(value: u16, alpha: u16) -> (u16, bool) {
    let (value, alpha) = (u64::from(value), u64::from(alpha));
    let sum = value * alpha + 65_535 * (65_535 - alpha);
    (((sum + 32_767) / 65_535) as u16, alpha < 65_535)
}

#[cfg(test)]
mod tests {
    use image::{GrayAlphaImage, ImageBuffer, RgbaImage};

    use super::*;

    #[test]
    fn ink_whose_shape_is_in_the_alpha_channel_is_seen() {
        let alphas = [0, 1, 64, 128, 254, 255];
        let cases = [0u8, 100].map(|value| alphas.map(|alpha| (value, alpha))).concat();
        let laid = |&(value, alpha): &(u8, u8)| {
            let (value, alpha) = (f64::from(value), f64::from(alpha) / 255.0);
            (value * alpha + 255.0 * (1.0 - alpha)).round() as u8
        };
        let expected: Vec<u8> = cases.iter().map(laid).collect();
        let grey = cases.iter().flat_map(|&(value, alpha)| [value, alpha]);
        let colour = cases.iter().flat_map(|&(value, alpha)| [value, value, value, alpha]);
        let (grey, colour): (Vec<u8>, Vec<u8>) = (grey.collect(), colour.collect());
        let deep = |values: &[u8]| values.iter().map(|&value| u16::from(value) * 257).collect();
        let pictures: [DynamicImage; 4] = [
            DynamicImage::ImageLumaA16(ImageBuffer::from_raw(12, 1, deep(&grey)).unwrap()),
            DynamicImage::ImageRgba16(ImageBuffer::from_raw(12, 1, deep(&colour)).unwrap()),
            GrayAlphaImage::from_raw(12, 1, grey).unwrap().into(),
            RgbaImage::from_raw(12, 1, colour).unwrap().into(),
        ];
        for mut picture in pictures {
            assert!(lay_over_white(&mut picture));
            assert_eq!(picture.to_luma8().into_raw(), expected, "{:?}", picture.color());
        }
        let mut opaque = RgbaImage::from_pixel(1, 1, image::Rgba([1, 2, 3, 255])).into();
        assert!(!lay_over_white(&mut opaque));
        assert!(!lay_over_white(&mut opaque.to_rgb8().into()));
    }
}
