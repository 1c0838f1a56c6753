//! NPY, the array format of NumPy (NEP 1): a Python dictionary as header, then raw values.
//!
//! Read and written here by hand: the header is text of a known form, and its counts must be
//! compared with the bytes at hand before anything is allocated.

use std::io::{self, Write};

use super::bytes::Cursor;
use crate::error::{Error, Result};

pub(super) const REMEDY: &str = "save float32, float64, uint8 or integer arrays with numpy.savez";

/// An array in C order.
#[derive(Clone, Debug, PartialEq)]
pub struct NpyArray {
    /// Dimensions, slowest first.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: NpyValues,
}

/// Values of an array. Other types are widened on reading: float64 becomes `f32`, booleans and
/// all integers but uint8 become `i64`.
#[derive(Clone, Debug, PartialEq)]
pub enum NpyValues {
    /// uint8
    U8(Vec<u8>),
    /// float32, float64
    F32(Vec<f32>),
    /// bool, int8 to int64, uint16 to uint64
    I64(Vec<i64>),
}

impl NpyArray {
    /// An array of floats.
    ///
    /// # Panics
    /// The shape does not match the number of values.
    #[must_use]
    pub fn f32(shape: &[usize], values: Vec<f32>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "shape of the values");
        Self { shape: shape.to_vec(), values: NpyValues::F32(values) }
    }

    /// An array of integers.
    ///
    /// # Panics
    /// The shape does not match the number of values.
    #[must_use]
    pub fn i64(shape: &[usize], values: Vec<i64>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "shape of the values");
        Self { shape: shape.to_vec(), values: NpyValues::I64(values) }
    }
}

/// Reads one array.
///
/// # Errors
/// Wrong magic, an unsupported type (complex, text, pickled objects), or a header that does not
/// match the number of bytes.
pub fn parse_npy(bytes: &[u8], source_name: &str) -> Result<NpyArray> {
    let mut cursor = Cursor::new(bytes, source_name);
    if cursor.take(6, "the NPY magic")? != b"\x93NUMPY" {
        return Err(Error::data(source_name, "not an NPY array", REMEDY));
    }
    let version = cursor.take(2, "the NPY version")?[0];
    let length = match version {
        1 => cursor
            .take(2, "the header length")?
            .iter()
            .rev()
            .fold(0, |n, &b| n << 8 | usize::from(b)),
        _ => cursor.u32_le("the header length")? as usize,
    };
    let header = String::from_utf8_lossy(cursor.take(length, "the NPY header")?);
    let Some(Header { descr, fortran, shape }) = Header::parse(&header) else {
        let start: String = header.chars().take(80).collect();
        return Err(Error::data(source_name, format!("unreadable NPY header {start:?}"), REMEDY));
    };
    let width = width(&descr);
    let count = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
    let present = cursor.rest().len();
    if count.and_then(|count| count.checked_mul(width)) != Some(present) {
        return Err(Error::data(
            source_name,
            format!("the header says {shape:?} values of {descr:?}, but {present} bytes follow"),
            "the array is cut short, damaged or of an unsupported type",
        ));
    }
    let Some(values) = decode(&descr, cursor.rest()) else {
        let problem = format!("values of type {descr:?} are not supported");
        return Err(Error::data(source_name, problem, REMEDY));
    };
    let values = if fortran && shape.len() > 1 { values.c_order(&shape) } else { values };
    Ok(NpyArray { shape, values })
}

pub(super) struct Header {
    /// Byte order, kind and width, for example `<f4`.
    pub(super) descr: String,
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let after = |key: &str| {
            let start = text.find(&format!("'{key}'"))? + key.len() + 2;
            Some(text[start..].trim_start().strip_prefix(':')?.trim_start())
        };
        let descr = after("descr")?.strip_prefix('\'')?.split('\'').next()?.to_owned();
        let order = after("fortran_order")?;
        let fortran = order.starts_with("True");
        if !fortran && !order.starts_with("False") {
            return None;
        }
        let dims = after("shape")?.strip_prefix('(')?.split(')').next()?;
        let dims = dims.split(',').map(str::trim).filter(|dim| !dim.is_empty());
        let shape = dims.map(|dim| dim.parse().ok()).collect::<Option<Vec<usize>>>()?;
        (shape.len() <= 32).then_some(Self { descr, fortran, shape })
    }
}

