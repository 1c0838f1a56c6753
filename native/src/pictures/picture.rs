//! Grids of images as PNG files: samples, and originals above their reconstructions.

use std::io::Cursor;

use anyhow::{Context as _, Result, bail, ensure};
use image::{ImageFormat, Rgb, RgbImage};

/// Between tiles; neither ink nor paper, so that black and white images both keep their borders.
const GAP_COLOUR: Rgb<u8> = Rgb([112, 118, 128]);

/// Tiles are enlarged by whole factors up to about this many pixels.
const COMFORTABLE_TILE: usize = 64;

/// Reads an example's shape as `[height, width, channels]`.
///
/// # Errors
/// When examples of this shape are no pictures: tables of features, or neither 1 nor 3 channels.
pub fn image_shape(shape: &[usize]) -> Result<[usize; 3]> {
    match *shape {
        [height, width, channels @ (1 | 3)] if height > 1 && width > 1 => {
            Ok([height, width, channels])
        }
        _ => bail!(
            "examples of shape {shape:?} are not images (height, width, 1 or 3 channels): no picture can be drawn; \
             leave the picture option out (for texts, see samples.txt in the run)"
        ),
    }
}

/// The whole factor that brings tiles of `shape` to a comfortable size on a screen.
#[must_use]
pub fn comfortable_scale(shape: [usize; 3]) -> usize {
    (COMFORTABLE_TILE / shape[0].max(shape[1]).max(1)).max(1)
}

/// Draws images row by row into one PNG.
///
/// # Shapes
/// - `images`: `[n, height * width * channels]`, row-major HWC, nominally in `[0, 1]` (clamped)
/// - `shape`: `[height, width, channels]`, channels 1 (grey) or 3 (RGB)
///
/// `columns` tiles make a row, the last row may be shorter; each pixel becomes a square of `scale`
/// screen pixels.
///
/// # Errors
/// Not an image shape, no images, a length that is no multiple of the shape, a NaN, `columns` or
/// `scale` of 0.
pub fn grid_png(
    images: &[f32],
    shape: [usize; 3],
    columns: usize,
    scale: usize,
) -> Result<Vec<u8>> {
    let shape = image_shape(&shape)?;
    let tiles = tiles(images, shape)?;
    let rows: Vec<&[&[f32]]> = tiles.chunks(checked("columns", columns)?).collect();
    draw(&rows, shape, scale)
}

/// Draws originals with their reconstructions right below, in bands of `columns` pairs.
///
/// # Shapes
/// - `originals`, `reconstructions`: both `[n, height * width * channels]`, as in [`grid_png`]
///
/// # Errors
/// As [`grid_png`], and when the two differ in length.
pub fn pairs_png(
    originals: &[f32],
    reconstructions: &[f32],
    shape: [usize; 3],
    columns: usize,
    scale: usize,
) -> Result<Vec<u8>> {
    let shape = image_shape(&shape)?;
    ensure!(
        originals.len() == reconstructions.len(),
        "cannot pair {} original values with {} reconstructed ones",
        originals.len(),
        reconstructions.len()
    );
    let (above, below) = (tiles(originals, shape)?, tiles(reconstructions, shape)?);
    let columns = checked("columns", columns)?;
    let rows: Vec<&[&[f32]]> = above
        .chunks(columns)
        .zip(below.chunks(columns))
        .flat_map(|(above, below)| [above, below])
        .collect();
    draw(&rows, shape, scale)
}

/// Draws rows of images in which places may be left empty.
///
/// # Shapes
/// - `images`: `[n, height * width * channels]`, as in [`grid_png`]
/// - `rows`: which image is where, from the left
///
/// # Errors
/// As [`grid_png`], and an image that is not there.
pub fn rows_png(
    images: &[f32],
    rows: &[Vec<Option<usize>>],
    shape: [usize; 3],
    scale: usize,
) -> Result<Vec<u8>> {
    let shape = image_shape(&shape)?;
    let tiles = tiles(images, shape)?;
    let tile = |place: &Option<usize>| match place {
        // Nothing is painted for an image without pixels.
        None => Ok(&[][..]),
        Some(at) => tiles.get(*at).copied().with_context(|| format!("there is no image {at}")),
    };
    let rows: Vec<Vec<&[f32]>> =
        rows.iter().map(|row| row.iter().map(tile).collect()).collect::<Result<_>>()?;
    draw(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), shape, scale)
}

