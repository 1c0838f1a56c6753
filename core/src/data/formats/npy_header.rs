//! The header of an array: a Python dictionary that says type, order and shape. Versions 1 to 3 of the format differ in
//! the bytes of its length and in its letters (Latin-1, from version 3 on UTF-8).

use std::io::Read;

use super::npy_descr::{Item, Literal, item};
use super::npy_values::{REMEDY, unsupported};
use crate::error::{Error, Result};

/// What an array begins with.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// What to do about an array that does not end where its header says.
pub(super) const DAMAGED: &str = "the file is damaged or incomplete: make it again";

/// No type has so many fields that its header is longer.
const LONGEST: usize = 1 << 24;

/// NumPy has arrays of no more dimensions.
const MOST_DIMENSIONS: usize = 64;

/// What stands before the values.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// Byte order, kind and width, for example `<f4`; `[...]` for records of several fields.
    pub(super) descr: String,
    /// Whether the first index runs fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
    /// The type as Python spells it, quotes included.
    literal: Vec<u8>,
    item: Option<Item>,
    version: u8,
}

impl Header {
    /// That of values of a type without parts, row by row.
    pub(super) fn new(descr: &str, shape: &[usize]) -> Self {
        let literal = format!("'{descr}'").into_bytes();
        let (item, shape) = (item(&literal), shape.to_vec());
        Self { descr: descr.to_owned(), fortran: false, shape, literal, item, version: 1 }
    }

    /// Whether values are of the same type, byte order and the names of fields included.
    pub(super) fn is_of_type(&self, other: &Self) -> bool {
        self.literal == other.literal
    }

