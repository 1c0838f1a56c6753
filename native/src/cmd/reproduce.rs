//! `gleaner reproduce`: a paper's table, run again over several label draws.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use toml::Table as Settings;

use super::ceilings::at_most;
use super::own_options::absolute;
use crate::reproduce::{Cell, Gathered, Outcome, Selection, State, Table, measure, seed_range};
use crate::run::recipe::{merge, nested, parse_pair};
use crate::system::device;
use crate::system::files::ensure_writable_dir;
use crate::system::interrupt::Interrupt;
use crate::system::output::{Output, path_text};
use crate::system::remote;
use crate::system::shell_word::shell_word;

/// Label draws unless asked otherwise.
const DRAWS: u64 = 5;

/// Label draws at most.
const MOST_DRAWS: usize = 1000;

/// For whoever stops a table.
const GO_ON: &str = "to continue, run the same command with --resume";

/// For whoever stops a cell.
const GO_ON_WITH_CELL: &str = "to continue, run the same command again";

/// Reproduce a table of a paper: every row, several label draws, means with confidence intervals.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Tables: choose-1 coreset-1 mier-1 mier-2 mier-3 review-1 svebm-image svebm-tabular svebm-text untapped,\nor a .toml file like those in recipes/tables\n\n\
    Examples:\n  \
    gleaner reproduce mier-1 --quick --draws 3 --data-dir ~/data\n  \
    gleaner reproduce mier-1 --quick --draws 3 --only fashion-mnist --resume\n  \
    gleaner reproduce untapped --data-dir ~/data\n\n\
    Continue a stopped or failed table with --resume. Tables of the same paper share their runs.\n\n\
    A table as jobs of a cluster, one for each cell. Give the same --quick, --draws or --seeds, --only and --set to all of them:\n  \
    gleaner reproduce mier-1 --quick --list       the cells, by number, and how each stands\n  \
    gleaner reproduce mier-1 --quick --cell 7     trains this cell, or goes on with it, or finds it done\n  \
    gleaner reproduce mier-1 --quick --gather     writes the table of what is done"
)]
pub struct Args {
    /// Name of a table, or a .toml file
    table: String,
    /// Use a smaller budget, the same for every row; the result says which
    #[arg(long)]
    quick: bool,
    /// Number of label draws: seeds 0, 1, ... [default: 5]
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    draws: Option<u64>,
    /// Seeds of the label draws: 5..10 is 5, 6, 7, 8, 9
    #[arg(long, value_name = "A..B")]
    seeds: Option<String>,
    /// Continue where the last call stopped, and use the runs that exist
    #[arg(long)]
    resume: bool,
    /// Only data sets and rows whose name is or contains this text; can be given several times
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// List the cells, each a run of its own, with their numbers and how they stand; nothing is trained
    #[arg(long, help_heading = "Cell by cell", conflicts_with_all = ["cell", "gather"])]
    list: bool,
    /// Run only the cell of this number: train it, go on with it, or find it done
    #[arg(long, value_name = "N", help_heading = "Cell by cell", conflicts_with = "gather")]
    cell: Option<usize>,
    /// Write the table from the cells that are done; nothing is trained
    #[arg(long, help_heading = "Cell by cell")]
    gather: bool,
    /// Folder of the data sets
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// CPU threads of each run; 0 uses all
    #[arg(long, value_name = "N")]
    threads: Option<i64>,
    /// File with the token of the devices of other machines [default: $GLEANER_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Where to compute
    #[arg(long)]
    device: Option<String>,
    /// Change any setting of every run, for example train.lr=1e-4
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    /// Folder of the tables and their runs
    #[arg(long, value_name = "DIR", default_value = "reproduced")]
    out: PathBuf,
}

impl Args {
    fn settings(&self) -> Result<Settings> {
        let mut settings = Settings::new();
        if let Some(dir) = absolute(self.data_dir.as_deref())? {
            merge(&mut settings, nested("data.dir", dir));
        }
        if let Some(threads) = self.threads {
            merge(&mut settings, nested("train.threads", threads.into()));
        }
        if let Some(device) = &self.device {
            merge(&mut settings, nested("train.device", device.clone().into()));
        }
        for pair in &self.set {
            merge(&mut settings, parse_pair(pair)?);
        }
        Ok(settings)
    }