/// One slice per image.
fn tiles(images: &[f32], shape: [usize; 3]) -> Result<Vec<&[f32]>> {
    let size: usize = shape.iter().product();
    ensure!(!images.is_empty(), "there are no images to draw");
    ensure!(
        images.len().is_multiple_of(size),
        "{} values are not a whole number of images of shape {shape:?}",
        images.len()
    );
    if let Some(bad) = images.iter().position(|value| value.is_nan()) {
        bail!(
            "image {} holds a value that is not a number: the model has diverged; lower the learning rate",
            bad / size
        );
    }
    Ok(images.chunks(size).collect())
}

fn checked(name: &str, value: usize) -> Result<usize> {
    ensure!(value > 0, "a picture needs {name} of at least 1");
    Ok(value)
}

fn draw(rows: &[&[&[f32]]], shape: [usize; 3], scale: usize) -> Result<Vec<u8>> {
    let [height, width, _] = shape;
    let scale = checked("a scale", scale)?;
    let gap = if height.min(width) * scale >= 48 { 2 } else { 1 };
    let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let side = |count: usize, pixels: usize| u32::try_from(gap + count * (pixels * scale + gap));
    let size = (side(columns, width), side(rows.len(), height));
    let (Ok(canvas_width), Ok(canvas_height)) = size else {
        bail!("a picture of {columns} by {} images is too large; draw fewer", rows.len());
    };
    let mut canvas = RgbImage::from_pixel(canvas_width, canvas_height, GAP_COLOUR);
    for (r, row) in rows.iter().enumerate() {
        for (c, tile) in row.iter().enumerate() {
            let corner = [gap + c * (width * scale + gap), gap + r * (height * scale + gap)];
            paint(&mut canvas, tile, shape, corner, scale);
        }
    }
    let mut png = Cursor::new(Vec::new());
    canvas.write_to(&mut png, ImageFormat::Png).context("cannot encode the picture as PNG")?;
    Ok(png.into_inner())
}

/// Copies one image with its top left corner at `corner` (x, y), each pixel as a square of side `scale`.
fn paint(
    canvas: &mut RgbImage,
    tile: &[f32],
    [_, width, channels]: [usize; 3],
    corner: [usize; 2],
    scale: usize,
) {
    for (index, pixel) in tile.chunks(channels).enumerate() {
        let colour = Rgb([0, 1, 2].map(|channel| byte(pixel[channel.min(channels - 1)])));
        let (x, y) = (corner[0] + index % width * scale, corner[1] + index / width * scale);
        for (dx, dy) in (0..scale).flat_map(|dy| (0..scale).map(move |dx| (dx, dy))) {
            canvas.put_pixel((x + dx) as u32, (y + dy) as u32, colour);
        }
    }
}

