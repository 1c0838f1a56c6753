//! What cells came to, together, and the files that show it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::cell::{Cell, Results};
use super::curves::curves;
use super::forest::forest;
use super::report::{Circumstances, csv, markdown};
use super::selection::Selection;
use super::table::{Column, Table};
use crate::data::registry;
use crate::system::files::write_atomic;
use crate::system::output::{Output, path_text};

/// What cells came to.
#[derive(Debug)]
pub struct Gathered<'a> {
    selection: &'a Selection<'a>,
    results: Results,
    /// What is to be said of data of which only a part was there.
    caveats: BTreeSet<String>,
    /// Data sets that are not there, each with the reason.
    skipped: Vec<(String, String)>,
}

impl<'a> Gathered<'a> {
    /// What is done already and was not asked for now: rows, data sets and draws of other calls, as far as their settings are the same.
    ///
    /// # Errors
    /// If the settings are no recipe.
    pub fn of_other_calls(selection: &'a Selection<'a>) -> Result<Self> {
        let (results, caveats, skipped) = (Results::new(), BTreeSet::new(), Vec::new());
        let mut gathered = Self { selection, results, caveats, skipped };
        for cell in selection.others()? {
            if let Ok(Some(values)) = cell.finished() {
                gathered.keep(&cell, &values);
            }
        }
        Ok(gathered)
    }

    /// Keeps what a cell came to.
    pub fn keep(&mut self, cell: &Cell, values: &Value) {
        self.caveats.extend(values["data"].as_str().and_then(registry::caveat));
        for metric in &self.selection.table.metrics {
            if let Some(value) = values[&metric.key].as_f64() {
                let key = (cell.column.name.clone(), cell.row.name.clone(), metric.key.clone());
                let draws = self.results.entry(key).or_default();
                draws.push((cell.seed, value * metric.factor));
                draws.sort_by_key(|(seed, _)| *seed);
            }
        }
    }

    /// Remembers that the data of a column are not there; says so once.
    pub fn skip(&mut self, column: &Column, reason: String) {
        if !self.skips(column) {
            eprintln!("skipped {}: {reason}", column.name);
            self.skipped.push((column.name.clone(), reason));
        }
    }

    /// Whether a column is left out.
    pub fn skips(&self, column: &Column) -> bool {
        self.skipped.iter().any(|(name, _)| *name == column.name)
    }

    /// Why there is nothing at all, if a data set that is not there is the reason.
    pub fn why_empty(&self) -> Option<&str> {
        self.skipped.first().map(|(_, reason)| reason.as_str())
    }

    /// Whether no cell has a result.
    pub fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    /// Writes the table, its values and its pictures; `name` is what the user called the table, `command` what makes it.
    ///
    /// # Errors
    /// If the disk does not take them.
    pub fn write(&self, name: &str, command: String) -> Result<Written> {
        let Self { selection, results, .. } = self;
        let Selection { table, quick, out, .. } = *selection;
        let text = markdown(table, results, &self.circumstances(command))?;
        let stem = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".toml");
        let budget = if *quick { "-quick" } else { "" };
        let paths = ["md", "csv", "svg"].map(|end| out.join(format!("{stem}{budget}.{end}")));
        let mut page = text.clone();
        let shown = if table.has_paper() { "Our means beside the paper's" } else { "Our means" };
        page += &format!("\n![{shown}]({stem}{budget}.svg)\n");
        let mut plots = Vec::new();
        for plot in &table.plots {
            let Some(picture) = curves(table, results, plot)? else { continue };
            let name = format!("{stem}{budget}-{}.svg", plot.name);
            page += &format!("\n![{}]({name})\n", plot.title);
            plots.push(out.join(name));
            write_atomic(plots.last().context("a plot")?, picture.as_bytes())?;
        }
        write_atomic(&paths[2], forest(table, results)?.as_bytes())?;
        write_atomic(&paths[0], page.as_bytes())?;
        write_atomic(&paths[1], csv(table, results)?.as_bytes())?;
        Ok(Written { text, paths, plots })
    }

    fn circumstances(&self, command: String) -> Circumstances {
        let Self { selection, results, caveats, skipped } = self;
        let seeds: BTreeSet<u64> = results.values().flatten().map(|(seed, _)| *seed).collect();
        Circumstances {
            command,
            other_calls: self.has_other_calls(),
            budget: budget(selection),
            seeds: seeds.into_iter().collect(),
            caveats: caveats.iter().cloned().collect(),
            skipped: skipped.clone(),
        }
    }

    /// Whether there are results that this call did not ask for.
    fn has_other_calls(&self) -> bool {
        let Selection { seeds, .. } = self.selection;
        self.results.iter().any(|((column, row, _), draws)| {
            !self.selection.wants(column, row) || draws.iter().any(|(s, _)| !seeds.contains(s))
        })
    }
}

/// What the table says of its budget, as far as the user left it alone.
fn budget(selection: &Selection<'_>) -> String {
    let Table { quick_budget, full_budget, .. } = selection.table;
    let budget = if selection.quick { quick_budget } else { full_budget };
    match selection.is_changed {
        false => budget.clone(),
        true => format!("{budget}; changed by the --set options of the command"),
    }
}

/// The files of a table.
#[derive(Debug)]
pub struct Written {
    text: String,
    paths: [PathBuf; 3],
    plots: Vec<PathBuf>,
}

impl Written {
    /// Shows the table, and where it is.
    ///
    /// # Errors
    /// If the JSON cannot be written.
    pub fn show(&self, out: &Output) -> Result<()> {
        self.text.split('\n').for_each(|line| out.line(line));
        let [markdown, csv, svg] = &self.paths;
        let files = self.paths.iter().chain(&self.plots);
        out.line(files.map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "));
        let plots: Vec<_> = self.plots.iter().map(path_text).collect();
        out.object(&json!({
            "markdown": path_text(markdown),
            "csv": path_text(csv),
            "svg": path_text(svg),
            "plots": plots
        }))
    }
}
