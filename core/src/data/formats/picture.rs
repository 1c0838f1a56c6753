//! One picture file to bytes: PNG, JPEG, BMP, GIF, PNM, TIFF by `image`, WebP by `image-webp`.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{
    ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage,
};
use image_webp::WebPDecoder;

use super::picture_clear::{lay, lay_over_white, over_white};
use super::picture_pages::holds_several;
use crate::error::{Error, Result};

/// No picture of a training set is larger; a lying header stops here.
const MAX_SIDE: u32 = 16_384;
const MAX_MEMORY: u64 = 1 << 30;

/// A file that claims to hold more is believed only if it has a byte for every so many, since room for all is made
/// before they are read. No compression of more than blank pages packs tighter.
const SMALL: u64 = 64 << 20;
const MOST_PACKED: u64 = 4096;

const REMEDY: &str = "the file is damaged or not a PNG, JPEG, BMP, GIF, PNM, TIFF or WebP picture";

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// `[height, width, channels]`: one channel for grey files, three for all others.
    pub shape: [usize; 3],
    /// Pixels, row-major, channels last.
    pub pixels: Vec<u8>,
    /// Whether a pixel of the file was not opaque: it is laid over white, as viewers and printers do.
    pub transparent: bool,
    /// Whether it is the first of several in its file: a frame of an animation, or a page.
    pub first_of_several: bool,
    /// The largest value of a file with 16 bits a channel, of which `pixels` have the upper 8.
    pub highest_of_16_bits: Option<u16>,
}

/// What the header of a picture says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureHead {
    /// `[height, width]` of what [`decode_picture`] returns.
    pub size: [usize; 2],
    /// Whether the file is grey: decoded, it has one channel.
    pub grey: bool,
}

/// Reads the header only. The first bytes of a file are enough if its header lies within them.
///
/// # Errors
/// Unknown format, damaged or too few bytes, values that are not whole numbers, or a picture that claims an absurd
/// size.
pub fn picture_head(bytes: &[u8], source_name: &str) -> Result<PictureHead> {
    let (size, orientation, color) = if bytes.starts_with(b"RIFF") {
        let mut webp = Webp::open(bytes, source_name)?;
        (webp.size(), webp.orientation(), ColorType::Rgb8)
    } else {
        let mut decoder = open(bytes, source_name)?;
        let (width, height) = decoder.dimensions();
        ((width as usize, height as usize), turned(&mut decoder), decoder.color_type())
    };
    let (width, height) = size;
    let lies = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    Ok(PictureHead {
        size: if lies { [width, height] } else { [height, width] },
        grey: !color.has_color(),
    })
}

/// Decodes one picture: turned upright as its orientation says, of animations and pages the first one; what is
/// transparent is laid over white and 16-bit values are reduced to 8 bits.
///
/// # Errors
/// Unknown format, damaged or truncated data, values that are not whole numbers, or a picture that claims an absurd
/// size.
pub fn decode_picture(bytes: &[u8], source_name: &str) -> Result<Picture> {
    if bytes.starts_with(b"RIFF") {
        return decode_webp(bytes, source_name);
    }
    let mut decoder = open(bytes, source_name)?;
    let claimed = decoder.total_bytes();
    if claimed > MAX_MEMORY {
        return Err(too_large(source_name));
    }
    if claimed > SMALL && claimed / MOST_PACKED > bytes.len() as u64 {
        return Err(damaged(&"it claims more pixels than it can hold", source_name));
    }
    let format = image::guess_format(bytes).ok();
    if format == Some(ImageFormat::Jpeg) && !jpeg_ends(bytes) {
        return Err(damaged(&"the file is cut short", source_name));
    }
    let orientation = turned(&mut decoder);
    let mut picture =
        DynamicImage::from_decoder(decoder).map_err(|error| damaged(&error, source_name))?;
    let highest_of_16_bits = highest_of_16_bits(&picture);
    let transparent = lay_over_white(&mut picture);
    let first_of_several = holds_several(bytes, format);
    let picture = upright(picture, orientation);
    Ok(Picture { transparent, first_of_several, highest_of_16_bits, ..picture })
}

