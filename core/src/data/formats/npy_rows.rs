//! Rows of an array that is read as a stream, as the bytes that they are: of any type, and little memory for a large file.

use std::io::Read;

use super::npy::PIECE;
use super::npy_header::{Header, damaged, end};
use super::npy_values::REMEDY;
use crate::error::{Error, Result};

/// An array whose header has been read. Column by column (Fortran order), it stays that.
pub(super) struct NpyRows<'a, R> {
    reader: R,
    header: Header,
    source_name: &'a str,
    rows: usize,
    /// How often all rows follow one another: once, or, column by column, once for each column.
    blocks: usize,
    /// Bytes of a row in a block.
    each: usize,
}

impl<'a, R: Read> NpyRows<'a, R> {
    /// An array of which `present` bytes follow its header.
    ///
    /// # Errors
    /// A single value, a type of unknown width, or a header that promises another number of bytes.
    pub(super) fn new(
        reader: R,
        header: Header,
        present: u64,
        source_name: &'a str,
    ) -> Result<Self> {
        let count = header.count(present, source_name)?;
        let item = header.item(source_name)?;
        let Some((&rows, rest)) = header.shape.split_first() else {
            return Err(Error::data(source_name, "a single value has no rows", REMEDY));
        };
        let columns: usize = if count * item == 0 { 0 } else { rest.iter().product() };
        let (blocks, each) = match header.fortran {
            true => (columns, item),
            false => (columns.min(1), columns * item),
        };
        Ok(Self { reader, header, source_name, rows, blocks, each })
    }

    /// The header of so many rows.
    pub(super) fn header(&self, rows: usize) -> Vec<u8> {
        let mut shape = self.header.shape.clone();
        shape[0] = rows;
        self.header.written(&shape)
    }

    /// Bytes of so many rows.
    pub(super) fn size(&self, rows: usize) -> u64 {
        rows as u64 * (self.blocks * self.each) as u64
    }

    /// Hands the rows `rows` to `out`, in that order, piece by piece.
    ///
    /// # Errors
    /// A row beyond the last, damaged data anywhere in the array, or one that `out` returns.
    pub(super) fn pick(
        mut self,
        rows: &[usize],
        out: &mut impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let count = self.rows;
        if let Some(row) = rows.iter().find(|&&row| row >= count) {
            let problem = format!("there is no row {row} of {count}");
            return Err(Error::data(self.source_name, problem, "ask for rows that are there"));
        }
        let mut places: Vec<usize> = (0..rows.len()).collect();
        places.sort_by_key(|&place| rows[place]);
        let ascending: Vec<usize> = places.iter().map(|&place| rows[place]).collect();
        // Where each of `rows` is among the ascending ones; nothing if that is where it is asked for.
        let mut order = Vec::new();
        if ascending != rows {
            order.resize(rows.len(), 0);
            places.iter().enumerate().for_each(|(at, &place)| order[place] = at);
        }
        for _ in 0..self.blocks {
            self.block(&ascending, &order, out)?;
        }
        end(&mut self.reader, self.source_name)
    }

