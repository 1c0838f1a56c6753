//! Results on stdout: lines for people, and one JSON object at the end where it was asked for.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

/// A path as JSON has it, which is text: what a path has that is no text is shown as U+FFFD. A `PathBuf` in `json!` panics there.
pub fn path_text(path: impl AsRef<Path>) -> String {
    path.as_ref().display().to_string()
}

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// With or without the JSON object at the end.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether the user asked for JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Writes a line for people; stderr gets it when stdout is kept for JSON.
    pub fn line(&self, text: impl AsRef<str>) {
        // A closed pipe (`gleaner ... | head`) is the reader's choice, not a failure of the work.
        if self.json {
            let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
        } else {
            let _ = writeln!(std::io::stdout(), "{}", text.as_ref());
        }
    }

    /// Writes the JSON object, if it was asked for.
    ///
    /// # Errors
    /// If the value cannot be written as JSON.
    pub fn object(&self, value: &impl Serialize) -> Result<()> {
        if self.json {
            let text =
                serde_json::to_string(value).context("the result cannot be written as JSON")?;
            let _ = writeln!(std::io::stdout(), "{text}");
        }
        Ok(())
    }

    /// Writes columns of numbers under their names, aligned at the right.
    pub fn columns(&self, names: &[&str], rows: &[Vec<String>]) {
        let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
        let width = |(column, name): (usize, &&str)| {
            cells(column).map(|cell| cell.chars().count()).fold(name.len(), usize::max)
        };
        let widths: Vec<usize> = names.iter().enumerate().map(width).collect();
        let names = names.iter().map(|&name| name.to_owned()).collect();
        for row in std::iter::once(&names).chain(rows) {
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
