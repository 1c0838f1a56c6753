//! Which cells of a table are meant, and by which numbers they are called.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, ensure};

use super::cell::Cell;
use super::table::{Column, Row, Table};

/// Seeds `A..B`, without B, or `A..=B`, with it.
///
/// # Errors
/// If it is no such range, or there is no seed in it.
pub fn seed_range(text: &str) -> Result<Range<u64>> {
    let no_range = || anyhow!("give two whole numbers, for example 5..10 for the seeds 5 to 9");
    let (first, end) = text.split_once("..").ok_or_else(no_range)?;
    let (end, with_end) = match end.strip_prefix('=') {
        Some(end) => (end, 1),
        None => (end, 0),
    };
    let number = |text: &str| text.parse::<u32>().map_err(|_| no_range());
    let (first, end) = (u64::from(number(first)?), u64::from(number(end)?) + with_end);
    ensure!(first < end, "there is no seed in it; {}", no_range());
    Ok(first..end)
}

/// What the user asked for of a table.
#[derive(Clone, Debug)]
pub struct Selection<'a> {
    /// The table.
    pub table: &'a Table,
    /// Whether the smaller budget is meant.
    pub quick: bool,
    /// The label draws.
    pub seeds: Range<u64>,
    /// Words for data sets and rows; none means all.
    pub only: &'a [String],
    /// Settings of every run.
    pub settings: toml::Table,
    /// Whether some of them may change what comes out.
    pub is_changed: bool,
    /// Folder of the tables and their runs.
    pub out: &'a Path,
}

impl<'a> Selection<'a> {
    /// The folder of the runs.
    pub fn runs(&self) -> PathBuf {
        self.out.join(&self.table.runs)
    }

    /// The cells, in the order of their numbers: draw by draw, so that a table that is stopped early has every row, if not every draw,
    /// and more draws leave the numbers as they are.
    ///
    /// # Errors
    /// If the settings are no recipe.
    pub fn cells(&self) -> Result<Vec<Cell<'a>>> {
        let places = || self.places().filter(|(column, row)| self.wants(&column.name, &row.name));
        let all = self.seeds.clone().flat_map(|seed| places().map(move |place| (place, seed)));
        all.map(|(place, seed)| self.cell(place, seed)).collect()
    }

    /// Cells that are there, whether they are meant or not; those of other settings are not.
    ///
    /// # Errors
    /// If the settings are no recipe.
    pub fn others(&self) -> Result<Vec<Cell<'a>>> {
        let mut cells = Vec::new();
        for seed in self.seeds_there() {
            for (column, row) in self.places() {
                if !(self.wants(&column.name, &row.name) && self.seeds.contains(&seed)) {
                    cells.push(self.cell((column, row), seed)?);
                }
            }
        }
        Ok(cells)
    }

    /// Seeds of all runs that are there.
    fn seeds_there(&self) -> BTreeSet<u64> {
        let entries = std::fs::read_dir(self.runs()).into_iter().flatten().flatten();
        let seed = |name: &str| name.trim_end_matches(".json").rsplit_once("-seed")?.1.parse().ok();
        entries.filter_map(|entry| seed(entry.file_name().to_str()?)).collect()
    }

    fn places(&self) -> impl Iterator<Item = (&'a Column, &'a Row)> + use<'a> {
        let Table { columns, rows, .. } = self.table;
        columns.iter().flat_map(move |column| rows.iter().map(move |row| (column, row)))
    }

    fn cell(&self, (column, row): (&'a Column, &'a Row), seed: u64) -> Result<Cell<'a>> {
        Cell::new(self.table, (row, column, seed), self.quick, &self.settings, self.out)
    }

    /// Whether a data set and a row are meant. A word that names data sets chooses among data sets, any other among rows.
    pub fn wants(&self, column: &str, row: &str) -> bool {
        let columns = self.column_names();
        let names_data = |word: &&String| columns.iter().any(|name| name.contains(word.as_str()));
        let (of_data, of_rows): (Vec<_>, Vec<_>) = self.only.iter().partition(names_data);
        let wanted = |words: &[&String], name: &str, all: &[&str]| {
            words.is_empty() || words.iter().any(|word| names(word, name, all))
        };
        wanted(&of_data, column, &columns) && wanted(&of_rows, row, &self.row_names())
    }

    /// That every word names something in the table, which is called `name`.
    ///
    /// # Errors
    /// If one does not.
    pub fn check(&self, name: &str) -> Result<()> {
        let (columns, rows) = (self.column_names(), self.row_names());
        for word in self.only {
            ensure!(
                columns.iter().chain(&rows).any(|name| name.contains(word.as_str())),
                "--only {word}: {name} has no such data set or row; data sets: {}; rows: {}",
                columns.join(", "),
                rows.join("; ")
            );
        }
        Ok(())
    }

    fn column_names(&self) -> Vec<&'a str> {
        self.table.columns.iter().map(|column| column.name.as_str()).collect()
    }

    fn row_names(&self) -> Vec<&'a str> {
        self.table.rows.iter().map(|row| row.name.as_str()).collect()
    }
}

/// Whether a word means a name: the very name, or, where none of them is that, one that contains it. `mnist` is not
/// `fashion-mnist`, nor `H` every row that filters.
fn names(word: &str, name: &str, all: &[&str]) -> bool {
    name == word || (!all.contains(&word) && name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_a_name_means_no_other() {
        let all = ["mnist", "fashion-mnist", "kmnist"];
        let meant = |word: &str| all.map(|name| names(word, name, &all));
        assert_eq!(meant("mnist"), [true, false, false]);
        assert_eq!(meant("mnis"), [true, true, true]);
        assert_eq!(meant("fashion"), [false, true, false]);
    }

    #[test]
    fn seeds_are_a_range() {
        assert_eq!(seed_range("0..5").unwrap(), 0..5);
        assert_eq!(seed_range("5..=9").unwrap(), 5..10);
        for bad in ["", "5", "5..", "..5", "5..5", "9..5", "a..b", "-1..2", "0..1.5"] {
            assert!(seed_range(bad).is_err(), "{bad}");
        }
    }
}
