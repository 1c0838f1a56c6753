//! MATLAB 5 MAT-files: numeric arrays, compressed or not (MathWorks, "MAT-File Format", level 5).
//!
//! A file is a 128-byte header and a list of elements: a type, a size, the data. A compressed
//! element holds one matrix element; a matrix element holds flags, dimensions, name and values.
//! Read here by hand because the sizes in a file must not be believed before they are checked.

use super::bytes::{Cursor, inflate_zlib};
use crate::error::{Error, Result};

const HEADER: usize = 128;
const MI_COMPRESSED: u32 = 15;
const MI_MATRIX: u32 = 14;
const REMEDY: &str = "use the official .mat file (MATLAB 5 format, not -v7.3)";

/// A numeric array of a MAT-file; the first dimension runs fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct MatArray {
    /// Name of the variable.
    pub name: String,
    /// Dimensions, fastest first.
    pub shape: Vec<usize>,
    /// Values in column-major order.
    pub values: MatValues,
}

/// Values as stored: MATLAB keeps whole numbers in the smallest type that holds them.
#[derive(Clone, Debug, PartialEq)]
pub enum MatValues {
    /// Unsigned bytes.
    U8(Vec<u8>),
    /// Any other numeric type.
    F64(Vec<f64>),
}

impl MatValues {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// True without a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads the real numeric arrays of a MAT-file; cells, structures and texts are skipped.
///
/// # Errors
/// Not a little-endian MATLAB 5 file, truncated or damaged elements, or dimensions that do not
/// match the number of values.
pub fn parse_mat(bytes: &[u8], source_name: &str) -> Result<Vec<MatArray>> {
    check_header(bytes, source_name)?;
    let mut cursor = Cursor::new(&bytes[HEADER..], source_name);
    let mut arrays = Vec::new();
    while !cursor.rest().is_empty() {
        let kind = cursor.u32_le("an element's type")?;
        let size = cursor.u32_le("an element's size")? as usize;
        let data = cursor.take(size, "an element")?;
        let array = match kind {
            MI_COMPRESSED => {
                let inflated = inflate_zlib(data, source_name)?;
                let mut inner = Cursor::new(&inflated, source_name);
                let kind = inner.u32_le("an element's type")?;
                let size = inner.u32_le("an element's size")? as usize;
                let data = inner.take(size, "a compressed element")?;
                if kind == MI_MATRIX { matrix(data, source_name)? } else { None }
            }
            MI_MATRIX => matrix(data, source_name)?,
            1..=18 => None,
            _ => {
                let problem = format!("an element of unknown type {kind}");
                return Err(Error::data(source_name, problem, REMEDY));
            }
        };
        arrays.extend(array);
    }
    Ok(arrays)
}

fn check_header(bytes: &[u8], source_name: &str) -> Result<()> {
    let refuse = |problem: &str| Err(Error::data(source_name, problem, REMEDY));
    if bytes.is_empty() {
        return refuse("the file is empty");
    }
    if bytes.starts_with(b"MATLAB 7.3") || bytes.starts_with(b"\x89HDF") {
        return refuse("a MATLAB 7.3 (HDF5) file");
    }
    match bytes.get(124..HEADER) {
        None => refuse("truncated: shorter than the 128-byte header of a MAT-file"),
        Some([_, _, b'M', b'I']) => refuse("a big-endian MAT-file"),
        Some([0, 1, b'I', b'M']) => Ok(()),
        Some(_) => refuse("not a MATLAB 5 MAT-file"),
    }
}

/// Reads the sub-elements of a matrix; `None` when it is not a real numeric array.
fn matrix(data: &[u8], source_name: &str) -> Result<Option<MatArray>> {
    let mut cursor = Cursor::new(data, source_name);
    let (_, flags) = sub_element(&mut cursor, "the array flags")?;
    let class = flags.first().copied().unwrap_or(0);
    let is_complex = flags.get(1).is_some_and(|bits| bits & 0x08 != 0);
    if !(6..=15).contains(&class) || is_complex {
        return Ok(None);
    }
    let (_, dims) = sub_element(&mut cursor, "the dimensions")?;
    let shape: Vec<usize> = dims
        .chunks_exact(4)
        .map(|dim| u32::from_le_bytes([dim[0], dim[1], dim[2], dim[3]]) as usize)
        .collect();
    let (_, name) = sub_element(&mut cursor, "the name")?;
    let name = String::from_utf8_lossy(name).into_owned();
    let (kind, stored) = sub_element(&mut cursor, "the values")?;
    let Some(values) = decode(kind, stored) else {
        let problem = format!("values of type {kind} in {name:?}");
        return Err(Error::data(source_name, problem, REMEDY));
    };
    let count = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
    if count != Some(values.len()) {
        return Err(Error::data(
            source_name,
            format!("{name:?} claims shape {shape:?} and holds {} values", values.len()),
            "the file is damaged: fetch it again",
        ));
    }
    Ok(Some(MatArray { name, shape, values }))
}

/// A tag and its data; small elements pack both into eight bytes, others are padded to eight.
fn sub_element<'a>(cursor: &mut Cursor<'a>, what: &str) -> Result<(u32, &'a [u8])> {
    let word = cursor.u32_le(what)?;
    let (kind, small) = (word & 0xffff, (word >> 16) as usize);
    if small > 0 {
        let data = cursor.take(4, what)?;
        return Ok((kind, &data[..small.min(4)]));
    }
    let size = cursor.u32_le(what)? as usize;
    let data = cursor.take(size, what)?;
    let padding = (8 - size % 8) % 8;
    // The last element of a matrix may come without its padding.
    cursor.take(padding.min(cursor.rest().len()), what)?;
    Ok((kind, data))
}

