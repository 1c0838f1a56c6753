//! Tables as text: CSV as whatever program wrote it, compressed or not.
//!
//! Read from the bottom up: `numeral` knows how numbers are written, `rows` takes text apart, `delimiter` finds what
//! separates the cells, `preamble` where the table begins, `header` whether a row names the columns, `top` which rows do,
//! `columns` what the cells of a column have in common.

mod columns;
mod delimiter;
mod header;
mod numeral;
mod preamble;
mod rows;
mod top;

use self::columns::{Column, Scan, notations};
pub(super) use self::header::distinct;
use self::numeral::Notation;
use self::preamble::{Body, body};
use self::rows::{BadQuote, Delimiter, Row, Rows};
use self::top::{Scans, Top};
use super::bytes::content;
use super::encoding::decode;
use crate::data::table::{self, Table};
use crate::error::{Error, Result};

/// Reads a table: text in UTF-8, UTF-16 with its mark or Windows-1252, compressed by gzip or not. What separates
/// the cells, how numbers are written and which of the first rows have names is found by looking at the table, and said in
/// [`Table::format`] and [`Table::named`]. A column holds numbers if every cell that is not missing is one.
///
/// # Errors
/// Bytes that are no text; no row; rows of different lengths; quotation marks that do not fit; infinite numbers.
pub fn read_csv(bytes: &[u8], source_name: &str) -> Result<Table> {
    let bytes = content(bytes, source_name)?;
    let decoded = decode(&bytes, source_name)?;
    refuse_markup(&decoded.text, source_name)?;
    let body = body(&decoded.text);
    let mut table = Reader { body: &body, source_name }.read()?;
    if body.comments > 0 {
        let lines = if body.comments == 1 { "line" } else { "lines" };
        table.format.push_str(&format!(", below {} {lines} of comments", body.comments));
    }
    table.format.push_str(&decoded.remark());
    Ok(table)
}

/// A page of an error or a login that was saved under the name of a table.
fn refuse_markup(text: &str, source_name: &str) -> Result<()> {
    let start = text.trim_start().as_bytes();
    let begins = |mark: &str| {
        start.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark.as_bytes()))
    };
    match ["<!doctype", "<html", "<?xml"].iter().any(|mark| begins(mark)) {
        true => Err(Error::data(
            source_name,
            "this is a page of HTML or XML, not a table",
            "fetch the file itself: a download often saves a page about it",
        )),
        false => Ok(()),
    }
}

/// A text that is read as a table.
struct Reader<'a> {
    body: &'a Body<'a>,
    source_name: &'a str,
}

impl<'a> Reader<'a> {
    fn read(&self) -> Result<Table> {
        let (top, mut scans, named) = self.header()?;
        if named && scans.rows == 0 {
            return Err(self.error("there is no row below the header", "give at least one row"));
        }
        if !named {
            for (scan, cell) in scans.columns.iter_mut().zip(&top.rows[0]) {
                scan.look(cell, top.line);
                // Looked at last, it stands first.
                let last = usize::from(!scan.numbers.is_empty());
                scan.numbers.rotate_right(last);
            }
        }
        let names = if named { top.names(scans.blank_end) } else { numbered(top.width) };
        let between_commas = self.body.dialect.delimiter == Delimiter::Byte(b',');
        let notations = notations(&scans.columns, between_commas);
        let format = self.format(&notations, &top, scans.repeats);
        let rows = scans.rows + usize::from(!named);
        let columns = self.columns(scans.columns, &notations, &names, (&top, named))?;
        let columns = names
            .into_iter()
            .zip(columns)
            .map(|(name, column)| table::Column { name, cells: column.into_cells() })
            .collect();
        Ok(Table { columns, rows, named, format })
    }

    /// The rows above, what is below them, and whether they name the columns.
    fn header(&self) -> Result<(Top<'a>, Scans, bool)> {
        let mut top = self.top()?;
        let mut scans = self.scan(&top)?;
        if !scans.are_named_by_all(&top) {
            top.rows.truncate(1);
            scans = self.scan(&top)?;
        }
        let named = scans.are_named_by_first(&top);
        if !named && scans.repeats > 0 {
            top.repeats = false;
            scans = self.scan(&top)?;
        }
        Ok((top, scans, named))
    }

