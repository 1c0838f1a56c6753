//! Rows of every array of an archive, handed on to another as they are, whatever their type.

use std::io::{Read, Seek, Write};

use super::npy::PIECE;
use super::npy_header::{Header, MAGIC, damaged, end};
use super::npy_rows::NpyRows;
use super::npz::{Npz, NpzWriter, check_size, is_foreign, unopened};
use crate::error::Result;

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
        let mut reader = match self.archive.by_index(index) {
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
        let mut member = match self.archive.by_index(index) {
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
