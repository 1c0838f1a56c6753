//! Values of an array: the types of NumPy that are read, and what they become.

use std::io::{self, Write};

use half::f16;

/// Values of an array. Other types are converted on reading: float16 becomes `f32`, float64, too, unless it is asked for
/// as it is, booleans and all integers but uint8 become `i64`.
#[derive(Clone, Debug, PartialEq)]
pub enum NpyValues {
    /// uint8
    U8(Vec<u8>),
    /// float16, float32, float64
    F32(Vec<f32>),
    /// float64, of labels
    F64(Vec<f64>),
    /// bool, int8 to int64, uint16 to uint64
    I64(Vec<i64>),
    /// Texts (`<U5`) and byte strings (`|S5`), without the zeros that NumPy fills them up with
    Text(Vec<String>),
}

/// What float64 becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    /// What is computed with: half the memory.
    Single,
    /// Labels: two that differ must not become one.
    Double,
}

/// The remedy for types that have none of their own.
pub(super) const REMEDY: &str =
    "save float32, float64, uint8, integer or text arrays with numpy.savez";

/// What is wrong with a type that is not read, and what to do; `None` for one that is.
pub(super) fn unsupported(descr: &str) -> Option<(String, &'static str)> {
    if decode(descr, &[], Precision::Single).is_some() {
        return None;
    }
    let (what, remedy) = match (descr.get(..1), descr.get(1..2), descr.get(2..)) {
        (Some("["), ..) => {
            ("holds records of several fields", "save one array for each field: a[\"name\"]")
        }
        (_, Some("O"), _) => {
            ("holds Python objects", "save it as numbers, or as text with a.astype(str)")
        }
        (_, Some("M" | "m"), _) => {
            ("holds dates or spans of time", "save them as numbers: a.astype(\"int64\")")
        }
        (_, Some("c"), _) => {
            ("holds complex numbers", "save real and imaginary part as features of their own")
        }
        (_, Some("f"), Some("10" | "12" | "16")) => {
            ("holds numbers of type longdouble", "save it with x.astype(\"float32\")")
        }
        _ => return Some((format!("values of type {descr:?} are not supported"), REMEDY)),
    };
    let kind = if descr.starts_with('[') { String::new() } else { format!(" (type {descr:?})") };
    Some((format!("{what}{kind}"), remedy))
}

/// Bytes of a value; 0 for an unsupported type.
pub(super) fn width(descr: &str) -> usize {
    let number = |text: &str| text.parse().unwrap_or(0_usize);
    match descr.get(1..2) {
        // Four bytes a letter.
        Some("U") => descr.get(2..).map_or(0, number).saturating_mul(4),
        _ => descr.get(2..).map_or(0, number),
    }
}

/// Bytes that a value takes in memory; of a text those beside its letters.
pub(super) fn width_in_memory(descr: &str) -> usize {
    match decode(descr, &[], Precision::Single) {
        Some(NpyValues::U8(_)) => 1,
        Some(NpyValues::F32(_)) => 4,
        Some(NpyValues::F64(_) | NpyValues::I64(_)) => 8,
        _ => size_of::<String>(),
    }
}

/// Converts raw values; `None` for an unsupported type.
pub(super) fn decode(descr: &str, bytes: &[u8], precision: Precision) -> Option<NpyValues> {
    /// Every chunk in little-endian order through `one`.
    fn each<const N: usize, T>(bytes: &[u8], big: bool, one: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (chunks, _) = bytes.as_chunks::<N>();
        let swap = |mut chunk: [u8; N]| {
            if big {
                chunk.reverse();
            }
            one(chunk)
        };
        chunks.iter().map(|&chunk| swap(chunk)).collect()
    }
    let big = descr.starts_with('>');
    Some(match descr.get(1..)? {
        "u1" => NpyValues::U8(bytes.to_vec()),
        "f2" => NpyValues::F32(each(bytes, big, |chunk| f16::from_le_bytes(chunk).to_f32())),
        "f4" => NpyValues::F32(each(bytes, big, f32::from_le_bytes)),
        "f8" if precision == Precision::Double => {
            NpyValues::F64(each(bytes, big, f64::from_le_bytes))
        }
        "f8" => NpyValues::F32(each(bytes, big, |chunk| f64::from_le_bytes(chunk) as f32)),
        "b1" => NpyValues::I64(each(bytes, big, |[byte]| i64::from(byte))),
        "i1" => NpyValues::I64(each(bytes, big, |chunk| i64::from(i8::from_le_bytes(chunk)))),
        "i2" => NpyValues::I64(each(bytes, big, |chunk| i64::from(i16::from_le_bytes(chunk)))),
        "i4" => NpyValues::I64(each(bytes, big, |chunk| i64::from(i32::from_le_bytes(chunk)))),
        "i8" => NpyValues::I64(each(bytes, big, i64::from_le_bytes)),
        "u2" => NpyValues::I64(each(bytes, big, |chunk| i64::from(u16::from_le_bytes(chunk)))),
        "u4" => NpyValues::I64(each(bytes, big, |chunk| i64::from(u32::from_le_bytes(chunk)))),
        // Labels and indices: what does not fit is out of every range anyway.
        "u8" => NpyValues::I64(each(bytes, big, |chunk| {
            i64::try_from(u64::from_le_bytes(chunk)).unwrap_or(i64::MAX)
        })),
        text => NpyValues::Text(texts(text, width(descr), bytes, big)?),
    })
}

