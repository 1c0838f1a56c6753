//! IDX, the format of MNIST and its successors (LeCun, Cortes, Burges: "THE MNIST DATABASE").
//!
//! Two zero bytes, a type byte (8 = unsigned byte), the number of dimensions, each dimension as a
//! big-endian `u32`, then the values.

use super::bytes::{Cursor, content};
use crate::data::examples::check_labels;
use crate::data::{Examples, Values};
use crate::error::{Error, Result};

/// An array of bytes with its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// Dimensions, slowest first.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<u8>,
}

/// Reads an IDX file of unsigned bytes with one to four dimensions, gzip or not.
///
/// # Errors
/// Wrong magic, another value type, a header that does not match the size of the file, or a
/// damaged gzip stream.
pub fn parse_idx(bytes: &[u8], source_name: &str) -> Result<Idx> {
    let bytes = content(bytes, source_name)?;
    let mut cursor = Cursor::new(&bytes, source_name);
    let magic = cursor.take(4, "the IDX magic number")?;
    let [0, 0, kind, rank @ 1..=4] = *magic else {
        return Err(Error::data(
            source_name,
            format!("not an IDX file (it begins with {magic:02x?})"),
            "expected 00 00 08 and the number of dimensions: use the official IDX file",
        ));
    };
    if kind != 8 {
        return Err(Error::data(
            source_name,
            format!("IDX value type 0x{kind:02x}"),
            "only unsigned bytes (0x08) are read",
        ));
    }
    let mut shape = Vec::with_capacity(usize::from(rank));
    for _ in 0..rank {
        shape.push(cursor.u32_be("the IDX dimensions")? as usize);
    }
    let count = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
    let present = cursor.rest().len();
    if count != Some(present) {
        let problem = format!("the header says {shape:?} values, but {present} bytes follow");
        return Err(Error::data(
            source_name,
            problem,
            "the file is cut short or damaged: fetch it again",
        ));
    }
    Ok(Idx { shape, values: cursor.rest().to_vec() })
}

/// Reads labels: one dimension, all below `classes`.
///
/// # Errors
/// As [`parse_idx`]; also another rank, no label at all, or a label out of range.
pub fn parse_labels(bytes: &[u8], classes: usize, source_name: &str) -> Result<Vec<i64>> {
    let Idx { shape, values } = parse_idx(bytes, source_name)?;
    if shape.len() != 1 || values.is_empty() {
        return Err(Error::data(
            source_name,
            format!("labels of shape {shape:?}"),
            "expected one dimension (magic 2049): is this the images file?",
        ));
    }
    let labels: Vec<i64> = values.into_iter().map(i64::from).collect();
    check_labels(&labels, classes, source_name)?;
    Ok(labels)
}

/// Reads pictures `[n, height, width]` or `[n, height, width, channels]` as
/// `([height, width, channels], pixels)`.
///
/// # Errors
/// As [`parse_idx`]; also another rank, or a dimension of zero.
pub fn parse_images(bytes: &[u8], source_name: &str) -> Result<(Vec<usize>, Vec<u8>)> {
    let Idx { shape, values } = parse_idx(bytes, source_name)?;
    let picture = match shape[..] {
        [_, height, width] => vec![height, width, 1],
        [_, height, width, channels] => vec![height, width, channels],
        _ => vec![],
    };
    if picture.is_empty() || values.is_empty() {
        return Err(Error::data(
            source_name,
            format!("images of shape {shape:?}"),
            "expected [images, height, width] (magic 2051): is this the labels file?",
        ));
    }
    Ok((picture, values))
}

/// Reads an images file and its labels file.
///
/// # Errors
/// As [`parse_images`] and [`parse_labels`]; also different numbers of images and labels.
pub fn parse_pair(
    images: (&[u8], &str),
    labels: (&[u8], &str),
    classes: usize,
) -> Result<Examples> {
    let (shape, pixels) = parse_images(images.0, images.1)?;
    let targets = parse_labels(labels.0, classes, labels.1)?;
    let count = pixels.len() / shape.iter().product::<usize>();
    if count != targets.len() {
        return Err(Error::data(
            labels.1,
            format!("{} labels for the {count} images of {}", targets.len(), images.1),
            "both files must come from the same split of the same release",
        ));
    }
    Examples::new(Values::U8(pixels), shape, targets, images.1)
}

/// Writes an IDX file of unsigned bytes (not compressed).
///
/// # Panics
/// The shape does not match the number of values.
#[must_use]
pub fn write_idx(shape: &[u32], values: &[u8]) -> Vec<u8> {
    assert_eq!(shape.iter().product::<u32>() as usize, values.len(), "shape of the values");
    let mut out = vec![0, 0, 8, shape.len() as u8];
    for dim in shape {
        out.extend(dim.to_be_bytes());
    }
    out.extend(values);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn images_and_labels_are_read() {
        let images = write_idx(&[2, 2, 3], &[0, 1, 2, 3, 4, 255, 6, 7, 8, 9, 10, 11]);
        let labels = write_idx(&[2], &[3, 1]);
        let set = parse_pair((&images, "images"), (&labels, "labels"), 4).unwrap();
        assert_eq!(set.shape, [2, 3, 1]);
        assert_eq!(set.labels, [3, 1]);
        assert_eq!(set.gather(&[0])[5], 1.0);
        assert_eq!(set.gather(&[1])[0], 6.0 / 255.0);
    }

    #[test]
    fn broken_files_are_refused() {
        let good = write_idx(&[2, 2, 2], &[1; 8]);
        for cut in 1..good.len() {
            assert!(parse_idx(&good[..cut], "f").is_err(), "{cut}");
        }
        assert!(message(parse_idx(&good[..10], "f")).contains("truncated"));
        assert!(message(parse_idx(&good[..20], "f")).contains("4 bytes follow"));
        assert!(message(parse_idx(&[], "f")).contains("empty"));
        assert!(message(parse_idx(b"\x89PNG\r\n\x1a\n", "f")).contains("not an IDX file"));
        let trailing = [good.clone(), vec![0]].concat();
        assert!(message(parse_idx(&trailing, "f")).contains("9 bytes follow"));
        let mut floats = good.clone();
        floats[2] = 13;
        assert!(message(parse_idx(&floats, "f")).contains("type 0x0d"));
        let mut huge = good;
        huge[4..16].fill(0xff);
        assert!(message(parse_idx(&huge, "f")).contains("the header says"));
    }

    #[test]
    fn labels_are_checked() {
        let label = |shape: &[u32], values: &[u8]| {
            message(parse_labels(&write_idx(shape, values), 10, "l"))
        };
        assert!(label(&[2], &[1, 10]).contains("label 10 of example 1 is out of range 0..=9"));
        assert!(label(&[0], &[]).contains("[0]"));
        assert!(label(&[1, 1, 1], &[1]).contains("images file"));
        assert!(message(parse_images(&write_idx(&[1], &[1]), "i")).contains("labels file"));
        let images = write_idx(&[1, 1, 1], &[9]);
        let labels = write_idx(&[2], &[0, 1]);
        assert!(message(parse_pair((&images, "i"), (&labels, "l"), 2)).contains("2 labels"));
    }
}
