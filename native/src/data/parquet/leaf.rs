//! One column of a Parquet file, as it is stored and as cells of a table.

use std::fs::File;

use anyhow::{Context as _, Result, bail, ensure};
use gleaner_core::data::table::{Cells, Column, is_missing};
use half::f16;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

use super::dates::Clock;

/// Rows that are read at once.
const BATCH: usize = 1 << 16;

/// What a column is in a table.
pub(super) enum Content {
    /// A column, or one for each place in its lists.
    Columns(Vec<Column>),
    /// Encoded pictures, one a row.
    Pictures(Vec<Vec<u8>>),
}

/// A column as it is stored: the values that are there, and the levels that say where they are.
pub(super) struct Leaf {
    column: ColumnDescPtr,
    values: Values,
    /// How much of the path to the value is there: all of it is, where this is the column's greatest level.
    defined: Vec<i16>,
    /// 0 where a row begins, more where its list goes on.
    repeated: Vec<i16>,
}

/// Values by how they are stored.
enum Values {
    Bools(Vec<bool>),
    Integers(Vec<i64>),
    Floats(Vec<f64>),
    Bytes(Vec<ByteArray>),
}

/// What values stand for.
enum Meaning {
    Numbers(Vec<f64>),
    Words(Vec<String>),
    Pictures(Vec<ByteArray>),
}

impl Leaf {
    /// Reads a column of all row groups.
    pub(super) fn read(reader: &SerializedFileReader<File>, place: usize) -> Result<Self> {
        let column = reader.metadata().file_metadata().schema_descr().column(place);
        let values = match column.physical_type() {
            Type::BOOLEAN => Values::Bools(Vec::new()),
            Type::INT32 | Type::INT64 | Type::INT96 => Values::Integers(Vec::new()),
            Type::FLOAT | Type::DOUBLE => Values::Floats(Vec::new()),
            Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => Values::Bytes(Vec::new()),
        };
        let mut leaf = Self { column, values, defined: Vec::new(), repeated: Vec::new() };
        for group in 0..reader.num_row_groups() {
            leaf.append(reader.get_row_group(group)?.get_column_reader(place)?)?;
        }
        Ok(leaf)
    }

    fn append(&mut self, reader: ColumnReader) -> Result<()> {
        let levels = (&mut self.defined, &mut self.repeated);
        use ColumnReader as R;
        match (reader, &mut self.values) {
            (R::BoolColumnReader(reader), Values::Bools(to)) => {
                pump(reader, levels, |value| to.push(value))
            }
            (R::Int32ColumnReader(reader), Values::Integers(to)) => {
                pump(reader, levels, |value| to.push(i64::from(value)))
            }
            (R::Int64ColumnReader(reader), Values::Integers(to)) => {
                pump(reader, levels, |value| to.push(value))
            }
            (R::Int96ColumnReader(reader), Values::Integers(to)) => {
                pump(reader, levels, |value| to.push(value.to_micros()))
            }
            (R::FloatColumnReader(reader), Values::Floats(to)) => {
                pump(reader, levels, |value| to.push(f64::from(value)))
            }
            (R::DoubleColumnReader(reader), Values::Floats(to)) => {
                pump(reader, levels, |value| to.push(value))
            }
            (R::ByteArrayColumnReader(reader), Values::Bytes(to)) => {
                pump(reader, levels, |value| to.push(value))
            }
            (R::FixedLenByteArrayColumnReader(reader), Values::Bytes(to)) => {
                pump(reader, levels, |value| to.push(value.into()))
            }
            _ => bail!("row groups store it in different ways"),
        }
    }