/// Texts of `width` bytes each, as `U5` or `S5` says; `None` if it says neither, or texts without a letter, of which there
/// could be any number in no bytes.
fn texts(kind: &str, width: usize, bytes: &[u8], big: bool) -> Option<Vec<String>> {
    if width == 0 || width == usize::MAX {
        return None;
    }
    let letters = |text: &[u8]| -> String {
        let codes = text.as_chunks::<4>().0.iter().map(|&code| match big {
            true => u32::from_be_bytes(code),
            false => u32::from_le_bytes(code),
        });
        codes.map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    let chunks = bytes.chunks_exact(width);
    match kind.get(..1)? {
        "U" => Some(chunks.map(|text| letters(text).trim_end_matches('\0').to_owned()).collect()),
        "S" => Some(
            chunks
                .map(|text| String::from_utf8_lossy(text).trim_end_matches('\0').to_owned())
                .collect(),
        ),
        _ => None,
    }
}

impl NpyValues {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// True without a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the values are, for a message.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::U8(_) => "uint8",
            Self::F32(_) | Self::F64(_) => "floats",
            Self::I64(_) => "whole numbers",
            Self::Text(_) => "words",
        }
    }

    /// The values at these places, in that order.
    ///
    /// # Panics
    /// There is no such place.
    pub(super) fn taken(&self, places: impl Iterator<Item = usize>) -> Self {
        fn of<T: Clone>(values: &[T], places: impl Iterator<Item = usize>) -> Vec<T> {
            places.map(|at| values[at].clone()).collect()
        }
        match self {
            Self::U8(values) => Self::U8(of(values, places)),
            Self::F32(values) => Self::F32(of(values, places)),
            Self::F64(values) => Self::F64(of(values, places)),
            Self::I64(values) => Self::I64(of(values, places)),
            Self::Text(values) => Self::Text(of(values, places)),
        }
    }

    /// Values stored column by column, as rows.
    pub(super) fn c_order(self, shape: &[usize]) -> Self {
        let strides: Vec<usize> = shape
            .iter()
            .scan(1, |stride, &dim| {
                let this = *stride;
                *stride *= dim;
                Some(this)
            })
            .collect();
        let source = |mut at: usize| {
            let mut offset = 0;
            for (&dim, stride) in shape.iter().zip(&strides).rev() {
                offset += at % dim * stride;
                at /= dim;
            }
            offset
        };
        self.taken((0..self.len()).map(source))
    }

    /// Whether there is memory for so many more.
    pub(super) fn reserve(&mut self, count: usize) -> bool {
        let reserved = match self {
            Self::U8(values) => values.try_reserve_exact(count),
            Self::F32(values) => values.try_reserve_exact(count),
            Self::F64(values) => values.try_reserve_exact(count),
            Self::I64(values) => values.try_reserve_exact(count),
            Self::Text(values) => values.try_reserve_exact(count),
        };
        reserved.is_ok()
    }

    /// Adds values of the same type at the end.
    pub(super) fn append(&mut self, more: Self) {
        match (self, more) {
            (Self::U8(values), Self::U8(more)) => values.extend(more),
            (Self::F32(values), Self::F32(more)) => values.extend(more),
            (Self::F64(values), Self::F64(more)) => values.extend(more),
            (Self::I64(values), Self::I64(more)) => values.extend(more),
            (Self::Text(values), Self::Text(more)) => values.extend(more),
            _ => unreachable!("one array has one type"),
        }
    }

    /// The type that the values are written in.
    pub(super) fn descr(&self) -> String {
        match self {
            Self::U8(_) => "|u1".to_owned(),
            Self::F32(_) => "<f4".to_owned(),
            Self::F64(_) => "<f8".to_owned(),
            Self::I64(_) => "<i8".to_owned(),
            Self::Text(texts) => format!("<U{}", letters(texts)),
        }
    }

    /// Writes the values, a piece at a time: an archive can be larger than what is left of memory.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        fn pieces<T: Copy, const N: usize>(
            values: &[T],
            bytes: fn(T) -> [u8; N],
            out: &mut impl Write,
        ) -> io::Result<()> {
            values.chunks(1 << 14).try_for_each(|piece| {
                let bytes: Vec<[u8; N]> = piece.iter().map(|&value| bytes(value)).collect();
                out.write_all(bytes.as_flattened())
            })
        }
        match self {
            Self::U8(values) => out.write_all(values),
            Self::F32(values) => pieces(values, f32::to_le_bytes, out),
            Self::F64(values) => pieces(values, f64::to_le_bytes, out),
            Self::I64(values) => pieces(values, i64::to_le_bytes, out),
            Self::Text(texts) => {
                let width = letters(texts);
                texts.iter().try_for_each(|text| {
                    let mut codes: Vec<u32> = text.chars().map(u32::from).collect();
                    codes.resize(width, 0);
                    pieces(&codes, u32::to_le_bytes, out)
                })
            }
        }
    }
}

/// Letters of the longest text, at least one: NumPy has no texts of none.
fn letters(texts: &[String]) -> usize {
    texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1)
}
