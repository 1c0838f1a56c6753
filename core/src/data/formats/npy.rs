//! NPY, the array format of NumPy (NEP 1): a Python dictionary as header, then raw values.
//!
//! Read and written here by hand: the header is text of a known form, and its counts must be
//! compared with the bytes at hand before anything is allocated. Arrays are read as streams, so that one takes
//! no more memory than its values.

use std::io::{self, Read};

pub use super::npy_values::NpyValues;
use super::npy_values::{REMEDY, decode, unsupported, width, width_in_memory};
use crate::error::{Error, Result};

/// Values of one array take no more than this: a compression bomb stops here.
const MAX_VALUES: u64 = 4 << 30;

/// Bytes that are decoded at a time.
const PIECE: usize = 1 << 16;

const DAMAGED: &str = "the file is damaged or incomplete: make it again";

/// An array in C order.
#[derive(Clone, Debug, PartialEq)]
pub struct NpyArray {
    /// Dimensions, slowest first.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: NpyValues,
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

    /// A list of texts.
    #[must_use]
    pub fn texts<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Self {
        let texts: Vec<String> = texts.into_iter().map(Into::into).collect();
        Self { shape: vec![texts.len()], values: NpyValues::Text(texts) }
    }
}

/// Reads one array.
///
/// # Errors
/// Wrong magic, an unsupported type (complex, dates, pickled objects), or a header that does not
/// match the number of bytes.
pub fn parse_npy(bytes: &[u8], source_name: &str) -> Result<NpyArray> {
    read_npy(bytes, bytes.len() as u64, source_name)
}

/// Reads one array of `size` bytes, header included, from a stream. No more than its values stay in memory.
///
/// # Errors
/// As [`parse_npy`]; also a stream that fails, or one that is not as long as it was said to be.
pub fn read_npy(reader: impl Read, size: u64, source_name: &str) -> Result<NpyArray> {
    NpyReader::new(reader, size, source_name)?.trusting(size).all()
}

/// What stands before the values.
pub(super) struct Header {
    /// Byte order, kind and width, for example `<f4`; `[` for records of several fields.
    pub(super) descr: String,
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
    fn parse(text: &str) -> Option<Self> {
        let after = |key: &str| {
            let start = text.find(&format!("'{key}'"))? + key.len() + 2;
            Some(text[start..].trim_start().strip_prefix(':')?.trim_start())
        };
        let descr = after("descr")?;
        if descr.starts_with('[') {
            // Names of fields may be any, so that nothing behind them is looked for.
            return Some(Self { descr: "[".to_owned(), fortran: false, shape: Vec::new() });
        }
        let descr = descr.strip_prefix('\'')?.split('\'').next()?.to_owned();
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

    /// Number of values; `None` if they, or those of a row where there are no rows, are more bytes than can be counted.
    fn count(&self) -> Option<usize> {
        let bytes = width(&self.descr).max(1);
        self.shape.iter().try_fold(bytes, |product, &dim| product.checked_mul(dim.max(1)))?;
        Some(self.shape.iter().product())
    }
}

/// An array of a stream whose header has been read.
pub(super) struct NpyReader<'a, R> {
    pub(super) reader: R,
    pub(super) header: Header,
    pub(super) source_name: &'a str,
    /// Number of values.
    count: usize,
    /// For how many of them memory may be taken before they have been seen.
    trusted: usize,
}

impl<'a, R: Read> NpyReader<'a, R> {
    /// Reads the header of an array of `size` bytes.
    ///
    /// # Errors
    /// No array, one of an unsupported type, or a header that promises another number of bytes.
    pub(super) fn new(mut reader: R, size: u64, source_name: &'a str) -> Result<Self> {
        let (text, before) = header_text(&mut reader, source_name)?;
        let Some(header) = Header::parse(&text) else {
            let start: String = text.chars().take(80).collect();
            let problem = format!("unreadable NPY header {start:?}");
            return Err(Error::data(source_name, problem, REMEDY));
        };
        if let Some((problem, remedy)) = unsupported(&header.descr) {
            return Err(Error::data(source_name, problem, remedy));
        }
        let present = size.saturating_sub(before as u64);
        let (shape, descr) = (&header.shape, &header.descr);
        let fits = |&count: &usize| (count * width(descr)) as u64 == present;
        let Some(count) = header.count().filter(fits) else {
            let problem = format!(
                "the header says {shape:?} values of type {descr:?}, but {present} bytes follow"
            );
            return Err(Error::data(source_name, problem, "the array is cut short or damaged"));
        };
        let most = MAX_VALUES.min(isize::MAX as u64);
        if count as u64 > most / width_in_memory(descr) as u64 || present > most {
            let problem = format!("an array of {shape:?} values of type {descr:?} is too large");
            return Err(Error::data(source_name, problem, "split it"));
        }
        Ok(Self { reader, header, source_name, count, trusted: 0 })
    }