    /// What the column is in a table.
    pub(super) fn content(self) -> Result<Content> {
        let Self { column, values, defined, repeated } = self;
        let parts = column.path().parts();
        let meaning = meaning(&column, values)?;
        let all = column.max_def_level();
        match (column.max_rep_level(), meaning) {
            (0, Meaning::Numbers(numbers)) => {
                let cells = spread(numbers, &defined, all).map(|cell| cell.unwrap_or(f64::NAN));
                let cells: Vec<f64> = cells.collect();
                finite(&cells, 1)?;
                Ok(Content::Columns(vec![Column {
                    name: parts.join("."),
                    cells: Cells::Numbers(cells),
                }]))
            }
            (0, Meaning::Words(words)) => {
                let cells = spread(words, &defined, all);
                let given = |word: String| {
                    let trimmed = word.trim();
                    (!is_missing(trimmed)).then(|| trimmed.to_owned())
                };
                let cells = Cells::of_words(cells.map(|cell| cell.and_then(given)));
                Ok(Content::Columns(vec![Column { name: parts.join("."), cells }]))
            }
            (0, Meaning::Pictures(files)) => {
                let file = |(row, file): (usize, Option<ByteArray>)| {
                    let missing = || format!("row {} has no picture in it", row + 1);
                    file.map(|file| file.data().to_vec()).with_context(missing)
                };
                let files = spread(files, &defined, all).enumerate().map(file);
                Ok(Content::Pictures(files.collect::<Result<_>>()?))
            }
            (1, Meaning::Numbers(numbers)) => {
                let begins = column.repeated_ancestor_def_level();
                let (cells, length) = lists(&numbers, &defined, &repeated, (begins, all))?;
                finite(&cells, length)?;
                let name = list_name(parts);
                let place = |place: usize| Column {
                    name: format!("{name}.{place}"),
                    cells: Cells::Numbers(
                        cells.iter().skip(place).step_by(length).copied().collect(),
                    ),
                };
                Ok(Content::Columns((0..length).map(place).collect()))
            }
            (1, _) => bail!("it holds lists of something else than numbers"),
            _ => bail!("it holds lists of lists"),
        }
    }
}

fn pump<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    (defined, repeated): (&mut Vec<i16>, &mut Vec<i16>),
    push: impl FnMut(T::T),
) -> Result<()> {
    let mut push = push;
    let mut values = Vec::new();
    loop {
        let (rows, ..) = reader.read_records(BATCH, Some(defined), Some(repeated), &mut values)?;
        if rows == 0 && values.is_empty() {
            return Ok(());
        }
        values.drain(..).for_each(&mut push);
    }
}

/// Values where they are, `None` where they are missing.
fn spread<T>(values: Vec<T>, defined: &[i16], all: i16) -> impl Iterator<Item = Option<T>> {
    // A column that cannot be null stores no levels.
    let rows = if all == 0 { values.len() } else { defined.len() };
    let mut values = values.into_iter();
    (0..rows).map(move |row| match all == 0 || defined[row] == all {
        true => values.next(),
        false => None,
    })
}

/// Numbers of lists, row after row, and the length that they share. A list that is null is missing everywhere.
fn lists(
    numbers: &[f64],
    defined: &[i16],
    repeated: &[i16],
    (begins, all): (i16, i16),
) -> Result<(Vec<f64>, usize)> {
    ensure!(defined.len() == repeated.len(), "its levels do not fit");
    let mut numbers = numbers.iter().copied();
    // The length of each row, `None` for null.
    let (mut lengths, mut cells): (Vec<Option<usize>>, Vec<f64>) = (Vec::new(), Vec::new());
    for (&defined, &repeated) in defined.iter().zip(repeated) {
        if repeated == 0 {
            // The level before the one at which elements begin is that of a list without any.
            lengths.push((defined >= begins - 1).then_some(0));
        }
        if let Some(Some(length)) = lengths.last_mut()
            && defined >= begins
        {
            *length += 1;
            let number = if defined == all { numbers.next() } else { None };
            cells.push(number.unwrap_or(f64::NAN));
        }
    }
    let length = lengths.iter().flatten().copied().next().context("all its lists are missing")?;
    let other = lengths.iter().flatten().position(|&other| other != length || other == 0);
    ensure!(other.is_none(), "its lists have different lengths, or none");
    let mut given = cells.chunks_exact(length);
    let missing = vec![f64::NAN; length];
    let row = |found: &Option<usize>| match found {
        Some(_) => given.next().unwrap_or(&missing),
        None => &missing[..],
    };
    let rows: Vec<&[f64]> = lengths.iter().map(row).collect();
    Ok((rows.concat(), length))
}

/// The name of a list, without what the format puts between it and its elements.
fn list_name(parts: &[String]) -> String {
    let named = match parts {
        [named @ .., middle, _] if !named.is_empty() && matches!(&**middle, "list" | "bag") => {
            named
        }
        [named @ .., last] if !named.is_empty() && matches!(&**last, "array" | "element") => named,
        _ => parts,
    };
    named.join(".")
}

fn finite(cells: &[f64], width: usize) -> Result<()> {
    match cells.iter().position(|cell| cell.is_infinite()) {
        Some(place) => bail!("row {} holds an infinite number", place / width + 1),
        None => Ok(()),
    }
}