    fn block(
        &mut self,
        rows: &[usize],
        order: &[usize],
        out: &mut impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let (each, source_name) = (self.each, self.source_name);
        let at_a_time = (PIECE / each).max(1);
        let (mut piece, mut found) = (Vec::new(), Vec::new());
        let (mut first, mut rows) = (0, rows);
        while first < self.rows {
            let next = self.rows.min(first + at_a_time);
            let bytes = (next - first) * each;
            piece.clear();
            let read = (&mut self.reader).take(bytes as u64).read_to_end(&mut piece);
            if read.map_err(|error| damaged(source_name, &error))? < bytes {
                return Err(damaged(source_name, &"it is cut short"));
            }
            let (here, later) = rows.split_at(rows.partition_point(|&row| row < next));
            let room = found.try_reserve(here.len() * each);
            room.map_err(|_| {
                Error::data(
                    source_name,
                    "its rows need more memory than there is",
                    "take fewer rows",
                )
            })?;
            here.iter().for_each(|row| found.extend(&piece[(row - first) * each..][..each]));
            if order.is_empty() {
                out(&found)?;
                found.clear();
            }
            (first, rows) = (next, later);
        }
        order.chunks(at_a_time).try_for_each(|places| {
            piece.clear();
            places.iter().for_each(|at| piece.extend(&found[at * each..][..each]));
            out(&piece)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::npy::{NpyArray, NpyValues, parse_npy, write_npy};
    use super::*;

    fn pick(mut bytes: &[u8], rows: &[usize]) -> Result<Vec<u8>> {
        let (header, before) = Header::read(&mut bytes, "a")?;
        let array = NpyRows::new(bytes, header, bytes.len() as u64, "a")?;
        let (mut out, size) = (array.header(rows.len()), array.size(rows.len()));
        let start = out.len();
        array.pick(rows, &mut |piece| {
            out.extend(piece);
            Ok(())
        })?;
        assert_eq!(((out.len() - start) as u64, before.len() % 64), (size, 0));
        Ok(out)
    }

    /// An array with this in its header, of bytes that count up.
    fn counting(descr: &str, fortran: &str, shape: &str, bytes: usize) -> Vec<u8> {
        let text = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}");
        let mut out = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        out.extend(format!("{text:117}\n").bytes());
        out.extend((0..bytes).map(|at| at as u8));
        out
    }

    #[test]
    fn rows_are_the_bytes_that_they_were() {
        for (descr, shape, width) in [
            ("'>f8'", "(5,)", 8),
            ("'<c16'", "(5, 1)", 16),
            ("'<M8[ns]'", "(5, 2)", 16),
            ("[('a', '<i2'), ('b', '|S3', (2,))]", "(5, 3)", 24),
            ("'|V3'", "(5,)", 3),
            ("'<U0'", "(5,)", 0),
            ("'<f4'", "(5, 0, 3)", 0),
        ] {
            let bytes = counting(descr, "False", shape, 5 * width);
            for rows in [&[0, 2, 3][..], &[4, 0, 0, 1], &[]] {
                let shape = shape.replacen("(5, ", &format!("({},", rows.len()), 1);
                let shape = shape.replacen("(5,", &format!("({},", rows.len()), 1);
                let mut expected = counting(descr, "False", &shape, 0);
                let head = expected.len();
                rows.iter().for_each(|row| expected.extend(&bytes[head + row * width..][..width]));
                let found = pick(&bytes, rows).unwrap();
                assert_eq!(found[head..], expected[head..], "{descr} {rows:?}");
                let (found, _) = Header::read(&mut &found[..], "a").unwrap();
                let (before, _) = Header::read(&mut &bytes[..], "a").unwrap();
                assert_eq!(found.shape[0], rows.len());
                assert_eq!(found.shape[1..], before.shape[1..]);
                assert_eq!(found.written(&[1]), before.written(&[1]), "the type is the same");
            }
        }
    }

    #[test]
    fn columns_stay_columns() {
        // Two columns of three numbers: 0 to 2, and 3 to 5.
        let bytes = counting("'|i1'", "True", "(3, 2)", 6);
        for (rows, expected) in
            [(&[0, 2][..], &[0, 3, 2, 5][..]), (&[2, 1, 2], &[2, 5, 1, 4, 2, 5])]
        {
            let expected = NpyArray::i64(&[rows.len(), 2], expected.to_vec());
            assert_eq!(parse_npy(&pick(&bytes, rows).unwrap(), "a").unwrap(), expected);
        }
        assert_eq!(pick(&bytes, &[2, 1]).unwrap()[128..], [2, 1, 5, 4]);
    }

    #[test]
    fn rows_of_several_pieces_are_found() {
        let shape = [3, PIECE / 4 + 7];
        let values: Vec<i64> = (0..shape[0] * shape[1]).map(|at| at as i64).collect();
        let bytes = write_npy(&NpyArray::i64(&shape, values.clone()));
        let long = write_npy(&NpyArray::i64(&[values.len()], values));
        let NpyValues::I64(picked) =
            parse_npy(&pick(&bytes, &[2, 0]).unwrap(), "a").unwrap().values
        else {
            panic!("whole numbers")
        };
        assert_eq!([picked[0], picked[shape[1]]], [2 * shape[1] as i64, 0]);
        let rows = [9_000, 40_000, 40_001, 8_999];
        let expected = NpyArray::i64(&[4], rows.map(|row| row as i64).to_vec());
        assert_eq!(parse_npy(&pick(&long, &rows).unwrap(), "a").unwrap(), expected);
    }

    #[test]
    fn a_cut_is_noticed_wherever_it_is() {
        let bytes = write_npy(&NpyArray::f32(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]));
        for cut in 0..bytes.len() {
            assert!(pick(&bytes[..cut], &[0]).is_err(), "{cut}");
        }
        let scalar = NpyArray { shape: vec![], values: NpyValues::U8(vec![7]) };
        assert!(pick(&write_npy(&scalar), &[]).is_err());
        let objects = counting("'|O'", "False", "(5,)", 40);
        assert!(pick(&objects, &[0]).unwrap_err().to_string().contains("Python objects"));
    }
}