    /// # Errors
    /// If the values take more memory than `room` bytes.
    pub(super) fn within(self, room: u64) -> Result<Self> {
        let needed = (self.count as u64).saturating_mul(width_in_memory(&self.header.descr) as u64);
        match needed > room {
            true => Err(Error::out_of_memory(self.source_name, needed, Some(room))),
            false => Ok(self),
        }
    }

    /// Lets memory be taken at once for values of no more than so many bytes: those that the file has.
    pub(super) fn trusting(mut self, bytes: u64) -> Self {
        let values = bytes / (width(&self.header.descr) as u64).max(1);
        self.trusted = self.count.min(usize::try_from(values).unwrap_or(usize::MAX));
        self
    }

    /// The values in the order of the file, a piece at a time, to the end of the stream, where checksums are compared.
    pub(super) fn pieces(&mut self, mut each: impl FnMut(NpyValues)) -> Result<()> {
        let width = width(&self.header.descr);
        let damaged = |problem: &dyn std::fmt::Display| {
            let problem = format!("the array is damaged ({problem})");
            Error::data(self.source_name, problem, DAMAGED)
        };
        let mut left = self.count;
        let mut buffer = Vec::new();
        while left > 0 {
            let values = left.min((PIECE / width).max(1));
            buffer.clear();
            let read = (&mut self.reader).take((values * width) as u64).read_to_end(&mut buffer);
            read.map_err(|error| damaged(&error))?;
            if buffer.len() < values * width {
                return Err(damaged(&"it is cut short"));
            }
            if let Some(values) = decode(&self.header.descr, &buffer) {
                each(values);
            }
            left -= values;
        }
        match io::copy(&mut (&mut self.reader).take(1), &mut io::sink()) {
            Ok(0) => Ok(()),
            Ok(_) => Err(damaged(&"it is longer than it was said to be")),
            Err(error) => Err(damaged(&error)),
        }
    }

    /// Every value.
    pub(super) fn all(mut self) -> Result<NpyArray> {
        let mut all = decode(&self.header.descr, &[]).unwrap_or(NpyValues::U8(Vec::new()));
        if !all.reserve(self.trusted) {
            let bytes = self.trusted * width_in_memory(&self.header.descr);
            return Err(Error::out_of_memory(self.source_name, bytes as u64, None));
        }
        self.pieces(|values| all.append(values))?;
        let Header { fortran, shape, .. } = self.header;
        let values = if fortran && shape.len() > 1 { all.c_order(&shape) } else { all };
        Ok(NpyArray { shape, values })
    }
}

/// The header as text, and the bytes up to its end.
fn header_text(reader: &mut impl Read, source_name: &str) -> Result<(String, usize)> {
    let mut read = |count: usize| -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let got = (&mut *reader).take(count as u64).read_to_end(&mut bytes);
        got.map_err(|error| {
            Error::data(source_name, format!("the array is damaged ({error})"), DAMAGED)
        })?;
        match bytes.len() == count {
            true => Ok(bytes),
            false => Err(Error::data(source_name, "truncated: the NPY header is cut off", REMEDY)),
        }
    };
    if read(6)? != b"\x93NUMPY" {
        return Err(Error::data(source_name, "not an NPY array", REMEDY));
    }
    let version = read(2)?[0];
    let bytes = if version == 1 { 2 } else { 4 };
    let length = read(bytes)?.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
    let text = String::from_utf8_lossy(&read(length)?).into_owned();
    Ok((text, 8 + bytes + length))
}

/// Writes one array in format version 1.0.
#[must_use]
pub fn write_npy(array: &NpyArray) -> Vec<u8> {
    let mut out = header(array);
    let written = array.values.write(&mut out);
    debug_assert!(written.is_ok(), "memory takes every write");
    out
}