fn decode_webp(bytes: &[u8], source_name: &str) -> Result<Picture> {
    let mut webp = Webp::open(bytes, source_name)?;
    let (orientation, (width, height)) = (webp.orientation(), webp.size());
    let first_of_several = webp.decoder.is_animated();
    let (pixels, transparent) = webp.read()?;
    let picture = RgbImage::from_raw(width as u32, height as u32, pixels)
        .ok_or_else(|| damaged(&"too few pixels", source_name))?;
    Ok(Picture { transparent, first_of_several, ..upright(picture.into(), orientation) })
}

fn upright(mut picture: DynamicImage, orientation: Orientation) -> Picture {
    picture.apply_orientation(orientation);
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (channels, pixels) = if picture.color().has_color() {
        (3, picture.into_rgb8().into_raw())
    } else {
        (1, picture.into_luma8().into_raw())
    };
    let shape = [height, width, channels];
    Picture { shape, pixels, transparent: false, first_of_several: false, highest_of_16_bits: None }
}

/// A decoder whose header has been read.
fn open<'a>(bytes: &'a [u8], source_name: &str) -> Result<impl ImageDecoder + 'a> {
    if bytes.is_empty() {
        return Err(Error::data(source_name, "the file is empty", REMEDY));
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| damaged(&error, source_name))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let format = reader.format();
    let decoder = reader.into_decoder().map_err(|error| match error {
        ImageError::Limits(_) => too_large(source_name),
        error => damaged(&error, source_name),
    })?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > MAX_SIDE {
        return Err(too_large(source_name));
    }
    // What such numbers mean differs from file to file, and cutting them to 0..1 would lose most of many.
    if matches!(decoder.color_type(), ColorType::Rgb32F | ColorType::Rgba32F) {
        let kind = if format == Some(ImageFormat::Tiff) { "TIFF" } else { "file" };
        return Err(Error::data(
            source_name,
            format!("this {kind} has floating-point pixels"),
            "save it with 8 or 16 bits a channel",
        ));
    }
    Ok(decoder)
}