/// What the stored values stand for, by the type that the file declares.
fn meaning(column: &ColumnDescPtr, values: Values) -> Result<Meaning> {
    let logical = column.logical_type_ref();
    Ok(match values {
        Values::Bools(bools) => Meaning::Words(bools.iter().map(bool::to_string).collect()),
        Values::Floats(floats) => Meaning::Numbers(floats),
        Values::Integers(integers) => match clock(column) {
            Some(clock) => Meaning::Words(clock.words(&integers)),
            None => Meaning::Numbers(integers.iter().map(|&i| number(column, i)).collect()),
        },
        Values::Bytes(bytes) => {
            let is_decimal = matches!(logical, Some(LogicalType::Decimal(_)))
                || column.converted_type() == ConvertedType::DECIMAL;
            if is_decimal {
                let scale = scale(column);
                let decimals = bytes.iter().map(|bytes| Ok(big_endian(bytes.data())? / scale));
                return Ok(Meaning::Numbers(decimals.collect::<Result<_>>()?));
            }
            if matches!(logical, Some(LogicalType::Float16)) {
                let half = |bytes: &ByteArray| {
                    let bytes =
                        bytes.data().try_into().context("it holds no numbers of 16 bits")?;
                    Ok(f16::from_le_bytes(bytes).to_f64())
                };
                return Ok(Meaning::Numbers(bytes.iter().map(half).collect::<Result<_>>()?));
            }
            texts(bytes, matches!(logical, Some(LogicalType::Uuid)))?
        }
    })
}

fn clock(column: &ColumnDescPtr) -> Option<Clock> {
    let rate = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    };
    if column.physical_type() == Type::INT96 {
        return Some(Clock::Instant(1_000_000, false));
    }
    match column.logical_type_ref() {
        Some(LogicalType::Date) => Some(Clock::Days),
        Some(LogicalType::Time(time)) => Some(Clock::Time(rate(&time.unit))),
        Some(LogicalType::Timestamp(time)) => {
            Some(Clock::Instant(rate(&time.unit), time.is_adjusted_to_u_t_c))
        }
        Some(_) => None,
        // Files of older programs.
        None => match column.converted_type() {
            ConvertedType::DATE => Some(Clock::Days),
            ConvertedType::TIME_MILLIS => Some(Clock::Time(1000)),
            ConvertedType::TIME_MICROS => Some(Clock::Time(1_000_000)),
            ConvertedType::TIMESTAMP_MILLIS => Some(Clock::Instant(1000, true)),
            ConvertedType::TIMESTAMP_MICROS => Some(Clock::Instant(1_000_000, true)),
            _ => None,
        },
    }
}

/// A stored integer as a number: signed, unsigned or with decimal places.
fn number(column: &ColumnDescPtr, integer: i64) -> f64 {
    let unsigned = match column.logical_type_ref() {
        Some(LogicalType::Integer(kind)) => !kind.is_signed,
        _ => false,
    } || matches!(
        column.converted_type(),
        ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64
    );
    match (unsigned, column.physical_type()) {
        (true, Type::INT32) => f64::from(integer as u32),
        (true, _) => integer as u64 as f64,
        _ => integer as f64 / scale(column),
    }
}

/// What a stored decimal is divided by; 1 for other numbers, which have no scale.
fn scale(column: &ColumnDescPtr) -> f64 {
    f64::from(10).powi(column.type_scale().max(0))
}

/// A signed number, its greatest byte first.
fn big_endian(bytes: &[u8]) -> Result<f64> {
    ensure!(bytes.len() <= 16, "it holds decimals of more than 38 digits");
    let negative = bytes.first().is_some_and(|&byte| byte >= 0x80);
    let start = if negative { -1_i128 } else { 0 };
    Ok(bytes.iter().fold(start, |value, &byte| value << 8 | i128::from(byte)) as f64)
}

/// Bytes as pictures, if they all begin like one, else as texts.
fn texts(bytes: Vec<ByteArray>, uuid: bool) -> Result<Meaning> {
    if uuid {
        let hex =
            |bytes: &ByteArray| bytes.data().iter().map(|byte| format!("{byte:02x}")).collect();
        return Ok(Meaning::Words(bytes.iter().map(hex).collect()));
    }
    if !bytes.is_empty() && bytes.iter().all(|bytes| is_picture(bytes.data())) {
        return Ok(Meaning::Pictures(bytes));
    }
    let text = |bytes: &ByteArray| {
        let text = std::str::from_utf8(bytes.data());
        text.map(str::to_owned).context("it holds bytes that are neither text nor pictures")
    };
    Ok(Meaning::Words(bytes.iter().map(text).collect::<Result<_>>()?))
}

/// Whether bytes begin like a picture: PNG, JPEG, GIF, WebP.
fn is_picture(bytes: &[u8]) -> bool {
    let begins = |mark: &[u8]| bytes.starts_with(mark);
    let webp = begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    begins(b"\x89PNG\r\n\x1a\n") || begins(b"\xff\xd8\xff") || begins(b"GIF8") || webp
}