/// Everything before the values.
pub(super) fn header(array: &NpyArray) -> Vec<u8> {
    let descr = array.values.descr();
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
            NpyArray::texts(["zwölf", "", "\u{1f600}"]),
        ] {
            let bytes = write_npy(&array);
            let width = match array.values {
                NpyValues::U8(_) => 1,
                NpyValues::F32(_) => 4,
                NpyValues::I64(_) => 8,
                NpyValues::Text(_) => 4 * 5,
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
        // By IEEE 754: sign, 5 bits of exponent with bias 15, 10 bits of mantissa; the least is 2^-24.
        let halves = NpyValues::F32(vec![1.5, -2.0, 5.960_464_5e-8]);
        assert_eq!(values("<f2", &[0x00, 0x3e, 0x00, 0xc0, 0x01, 0x00], 3), halves);
        assert_eq!(values(">f2", &[0x3e, 0x00], 1), NpyValues::F32(vec![1.5]));
    }

    #[test]
    fn texts_of_both_byte_orders_lose_what_fills_them_up() {
        let of = |texts: [&str; 2]| NpyValues::Text(texts.map(str::to_owned).to_vec());
        let little: Vec<u8> =
            "on\0é\0\0".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        assert_eq!(values("<U3", &little, 2), of(["on", "é"]));
        let big: Vec<u8> = "on\0é\0\0".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
        assert_eq!(values(">U3", &big, 2), of(["on", "é"]));
        assert_eq!(values("|S3", b"on\0abc", 2), of(["on", "abc"]));
        assert_eq!(values("|S2", &[0xff, 0, b'a', b'b'], 2), of(["\u{fffd}", "ab"]));
        assert_eq!(values("<U1", &[0xff; 4], 1), NpyValues::Text(vec!["\u{fffd}".into()]));
        let turned = raw("|S1", "True", "(2, 3)", b"adbecf");
        let NpyValues::Text(texts) = parse_npy(&turned, "a").unwrap().values else { panic!() };
        assert_eq!(texts.concat(), "abcdef");
    }

    #[test]
    fn what_is_not_read_is_named_before_its_length_is_looked_at() {
        for (descr, named) in [
            (
                "|O",
                "holds Python objects (type \"|O\"); save it as text with y.astype(str), or as numbers",
            ),
            ("<c16", "complex"),
            ("<M8[ns]", "dates"),
            ("<m8[D]", "spans of time"),
            ("<f16", "longdouble"),
            ("|V2", "\"|V2\" are not supported"),
            ("<U0", "\"<U0\" are not supported"),
            ("<U99999999999999999999", "are not supported"),
            ("<U4611686018427387904", "are not supported"),
        ] {
            let said = parse_npy(&raw(descr, "False", "(3,)", &[0; 8]), "a").unwrap_err();
            assert!(said.to_string().contains(named), "{descr}: {said}");
        }
        let mut records = b"\x93NUMPY\x01\x00\x40\x00".to_vec();
        records.extend(format!("{:64}", "{'descr': [('shape', '<f4')], 'shape': (1,), }").bytes());
        let said = parse_npy(&records, "a").unwrap_err().to_string();
        assert!(said.contains("records of several fields"), "{said}");
    }

    #[test]
    fn a_stream_must_be_as_long_as_it_was_said_to_be() {
        let bytes = raw("<f4", "False", "(70000,)", &[0; 280_000]);
        let size = bytes.len() as u64;
        assert_eq!(read_npy(&bytes[..], size, "a").unwrap().values.len(), 70_000);
        let cut = read_npy(&bytes[..bytes.len() - 1], size, "a").unwrap_err().to_string();
        assert!(cut.contains("cut short"), "{cut}");
        let more = read_npy(&[&bytes[..], &[0]].concat()[..], size, "a").unwrap_err().to_string();
        assert!(more.contains("longer"), "{more}");
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
        assert!(message(&raw("<f4", "Maybe", "(1,)", &[0; 4])).contains("unreadable"));
        let huge = format!("({}, {})", u64::MAX, u64::MAX);
        assert!(message(&raw("<f4", "False", &huge, &[0; 4])).contains("the header says"));
        let none = format!("(0, {}, {})", u64::MAX, u64::MAX);
        assert!(message(&raw("<f4", "True", &none, &[])).contains("the header says"));
        assert!(message(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{").contains("truncated"));
    }
}
