//! Rows of every array of an archive, handed on to another as they are, whatever their type.

use std::io::{Read, Seek, Write};

use super::npy::{NpyArray, PIECE, parse_npy};
use super::npy_header::{Header, MAGIC, damaged, end};
use super::npy_rows::NpyRows;
use super::npz::{Npz, NpzWriter, REMEDY, is_foreign, unopened};
use crate::error::{Error, Result};

/// No member is more times larger than its archive: deflate's best is 1032.
const MOST_DEFLATED: u64 = 1040;

/// What is handed on.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// Arrays with so many rows lose some.
    pub of: usize,
    /// The rows that stay, in their new order.
    pub rows: &'a [usize],
    /// An array that keeps all its rows, however many it has.
    pub whole: Option<&'a str>,
    /// Arrays that are not handed on.
    pub without: &'a [&'a str],
}

impl<R: Read + Seek> Npz<'_, R> {
    /// Some rows of the array `name`, in the order asked for. Of the others, nothing stays in memory.
    ///
    /// # Errors
    /// As [`Npz::require`]; also a row beyond the last.
    pub fn rows(&mut self, name: &str, rows: &[usize]) -> Result<NpyArray> {
        let source_name = format!("{} ({name})", self.source_name);
        parse_npy(&self.raw_rows(name, rows)?.bytes, &source_name)
    }

    /// Hands every array on. Those with another number of rows than the selection is of, and members that are no arrays,
    /// stay as they are. Returns a sentence for each one that had to be left out: arrays of Python's objects, for example.
    ///
    /// # Errors
    /// A member is damaged, or `to` takes no more.
    pub fn hand_on<W: Write + Seek>(
        &mut self,
        selection: &Selection<'_>,
        to: &mut NpzWriter<W>,
    ) -> Result<Vec<String>> {
        let mut left_out = Vec::new();
        if self.archive.has_duplicate_names() {
            let source_name = self.source_name;
            left_out.push(format!(
                "{source_name}: of arrays with the same name, all but the last, which numpy.load reads"
            ));
        }
        for index in 0..self.archive.len() {
            if let Some(problem) = self.member_on(index, selection, to)? {
                left_out.push(problem);
            }
        }
        Ok(left_out)
    }

    /// Hands one member on, or says why not.
    fn member_on<W: Write + Seek>(
        &mut self,
        index: usize,
        selection: &Selection<'_>,
        to: &mut NpzWriter<W>,
    ) -> Result<Option<String>> {
        let Some(Ok(member)) = self.archive.name_for_index(index) else { return Ok(None) };
        let (member, length) = (member.into_owned(), self.length);
        let array = member.strip_suffix(".npy").unwrap_or(&member);
        if selection.without.contains(&array) {
            return Ok(None);
        }
        let source_name = &format!("{} ({array})", self.source_name);
        let mut reader = match self.member_at(index) {
            Ok(reader) => reader,
            Err(error) => return Ok(Some(unopened(source_name, &error).to_string())),
        };
        let size = reader.size();
        check_size(size, length, source_name)?;
        let start = some(&mut reader, MAGIC.len(), source_name)?;
        if start != MAGIC {
            copy(reader, size, start, (to, &member), source_name)?;
            return Ok(None);
        }
        let header = Header::read(&mut start.chain(&mut reader), source_name);
        let fits = |(header, before): (Header, Vec<u8>)| {
            let present = size.saturating_sub(before.len() as u64);
            header.count(present, source_name).map(|_| (header, before, present))
        };
        let (header, before, present) = match header.and_then(fits) {
            Ok(array) => array,
            Err(error) => return Ok(Some(error.to_string())),
        };
        if selection.whole == Some(array) || header.shape.first() != Some(&selection.of) {
            copy(reader, size, before, (to, &member), source_name)?;
            return Ok(None);
        }
        let array = NpyRows::new(reader, header, present, source_name)?;
        let header = array.header(selection.rows.len());
        to.begin(&member, header.len() as u64 + array.size(selection.rows.len()))?;
        to.put(&member, &header)?;
        array.pick(selection.rows, &mut |bytes| to.put(&member, bytes)).map(|()| None)
    }

    /// The shape of the array `name` if its rows can be handed on; `None` when the archive has none of that name, or one of
    /// Python's objects, of a type that NumPy lacks, or packed as NumPy does not.
    ///
    /// # Errors
    /// The array is damaged.
    pub fn kept_shape(&mut self, name: &str) -> Result<Option<Vec<usize>>> {
        let source_name = format!("{} ({name})", self.source_name);
        let Some(index) = self.archive.index_for_name(&format!("{name}.npy")) else {
            return Ok(None);
        };
        let mut member = match self.member_at(index) {
            Ok(member) => member,
            Err(error) if is_foreign(&error) => return Ok(None),
            Err(error) => return Err(unopened(&source_name, &error)),
        };
        let (header, before) = Header::read(&mut member, &source_name)?;
        if header.item(&source_name).is_err() {
            return Ok(None);
        }
        let present = member.size().saturating_sub(before.len() as u64);
        header.count(present, &source_name).map(|_| Some(header.shape))
    }
}

