//! Rows of an array that is read as a stream: a few rows of a large file in little memory.

use std::io::{self, Read};

use super::npy::{Header, NpyArray, NpyValues, REMEDY, decode, parse_npy, width};
use crate::error::{Error, Result};

/// An array whose header has been read.
pub(super) struct NpyRows<'a, R> {
    reader: R,
    header: Header,
    /// What was read of the stream so far.
    start: Vec<u8>,
    source_name: &'a str,
}

impl<'a, R: Read> NpyRows<'a, R> {
    /// Reads the header of an array of `size` bytes.
    ///
    /// # Errors
    /// No array, one of an unsupported type, or a header that promises another number of bytes.
    pub(super) fn new(mut reader: R, size: u64, source_name: &'a str) -> Result<Self> {
        let mut start = Vec::new();
        let mut read = |count: usize, start: &mut Vec<u8>| -> Result<()> {
            let before = start.len();
            let got = (&mut reader).take(count as u64).read_to_end(start);
            got.map_err(|error| damaged(source_name, &error))?;
            if start.len() < before + count {
                return Err(Error::data(
                    source_name,
                    "truncated: the NPY header is cut off",
                    REMEDY,
                ));
            }
            Ok(())
        };
        read(10, &mut start)?;
        if !start.starts_with(b"\x93NUMPY") {
            return Err(Error::data(source_name, "not an NPY array", REMEDY));
        }
        let mut length = usize::from(u16::from_le_bytes([start[8], start[9]]));
        if start[6] > 1 {
            read(2, &mut start)?;
            length |= usize::from(u16::from_le_bytes([start[10], start[11]])) << 16;
        }
        let before = start.len();
        read(length, &mut start)?;
        let text = String::from_utf8_lossy(&start[before..]);
        let Some(header) = Header::parse(&text) else {
            return Err(Error::data(source_name, "unreadable NPY header", REMEDY));
        };
        if decode(&header.descr, &[]).is_none() {
            let problem = format!("values of type {:?} are not supported", header.descr);
            return Err(Error::data(source_name, problem, REMEDY));
        }
        let bytes = header
            .shape
            .iter()
            .try_fold(width(&header.descr), |product, &dim| product.checked_mul(dim));
        if bytes.map(|bytes| (bytes + start.len()) as u64) != Some(size) {
            let (shape, descr) = (&header.shape, &header.descr);
            let problem = format!("the header says {shape:?} values of {descr:?} in {size} bytes");
            return Err(Error::data(source_name, problem, "the array is cut short or damaged"));
        }
        Ok(Self { reader, header, start, source_name })
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// The rows `rows`, in that order.
    ///
    /// # Errors
    /// A row beyond the last, or damaged data anywhere in the array.
    pub(super) fn pick(mut self, rows: &[usize]) -> Result<NpyArray> {
        let Some((&count, rest)) = self.header.shape.split_first() else {
            return Err(Error::data(self.source_name, "a single value has no rows", REMEDY));
        };
        if let Some(row) = rows.iter().find(|&&row| row >= count) {
            let problem = format!("there is no row {row} of {count}");
            return Err(Error::data(self.source_name, problem, "ask for rows that are there"));
        }
        let each: usize = rest.iter().product();
        let shape: Vec<usize> = [rows.len()].iter().chain(rest).copied().collect();
        if self.header.fortran && shape.len() > 1 {
            // Columns come first: the whole array has to be read for one row.
            self.reader.read_to_end(&mut self.start).map_err(|e| damaged(self.source_name, &e))?;
            let whole = parse_npy(&self.start, self.source_name)?.values;
            return Ok(NpyArray { shape, values: whole.rows(rows, each) });
        }
        let mut places: Vec<(usize, usize)> = rows.iter().copied().zip(0..).collect();
        places.sort_unstable();
        let values = self.stream(&places, each);
        let values = values.map_err(|error| damaged(self.source_name, &error))?;
        Ok(NpyArray { shape, values })
    }

    /// Rows and their places in the result, by ascending row.
    fn stream(&mut self, places: &[(usize, usize)], each: usize) -> io::Result<NpyValues> {
        let descr = &self.header.descr;
        let mut values = decode(descr, &[]).unwrap_or(NpyValues::U8(Vec::new()));
        values.resize(places.len() * each);
        let mut buffer = vec![0; each * width(descr)];
        // Rows read so far: the buffer holds the last of them.
        let mut read = 0;
        for &(row, place) in places {
            if row + 1 > read {
                let skipped = ((row - read) * buffer.len()) as u64;
                io::copy(&mut (&mut self.reader).take(skipped), &mut io::sink())?;
                self.reader.read_exact(&mut buffer)?;
                read = row + 1;
            }
            if let Some(row) = decode(descr, &buffer) {
                values.put(place * each, &row);
            }
        }
        // Checksums are compared at the end.
        io::copy(&mut self.reader, &mut io::sink())?;
        Ok(values)
    }
}

impl NpyValues {
    /// The given rows of `each` values.
    fn rows(&self, rows: &[usize], each: usize) -> Self {
        fn pick<T: Copy>(values: &[T], rows: &[usize], each: usize) -> Vec<T> {
            rows.iter().flat_map(|&row| &values[row * each..(row + 1) * each]).copied().collect()
        }
        match self {
            Self::U8(values) => Self::U8(pick(values, rows, each)),
            Self::F32(values) => Self::F32(pick(values, rows, each)),
            Self::I64(values) => Self::I64(pick(values, rows, each)),
        }
    }

