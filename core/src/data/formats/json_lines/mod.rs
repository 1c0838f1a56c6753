//! Tables as JSON: an object a line, an array of rows, or an object of columns or rows, compressed or not.

mod columns;
mod form;
mod value;

use serde_json::StreamDeserializer;
use serde_json::de::StrRead;

use self::columns::Columns;
use self::form::Form;
use self::value::{Json, NO_OBJECT};
use super::bytes::content;
use super::encoding::decode;
use crate::data::table::Table;
use crate::error::{Error, Result};

/// Cells of a table that have no value because their row lacks the key, against memory that a few bytes would ask for.
const MOST_CELLS_PER_BYTE: usize = 16;

/// As many cells as every file may have.
const FEW_CELLS: usize = 1 << 24;

const REMEDY: &str = "write one object a line: df.to_json(path, orient=\"records\", lines=True)";

/// Reads a table: JSON lines, an array of objects (pandas' `orient="records"`) or of lists, one object of columns
/// (pandas' default), or another of the forms that pandas writes. Columns stand in the order in which their keys appear first; a key that a row lacks, or null, is a
/// missing cell; true and false are words; numbers among words become words; lists of numbers of one length become the
/// columns `x.0`, `x.1`, ...
///
/// # Errors
/// Bytes that are no JSON, no row, rows that are no objects, or cells that are objects, lists of anything but numbers,
/// or lists of several lengths.
pub fn read_json(bytes: &[u8], source_name: &str) -> Result<Table> {
    let bytes = content(bytes, source_name)?;
    let decoded = decode(&bytes, source_name)?;
    let text: &str = &decoded.text;
    let mut columns = Columns::default();
    let read = match text.trim_start().starts_with('[') {
        true => read_array(whole(text, source_name)?, &mut columns, source_name)?,
        false => read_objects(text, &mut columns, source_name)?,
    };
    let (rows, keys) = (columns.rows(), columns.keys());
    if rows == 0 || keys == 0 {
        return Err(Error::data(source_name, "there is no row in it", REMEDY));
    }
    if rows.saturating_mul(keys) > FEW_CELLS.max(text.len().saturating_mul(MOST_CELLS_PER_BYTE)) {
        let problem = format!("its {rows} rows have {keys} different keys, and few each");
        return Err(Error::data(source_name, problem, "give rows the same keys"));
    }
    let format = format!("{}{}", read.format, decoded.remark());
    Ok(Table { columns: columns.finish(), rows, named: read.named, format })
}

/// How a table was read.
struct Read {
    /// In words.
    format: String,
    /// Whether its columns have names.
    named: bool,
}

impl Read {
    fn named(format: &str) -> Self {
        Self { format: format.to_owned(), named: true }
    }

    /// Says that names of rows are left out, unless they count them.
    fn rows_were_called(mut self, names: &[String]) -> Self {
        if names.iter().enumerate().any(|(row, name)| *name != row.to_string()) {
            self.format.push_str(", without the names of the rows");
        }
        self
    }
}

/// The one value of a text.
fn whole<'a>(text: &'a str, source_name: &str) -> Result<Json<'a>> {
    serde_json::from_str(text).map_err(|error| broken(&error, source_name))
}

fn broken(error: &serde_json::Error, source_name: &str) -> Error {
    Error::data(source_name, format!("this is not JSON ({error})"), REMEDY)
}

fn misfit(problem: &str, place: &str, source_name: &str) -> Error {
    Error::data(source_name, format!("{place}: {problem}"), REMEDY)
}

/// An array of rows.
fn read_array(rows: Json, columns: &mut Columns, source_name: &str) -> Result<Read> {
    let Json::List(rows) = rows else { return Err(misfit(NO_OBJECT, "the file", source_name)) };
    if rows.len() > 1 && rows.iter().all(|row| matches!(row, Json::List(_))) {
        return read_form(Form::of_lists(rows), columns, source_name);
    }
    push_all(rows, columns, source_name)?;
    Ok(Read::named("JSON, an array of objects"))
}

fn push_all(rows: Vec<Json>, columns: &mut Columns, source_name: &str) -> Result<()> {
    for (place, row) in rows.into_iter().enumerate() {
        let said =
            |problem: String| misfit(&problem, &format!("object {}", place + 1), source_name);
        columns.push(row).map_err(said)?;
    }
    Ok(())
}

/// A table that is one value.
fn read_form(form: Form, columns: &mut Columns, source_name: &str) -> Result<Read> {
    match form {
        Form::Columns(object) => {
            let names = columns.transpose(object);
            let names = names.map_err(|problem| misfit(&problem, "the file", source_name))?;
            Ok(Read::named("JSON, an object of columns").rows_were_called(&names))
        }
        Form::Rows(rows, names) => {
            push_all(rows, columns, source_name)?;
            Ok(Read::named("JSON, an object of rows").rows_were_called(&names))
        }
        Form::Lists(rows, names, of_rows) => {
            let named = names.is_some();
            let width = rows.first().map_or(0, Json::len);
            let numbered = || (1..=width).map(|column| format!("column {column}")).collect();
            let names: Vec<String> = names.unwrap_or_else(numbered);
            for (place, row) in rows.into_iter().enumerate() {
                let place = format!("list {}", place + 1);
                let said = |problem: String| misfit(&problem, &place, source_name);
                columns.push_cells(row, &names).map_err(said)?;
            }
            let format = "JSON, a list for each row".to_owned();
            Ok(Read { format, named }.rows_were_called(&of_rows))
        }
        Form::Unclear => {
            let problem = "this object of objects can be read by rows and by columns, and neither its keys nor its cells tell which";
            Err(misfit(problem, "the file", source_name))
        }
    }
}

/// Objects one after the other, or a single one that holds the whole table.
fn read_objects(text: &str, columns: &mut Columns, source_name: &str) -> Result<Read> {
    let mut stream: StreamDeserializer<StrRead, Json> =
        serde_json::Deserializer::from_str(text).into_iter();
    let mut at = 0;
    let first = match stream.next() {
        None => return Ok(Read::named("JSON lines")),
        Some(first) => first.map_err(|error| broken(&error, source_name))?,
    };
    let rest = &text[stream.byte_offset()..];
    if rest.trim().is_empty() && first.is_columns() {
        return read_form(Form::of_object(first), columns, source_name);
    }
    let mut next = Some(first);
    while let Some(row) = next {
        columns.push(row).map_err(|problem| {
            let above = text[..at].len() + text[at..].len() - text[at..].trim_start().len();
            let line = text[..above].matches('\n').count() + 1;
            misfit(&problem, &format!("line {line}"), source_name)
        })?;
        at = stream.byte_offset();
        next = stream.next().transpose().map_err(|error| broken(&error, source_name))?;
    }
    Ok(Read::named("JSON lines"))
}

#[cfg(test)]
mod tests;