/// Bytes of a value; 0 for an unsupported type.
pub(super) fn width(descr: &str) -> usize {
    descr.get(2..).and_then(|width| width.parse().ok()).unwrap_or(0)
}

/// Widens raw values; `None` for an unsupported type.
pub(super) fn decode(descr: &str, bytes: &[u8]) -> Option<NpyValues> {
    /// Every chunk in little-endian order through `one`.
    fn each<const N: usize, T>(bytes: &[u8], big: bool, one: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (chunks, _) = bytes.as_chunks::<N>();
        let swap = |mut chunk: [u8; N]| {
            if big {
                chunk.reverse();
            }
            one(chunk)
        };
        chunks.iter().map(|&chunk| swap(chunk)).collect()
    }
    let big = descr.starts_with('>');
    Some(match descr.get(1..)? {
        "u1" => NpyValues::U8(bytes.to_vec()),
        "f4" => NpyValues::F32(each(bytes, big, f32::from_le_bytes)),
        "f8" => NpyValues::F32(each(bytes, big, |chunk| f64::from_le_bytes(chunk) as f32)),
        "b1" => NpyValues::I64(each(bytes, big, |[byte]| i64::from(byte))),
        "i1" => NpyValues::I64(each(bytes, big, |chunk| i64::from(i8::from_le_bytes(chunk)))),
        "i2" => NpyValues::I64(each(bytes, big, |chunk| i64::from(i16::from_le_bytes(chunk)))),
        "i4" => NpyValues::I64(each(bytes, big, |chunk| i64::from(i32::from_le_bytes(chunk)))),
        "i8" => NpyValues::I64(each(bytes, big, i64::from_le_bytes)),
        "u2" => NpyValues::I64(each(bytes, big, |chunk| i64::from(u16::from_le_bytes(chunk)))),
        "u4" => NpyValues::I64(each(bytes, big, |chunk| i64::from(u32::from_le_bytes(chunk)))),
        // Labels and indices: what does not fit is out of every range anyway.
        "u8" => NpyValues::I64(each(bytes, big, |chunk| {
            i64::try_from(u64::from_le_bytes(chunk)).unwrap_or(i64::MAX)
        })),
        _ => return None,
    })
}

impl NpyValues {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    /// True without a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values stored column by column, as rows.
    fn c_order(self, shape: &[usize]) -> Self {
        match self {
            Self::U8(values) => Self::U8(transpose(&values, shape)),
            Self::F32(values) => Self::F32(transpose(&values, shape)),
            Self::I64(values) => Self::I64(transpose(&values, shape)),
        }
    }
}

/// Column-major to row-major.
fn transpose<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let strides: Vec<usize> = shape
        .iter()
        .scan(1, |stride, &dim| {
            let this = *stride;
            *stride *= dim;
            Some(this)
        })
        .collect();
    let source = |mut at: usize| {
        let mut offset = 0;
        for (&dim, stride) in shape.iter().zip(&strides).rev() {
            offset += at % dim * stride;
            at /= dim;
        }
        offset
    };
    (0..values.len()).map(|at| values[source(at)]).collect()
}

/// Writes one array in format version 1.0.
#[must_use]
pub fn write_npy(array: &NpyArray) -> Vec<u8> {
    let mut out = header(array);
    let written = write_values(&array.values, &mut out);
    debug_assert!(written.is_ok(), "memory takes every write");
    out
}

/// Everything before the values.
pub(super) fn header(array: &NpyArray) -> Vec<u8> {
    let descr = match array.values {
        NpyValues::U8(_) => "|u1",
        NpyValues::F32(_) => "<f4",
        NpyValues::I64(_) => "<i8",
    };
    let dims: String = array.shape.iter().map(|dim| format!("{dim},")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}");
    // NumPy maps files: the values must begin at a multiple of 64 bytes.
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out
}

