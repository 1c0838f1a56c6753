//! Results on stdout: lines for people, and one JSON object at the end where it was asked for.

use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::files::explain;
use super::visible::visible;

/// A path as JSON has it, which is text: what a path has that is no text is shown as U+FFFD. A `PathBuf` in `json!` panics there.
pub fn path_text(path: impl AsRef<Path>) -> String {
    path.as_ref().display().to_string()
}

/// Where results go. The first line that could not be written is remembered to the end: the work itself goes on.
#[derive(Debug)]
pub struct Output {
    json: bool,
    failed: OnceLock<anyhow::Error>,
}

impl Output {
    /// With or without the JSON object at the end.
    pub fn new(json: bool) -> Self {
        Self { json, failed: OnceLock::new() }
    }

    /// Whether the user asked for JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Writes a line for people; stderr gets it when stdout is kept for JSON. Control characters are shown: names come from files.
    pub fn line(&self, text: impl AsRef<str>) {
        match self.json {
            true => eprintln!("{}", text.as_ref()),
            false => self.write(&visible(text.as_ref())),
        }
    }

    fn write(&self, line: &str) {
        if let Some(error) = could_not_write(writeln!(io::stdout(), "{line}")) {
            self.failed.get_or_init(|| error);
        }
    }

    /// Whether all could be written.
    ///
    /// # Errors
    /// If something could not, and somebody may still want it.
    pub fn finish(self) -> Result<()> {
        self.failed.into_inner().map_or(Ok(()), Err)
    }

    /// Writes the JSON object, if it was asked for.
    ///
    /// # Errors
    /// If the value cannot be written as JSON.
    pub fn object(&self, value: &impl Serialize) -> Result<()> {
        if self.json {
            let text =
                serde_json::to_string(value).context("the result cannot be written as JSON")?;
            self.write(&text);
        }
        Ok(())
    }

    /// Writes columns of numbers under their names, aligned at the right.
    pub fn columns(&self, names: &[&str], rows: &[Vec<String>]) {
        let shown = |row: &Vec<String>| row.iter().map(|cell| visible(cell).into_owned()).collect();
        let rows: Vec<Vec<String>> = rows.iter().map(shown).collect();
        let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
        let width = |(column, name): (usize, &&str)| {
            cells(column).map(|cell| cell.chars().count()).fold(name.len(), usize::max)
        };
        let widths: Vec<usize> = names.iter().enumerate().map(width).collect();
        let names = names.iter().map(|&name| name.to_owned()).collect();
        for row in std::iter::once(&names).chain(&rows) {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}"));
            self.line(format!("  {}", cells.collect::<Vec<_>>().join("  ")));
        }
    }

    /// Writes two aligned columns: a name and a value.
    pub fn table(&self, rows: &[(&str, String)]) {
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in rows {
            self.line(format!("  {name:width$}  {value}"));
        }
    }
}

/// What is wrong with standard output. A closed pipe (`gleaner ... | head`) is the reader's choice and no failure of the work.
pub fn could_not_write(written: io::Result<()>) -> Option<anyhow::Error> {
    let error = written.err().filter(|error| error.kind() != ErrorKind::BrokenPipe)?;
    Some(explain("write to", Path::new("standard output"), &error))
}
