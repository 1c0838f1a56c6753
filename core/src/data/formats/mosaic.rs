//! Mosaics: all pictures of a batch as tiles of one lossless WebP picture.
//!
//! CIFAR in this container is a third smaller than gzip makes it, without losing a bit: image
//! `i` is the tile at tile-row `i / 100`, tile-column `i % 100`.

use super::bytes::content;
use super::picture::Webp;
use crate::error::{Error, Result};

/// How a mosaic is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Rows of tiles.
    pub rows: usize,
    /// Tiles per row.
    pub columns: usize,
    /// Height and width of a tile in pixels.
    pub side: usize,
}

impl Layout {
    /// Number of tiles.
    #[must_use]
    pub fn tiles(&self) -> usize {
        self.rows * self.columns
    }
}

/// The layout of CIFAR's mosaics: 10,000 tiles of 32 x 32.
pub const CIFAR: Layout = Layout { rows: 100, columns: 100, side: 32 };

/// Reads a mosaic as pixels `[rows * columns, side, side, 3]`.
///
/// # Errors
/// Not a lossless WebP picture, another size than the layout's, or damaged data.
pub fn parse_mosaic(bytes: &[u8], layout: Layout, source_name: &str) -> Result<Vec<u8>> {
    let Layout { rows, columns, side } = layout;
    let bytes = content(bytes, source_name)?;
    let mut webp = Webp::open(&bytes, source_name)?;
    let expected = (columns * side, rows * side);
    if webp.size() != expected {
        return Err(Error::data(
            source_name,
            format!("a mosaic of {:?} pixels, expected {expected:?}", webp.size()),
            "use the mosaic files of this data set",
        ));
    }
    if !webp.is_lossless() {
        return Err(Error::data(
            source_name,
            "a lossy WebP picture",
            "the mosaic must be lossless (VP8L): re-encoding has changed the pixels",
        ));
    }
    let picture = webp.rgb()?;
    let mut out = Vec::with_capacity(picture.len());
    for tile in 0..layout.tiles() {
        let (top, left) = (tile / columns * side, tile % columns * side);
        for y in top..top + side {
            let start = 3 * (y * columns * side + left);
            out.extend_from_slice(&picture[start..start + 3 * side]);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use image_webp::{ColorType, WebPEncoder};

    use super::*;

    const SMALL: Layout = Layout { rows: 2, columns: 3, side: 4 };

    fn encode(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
        let mut out = Vec::new();
        WebPEncoder::new(&mut out).encode(pixels, width, height, ColorType::Rgb8).unwrap();
        out
    }

    fn mosaic() -> Vec<u8> {
        let pixels: Vec<u8> = (0..8 * 12).flat_map(|at| [at as u8, (at / 12) as u8, 7]).collect();
        encode(&pixels, 12, 8)
    }

    fn message(bytes: &[u8]) -> String {
        parse_mosaic(bytes, SMALL, "m.webp").unwrap_err().to_string()
    }

    #[test]
    fn tiles_come_in_reading_order() {
        let tiles = parse_mosaic(&mosaic(), SMALL, "m").unwrap();
        assert_eq!(tiles.len(), 6 * 4 * 4 * 3);
        let tile = |index: usize, y: usize, x: usize| tiles[((index * 4 + y) * 4 + x) * 3];
        assert_eq!(tile(0, 0, 0), 0);
        assert_eq!(tile(1, 0, 0), 4);
        assert_eq!(tile(2, 1, 3), 12 + 11);
        assert_eq!(tile(5, 3, 3), 95);
        assert_eq!(tiles[1 + 3 * 4 * 4 * 3], 4);
    }

    #[test]
    fn broken_mosaics_are_refused() {
        let good = mosaic();
        assert!(message(&[]).contains("empty"));
        assert!(message(&good[..good.len() / 2]).contains("cannot decode"));
        assert!(message(b"\x89PNG\r\n\x1a\n").contains("cannot decode"));
        assert!(message(&encode(&[0; 4 * 8 * 3], 4, 8)).contains("expected (12, 8)"));
        let error = parse_mosaic(&good, CIFAR, "m").unwrap_err().to_string();
        assert!(error.contains("(12, 8) pixels, expected (3200, 3200)"), "{error}");
    }
}
