//! The columns of a table while its objects are read.

use std::collections::HashMap;

use super::value::{Json, NO_OBJECT};
use crate::data::formats::csv::distinct;
use crate::data::formats::word_column::WordColumn;
use crate::data::table::{Cells, Column, is_missing};

/// What is wrong with a cell, without where it is.
type Problem = String;

/// Columns in the order in which their keys appeared. A column is filled up with missing cells when it is needed, not
/// for each row: many keys in few bytes would otherwise take the square of their number.
#[derive(Default)]
pub(super) struct Columns {
    columns: Vec<Growing>,
    places: HashMap<String, usize>,
    rows: usize,
}

struct Growing {
    key: String,
    /// Rows that have been given a cell, as the last of them, counted from 1.
    filled: usize,
    cells: Kind,
}

enum Kind {
    /// Missing cells only.
    Unknown,
    Numbers(Vec<f64>),
    Words(WordColumn),
    /// Lists of one length, row after row, and that length.
    Lists(Vec<f64>, usize),
}

impl Columns {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn keys(&self) -> usize {
        self.columns.len()
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: Json) -> Result<(), Problem> {
        let Json::Object(members) = row else { return Err(NO_OBJECT.to_owned()) };
        for (place, (key, value)) in members.into_iter().enumerate() {
            // Most rows have the same keys in the same order.
            let same = self.columns.get(place).is_some_and(|column| column.key == key);
            let column = if same { place } else { self.place(&key) };
            self.columns[column].set(self.rows, value)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Adds a row of cells in the order of `names`.
    pub(super) fn push_cells(&mut self, cells: Json, names: &[String]) -> Result<(), Problem> {
        let Json::List(cells) = cells else { return Err(NO_OBJECT.to_owned()) };
        if cells.len() != names.len() {
            let (found, expected) = (cells.len(), names.len());
            return Err(format!("it has {found} values where {expected} are expected"));
        }
        for (place, (name, cell)) in names.iter().zip(cells).enumerate() {
            // Lists are told apart by their places, so that names may recur.
            if place == self.columns.len() {
                let key = name.clone();
                self.columns.push(Growing { key, filled: 0, cells: Kind::Unknown });
            }
            self.columns[place].set(self.rows, cell)?;
        }
        self.rows += 1;
        Ok(())
    }

    fn place(&mut self, key: &str) -> usize {
        if let Some(&place) = self.places.get(key) {
            return place;
        }
        let place = self.columns.len();
        self.columns.push(Growing { key: key.to_owned(), filled: 0, cells: Kind::Unknown });
        self.places.insert(key.to_owned(), place);
        place
    }

    /// Takes one object whose members are columns, each an object with the same keys or a list; the names of the rows,
    /// if they have names.
    pub(super) fn transpose(&mut self, columns: Json) -> Result<Vec<String>, Problem> {
        let Json::Object(columns) = columns else { return Err(NO_OBJECT.to_owned()) };
        let mut index: Option<Vec<String>> = None;
        for (place, (key, cells)) in columns.into_iter().enumerate() {
            let (rows, cells): (Vec<String>, Vec<Json>) = match cells {
                Json::Object(cells) => {
                    cells.into_iter().map(|(row, cell)| (row.into_owned(), cell)).unzip()
                }
                Json::List(cells) => (Vec::new(), cells),
                _ => return Err(format!("{key:?} is no column")),
            };
            if place > 0 && cells.len() != self.rows {
                let (found, rows) = (cells.len(), self.rows);
                return Err(format!("{key:?} has {found} cells and the columns before it {rows}"));
            }
            if index.as_ref().is_some_and(|index| *index != rows) {
                return Err(format!("{key:?} names its rows otherwise than the column before it"));
            }
            index = Some(rows);
            self.rows = cells.len();
            let column = self.place(&key);
            for (row, cell) in cells.into_iter().enumerate() {
                self.columns[column]
                    .set(row, cell)
                    .map_err(|problem| format!("row {}: {problem}", row + 1))?;
            }
        }
        Ok(index.unwrap_or_default())
    }

    pub(super) fn finish(self) -> Vec<Column> {
        let rows = self.rows;
        let columns: Vec<Column> =
            self.columns.into_iter().flat_map(|column| column.finish(rows)).collect();
        let (names, cells): (Vec<String>, Vec<Cells>) =
            columns.into_iter().map(|column| (column.name, column.cells)).unzip();
        distinct(names).into_iter().zip(cells).map(|(name, cells)| Column { name, cells }).collect()
    }
}

impl Growing {
    /// Gives row `row` a value.
    fn set(&mut self, row: usize, value: Json) -> Result<(), Problem> {
        if self.filled > row {
            return Err(format!("the key {:?} stands there twice", self.key));
        }
        self.filled = row + 1;
        match value {
            Json::Null => {}
            Json::Number(number) => self.number(row, number)?,
            Json::Bool(value) => self.word(row, if value { "true" } else { "false" })?,
            Json::Text(text) => match text.trim() {
                word if is_missing(word) => {}
                word => self.word(row, word)?,
            },
            Json::List(values) => self.list(row, &values)?,
            Json::Object(_) => {
                return Err(format!("{:?} is an object, no number or word", self.key));
            }
        }
        Ok(())
    }

    fn number(&mut self, row: usize, number: f64) -> Result<(), Problem> {
        if matches!(self.cells, Kind::Unknown) {
            self.cells = Kind::Numbers(Vec::new());
        }
        match &mut self.cells {
            Kind::Numbers(numbers) => {
                numbers.resize(row, f64::NAN);
                numbers.push(number);
                Ok(())
            }
            Kind::Words(_) => self.word(row, &number.to_string()),
            _ => Err(format!("{:?} is a number here and a list above", self.key)),
        }
    }

    fn word(&mut self, row: usize, word: &str) -> Result<(), Problem> {
        match &self.cells {
            Kind::Unknown => self.cells = Kind::Words(WordColumn::default()),
            Kind::Numbers(numbers) => {
                let mut words = WordColumn::default();
                for number in numbers {
                    words.push((!number.is_nan()).then(|| number.to_string()).as_deref());
                }
                self.cells = Kind::Words(words);
            }
            Kind::Words(_) | Kind::Lists(..) => {}
        }
        match &mut self.cells {
            Kind::Words(words) => {
                words.fill(row);
                words.push(Some(word));
                Ok(())
            }
            _ => Err(format!("{:?} is a word here and a list above", self.key)),
        }
    }

    fn list(&mut self, row: usize, values: &[Json]) -> Result<(), Problem> {
        if matches!(self.cells, Kind::Unknown) {
            self.cells = Kind::Lists(Vec::new(), values.len());
        }
        let Kind::Lists(numbers, length) = &mut self.cells else {
            return Err(format!("{:?} is a list here and none above", self.key));
        };
        if values.is_empty() || values.len() != *length {
            let found = values.len();
            return Err(format!(
                "the list {:?} has {found} values; {length} are expected",
                self.key
            ));
        }
        numbers.resize(row * *length, f64::NAN);
        for value in values {
            numbers.push(match value {
                Json::Number(number) => *number,
                Json::Null => f64::NAN,
                _ => {
                    return Err(format!("the list {:?} holds other values than numbers", self.key));
                }
            });
        }
        Ok(())
    }

    /// The column, or one for each place in its lists, of so many rows.
    fn finish(self, rows: usize) -> Vec<Column> {
        let column = |name: String, cells: Cells| Column { name, cells };
        match self.cells {
            Kind::Unknown => vec![column(self.key, Cells::Numbers(vec![f64::NAN; rows]))],
            Kind::Numbers(mut numbers) => {
                numbers.resize(rows, f64::NAN);
                vec![column(self.key, Cells::Numbers(numbers))]
            }
            Kind::Words(mut words) => {
                words.fill(rows);
                vec![column(self.key, words.into_cells())]
            }
            Kind::Lists(mut numbers, length) => {
                numbers.resize(rows * length, f64::NAN);
                let place = |place: usize| {
                    let cells = numbers.iter().skip(place).step_by(length).copied().collect();
                    column(format!("{}.{place}", self.key), Cells::Numbers(cells))
                };
                (0..length).map(place).collect()
            }
        }
    }
}
