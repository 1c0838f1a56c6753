//! Rows of an array of several archives as one array, as the bytes that they are.

use std::io::{Read, Seek, Write};

use super::npy::{NpyArray, NpyValues, parse_npy_labels};
use super::npy_header::Header;
use super::npy_rows::NpyRows;
use super::npz::{Npz, NpzWriter};
use super::npz_rows::check_size;
use crate::error::Result;

/// Some rows of an array, of any type.
pub struct RawRows {
    header: Header,
    rows: usize,
    /// The array as a file: its header, as it is written of so many rows, and the values.
    pub(super) bytes: Vec<u8>,
    /// Where the values begin.
    start: usize,
}

impl RawRows {
    /// The type of the values and the shape of a row, for example `<f4 [28, 28]`.
    #[must_use]
    pub fn kind(&self) -> String {
        let shape = self.header.shape.get(1..).unwrap_or_default();
        format!("{} {shape:?}", self.header.descr)
    }

    /// Rows of several arrays of one type and shape, `(array, row)`, in this order; `None` if they differ, or an array is stored column by column.
    #[must_use]
    pub fn join(parts: &[Self], order: &[(usize, usize)]) -> Option<Self> {
        let first = &parts.first()?.header;
        let alike = |part: &Self| {
            part.header.is_of_type(first)
                && part.header.shape.get(1..) == first.shape.get(1..)
                && !(part.header.fortran && part.header.shape.len() > 1)
        };
        if !parts.iter().all(alike) {
            return None;
        }
        let mut joined = Self::of(first.clone(), order.len());
        for &(part, row) in order {
            let RawRows { rows, bytes, start, .. } = &parts[part];
            let each = (bytes.len() - start) / rows;
            joined.bytes.extend_from_slice(&bytes[start + row * each..][..each]);
        }
        Some(joined)
    }

    /// The same of types that differ, in one that holds all their values; `None` if there is none.
    #[must_use]
    pub fn mix(parts: &[Self], order: &[(usize, usize)]) -> Option<NpyArray> {
        // The largest of uint64 are no int64.
        if parts.iter().any(|part| part.header.descr.get(1..) == Some("u8")) {
            return None;
        }
        let mut arrays: Vec<NpyArray> =
            parts.iter().map(Self::decoded).collect::<Result<_>>().ok()?;
        if arrays.iter().any(|array| matches!(array.values, NpyValues::F64(_))) {
            for array in &mut arrays {
                if let NpyValues::F32(values) = &array.values {
                    let doubles = values.iter().copied().map(f64::from).collect();
                    array.values = NpyValues::F64(doubles);
                }
            }
        }
        NpyArray::from_rows_of(&arrays, order)
    }

    fn decoded(&self) -> Result<NpyArray> {
        parse_npy_labels(&self.bytes, "rows")
    }

    /// So many rows, whose values are still to come.
    fn of(header: Header, rows: usize) -> Self {
        let mut shape = header.shape.clone();
        shape[0] = rows;
        let bytes = header.written(&shape);
        Self { start: bytes.len(), header, rows, bytes }
    }
}

impl<R: Read + Seek> Npz<'_, R> {
    /// Some rows of the array `name`, in the order asked for, whatever their type.
    ///
    /// # Errors
    /// As [`Npz::rows`], but for types that cannot be read as numbers or words.
    pub fn raw_rows(&mut self, name: &str, rows: &[usize]) -> Result<RawRows> {
        let length = self.length;
        let Some((mut member, source_name)) = self.member(name)? else {
            return Err(self.lacking(name));
        };
        check_size(member.size(), length, &source_name)?;
        let (header, before) = Header::read(&mut member, &source_name)?;
        let present = member.size().saturating_sub(before.len() as u64);
        let array = NpyRows::new(member, header.clone(), present, &source_name)?;
        let mut picked = RawRows::of(header, rows.len());
        array.pick(rows, &mut |piece| {
            picked.bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(picked)
    }
}

impl<W: Write + Seek> NpzWriter<W> {
    /// Appends an array of rows as they are.
    ///
    /// # Errors
    /// As [`NpzWriter::add`].
    pub fn add_raw(&mut self, name: &str, array: &RawRows) -> Result<()> {
        self.begin(&format!("{name}.npy"), array.bytes.len() as u64)?;
        self.put(name, &array.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::npz::write_npz;
    use super::*;

    fn rows(array: NpyArray, rows: &[usize]) -> RawRows {
        let bytes = write_npz(&[("a", array)]).unwrap();
        Npz::open(&bytes, "f.npz").unwrap().raw_rows("a", rows).unwrap()
    }

    fn doubles(values: &[f64]) -> NpyArray {
        NpyArray { shape: vec![values.len() / 2, 2], values: NpyValues::F64(values.to_vec()) }
    }

    #[test]
    fn rows_of_one_type_keep_every_digit_and_others_are_not_joined() {
        let parts = [
            rows(doubles(&[0.1, 0.2, 1.7e9 + 0.25, 0.4]), &[1, 0]),
            rows(doubles(&[0.5, 0.6]), &[0]),
        ];
        let joined = RawRows::join(&parts, &[(1, 0), (0, 0), (0, 1)]).unwrap();
        let mut writer = NpzWriter::new(Cursor::new(Vec::new()));
        writer.add_raw("a", &joined).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        let read = Npz::open(&bytes, "out").unwrap().labels("a").unwrap();
        assert_eq!(read, doubles(&[0.5, 0.6, 1.7e9 + 0.25, 0.4, 0.1, 0.2]));
        let [first, _] = parts;
        let parts = [first, rows(NpyArray::f32(&[1, 2], vec![0.5, 2.0]), &[0])];
        assert!(RawRows::join(&parts, &[(0, 0)]).is_none());
        let mixed = RawRows::mix(&parts, &[(1, 0), (0, 0)]).unwrap();
        assert_eq!(mixed, doubles(&[0.5, 2.0, 1.7e9 + 0.25, 0.4]));
        let wide = NpyArray { shape: vec![1, 3], values: NpyValues::F64(vec![0.0; 3]) };
        let parts = [rows(doubles(&[0.1, 0.2]), &[0]), rows(wide, &[0])];
        assert!(RawRows::join(&parts, &[(0, 0)]).is_none());
    }
}