    /// Reads a header, and returns its bytes, too.
    ///
    /// # Errors
    /// The stream is no array, is cut off, or has a header that cannot be read.
    pub(super) fn read(reader: &mut impl Read, source_name: &str) -> Result<(Self, Vec<u8>)> {
        let mut bytes = Vec::new();
        if next(reader, &mut bytes, MAGIC.len(), source_name)? != MAGIC {
            return Err(Error::data(source_name, "not an NPY array", REMEDY));
        }
        let version = next(reader, &mut bytes, 2, source_name)?[0];
        let digits = if version == 1 { 2 } else { 4 };
        let length = next(reader, &mut bytes, digits, source_name)?;
        let length = length.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte));
        next(reader, &mut bytes, length.min(LONGEST), source_name)?;
        let text = &bytes[if version == 1 { 10 } else { 12 }..];
        match Self::parse(text, version).filter(|_| (1..=3).contains(&version) && length <= LONGEST)
        {
            Some(header) => Ok((header, bytes)),
            None => {
                let start: String = String::from_utf8_lossy(text).chars().take(80).collect();
                let problem = format!("unreadable NPY header {start:?} of version {version}");
                Err(Error::data(source_name, problem, REMEDY))
            }
        }
    }

    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
    fn parse(text: &[u8], version: u8) -> Option<Self> {
        let mut rest = Literal(text);
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        if !rest.takes(b'{') {
            return None;
        }
        while !rest.takes(b'}') {
            let key = rest.text()?;
            if !rest.takes(b':') {
                return None;
            }
            let value = rest.value()?;
            match key {
                b"descr" => descr = Some(value),
                b"fortran_order" => fortran = Some(value),
                b"shape" => shape = Literal(value).shape(),
                _ => {}
            }
            if !rest.takes(b',') {
                rest.takes(b'}').then_some(())?;
                break;
            }
        }
        let literal = descr?.to_vec();
        let fortran = match fortran? {
            b"True" => true,
            b"False" => false,
            _ => return None,
        };
        let descr = match literal.starts_with(b"[") {
            true => "[...]".to_owned(),
            false => String::from_utf8_lossy(Literal(&literal).text()?).into_owned(),
        };
        let shape = shape.filter(|shape: &Vec<usize>| shape.len() <= MOST_DIMENSIONS)?;
        let item = item(&literal);
        Some(Self { descr, fortran, shape, literal, item, version })
    }

    /// Bytes of a value.
    ///
    /// # Errors
    /// Objects of Python, or a type that NumPy does not have.
    pub(super) fn item(&self, source_name: &str) -> Result<usize> {
        let (problem, remedy) = match self.item {
            Some(Item::Bytes(bytes)) => return Ok(bytes),
            Some(Item::Objects) if self.descr.starts_with('[') => (
                "holds records with Python objects".to_owned(),
                "save each field as an array of numbers or text",
            ),
            _ => unsupported(&self.descr).unwrap_or_else(|| {
                (format!("values of type {:?} are not supported", self.descr), REMEDY)
            }),
        };
        Err(Error::data(source_name, problem, remedy))
    }

    /// Number of values, which must be `present` bytes.
    ///
    /// # Errors
    /// As [`Header::item`]; also another number of bytes.
    pub(super) fn count(&self, present: u64, source_name: &str) -> Result<usize> {
        let item = self.item(source_name)?;
        let (shape, descr) = (&self.shape, &self.descr);
        // Those of a row where there are no rows, too: nothing that is computed with them may overflow.
        let most = shape.iter().try_fold(item.max(1), |most, &dim| most.checked_mul(dim.max(1)));
        let count = most.map(|_| shape.iter().product());
        count.filter(|&count: &usize| (count * item) as u64 == present).ok_or_else(|| {
            let problem = format!(
                "the header says {shape:?} values of type {descr:?}, but {present} bytes follow"
            );
            Error::data(source_name, problem, "the array is cut short or damaged")
        })
    }

    /// The same header for another shape, as bytes.
    pub(super) fn written(&self, shape: &[usize]) -> Vec<u8> {
        let dims: String = shape.iter().map(|dim| format!("{dim},")).collect();
        let order = if self.fortran { "True" } else { "False" };
        let rest = format!(", 'fortran_order': {order}, 'shape': ({dims}), }}");
        let mut text = [b"{'descr': ", &self.literal[..], rest.as_bytes()].concat();
        let long = self.version > 1 || text.len() + 64 > usize::from(u16::MAX);
        let before = if long { 12 } else { 10 };
        // NumPy maps files: the values must begin at a multiple of 64 bytes.
        let padding = (64 - (before + text.len() + 1) % 64) % 64;
        text.resize(text.len() + padding, b' ');
        text.push(b'\n');
        let mut out = MAGIC.to_vec();
        out.extend([if long { self.version.max(2) } else { 1 }, 0]);
        match long {
            true => out.extend((text.len() as u32).to_le_bytes()),
            false => out.extend((text.len() as u16).to_le_bytes()),
        }
        out.extend(text);
        out
    }
}

/// Appends the next `count` bytes of a stream, and returns them.
fn next<'a>(
    reader: &mut impl Read,
    bytes: &'a mut Vec<u8>,
    count: usize,
    source_name: &str,
) -> Result<&'a [u8]> {
    let from = bytes.len();
    let got = reader.take(count as u64).read_to_end(bytes);
    match got.map_err(|error| damaged(source_name, &error))? == count {
        true => Ok(&bytes[from..]),
        false => Err(Error::data(source_name, "truncated: the NPY header is cut off", REMEDY)),
    }
}

/// An array whose bytes are not those that were promised.
pub(super) fn damaged(source_name: &str, problem: &dyn std::fmt::Display) -> Error {
    Error::data(source_name, format!("the array is damaged ({problem})"), DAMAGED)
}

/// Reads on to the end of a stream, where checksums are compared, and which must be here.
pub(super) fn end(reader: &mut impl Read, source_name: &str) -> Result<()> {
    match std::io::copy(&mut reader.take(1), &mut std::io::sink()) {
        Ok(0) => Ok(()),
        Ok(_) => Err(damaged(source_name, &"it is longer than it was said to be")),
        Err(error) => Err(damaged(source_name, &error)),
    }
}