/// Compares the size of a member with that of its archive.
///
/// # Errors
/// Nothing so small unpacks to so much.
pub(super) fn check_size(size: u64, length: u64, source_name: &str) -> Result<()> {
    match size > length.saturating_mul(MOST_DEFLATED) {
        true => {
            let problem = "the archive is damaged (its header says more than the file can hold)";
            Err(Error::data(source_name, problem, REMEDY))
        }
        false => Ok(()),
    }
}

/// Hands a member of `size` bytes on, of which `piece` has been read.
fn copy<W: Write + Seek>(
    mut reader: impl Read,
    size: u64,
    mut piece: Vec<u8>,
    (to, member): (&mut NpzWriter<W>, &str),
    source_name: &str,
) -> Result<()> {
    to.begin(member, size)?;
    let mut left = size;
    loop {
        to.put(member, &piece)?;
        left = left.saturating_sub(piece.len() as u64);
        if left == 0 {
            return end(&mut reader, source_name);
        }
        piece = some(&mut reader, left.min(PIECE as u64) as usize, source_name)?;
        if piece.is_empty() {
            return Err(damaged(source_name, &"it is cut short"));
        }
    }
}

/// At most so many bytes: fewer at the end.
fn some(reader: &mut impl Read, most: usize, source_name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = reader.take(most as u64).read_to_end(&mut bytes);
    read.map_err(|error| damaged(source_name, &error)).map(|_| bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::npy::{NpyValues, write_npy};
    use super::super::npz::write_npz;
    use super::*;

    fn handed_on(bytes: &[u8], selection: &Selection<'_>) -> Result<(Vec<u8>, Vec<String>)> {
        let mut to = NpzWriter::new(Cursor::new(Vec::new()));
        let left_out = Npz::open(bytes, "f.npz")?.hand_on(selection, &mut to)?;
        Ok((to.finish()?.into_inner(), left_out))
    }

    fn y(labels: &[i64]) -> NpyArray {
        NpyArray::i64(&[labels.len()], labels.to_vec())
    }

    const ROWS: Selection<'_> =
        Selection { of: 3, rows: &[2, 0], whole: Some("names"), without: &["y"] };

    #[test]
    fn rows_are_picked_without_reading_the_rest_into_memory() {
        let images = NpyArray { shape: vec![3, 1, 2], values: NpyValues::U8((0..6).collect()) };
        let bytes = write_npz(&[
            ("x", NpyArray::f32(&[3, 2], vec![0.0; 6])),
            ("y", y(&[7, 8, 9])),
            ("image", images),
        ])
        .unwrap();
        let mut npz = Npz::open(&bytes, "f.npz").unwrap();
        assert_eq!(npz.shape("image").unwrap(), Some(vec![3, 1, 2]));
        assert_eq!(npz.shape("none").unwrap(), None);
        assert_eq!(npz.rows("y", &[2, 0, 2]).unwrap(), y(&[9, 7, 9]));
        let picked = NpyArray { shape: vec![2, 1, 2], values: NpyValues::U8(vec![2, 3, 0, 1]) };
        assert_eq!(npz.rows("image", &[1, 0]).unwrap(), picked);
        assert_eq!(npz.rows("x", &[]).unwrap(), NpyArray::f32(&[0, 2], vec![]));
        let error = npz.rows("y", &[3]).unwrap_err().to_string();
        assert!(error.contains("row 3 of 3"), "{error}");
        assert!(npz.rows("z", &[]).unwrap_err().to_string().contains("no array \"z\""));
        // Damage behind the last row asked for is seen, too.
        let last = bytes.windows(8).position(|window| window == 9_i64.to_le_bytes()).unwrap();
        let mut flipped = bytes.clone();
        flipped[last] ^= 1;
        let mut npz = Npz::open(&flipped, "f.npz").unwrap();
        assert!(npz.rows("y", &[0]).unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn rows_of_arrays_with_rows_and_all_of_the_others() {
        let exact = NpyArray { shape: vec![3], values: NpyValues::F64(vec![0.1, 0.2, 0.3]) };
        let bytes = write_npz(&[
            ("exact", exact),
            ("y", NpyArray::i64(&[3], vec![0, 1, 2])),
            ("names", NpyArray::texts(["a", "b", "c"])),
            ("beta", NpyArray::f32(&[2], vec![0.5, 1.5])),
        ])
        .unwrap();
        let (out, left_out) = handed_on(&bytes, &ROWS).unwrap();
        assert!(left_out.is_empty(), "{left_out:?}");
        let mut out = Npz::open(&out, "out").unwrap();
        assert_eq!(out.names(), ["exact", "names", "beta"]);
        assert_eq!(out.labels("exact").unwrap().values, NpyValues::F64(vec![0.3, 0.1]));
        assert_eq!(out.require("names").unwrap(), NpyArray::texts(["a", "b", "c"]));
        assert_eq!(out.require("beta").unwrap(), NpyArray::f32(&[2], vec![0.5, 1.5]));
    }

    #[test]
    fn members_that_are_no_arrays_stay_and_objects_are_named() {
        let mut zip = NpzWriter::new(Cursor::new(Vec::new()));
        let text = "no array\n".repeat(PIECE / 4);
        let mut objects = write_npy(&NpyArray::texts(["a", "b", "c"]));
        let at = objects.windows(4).position(|window| window == b"'<U1").unwrap();
        objects[at..at + 4].copy_from_slice(b"'|O'");
        objects[at + 4] = b' ';
        for (name, bytes) in [("a.txt", text.as_bytes()), ("none", b""), ("o.npy", &objects)] {
            zip.begin(name, bytes.len() as u64).unwrap();
            zip.put(name, bytes).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        let (out, left_out) = handed_on(&bytes, &ROWS).unwrap();
        assert_eq!(left_out.len(), 1);
        assert!(left_out[0].contains("f.npz (o): holds Python objects"), "{left_out:?}");
        let mut npz = Npz::open(&out, "out").unwrap();
        assert_eq!(npz.archive.len(), 2);
        for (index, expected) in [text.as_bytes(), b""].into_iter().enumerate() {
            let mut found = Vec::new();
            npz.archive.by_index(index).unwrap().read_to_end(&mut found).unwrap();
            assert_eq!(found, expected);
        }
        let mut npz = Npz::open(&bytes, "f.npz").unwrap();
        assert_eq!(npz.kept_shape("o").unwrap(), None);
        assert_eq!(npz.kept_shape("none of that name").unwrap(), None);
    }

    #[test]
    fn damage_is_refused_wherever_it_is() {
        let array = NpyArray::f32(&[3], vec![0.0, 1.0, 2.0]);
        let bytes = write_npz(&[("x", array), ("beta", NpyArray::f32(&[1], vec![7.0]))]).unwrap();
        for value in [1.0_f32, 7.0] {
            let mut flipped = bytes.clone();
            let at = flipped.windows(4).rposition(|window| window == value.to_le_bytes()).unwrap();
            flipped[at] ^= 1;
            let said = handed_on(&flipped, &ROWS).unwrap_err().to_string();
            assert!(said.contains("is damaged"), "{said}");
        }
    }

    #[test]
    fn the_last_of_several_of_one_name_counts_as_in_numpy() {
        let of = |value| NpyArray::f32(&[1], vec![value]);
        let mut bytes = write_npz(&[("a", of(1.0)), ("b", of(2.0))]).unwrap();
        for at in 0..bytes.len() - 5 {
            if bytes[at..].starts_with(b"b.npy") {
                bytes[at] = b'a';
            }
        }
        let (out, left_out) = handed_on(&bytes, &ROWS).unwrap();
        assert_eq!(
            left_out,
            ["f.npz: of arrays with the same name, all but the last, which numpy.load reads"]
        );
        let mut out = Npz::open(&out, "out").unwrap();
        assert_eq!((out.names(), out.require("a").unwrap()), (vec!["a".to_owned()], of(2.0)));
    }
}
