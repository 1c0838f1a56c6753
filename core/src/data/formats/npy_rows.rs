//! Rows of an array that is read as a stream: a few rows of a large file in little memory.

use std::io::{self, Read};

use super::npy::{NpyArray, NpyReader};
use super::npy_values::{NpyValues, REMEDY, decode, width};
use crate::error::{Error, Result};

impl<R: Read> NpyReader<'_, R> {
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
            return Ok(NpyArray { shape, values: self.all()?.values.rows(rows, each) });
        }
        let mut places: Vec<(usize, usize)> = rows.iter().copied().zip(0..).collect();
        places.sort_unstable();
        let values = self.stream(&places, each).map_err(|error| {
            let remedy = "the file is damaged or incomplete: make it again";
            Error::data(self.source_name, format!("the array is damaged ({error})"), remedy)
        })?;
        Ok(NpyArray { shape, values })
    }

    /// Rows and their places in the result, by ascending row.
    fn stream(&mut self, places: &[(usize, usize)], each: usize) -> io::Result<NpyValues> {
        let descr = &self.header.descr;
        let mut values = decode(descr, &[]).unwrap_or(NpyValues::U8(Vec::new()));
        values.resize(places.len() * each);
        // Of an array without rows, what a row has may be any number.
        let length = if places.is_empty() { 0 } else { each * width(descr) };
        let mut buffer = vec![0; length];
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

#[cfg(test)]
mod tests {
    use super::super::npy::write_npy;
    use super::*;

    fn pick(bytes: &[u8], rows: &[usize]) -> Result<NpyArray> {
        NpyReader::new(bytes, bytes.len() as u64, "a")?.pick(rows)
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
