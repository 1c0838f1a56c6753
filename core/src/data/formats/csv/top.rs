//! The rows at the top of a table that name its columns: the first, those below it that name them more closely, and
//! rows like these further down, where tables were put together.

use std::borrow::Cow;
use std::collections::HashSet;

use super::columns::Scan;
use super::header::{Below, distinct, is_header, is_missing_cell, names_numbers};
use super::numeral::Fits;
use super::rows::Row;

/// As many rows below the first may name the columns: more levels, and the names of the rows, are hardly ever written.
pub(super) const MOST_FURTHER: usize = 4;

/// Rows like the first one among words are headers if they are not more than one of so many, and their words stand
/// nowhere else.
const FEW: usize = 10;

/// What stands between the names of the levels: a point needs no quotation marks in a shell.
const BETWEEN_LEVELS: &str = ".";

/// A row taken apart.
type Cells<'a> = Vec<Cow<'a, [u8]>>;

/// The rows at the top.
pub(super) struct Top<'a> {
    /// The first row, and below it those that may name the columns too.
    pub(super) rows: Vec<Cells<'a>>,
    /// The line of the first row.
    pub(super) line: usize,
    /// How many cells every row has that is not at the top.
    pub(super) width: usize,
    /// Whether rows like these that stand further down are passed over.
    pub(super) repeats: bool,
}

impl Top<'_> {
    /// Whether a row below the first may name the columns too: neither it nor the first holds a number.
    pub(super) fn may_be_further(&self, cells: &[Cow<[u8]>]) -> bool {
        let no_number = |cells: &[Cow<[u8]>]| !cells.iter().any(|cell| Fits::of(cell).any());
        let width = self.width;
        self.rows[0].len() == width
            && cells.len() == width
            && no_number(&self.rows[0])
            && no_number(cells)
    }

    /// Whether a row can be the first one of numbers below several that name the columns.
    pub(super) fn may_be_below_several(&self, cells: &[Cow<[u8]>]) -> bool {
        let numbers = cells.iter().filter(|cell| Fits::of(cell).any()).count();
        cells.len() == self.width && numbers > 1
    }

    /// Whether a row further down is one of these again. Files that are put together keep the mark of UTF-8.
    pub(super) fn stands_again(&self, cells: &[Cow<[u8]>]) -> bool {
        let same = |row: &Cells| match (row.split_first(), cells.split_first()) {
            (Some((first, rest)), Some((found, others))) => {
                let found = found.strip_prefix("\u{feff}".as_bytes()).unwrap_or(found);
                // Behind that mark, quotation marks are taken as they stand.
                let inner = found.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\""));
                (first[..] == *found || inner == Some(&first[..])) && rest == others
            }
            _ => false,
        };
        self.repeats && self.rows.iter().any(same)
    }

    /// The names in these rows. Where the first lacks one, that is the first one, the names of R's rows; or the last
    /// one, when each row ends in a delimiter (`blank_end`).
    pub(super) fn names(&self, blank_end: bool) -> Vec<String> {
        let mut names: Vec<String> =
            (0..self.rows[0].len()).map(|column| self.name(column)).collect();
        if names.len() < self.width {
            names.insert(if blank_end { names.len() } else { 0 }, String::new());
        }
        distinct(names)
    }

    fn name(&self, column: usize) -> String {
        let text = |row: &Cells| String::from_utf8_lossy(&row[column]).trim().to_owned();
        if let Some(row) = self.rows[1..].iter().find(|row| column == 0 && names_rows(row)) {
            return text(row);
        }
        let mut levels: Vec<String> = Vec::new();
        for level in self.rows.iter().map(text) {
            // What pandas writes for no name when it has read such a table.
            let none = self.rows.len() > 1
                && (level.is_empty()
                    || level.starts_with("Unnamed: ") && level.contains("_level_"));
            if !none && levels.last() != Some(&level) {
                levels.push(level);
            }
        }
        levels.join(BETWEEN_LEVELS)
    }
}

/// Whether a row has nothing but a name in its first cell: pandas' name of the names of rows.
fn names_rows(row: &Cells) -> bool {
    let valued = |cell: &Cow<[u8]>| !is_missing_cell(cell);
    row.first().is_some_and(valued) && !row[1..].iter().any(valued)
}

/// Every column below the rows at the top.
pub(super) struct Scans {
    pub(super) columns: Vec<Scan>,
    /// How many rows there are.
    pub(super) rows: usize,
    /// How many rows like those at the top were passed over.
    pub(super) repeats: usize,
    /// Whether the last cell is empty in every row.
    pub(super) blank_end: bool,
    /// For each row at the top, for each column, whether its cell stands in the column once more.
    recurs: Vec<Vec<bool>>,
}

impl Scans {
    pub(super) fn new(top: &Top) -> Self {
        Self {
            columns: (0..top.width).map(|_| Scan::new()).collect(),
            rows: 0,
            repeats: 0,
            blank_end: true,
            recurs: vec![vec![false; top.width]; top.rows.len()],
        }
    }

    /// Looks at a row of the table's width.
    pub(super) fn look(&mut self, row: &Row, top: &Top) {
        self.rows += 1;
        self.blank_end &= row.cells.last().is_some_and(|cell| cell.is_empty());
        for (column, (scan, cell)) in self.columns.iter_mut().zip(&row.cells).enumerate() {
            scan.look(cell, row.line);
            if !scan.fits.plain {
                for (recurs, above) in self.recurs.iter_mut().zip(&top.rows) {
                    if !recurs[column] {
                        recurs[column] = above.get(column) == Some(cell);
                    }
                }
            }
        }
    }

    /// Whether all rows at the top name the columns: below the first, each has words above two columns of numbers or
    /// more, none of which stands in its column again; or, further down, it names the names of rows.
    pub(super) fn are_named_by_all(&self, top: &Top) -> bool {
        let names = |(place, row): (usize, &Cells)| {
            let columns = self.columns.iter().zip(row);
            let above = columns.filter(|(scan, cell)| scan.is_number() && has_letter(cell)).count();
            let again = row.iter().zip(&self.recurs[place]);
            let again = again.filter(|(cell, _)| !is_missing_cell(cell)).any(|(_, &recurs)| recurs);
            !again && (above > 1 || (place > 1 && names_rows(row)))
        };
        top.rows.iter().enumerate().skip(1).all(names)
    }

    /// Whether the first row names the columns.
    pub(super) fn are_named_by_first(&self, top: &Top) -> bool {
        let first = &top.rows[0];
        // With a name less than cells, or with names below it, the first row is no row.
        if first.len() < top.width || top.rows.len() > 1 {
            return true;
        }
        let below = self.columns.iter().zip(&self.recurs[0]).map(|(scan, &recurs)| Below {
            numbers: &scan.numbers,
            is_number: scan.is_number(),
            recurs,
        });
        let below: Vec<Below> = below.collect();
        let different = || first.iter().collect::<HashSet<_>>().len() == first.len();
        let alone = || different() && !below.iter().any(|column| column.recurs);
        let few = || first.len() > 1 && self.repeats * FEW <= self.rows && alone();
        // A row of data can well be there twice.
        let sure = self.repeats == 0 || names_numbers(first, &below) || few();
        sure && is_header(first, &below)
    }
}

fn has_letter(cell: &[u8]) -> bool {
    cell.iter().any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
}