/// Widens stored numbers; `None` for a type that is not numeric.
fn decode(kind: u32, data: &[u8]) -> Option<MatValues> {
    fn wide<const N: usize>(data: &[u8], one: impl Fn([u8; N]) -> f64) -> Option<MatValues> {
        let (chunks, rest) = data.as_chunks::<N>();
        rest.is_empty().then(|| MatValues::F64(chunks.iter().map(|&chunk| one(chunk)).collect()))
    }
    match kind {
        1 => wide(data, |chunk| f64::from(i8::from_le_bytes(chunk))),
        2 => Some(MatValues::U8(data.to_vec())),
        3 => wide(data, |chunk| f64::from(i16::from_le_bytes(chunk))),
        4 => wide(data, |chunk| f64::from(u16::from_le_bytes(chunk))),
        5 => wide(data, |chunk| f64::from(i32::from_le_bytes(chunk))),
        6 => wide(data, |chunk| f64::from(u32::from_le_bytes(chunk))),
        7 => wide(data, |chunk| f64::from(f32::from_le_bytes(chunk))),
        9 => wide(data, f64::from_le_bytes),
        12 => wide(data, |chunk| i64::from_le_bytes(chunk) as f64),
        13 => wide(data, |chunk| u64::from_le_bytes(chunk) as f64),
        _ => None,
    }
}

/// Small files, for tests.
#[cfg(any(test, feature = "fuzz"))]
pub(in crate::data) mod made {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};

    fn element(kind: u32, data: &[u8]) -> Vec<u8> {
        let mut out = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
        out.extend(data);
        out.resize(out.len().next_multiple_of(8), 0);
        out
    }

    /// A matrix element as MATLAB writes it.
    pub(in crate::data) fn matrix(
        name: &str,
        class: u8,
        dims: &[u32],
        kind: u32,
        data: &[u8],
    ) -> Vec<u8> {
        let dims: Vec<u8> = dims.iter().flat_map(|dim| dim.to_le_bytes()).collect();
        let small_name = if name.len() <= 4 {
            let mut out = (1u32 | (name.len() as u32) << 16).to_le_bytes().to_vec();
            out.extend(name.as_bytes());
            out.resize(8, 0);
            out
        } else {
            element(1, name.as_bytes())
        };
        let body = [
            element(6, &[class, 0, 0, 0, 0, 0, 0, 0]),
            element(5, &dims),
            small_name,
            element(kind, data),
        ];
        element(14, &body.concat())
    }

    /// A whole file of compressed elements.
    pub(in crate::data) fn file(matrices: &[Vec<u8>]) -> Vec<u8> {
        let mut out = b"MATLAB 5.0 MAT-file, made by a test".to_vec();
        out.resize(124, b' ');
        out.extend([0, 1, b'I', b'M']);
        for matrix in matrices {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(matrix).expect("memory takes it");
            let packed = encoder.finish().expect("memory takes it");
            out.extend(15u32.to_le_bytes());
            out.extend((packed.len() as u32).to_le_bytes());
            out.extend(packed);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::made::{file, matrix};
    use super::*;

    fn message(bytes: &[u8]) -> String {
        parse_mat(bytes, "m.mat").unwrap_err().to_string()
    }

    #[test]
    fn compressed_and_plain_arrays_are_read() {
        let bytes = matrix("X", 9, &[2, 3], 2, &[1, 2, 3, 4, 5, 6]);
        let doubles: Vec<u8> =
            [0.5f64, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let numbers = matrix("long_name", 6, &[2, 1], 9, &doubles);
        let mut out = file(std::slice::from_ref(&bytes));
        out.extend(&numbers);
        let arrays = parse_mat(&out, "m").unwrap();
        assert_eq!(arrays[0].shape, [2, 3]);
        assert_eq!(arrays[0].values, MatValues::U8(vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(arrays[1].name, "long_name");
        assert_eq!(arrays[1].values, MatValues::F64(vec![0.5, -2.0]));
        let text = matrix("note", 4, &[1, 1], 4, &[65, 0]);
        assert_eq!(parse_mat(&file(&[text, bytes]), "m").unwrap().len(), 1);
    }

    #[test]
    fn broken_files_are_refused() {
        let good = file(&[matrix("X", 9, &[2, 3], 2, &[1, 2, 3, 4, 5, 6])]);
        for cut in (1..good.len()).filter(|&cut| cut != HEADER) {
            assert!(parse_mat(&good[..cut], "m").is_err(), "{cut}");
        }
        assert!(message(&[]).contains("empty"));
        assert!(message(&good[..100]).contains("128-byte header"));
        assert!(message(&good[..good.len() - 3]).contains("truncated"));
        assert!(message(b"MATLAB 7.3 MAT-file").contains("7.3"));
        assert!(message(&[b' '; 200]).contains("not a MATLAB 5"));
        let mut big_endian = good.clone();
        big_endian[126..128].copy_from_slice(b"MI");
        assert!(message(&big_endian).contains("big-endian"));
        let mut lying = good.clone();
        lying[132..136].fill(0xff);
        assert!(message(&lying).contains("needs 4294967295 bytes"));
        let wrong = file(&[matrix("X", 9, &[u32::MAX, u32::MAX, 9], 2, &[1])]);
        assert!(message(&wrong).contains("holds 1 values"));
        let mut flipped = good;
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        assert!(message(&flipped).contains("damaged"));
    }
}