fn byte(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(png: &[u8]) -> RgbImage {
        image::load_from_memory_with_format(png, ImageFormat::Png).unwrap().to_rgb8()
    }

    #[test]
    fn tiles_are_enlarged_and_separated() {
        let images = [0.0, 1.0, 0.5, 0.2, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let picture = decode(&grid_png(&images, [2, 2, 1], 2, 3).unwrap());
        assert_eq!(picture.dimensions(), (1 + 2 * 7, 1 + 2 * 7));
        assert_eq!(*picture.get_pixel(0, 0), GAP_COLOUR);
        assert_eq!(*picture.get_pixel(3, 3), Rgb([0; 3]));
        assert_eq!(*picture.get_pixel(4, 1), Rgb([255; 3]));
        assert_eq!(*picture.get_pixel(1, 4), Rgb([128; 3]));
        assert_eq!(*picture.get_pixel(6, 6), Rgb([51; 3]));
        assert_eq!(*picture.get_pixel(7, 7), GAP_COLOUR);
        assert_eq!(*picture.get_pixel(8, 1), Rgb([255; 3]));
        assert_eq!(*picture.get_pixel(1, 8), Rgb([0; 3]), "the third image starts the second row");
        assert_eq!(*picture.get_pixel(8, 8), GAP_COLOUR, "a short last row leaves its place empty");
    }

    #[test]
    fn colours_keep_their_channels_and_values_are_clamped() {
        let red = [9.0, -3.0, 0.0].repeat(4);
        let picture = decode(&grid_png(&red, [2, 2, 3], 1, 1).unwrap());
        assert_eq!(*picture.get_pixel(1, 1), Rgb([255, 0, 0]));
    }

    #[test]
    fn a_reconstruction_stands_right_below_its_original() {
        let (originals, reconstructions) = ([1.0; 12], [0.0; 12]);
        let picture = decode(&pairs_png(&originals, &reconstructions, [2, 2, 1], 2, 1).unwrap());
        assert_eq!(picture.dimensions(), (1 + 2 * 3, 1 + 4 * 3));
        let column: Vec<u8> = (0..4).map(|row| picture.get_pixel(1, 1 + 3 * row)[0]).collect();
        assert_eq!(column, [255, 0, 255, 0]);
        assert!(pairs_png(&originals, &reconstructions[..4], [2, 2, 1], 2, 1).is_err());
    }

    #[test]
    fn places_without_an_image_stay_empty() {
        let images = [[1.0; 4], [0.0; 4]].concat();
        let rows = [vec![Some(1), None, Some(0)], vec![None, Some(0)]];
        let picture = decode(&rows_png(&images, &rows, [2, 2, 1], 1).unwrap());
        assert_eq!(picture.dimensions(), (1 + 3 * 3, 1 + 2 * 3));
        let at = |column: u32, row: u32| *picture.get_pixel(1 + 3 * column, 1 + 3 * row);
        let [black, white] = [0, 255].map(|grey| Rgb([grey; 3]));
        assert_eq!([at(0, 0), at(1, 0), at(2, 0)], [black, GAP_COLOUR, white]);
        assert_eq!([at(0, 1), at(1, 1), at(2, 1)], [GAP_COLOUR, white, GAP_COLOUR]);
        assert!(rows_png(&images, &[vec![Some(2)]], [2, 2, 1], 1).is_err());
    }

    #[test]
    fn what_is_no_picture_is_refused_in_words() {
        assert_eq!(image_shape(&[28, 28, 1]).unwrap(), [28, 28, 1]);
        for shape in [&[9][..], &[28, 28], &[1, 50, 1], &[8, 8, 2], &[8, 8, 3, 1]] {
            assert!(
                image_shape(shape).unwrap_err().to_string().contains("not images"),
                "{shape:?}"
            );
        }
        assert!(grid_png(&[0.0; 9], [9, 1, 1], 3, 1).is_err());
        assert!(grid_png(&[], [2, 2, 1], 3, 1).is_err());
        assert!(grid_png(&[0.0; 5], [2, 2, 1], 3, 1).is_err());
        assert!(grid_png(&[0.0; 4], [2, 2, 1], 0, 1).is_err());
        assert!(grid_png(&[0.0; 4], [2, 2, 1], 1, 0).is_err());
        let nan =
            grid_png(&[0.0, 0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0], [2, 2, 1], 1, 1).unwrap_err();
        assert!(nan.to_string().contains("image 1"), "{nan}");
    }

    #[test]
    fn small_images_are_enlarged_and_large_ones_left_alone() {
        assert_eq!(comfortable_scale([8, 8, 1]), 8);
        assert_eq!(comfortable_scale([28, 28, 1]), 2);
        assert_eq!(comfortable_scale([96, 96, 3]), 1);
    }
}