/// The values, a piece at a time: an archive can be larger than what is left of memory.
pub(super) fn write_values(values: &NpyValues, out: &mut impl Write) -> io::Result<()> {
    fn pieces<T: Copy, const N: usize>(
        values: &[T],
        bytes: fn(T) -> [u8; N],
        out: &mut impl Write,
    ) -> io::Result<()> {
        values.chunks(1 << 14).try_for_each(|piece| {
            out.write_all(
                piece.iter().map(|&value| bytes(value)).collect::<Vec<_>>().as_flattened(),
            )
        })
    }
    match values {
        NpyValues::U8(values) => out.write_all(values),
        NpyValues::F32(values) => pieces(values, f32::to_le_bytes, out),
        NpyValues::I64(values) => pieces(values, i64::to_le_bytes, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend((header.len() as u16).to_le_bytes());
        out.extend(header.as_bytes());
        out.extend(data);
        out
    }

    fn values(descr: &str, data: &[u8], count: usize) -> NpyValues {
        parse_npy(&raw(descr, "False", &format!("({count},)"), data), "a").unwrap().values
    }

    #[test]
    fn what_is_written_is_read() {
        for array in [
            NpyArray::f32(&[2, 3], vec![0.5, -1.0, 2.0, 3.0, 4.0, f32::MIN_POSITIVE]),
            NpyArray::i64(&[4], vec![-1, 0, i64::MAX, i64::MIN]),
            NpyArray::i64(&[0], vec![]),
            NpyArray { shape: vec![], values: NpyValues::U8(vec![7]) },
        ] {
            let bytes = write_npy(&array);
            let width = match array.values {
                NpyValues::U8(_) => 1,
                NpyValues::F32(_) => 4,
                NpyValues::I64(_) => 8,
            };
            assert_eq!((bytes.len() - array.values.len() * width) % 64, 0);
            assert_eq!(parse_npy(&bytes, "a").unwrap(), array);
        }
    }

    #[test]
    fn all_numeric_types_are_widened() {
        assert_eq!(values("<f8", &1.5f64.to_le_bytes(), 1), NpyValues::F32(vec![1.5]));
        assert_eq!(values(">f4", &1.5f32.to_be_bytes(), 1), NpyValues::F32(vec![1.5]));
        assert_eq!(values("|i1", &[255, 3], 2), NpyValues::I64(vec![-1, 3]));
        assert_eq!(values(">i2", &[1, 2], 1), NpyValues::I64(vec![258]));
        assert_eq!(values("<u4", &[255, 255, 255, 255], 1), NpyValues::I64(vec![4_294_967_295]));
        assert_eq!(values("|b1", &[1, 0], 2), NpyValues::I64(vec![1, 0]));
    }

    #[test]
    fn fortran_order_is_turned() {
        let bytes = raw("|u1", "True", "(2, 3)", &[1, 4, 2, 5, 3, 6]);
        assert_eq!(parse_npy(&bytes, "a").unwrap().values, NpyValues::U8(vec![1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn broken_arrays_are_refused() {
        let message = |bytes: &[u8]| parse_npy(bytes, "a").unwrap_err().to_string();
        let good = raw("<f4", "False", "(2,)", &[0; 8]);
        for cut in 0..good.len() {
            assert!(parse_npy(&good[..cut], "a").is_err(), "{cut}");
        }
        assert!(message(b"PK\x03\x04 not").contains("not an NPY"));
        assert!(message(&[good, vec![0]].concat()).contains("9 bytes follow"));
        assert!(message(&raw("|O", "False", "(1,)", &[0; 8])).contains("unsupported type"));
        assert!(
            message(&raw("<c8", "False", "(1,)", &[0; 8])).contains("\"<c8\" are not supported")
        );
        assert!(message(&raw("<f4", "Maybe", "(1,)", &[0; 4])).contains("unreadable"));
        let huge = format!("({}, {})", u64::MAX, u64::MAX);
        assert!(message(&raw("<f4", "False", &huge, &[0; 4])).contains("the header says"));
        assert!(message(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{").contains("truncated"));
    }
}
