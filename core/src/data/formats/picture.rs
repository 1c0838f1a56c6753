//! One picture file to bytes: PNG, JPEG, BMP, GIF, PNM by `image`, WebP by `image-webp`.

use std::io::Cursor;

use image::{ColorType, ImageReader, Limits};
use image_webp::WebPDecoder;

use crate::error::{Error, Result};

/// No picture of a training set is larger; a lying header stops here.
const MAX_SIDE: u32 = 16_384;
const MAX_MEMORY: u64 = 1 << 30;

const REMEDY: &str = "the file is damaged or not a PNG, JPEG, BMP, GIF, PNM or WebP picture";

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// `[height, width, channels]`: one channel for grey files, three for all others.
    pub shape: [usize; 3],
    /// Pixels, row-major, channels last.
    pub pixels: Vec<u8>,
}

/// Decodes one picture; transparency is dropped and 16-bit values are reduced to 8 bits.
///
/// # Errors
/// Unknown format, damaged or truncated data, or a picture that claims an absurd size.
pub fn decode_picture(bytes: &[u8], source_name: &str) -> Result<Picture> {
    if bytes.is_empty() {
        return Err(Error::data(source_name, "the file is empty", REMEDY));
    }
    if bytes.starts_with(b"RIFF") {
        let webp = Webp::open(bytes, source_name)?;
        let (width, height) = webp.size();
        let pixels = webp.rgb()?;
        return Ok(Picture { shape: [height, width, 3], pixels });
    }
    let damaged = |error: &dyn std::fmt::Display| {
        Error::data(source_name, format!("cannot decode the picture ({error})"), REMEDY)
    };
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| damaged(&error))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| damaged(&error))?;
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let grey = matches!(
        picture.color(),
        ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16
    );
    let (channels, pixels) = if grey {
        (1, picture.into_luma8().into_raw())
    } else {
        (3, picture.into_rgb8().into_raw())
    };
    Ok(Picture { shape: [height, width, channels], pixels })
}

/// A WebP file whose header has been read.
pub(crate) struct Webp<'a> {
    decoder: WebPDecoder<Cursor<&'a [u8]>>,
    source_name: &'a str,
}

impl<'a> Webp<'a> {
    /// Reads the header only: nothing of the size that it claims is allocated.
    pub(crate) fn open(bytes: &'a [u8], source_name: &'a str) -> Result<Self> {
        let decoder = WebPDecoder::new(Cursor::new(bytes))
            .map_err(|error| damaged_webp(&error, source_name))?;
        Ok(Self { decoder, source_name })
    }

    /// `(width, height)` in pixels.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (width, height) = self.decoder.dimensions();
        (width as usize, height as usize)
    }

    pub(crate) fn is_lossless(&mut self) -> bool {
        !self.decoder.is_lossy()
    }

    /// Pixels `[height, width, 3]`; alpha is dropped.
    pub(crate) fn rgb(mut self) -> Result<Vec<u8>> {
        let too_large = || Error::data(self.source_name, "the picture is too large", REMEDY);
        let size = self
            .decoder
            .output_buffer_size()
            .filter(|&size| size as u64 <= MAX_MEMORY)
            .ok_or_else(too_large)?;
        let mut pixels = vec![0; size];
        let alpha = self.decoder.has_alpha();
        self.decoder
            .read_image(&mut pixels)
            .map_err(|error| damaged_webp(&error, self.source_name))?;
        if alpha {
            pixels = pixels.chunks_exact(4).flat_map(|rgba| [rgba[0], rgba[1], rgba[2]]).collect();
        }
        Ok(pixels)
    }
}

fn damaged_webp(error: &image_webp::DecodingError, source_name: &str) -> Error {
    Error::data(source_name, format!("cannot decode the WebP picture ({error})"), REMEDY)
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat, RgbImage};
    use image_webp::{ColorType as WebpColor, WebPEncoder};

    use super::*;

    fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    fn message(bytes: &[u8]) -> String {
        decode_picture(bytes, "cat/1.png").unwrap_err().to_string()
    }

    #[test]
    fn lossless_formats_give_the_same_pixels() {
        let pixels: Vec<u8> = (0..4 * 3 * 3).map(|at| at * 7).collect();
        let rgb = DynamicImage::from(RgbImage::from_raw(4, 3, pixels.clone()).unwrap());
        for format in [ImageFormat::Png, ImageFormat::Bmp] {
            let picture = decode_picture(&encode(&rgb, format), "p").unwrap();
            assert_eq!(picture, Picture { shape: [3, 4, 3], pixels: pixels.clone() });
        }
        let mut webp = Vec::new();
        WebPEncoder::new(&mut webp).encode(&pixels, 4, 3, WebpColor::Rgb8).unwrap();
        assert_eq!(decode_picture(&webp, "p").unwrap().pixels, pixels);
        let grey = DynamicImage::from(rgb.to_luma8());
        assert_eq!(decode_picture(&encode(&grey, ImageFormat::Png), "p").unwrap().shape, [3, 4, 1]);
    }

    #[test]
    fn broken_pictures_are_refused() {
        let rgb = DynamicImage::from(RgbImage::from_pixel(16, 16, image::Rgb([9, 8, 7])));
        let png = encode(&rgb, ImageFormat::Png);
        assert!(message(&[]).contains("empty"));
        assert!(message(b"hello world, not a picture").contains("cannot decode"));
        assert!(message(&png[..png.len() / 2]).contains("cannot decode"));
        assert!(message(&encode(&rgb, ImageFormat::Jpeg)[..30]).contains("cannot decode"));
        assert!(message(b"RIFF\x10\0\0\0WEBPVP8L").contains("WebP"));
        let mut huge = png;
        huge[16..24].fill(0x7f);
        assert!(message(&huge).contains("cannot decode"));
    }
}