/// How the picture has to be turned. Damaged metadata do not make a picture unreadable: without, it stays as it is.
fn turned(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

/// The largest value of a picture with 16 bits a channel, of pixels that can be seen.
fn highest_of_16_bits(picture: &DynamicImage) -> Option<u16> {
    let highest = |values: &[u16]| values.iter().copied().max();
    let seen = |values: &[u16], of_pixel: usize| {
        let pixels = values.chunks_exact(of_pixel).filter(|pixel| pixel[of_pixel - 1] > 0);
        Some(pixels.flat_map(|pixel| &pixel[..of_pixel - 1]).copied().max().unwrap_or(0))
    };
    match picture {
        DynamicImage::ImageLuma16(picture) => highest(picture),
        DynamicImage::ImageRgb16(picture) => highest(picture),
        DynamicImage::ImageLumaA16(picture) => seen(picture, 2),
        DynamicImage::ImageRgba16(picture) => seen(picture, 4),
        _ => None,
    }
}

/// Whether the data of a JPEG have their end marker. The decoder fills what is missing with grey and says nothing.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut at = 2;
    // Thumbnails lie in segments and have end markers of their own, so these are stepped over, up to the first scan.
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        match marker {
            0xFF => at += 1,
            0xDA => break,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    bytes.get(at..).is_some_and(|data| data.windows(2).rev().any(|pair| pair == [0xFF, 0xD9]))
}

fn too_large(source_name: &str) -> Error {
    let problem = format!(
        "the picture is too large: a side has at most {MAX_SIDE} pixels, and all of them take at most {} GB",
        MAX_MEMORY >> 30
    );
    Error::data(source_name, problem, "make it smaller, or leave it out")
}

fn damaged(error: &dyn std::fmt::Display, source_name: &str) -> Error {
    Error::data(source_name, format!("cannot decode the picture ({error})"), REMEDY)
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

    /// How the picture has to be turned.
    fn orientation(&mut self) -> Orientation {
        // Damaged metadata do not make a picture unreadable: without, it stays as it is.
        let exif = self.decoder.exif_metadata().ok().flatten();
        exif.and_then(|exif| Orientation::from_exif_chunk(&exif))
            .unwrap_or(Orientation::NoTransforms)
    }

    /// Pixels `[height, width, 3]`, laid over white.
    pub(crate) fn rgb(self) -> Result<Vec<u8>> {
        Ok(self.read()?.0)
    }

    /// Pixels `[height, width, 3]`, and whether one of them was not opaque.
    fn read(mut self) -> Result<(Vec<u8>, bool)> {
        let too_large = || too_large(self.source_name);
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
        let mut clear = false;
        if alpha {
            clear = lay::<_, 4>(&mut pixels, over_white);
            pixels = pixels.chunks_exact(4).flat_map(|rgba| [rgba[0], rgba[1], rgba[2]]).collect();
        }
        Ok((pixels, clear))
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
            assert_eq!(
                picture,
                Picture {
                    shape: [3, 4, 3],
                    pixels: pixels.clone(),
                    transparent: false,
                    first_of_several: false,
                    highest_of_16_bits: None,
                }
            );
        }
        let mut webp = Vec::new();
        WebPEncoder::new(&mut webp).encode(&pixels, 4, 3, WebpColor::Rgb8).unwrap();
        assert_eq!(decode_picture(&webp, "p").unwrap().pixels, pixels);
        let grey = DynamicImage::from(rgb.to_luma8());
        assert_eq!(decode_picture(&encode(&grey, ImageFormat::Png), "p").unwrap().shape, [3, 4, 1]);
    }

    /// A JPEG whose metadata say how it is to be turned (Exif 2.3, tag 274), with what looks like an end of the data in
    /// the metadata, as the small copies that cameras add have.
    fn turned_jpeg(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
        let mut jpeg = encode(picture, ImageFormat::Jpeg);
        let entry = [0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
        let exif = [b"Exif\0\0II*\0\x08\0\0\0\x01\0", &entry[..], &[0; 4], &[0xFF, 0xD9]].concat();
        let length = (exif.len() as u16 + 2).to_be_bytes();
        jpeg.splice(2..2, [&[0xFF, 0xE1], &length[..], &exif].concat());
        jpeg
    }

    #[test]
    fn photographs_are_turned_upright() {
        // Red on the left, blue on the right, seen through a camera that lies on its side.
        let red_left = RgbImage::from_fn(32, 16, |x, _| {
            image::Rgb(if x < 16 { [255, 0, 0] } else { [0, 0, 255] })
        });
        let red_at = |picture: &Picture, row: usize, column: usize| {
            picture.pixels[(row * picture.shape[1] + column) * 3] > 128
        };
        // Which corner the red side goes to (top left, top right, bottom left, bottom right), as the standard has it.
        for (orientation, shape, red) in [
            (1, [16, 32, 3], [true, false, true, false]),
            (3, [16, 32, 3], [false, true, false, true]),
            (6, [32, 16, 3], [true, true, false, false]),
            (8, [32, 16, 3], [false, false, true, true]),
        ] {
            let jpeg = turned_jpeg(&red_left.clone().into(), orientation);
            let picture = decode_picture(&jpeg, "p").unwrap();
            assert_eq!(picture.shape, shape);
            let (bottom, right) = (shape[0] - 1, shape[1] - 1);
            let corners = [(0, 0), (0, right), (bottom, 0), (bottom, right)];
            assert_eq!(corners.map(|(row, column)| red_at(&picture, row, column)), red);
            assert_eq!(picture_head(&jpeg, "p").unwrap().size, shape[..2]);
        }
    }

    #[test]
    fn tiff_of_8_and_16_bits_is_read_and_of_floats_refused() {
        let values: Vec<u8> = (0..12).map(|at| at * 20).collect();
        let deep = || values.iter().map(|&value| u16::from(value) * 257).collect::<Vec<u16>>();
        let grey = DynamicImage::from(image::GrayImage::from_raw(4, 3, values.clone()).unwrap());
        let grey16 = DynamicImage::ImageLuma16(image::ImageBuffer::from_raw(4, 3, deep()).unwrap());
        let rgb = DynamicImage::from(RgbImage::from_raw(2, 2, values.clone()).unwrap());
        let rgb16 = DynamicImage::ImageRgb16(image::ImageBuffer::from_raw(2, 2, deep()).unwrap());
        for (picture, shape, sixteen_bits) in [
            (&grey, [3, 4, 1], false),
            (&grey16, [3, 4, 1], true),
            (&rgb, [2, 2, 3], false),
            (&rgb16, [2, 2, 3], true),
        ] {
            for format in [ImageFormat::Tiff, ImageFormat::Png] {
                let bytes = encode(picture, format);
                let decoded = decode_picture(&bytes, "p").unwrap();
                assert_eq!((decoded.shape, &decoded.pixels), (shape, &values));
                let highest = sixteen_bits.then_some(220 * 257);
                assert_eq!(decoded.highest_of_16_bits, highest);
                let head = picture_head(&bytes, "p").unwrap();
                let size = [shape[0], shape[1]];
                assert_eq!(head, PictureHead { size, grey: shape[2] == 1 });
            }
        }
        let float = encode(&DynamicImage::from(rgb.to_rgb32f()), ImageFormat::Tiff);
        assert!(message(&float).contains("floating-point"), "{}", message(&float));
    }

    #[test]
    fn transparency_and_further_frames_are_noticed() {
        let mut picture = image::RgbaImage::from_pixel(3, 3, image::Rgba([1, 2, 3, 255]));
        let png = |picture: &image::RgbaImage| encode(&picture.clone().into(), ImageFormat::Png);
        assert!(!decode_picture(&png(&picture), "p").unwrap().transparent);
        picture.put_pixel(2, 1, image::Rgba([1, 2, 3, 254]));
        let decoded = decode_picture(&png(&picture), "p").unwrap();
        assert!(decoded.transparent && !decoded.first_of_several);
        // 1 * 254/255 + 255 * 1/255 and so on, rounded.
        let mut expected = [1, 2, 3].repeat(9);
        expected[15..18].copy_from_slice(&[2, 3, 4]);
        assert_eq!(decoded.pixels, expected);
        let mut webp = Vec::new();
        WebPEncoder::new(&mut webp).encode(&picture, 3, 3, WebpColor::Rgba8).unwrap();
        let decoded = decode_picture(&webp, "p").unwrap();
        assert!(decoded.transparent);
        assert_eq!(decoded.pixels, expected);
        let mut gif = Vec::new();
        let frames = (0..2).map(|_| image::Frame::new(picture.clone()));
        image::codecs::gif::GifEncoder::new(&mut gif).encode_frames(frames).unwrap();
        assert!(decode_picture(&gif, "p").unwrap().first_of_several);
    }

    #[test]
    fn the_beginning_of_a_file_is_enough_for_its_header() {
        let noise = |x: u32, y: u32| ((x * 7919) ^ (y * 104_729)).wrapping_mul(2_654_435_761) >> 24;
        let picture = RgbImage::from_fn(200, 100, |x, y| image::Rgb([noise(x, y) as u8; 3]));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::Gif] {
            let bytes = encode(&picture.clone().into(), format);
            let head = picture_head(&bytes[..2000], "p").unwrap();
            assert_eq!(head, PictureHead { size: [100, 200], grey: false });
        }
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
        // Cut in the middle, after metadata that hold an end marker.
        let jpeg = turned_jpeg(&rgb, 1);
        assert!(decode_picture(&jpeg, "p").is_ok());
        let cut = message(&jpeg[..jpeg.len() - 2]);
        assert!(cut.contains("cut short"), "{cut}");
        // 16,000 x 16,000 pixels in 70 bytes.
        let mut bitmap = encode(&rgb, ImageFormat::Bmp);
        bitmap[18..20].copy_from_slice(&16_000u16.to_le_bytes());
        bitmap[22..24].copy_from_slice(&16_000u16.to_le_bytes());
        assert!(message(&bitmap[..70]).contains("more pixels"));
        let mut huge = png;
        huge[16..24].fill(0x7f);
        assert!(message(&huge).contains("cannot decode"));
    }
}