    fn command(&self) -> String {
        let mut words = vec!["gleaner reproduce".to_owned(), shell_word(&self.table)];
        words.extend(self.quick.then(|| "--quick".to_owned()));
        words.push(match &self.seeds {
            Some(seeds) => format!("--seeds {}", shell_word(seeds)),
            None => format!("--draws {}", self.draws()),
        });
        words.extend(self.only.iter().map(|only| format!("--only {}", shell_word(only))));
        words.extend(self.device.iter().map(|device| format!("--device {device}")));
        words.extend(self.set.iter().map(|pair| format!("--set {}", shell_word(pair))));
        words.join(" ")
    }

    fn draws(&self) -> u64 {
        self.draws.unwrap_or(DRAWS)
    }

    fn selection<'a>(&'a self, table: &'a Table) -> Result<Selection<'a>> {
        ensure!(self.draws() > 0, "--draws 0 is not valid: it must be at least 1");
        let (flag, seeds) = match &self.seeds {
            Some(text) => ("--seeds", seed_range(text).with_context(|| format!("--seeds {text}"))?),
            None => ("--draws", 0..self.draws()),
        };
        let draws = usize::try_from(seeds.end - seeds.start).unwrap_or(usize::MAX);
        at_most(flag, draws, MOST_DRAWS, "each trains every model of the table once more")?;
        if let Some(device) = &self.device {
            device::parse(device)?;
        }
        let selection = Selection {
            table,
            quick: self.quick,
            seeds,
            only: &self.only,
            settings: self.settings()?,
            is_changed: !self.set.is_empty(),
            out: &self.out,
        };
        selection.check(&self.table)?;
        Ok(selection)
    }
}

/// Runs a table, or what of it is asked for.
///
/// # Errors
/// If the table, a run or the disk fails, or the user stops it.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    args.token_file.iter().for_each(|path| remote::show_token_of(path));
    let table = Table::find(&args.table)?;
    let selection = args.selection(&table)?;
    let cells = selection.cells()?;
    match args.cell {
        Some(number) => run_cell(args, &selection, &cells, number, out),
        None if args.list => list(args, &cells, out),
        None if args.gather => gather(args, &selection, &cells, out),
        None => run_all(args, &selection, &cells, out),
    }
}

fn run_all(args: &Args, selection: &Selection<'_>, cells: &[Cell<'_>], out: &Output) -> Result<()> {
    let runs = selection.runs();
    if runs.exists() && !args.resume && cells.iter().any(Cell::exists) {
        bail!(
            "\"{}\" already holds runs of this table; continue them with --resume, or choose another --out",
            runs.display()
        );
    }
    ensure_writable_dir(&runs)?;
    let interrupt = Interrupt::install()?;
    interrupt.advise(GO_ON);
    let mut gathered = Gathered::of_other_calls(selection)?;
    for (number, cell) in cells.iter().enumerate() {
        if gathered.skips(cell.column) {
            continue;
        }
        eprintln!("[{}/{}] {cell}", number + 1, cells.len());
        match attempt(cell, &interrupt, GO_ON)? {
            Outcome::Measured(values) => gathered.keep(cell, &values),
            Outcome::Skipped(reason) => gathered.skip(cell.column, reason),
        }
        // After every cell, so that whoever stops has what there is.
        if !gathered.is_empty() {
            gathered.write(&args.table, args.command())?;
        }
    }
    if let (true, Some(reason)) = (gathered.is_empty(), gathered.why_empty()) {
        bail!("no run of {} is possible: {reason}", args.table);
    }
    gathered.write(&args.table, args.command())?.show(out)
}

/// Runs a cell; the error of one that fails says which it is, of one that is stopped how to go on.
fn attempt(cell: &Cell<'_>, interrupt: &Interrupt, go_on: &str) -> Result<Outcome> {
    let outcome = measure(cell, interrupt);
    if interrupt.requested() {
        bail!("stopped; {go_on}");
    }
    outcome.with_context(|| cell.to_string())
}

