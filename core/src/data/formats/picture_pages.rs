//! Whether a picture file holds several pictures: an animation, or pages.

use image::ImageFormat;

/// Whether more pictures follow the first. Damaged bytes and other formats hold one. WebP is asked elsewhere.
pub(super) fn holds_several(bytes: &[u8], format: Option<ImageFormat>) -> bool {
    let several = match format {
        Some(ImageFormat::Gif) => gif(bytes),
        Some(ImageFormat::Png) => png(bytes),
        Some(ImageFormat::Tiff) => tiff(bytes),
        _ => None,
    };
    several.unwrap_or(false)
}

/// Whether there is a second image block (GIF89a, sections 18 to 24).
fn gif(bytes: &[u8]) -> Option<bool> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = 13 + table(*bytes.get(10)?);
    let mut images = 0;
    while images < 2 {
        match *bytes.get(at)? {
            0x21 => at += 2,
            0x2C => {
                images += 1;
                at += 11 + table(*bytes.get(at + 9)?);
            }
            _ => break,
        }
        // Blocks of data, the last of which is empty.
        while let length @ 1.. = *bytes.get(at)? {
            at += 1 + usize::from(length);
        }
        at += 1;
    }
    Some(images == 2)
}

/// Whether there is a chunk for the control of an animation before the pixels (PNG, third edition, 11.3.6).
fn png(bytes: &[u8]) -> Option<bool> {
    let mut at = 8usize;
    loop {
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        match bytes.get(at + 4..at + 8)? {
            b"acTL" => {
                return Some(u32::from_be_bytes(bytes.get(at + 8..at + 12)?.try_into().ok()?) > 1);
            }
            b"IDAT" => return Some(false),
            _ => at = at.checked_add(12)?.checked_add(length as usize)?,
        }
    }
}

/// Whether the first directory names a second one (TIFF 6.0, section 2).
fn tiff(bytes: &[u8]) -> Option<bool> {
    let big = bytes.starts_with(b"MM");
    let number = |at: usize, length: usize| {
        let value = bytes.get(at..at.checked_add(length)?)?.iter();
        let join = |sum: usize, &byte: &u8| sum << 8 | usize::from(byte);
        Some(if big { value.fold(0, join) } else { value.rev().fold(0, join) })
    };
    if number(2, 2)? != 42 {
        return None;
    }
    let directory = number(4, 4)?;
    let entries = number(directory, 2)?;
    Some(number(directory.checked_add(2 + 12 * entries)?, 4)? != 0)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::codecs::gif::GifEncoder;
    use image::{Frame, RgbaImage};

    use super::*;

    fn gif_of(frames: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let frame =
            |at| Frame::new(RgbaImage::from_pixel(5, 4, image::Rgba([at as u8, 9, 9, 255])));
        GifEncoder::new(&mut bytes).encode_frames((0..frames).map(frame)).unwrap();
        bytes
    }

    #[test]
    fn animations_and_pages_are_told_from_single_pictures() {
        let gif = |frames| holds_several(&gif_of(frames), Some(ImageFormat::Gif));
        assert_eq!([1, 2, 3].map(gif), [false, true, true]);
        let mut tiff = Cursor::new(Vec::new());
        RgbaImage::new(2, 2).write_to(&mut tiff, ImageFormat::Tiff).unwrap();
        let mut tiff = tiff.into_inner();
        assert!(!holds_several(&tiff, Some(ImageFormat::Tiff)));
        // The offset of the next directory stands behind the entries of the first, 12 bytes each.
        let first = u32::from_le_bytes(tiff[4..8].try_into().unwrap()) as usize;
        let next = first + 2 + 12 * usize::from(tiff[first]);
        assert_eq!(tiff[next..next + 4], [0; 4]);
        tiff[next] = 8;
        assert!(holds_several(&tiff, Some(ImageFormat::Tiff)));
        let mut png = Cursor::new(Vec::new());
        RgbaImage::new(2, 2).write_to(&mut png, ImageFormat::Png).unwrap();
        let mut png = png.into_inner();
        assert!(!holds_several(&png, Some(ImageFormat::Png)));
        // Behind the signature and the header chunk.
        png.splice(33..33, [&[0, 0, 0, 8], &b"acTL"[..], &[0, 0, 0, 2], &[0; 8]].concat());
        assert!(holds_several(&png, Some(ImageFormat::Png)));
    }
}