    fn rows(&self) -> Rows<'a> {
        Rows::new(self.body.text, self.body.dialect)
    }

    fn next(&self, rows: &mut Rows<'a>, row: &mut Row<'a>) -> Result<bool> {
        rows.read(row).map_err(|BadQuote { line }| {
            let line = line + self.body.lines_above;
            self.error(
                format!("line {line}: a quotation mark opens a cell there and does not close it"),
                "close it, and double quotation marks inside of a cell: \"say \"\"yes\"\"\"",
            )
        })
    }

    fn error(&self, problem: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::data(self.source_name, problem, remedy)
    }

    /// The first row and those below it that may name the columns too, and the number of cells that all others have,
    /// which is one more when R wrote the table.
    fn top(&self) -> Result<Top<'a>> {
        let (mut rows, mut row) = (self.rows(), Row::default());
        if !self.next(&mut rows, &mut row)? {
            return Err(self.error("the file is empty", "give a table with at least one row"));
        }
        let (first, line) = (std::mem::take(&mut row.cells), row.line);
        let below = rows.clone();
        let more = self.next(&mut rows, &mut row)?;
        let one_less = more && first.len() + 1 == row.cells.len() && {
            // Not by accident: the row after it is as long.
            let width = row.cells.len();
            !self.next(&mut rows, &mut row)? || row.cells.len() == width
        };
        let width = first.len() + usize::from(one_less);
        let mut top = Top { rows: vec![first], line, width, repeats: true };
        self.add_further(&mut top, below)?;
        Ok(top)
    }

    /// Adds the rows below the first that may name the columns, too.
    fn add_further(&self, top: &mut Top<'a>, mut rows: Rows<'a>) -> Result<()> {
        let mut row = Row::default();
        let mut further = Vec::new();
        while further.len() <= top::MOST_FURTHER && self.next(&mut rows, &mut row)? {
            if !top.may_be_further(&row.cells) {
                if top.may_be_below_several(&row.cells) {
                    top.rows.append(&mut further);
                }
                break;
            }
            further.push(std::mem::take(&mut row.cells));
        }
        Ok(())
    }

    /// Looks at every cell below the rows at the top: what the columns hold, and whether cells of these rows recur.
    fn scan(&self, top: &Top<'a>) -> Result<Scans> {
        let mut scans = Scans::new(top);
        let (mut rows, mut row) = (self.rows(), Row::default());
        for _ in &top.rows {
            self.next(&mut rows, &mut row)?;
        }
        while self.next(&mut rows, &mut row)? {
            if top.stands_again(&row.cells) {
                scans.repeats += 1;
            } else if row.cells.len() != top.width {
                return Err(self.refuse(&row, top.width));
            } else {
                scans.look(&row, top);
            }
        }
        Ok(scans)
    }

    fn refuse(&self, row: &Row, width: usize) -> Error {
        let cells = |count: usize| format!("{count} cell{}", if count == 1 { "" } else { "s" });
        let separated = match self.body.dialect.delimiter {
            Delimiter::Nothing => String::new(),
            delimiter => format!(" (separated by {})", called(delimiter)),
        };
        let (line, count) = (row.line + self.body.lines_above, cells(row.cells.len()));
        self.error(
            format!("line {line} has {count} where {width} are expected{separated}"),
            "give every row as many cells as the first one, and put text that holds such marks in quotation marks",
        )
    }

    /// Reads what is not read yet: words, and numbers in other notations than the plain one.
    fn columns(
        &self,
        scans: Vec<Scan>,
        notations: &[Option<Notation>],
        names: &[String],
        (top, named): (&Top, bool),
    ) -> Result<Vec<Column>> {
        let mut infinite: Vec<Option<usize>> = scans.iter().map(|scan| scan.infinite).collect();
        let mut columns: Vec<Column> =
            scans.into_iter().zip(notations).map(|(scan, &how)| Column::new(scan, how)).collect();
        let open: Vec<usize> = (0..columns.len())
            .filter(|&column| !matches!(columns[column], Column::Done(_)))
            .collect();
        let (mut rows, mut row) = (self.rows(), Row::default());
        let above = if named { top.rows.len() } else { 0 };
        for _ in 0..above {
            self.next(&mut rows, &mut row)?;
        }
        while !open.is_empty() && self.next(&mut rows, &mut row)? {
            if named && top.stands_again(&row.cells) {
                continue;
            }
            for &column in &open {
                columns[column].push(&row.cells[column], row.line);
            }
        }
        for &column in &open {
            infinite[column] = match columns[column] {
                Column::Numbers(_, _, infinite) => infinite,
                _ => None,
            };
        }
        match infinite.iter().zip(names).find_map(|(line, name)| line.map(|line| (line, name))) {
            Some((line, name)) => Err(self.error(
                format!(
                    "line {}, column {name:?}: an infinite number",
                    line + self.body.lines_above
                ),
                "leave the cell empty, which means missing, or remove the row",
            )),
            None => Ok(columns),
        }
    }

    /// How the table was read, in words.
    fn format(&self, notations: &[Option<Notation>], top: &Top, repeats: usize) -> String {
        let mut format = match self.body.dialect.delimiter {
            Delimiter::Nothing => "CSV, one column".to_owned(),
            delimiter => format!("CSV, columns separated by {}", called(delimiter)),
        };
        if notations.contains(&Some(Notation::Comma)) {
            format.push_str(", with decimal commas");
        }
        if notations.contains(&Some(Notation::Grouped)) {
            format.push_str(", with commas between thousands");
        }
        if top.rows.len() > 1 {
            format.push_str(&format!(", named by {} rows", top.rows.len()));
        }
        match repeats {
            0 => {}
            1 => format.push_str(", 1 repeated header left out"),
            count => format.push_str(&format!(", {count} repeated headers left out")),
        }
        format
    }
}

fn called(delimiter: Delimiter) -> String {
    match delimiter {
        Delimiter::Byte(b',') => "commas".to_owned(),
        Delimiter::Byte(b';') => "semicolons".to_owned(),
        Delimiter::Byte(b'\t') => "tabs".to_owned(),
        Delimiter::Byte(byte) => format!("{:?}", char::from(byte)),
        Delimiter::Blanks => "spaces".to_owned(),
        Delimiter::Nothing => "nothing".to_owned(),
    }
}

fn numbered(width: usize) -> Vec<String> {
    (1..=width).map(|column| format!("column {column}")).collect()
}

#[cfg(test)]
mod tests;