fn run_cell(
    args: &Args,
    selection: &Selection<'_>,
    cells: &[Cell<'_>],
    number: usize,
    out: &Output,
) -> Result<()> {
    let cell = number.checked_sub(1).and_then(|index| cells.get(index));
    let cell = cell.with_context(|| {
        format!(
            "--cell {number}: there are the cells 1 to {}; {} --list shows them",
            cells.len(),
            args.command()
        )
    })?;
    ensure_writable_dir(selection.runs())?;
    let interrupt = Interrupt::install()?;
    interrupt.advise(GO_ON_WITH_CELL);
    eprintln!("[{number}/{}] {cell}", cells.len());
    let values = match attempt(cell, &interrupt, GO_ON_WITH_CELL)? {
        Outcome::Measured(values) => values,
        Outcome::Skipped(reason) => bail!("cell {number}, {cell}: {reason}"),
    };
    let mut shown = described(number, cell);
    for metric in &selection.table.metrics {
        if let Some(value) = values[&metric.key].as_f64() {
            let (name, scaled) = (&metric.name, value * metric.factor);
            out.line(format!("{cell}: {name} {scaled:.*}", metric.digits));
            shown[&metric.key] = value.into();
        }
    }
    out.object(&shown)
}

fn list(args: &Args, cells: &[Cell<'_>], out: &Output) -> Result<()> {
    let states: Vec<State> = cells.iter().map(Cell::state).collect();
    let rows = cells.iter().zip(&states).enumerate().map(|(index, (cell, state))| {
        let said = match state {
            State::Running(what) => format!("running ({what})"),
            State::Begun(epochs) => format!("begun ({epochs} epochs)"),
            state => state.name().to_owned(),
        };
        let (number, seed) = ((index + 1).to_string(), cell.seed.to_string());
        vec![number, cell.column.name.clone(), cell.row.name.clone(), seed, said]
    });
    out.columns(&["number", "data set", "row", "seed", "state"], &rows.collect::<Vec<_>>());
    for note in notes(cells, &states) {
        out.line(note);
    }
    let done = states.iter().filter(|state| **state == State::Done).count();
    out.line(format!("{done} of {} cells are done", cells.len()));
    let cells = cells.iter().zip(&states).enumerate().map(|(index, (cell, state))| {
        let mut shown = described(index + 1, cell);
        shown["state"] = state.name().into();
        shown["detail"] = state.detail().into();
        shown
    });
    let cells: Vec<Value> = cells.collect();
    out.object(&json!({ "table": args.table, "done": done, "cells": cells }))
}

/// Why cells cannot be run: a data set that is not there is named once.
fn notes(cells: &[Cell<'_>], states: &[State]) -> BTreeSet<String> {
    let each = cells.iter().zip(states).enumerate();
    let note = |(index, (cell, state)): (usize, (&Cell<'_>, &State))| match state {
        State::NoData(why) => Some(format!("{}: {why}", cell.column.name)),
        State::Refused(why) => Some(format!("cell {}: {why}", index + 1)),
        _ => None,
    };
    each.filter_map(note).collect()
}

/// A cell as JSON has it.
fn described(number: usize, cell: &Cell<'_>) -> Value {
    json!({
        "number": number,
        "data": cell.column.name,
        "row": cell.row.name,
        "seed": cell.seed,
        "path": path_text(cell.place()),
    })
}

fn gather(args: &Args, selection: &Selection<'_>, cells: &[Cell<'_>], out: &Output) -> Result<()> {
    let mut gathered = Gathered::of_other_calls(selection)?;
    let (mut open, mut without_data) = (Vec::new(), Vec::new());
    for (index, cell) in cells.iter().enumerate() {
        match (cell.finished().with_context(|| cell.to_string())?, cell.missing()) {
            (Some(values), _) => gathered.keep(cell, &values),
            (None, Some(reason)) => {
                without_data.push(index + 1);
                gathered.skip(cell.column, reason);
            }
            (None, None) => open.push(index + 1),
        }
    }
    for (numbers, what) in [(&without_data, "have no data here"), (&open, "are not done")] {
        if !numbers.is_empty() {
            let (count, all) = (numbers.len(), cells.len());
            eprintln!("{count} of {all} cells {what}: {}", in_ranges(numbers));
        }
    }
    ensure!(
        !gathered.is_empty(),
        "\"{}\" holds no result of these cells yet; {} --list shows them",
        selection.runs().display(),
        args.command()
    );
    gathered.write(&args.table, args.command())?.show(out)
}

/// Numbers that rise, as a job array takes them: `1-3,7`.
fn in_ranges(numbers: &[usize]) -> String {
    let runs = numbers.chunk_by(|one, next| one + 1 == *next);
    let words = runs.map(|run| match run {
        [only] => only.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    });
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::in_ranges;

    #[test]
    fn numbers_are_said_as_ranges() {
        assert_eq!(in_ranges(&[1, 2, 3, 7, 9, 10]), "1-3,7,9-10");
        assert_eq!(in_ranges(&[4]), "4");
    }
}