    fn resize(&mut self, count: usize) {
        match self {
            Self::U8(values) => values.resize(count, 0),
            Self::F32(values) => values.resize(count, 0.0),
            Self::I64(values) => values.resize(count, 0),
        }
    }

    /// Overwrites from `at` on by values of the same type.
    fn put(&mut self, at: usize, row: &Self) {
        match (self, row) {
            (Self::U8(values), Self::U8(row)) => values[at..at + row.len()].copy_from_slice(row),
            (Self::F32(values), Self::F32(row)) => values[at..at + row.len()].copy_from_slice(row),
            (Self::I64(values), Self::I64(row)) => values[at..at + row.len()].copy_from_slice(row),
            _ => unreachable!("one array has one type"),
        }
    }
}

fn damaged(source_name: &str, error: &io::Error) -> Error {
    let remedy = "the file is damaged or incomplete: make it again";
    Error::data(source_name, format!("the archive is damaged ({error})"), remedy)
}

#[cfg(test)]
mod tests {
    use super::super::npy::write_npy;
    use super::*;

    fn pick(bytes: &[u8], rows: &[usize]) -> Result<NpyArray> {
        NpyRows::new(bytes, bytes.len() as u64, "a")?.pick(rows)
    }

    #[test]
    fn columns_first_gives_the_same_rows() {
        let bytes = write_npy(&NpyArray::i64(&[2, 3], vec![1, 4, 2, 5, 3, 6]));
        let text = b"'fortran_order': False";
        let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
        let mut turned = bytes;
        turned[at..at + text.len()].copy_from_slice(b"'fortran_order': True ");
        assert_eq!(pick(&turned, &[1, 0]).unwrap(), NpyArray::i64(&[2, 3], vec![4, 5, 6, 1, 2, 3]));
    }

    #[test]
    fn a_cut_is_noticed_wherever_it_is() {
        let bytes = write_npy(&NpyArray::f32(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]));
        for cut in 0..bytes.len() {
            assert!(pick(&bytes[..cut], &[0]).is_err(), "{cut}");
        }
        assert_eq!(pick(&bytes, &[1]).unwrap(), NpyArray::f32(&[1, 2], vec![3.0, 4.0]));
        let scalar = NpyArray { shape: vec![], values: NpyValues::U8(vec![7]) };
        assert!(pick(&write_npy(&scalar), &[]).is_err());
    }
}
