//! NPY, the array format of NumPy (NEP 1): a Python dictionary as header, then raw values.
//!
//! Read and written here by hand: the header is text of a known form, and its counts must be
//! compared with the bytes at hand before anything is allocated. Arrays are read as streams, so that one takes
//! no more memory than its values.

use std::io::Read;

use super::npy_header::{Header, damaged, end};
pub use super::npy_values::NpyValues;
use super::npy_values::{Precision, decode, unsupported, width, width_in_memory};
use crate::error::{Error, Result};

/// Values of one array take no more than this: a compression bomb stops here.
const MAX_VALUES: u64 = 4 << 30;

/// Bytes that are read at a time.
pub(super) const PIECE: usize = 1 << 16;

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

    /// An array of bytes.
    ///
    /// # Panics
    /// The shape does not match the number of values.
    #[must_use]
    pub fn u8(shape: &[usize], values: Vec<u8>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "shape of the values");
        Self { shape: shape.to_vec(), values: NpyValues::U8(values) }
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

    /// Rows of several arrays of one kind, `(array, row)`, in this order; `None` of arrays whose rows or values are of several kinds.
    #[must_use]
    pub fn from_rows_of(arrays: &[Self], order: &[(usize, usize)]) -> Option<Self> {
        let first = arrays.first()?;
        let row_shape = first.shape.get(1..)?;
        if !arrays.iter().all(|array| array.shape.get(1..) == Some(row_shape)) {
            return None;
        }
        let width: usize = row_shape.iter().product();
        let places = || order.iter().map(|&(array, row)| (array, row * width..(row + 1) * width));
        macro_rules! gathered {
            ($($kind:ident)*) => {
                match &first.values {
                    $(NpyValues::$kind(_) => {
                        let mut values = Vec::with_capacity(order.len() * width);
                        for (array, place) in places() {
                            let NpyValues::$kind(from) = &arrays[array].values else { return None };
                            values.extend_from_slice(&from[place]);
                        }
                        NpyValues::$kind(values)
                    })*
                }
            };
        }
        let values = gathered!(U8 F32 F64 I64 Text);
        Some(Self { shape: [&[order.len()], row_shape].concat(), values })
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

/// Reads labels, of which none may become another's: float64 keeps its digits.
///
/// # Errors
/// As [`parse_npy`].
pub fn parse_npy_labels(bytes: &[u8], source_name: &str) -> Result<NpyArray> {
    let size = bytes.len() as u64;
    NpyReader::new(bytes, size, source_name)?.trusting(size).in_double().all()
}

/// Reads one array of `size` bytes, header included, from a stream. No more than its values stay in memory.
///
/// # Errors
/// As [`parse_npy`]; also a stream that fails, or one that is not as long as it was said to be.
pub fn read_npy(reader: impl Read, size: u64, source_name: &str) -> Result<NpyArray> {
    NpyReader::new(reader, size, source_name)?.trusting(size).all()
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
    precision: Precision,
}

impl<'a, R: Read> NpyReader<'a, R> {
    /// Reads the header of an array of `size` bytes.
    ///
    /// # Errors
    /// No array, one of an unsupported type, or a header that promises another number of bytes.
    pub(super) fn new(mut reader: R, size: u64, source_name: &'a str) -> Result<Self> {
        let (header, before) = Header::read(&mut reader, source_name)?;
        if let Some((problem, remedy)) = unsupported(&header.descr) {
            return Err(Error::data(source_name, problem, remedy));
        }
        let present = size.saturating_sub(before.len() as u64);
        let count = header.count(present, source_name)?;
        let most = MAX_VALUES.min(isize::MAX as u64);
        let (shape, descr) = (&header.shape, &header.descr);
        if count as u64 > most / width_in_memory(descr) as u64 || present > most {
            let problem = format!("an array of {shape:?} values of type {descr:?} is too large");
            return Err(Error::data(source_name, problem, "split it"));
        }
        let precision = Precision::Single;
        Ok(Self { reader, header, source_name, count, trusted: 0, precision })
    }

    /// Keeps numbers of double precision as they are.
    pub(super) fn in_double(mut self) -> Self {
        self.precision = Precision::Double;
        self
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
        let mut left = self.count;
        let mut buffer = Vec::new();
        while left > 0 {
            let values = left.min((PIECE / width).max(1));
            buffer.clear();
            let read = (&mut self.reader).take((values * width) as u64).read_to_end(&mut buffer);
            if read.map_err(|error| damaged(self.source_name, &error))? < values * width {
                return Err(damaged(self.source_name, &"it is cut short"));
            }
            if let Some(values) = decode(&self.header.descr, &buffer, self.precision) {
                each(values);
            }
            left -= values;
        }
        end(&mut self.reader, self.source_name)
    }

    /// Every value.
    pub(super) fn all(mut self) -> Result<NpyArray> {
        let none = decode(&self.header.descr, &[], self.precision);
        let mut all = none.unwrap_or(NpyValues::U8(Vec::new()));
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
    Header::new(&array.values.descr(), &array.shape).written(&array.shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let descr = if descr.starts_with('[') { descr.to_owned() } else { format!("'{descr}'") };
        let header =
            format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
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
                NpyValues::F64(_) | NpyValues::I64(_) => 8,
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
    fn labels_that_single_precision_would_merge_stay_apart() {
        let labels = [16_777_216.0, 16_777_217.0, 9_007_199_254_740_991.0, 0.1];
        let bytes = labels.map(f64::to_be_bytes).concat();
        let array = parse_npy_labels(&raw(">f8", "False", "(4,)", &bytes), "a").unwrap();
        assert_eq!(array.values, NpyValues::F64(labels.to_vec()));
        assert_eq!(parse_npy_labels(&write_npy(&array), "a").unwrap(), array);
        let half = parse_npy_labels(&raw("<f2", "False", "(1,)", &[0, 0x3e]), "a").unwrap();
        assert_eq!(half.values, NpyValues::F32(vec![1.5]));
    }

    #[test]
    fn headers_of_all_versions_are_read() {
        let text =
            b"{\"shape\": (3L, 1), 'more': {'a': [')']}, 'fortran_order': True, 'descr': '|u1'} \n";
        let of = |version: u8, digits: usize| {
            let length = &(text.len() as u32).to_le_bytes()[..digits];
            [b"\x93NUMPY", &[version, 0][..], length, text, &[7, 8, 9]].concat()
        };
        for bytes in [of(1, 2), of(2, 4), of(3, 4)] {
            let expected = NpyArray { shape: vec![3, 1], values: NpyValues::U8(vec![7, 8, 9]) };
            assert_eq!(parse_npy(&bytes, "a").unwrap(), expected);
        }
        let said = parse_npy(&of(4, 4), "a").unwrap_err().to_string();
        assert!(said.contains("of version 4"), "{said}");
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
                "holds Python objects (type \"|O\"); save it as numbers, or as text with a.astype(str)",
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
        let records = raw("[('shape', '<f4')]", "False", "(1,)", &[0; 4]);
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
        let said = message(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{");
        assert!(said.contains("truncated"), "{said}");
    }
}
