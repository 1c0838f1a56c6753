//! `gleaner reproduce`: a paper's table, run again over several label draws.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use toml::Table as Settings;

use super::ceilings::at_most;
use super::own_options::absolute;
use crate::data::registry;
use crate::reproduce::{
    Cell, Circumstances, Column, Outcome, Results, Table, csv, curves, forest, markdown, measure,
};
use crate::run::recipe::{merge, nested, parse_pair};
use crate::system::device;
use crate::system::files::{ensure_writable_dir, write_atomic};
use crate::system::interrupt::Interrupt;
use crate::system::output::{Output, path_text};
use crate::system::shell_word::shell_word;

/// Label draws unless asked otherwise.
const DRAWS: u64 = 5;

/// Label draws at most.
const MOST_DRAWS: usize = 1000;

/// For whoever stops a table.
const GO_ON: &str = "to continue, run the same command with --resume";

/// Reproduce a table of a paper: every row, several label draws, means with confidence intervals.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Tables: choose-1 coreset-1 mier-1 mier-2 mier-3 review-1 svebm-image svebm-tabular svebm-text untapped,\nor a .toml file like those in recipes/tables\n\n\
    Examples:\n  \
    gleaner reproduce mier-1 --quick --draws 3 --data-dir ~/data\n  \
    gleaner reproduce mier-1 --quick --draws 3 --only fashion-mnist --resume\n  \
    gleaner reproduce untapped --data-dir ~/data\n\n\
    Continue a stopped or failed table with --resume. Tables of the same paper share their runs."
)]
pub struct Args {
    /// Name of a table, or a .toml file
    table: String,
    /// Use a smaller budget, the same for every row; the result says which
    #[arg(long)]
    quick: bool,
    /// Number of label draws: seeds 0, 1, ...
    #[arg(long, value_name = "N", default_value_t = DRAWS)]
    draws: u64,
    /// Continue where the last call stopped, and use the runs that exist
    #[arg(long)]
    resume: bool,
    /// Only data sets and rows whose name is or contains this text; can be given several times
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Folder of the data sets
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// CPU threads of each run; 0 uses all
    #[arg(long, value_name = "N")]
    threads: Option<i64>,
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

    /// Whether a data set and a row are asked for. A word that names data sets chooses among data sets, any
    /// other among rows.
    fn wants(&self, table: &Table, column: &str, row: &str) -> bool {
        let names_data =
            |word: &&String| table.columns.iter().any(|c| c.name.contains(word.as_str()));
        let (of_data, of_rows): (Vec<_>, Vec<_>) = self.only.iter().partition(names_data);
        let columns: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
        let rows: Vec<&str> = table.rows.iter().map(|row| row.name.as_str()).collect();
        let wanted = |words: &[&String], name: &str, all: &[&str]| {
            words.is_empty() || words.iter().any(|word| names(word, name, all))
        };
        wanted(&of_data, column, &columns) && wanted(&of_rows, row, &rows)
    }

    /// # Errors
    /// If a word names nothing in the table.
    fn check_only(&self, table: &Table) -> Result<()> {
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let rows: Vec<&str> = table.rows.iter().map(|row| row.name.as_str()).collect();
        for word in &self.only {
            ensure!(
                columns.iter().chain(&rows).any(|name| name.contains(word.as_str())),
                "--only {word}: {} has no such data set or row; data sets: {}; rows: {}",
                self.table,
                columns.join(", "),
                rows.join("; ")
            );
        }
        Ok(())
    }

    fn command(&self) -> String {
        let mut words = vec!["gleaner reproduce".to_owned(), shell_word(&self.table)];
        words.extend(self.quick.then(|| "--quick".to_owned()));
        words.push(format!("--draws {}", self.draws));
        words.extend(self.only.iter().map(|only| format!("--only {}", shell_word(only))));
        words.extend(self.device.iter().map(|device| format!("--device {device}")));
        words.extend(self.set.iter().map(|pair| format!("--set {}", shell_word(pair))));
        words.join(" ")
    }
}

/// Runs a table.
///
/// # Errors
/// If the table, a run or the disk fails, or the user stops it.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if args.draws == 0 {
        bail!("--draws 0 is not valid: it must be at least 1");
    }
    let draws = usize::try_from(args.draws).unwrap_or(usize::MAX);
    at_most("--draws", draws, MOST_DRAWS, "each trains every model of the table once more")?;
    let table = Table::find(&args.table)?;
    args.check_only(&table)?;
    if let Some(device) = &args.device {
        device::parse(device)?;
    }
    let settings = args.settings()?;
    let cells = cells(args, &table, &settings)?;
    let runs = args.out.join(&table.runs);
    if runs.exists() && !args.resume && cells.iter().any(Cell::exists) {
        bail!(
            "\"{}\" already holds runs of this table; continue them with --resume, or choose another --out",
            runs.display()
        );
    }
    ensure_writable_dir(&runs)?;
    let interrupt = Interrupt::install()?;
    interrupt.advise(GO_ON);
    let mut found = done_before(args, &table, &settings)?;
    let mut skipped = Vec::<(String, String)>::new();
    for (number, cell) in cells.iter().enumerate() {
        let Cell { row, column, seed, .. } = cell;
        if skipped.iter().any(|(name, _)| *name == column.name) {
            continue;
        }
        eprintln!("[{}/{}] {}, {}, seed {seed}", number + 1, cells.len(), column.name, row.name);
        let outcome = measure(cell, &interrupt);
        if interrupt.requested() {
            bail!("stopped; {GO_ON}");
        }
        let place = || format!("{}, {}, seed {seed}", column.name, row.name);
        let outcome = outcome.with_context(place)?;
        match outcome {
            Outcome::Measured(values) => found.keep(&table, cell, &values),
            Outcome::Skipped(reason) => skip(&mut skipped, column, reason),
        }
        // After every cell, so that whoever stops has what there is.
        if !found.results.is_empty() {
            write(args, &table, &found, &skipped)?;
        }
    }
    if let (true, Some((_, reason))) = (found.results.is_empty(), skipped.first()) {
        bail!("no run of {} is possible: {reason}", args.table);
    }
    write(args, &table, &found, &skipped)?.show(out)
}

fn cells<'a>(args: &Args, table: &'a Table, settings: &Settings) -> Result<Vec<Cell<'a>>> {
    let mut cells = Vec::new();
    // Draw by draw: a table that is stopped early has every row, if not every draw.
    for seed in 0..args.draws {
        for column in &table.columns {
            for row in &table.rows {
                if args.wants(table, &column.name, &row.name) {
                    let place = (row, column, seed);
                    cells.push(Cell::new(table, place, args.quick, settings, &args.out)?);
                }
            }
        }
    }
    Ok(cells)
}

/// Whether a word means a name: the very name, or, where none of them is that, one that contains it. `mnist` is not
/// `fashion-mnist`, nor `H` every row that filters.
fn names(word: &str, name: &str, all: &[&str]) -> bool {
    name == word || (!all.contains(&word) && name.contains(word))
}

/// What is done already and was not asked for now: rows that another call with `--only` ran, as far as their settings
/// are the same.
fn done_before(args: &Args, table: &Table, settings: &Settings) -> Result<Found> {
    let mut found = Found::default();
    for column in &table.columns {
        for row in &table.rows {
            let wanted = args.wants(table, &column.name, &row.name);
            for seed in if wanted { args.draws } else { 0 }.. {
                let cell = Cell::new(table, (row, column, seed), args.quick, settings, &args.out)?;
                let Ok(Some(values)) = cell.finished() else { break };
                found.keep(table, &cell, &values);
            }
        }
    }
    Ok(found)
}

/// What cells came to.
#[derive(Default)]
struct Found {
    results: Results,
    /// What is to be said of data of which only a part was there.
    caveats: BTreeSet<String>,
}

impl Found {
    fn keep(&mut self, table: &Table, cell: &Cell, values: &Value) {
        self.caveats.extend(values["data"].as_str().and_then(registry::caveat));
        for metric in &table.metrics {
            if let Some(value) = values[&metric.key].as_f64() {
                let key = (cell.column.name.clone(), cell.row.name.clone(), metric.key.clone());
                let draws = self.results.entry(key).or_default();
                draws.push((cell.seed, value * metric.factor));
                draws.sort_by_key(|(seed, _)| *seed);
            }
        }
    }
}

/// Whether there are results that this call did not ask for.
fn from_other_calls(args: &Args, table: &Table, results: &Results) -> bool {
    results.iter().any(|((column, row, _), draws)| {
        !args.wants(table, column, row) || draws.iter().any(|(seed, _)| *seed >= args.draws)
    })
}

fn skip(skipped: &mut Vec<(String, String)>, column: &Column, reason: String) {
    eprintln!("skipped {}: {reason}", column.name);
    skipped.push((column.name.clone(), reason));
}

/// What the table says of its budget, as far as the user left it alone.
fn budget(args: &Args, table: &Table) -> String {
    let budget = if args.quick { &table.quick_budget } else { &table.full_budget };
    match args.set.is_empty() {
        true => budget.clone(),
        false => format!("{budget}; changed by the --set options of the command"),
    }
}

/// The files of a table.
struct Written {
    text: String,
    paths: [PathBuf; 3],
    plots: Vec<PathBuf>,
}

impl Written {
    fn show(&self, out: &Output) -> Result<()> {
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

fn write(
    args: &Args,
    table: &Table,
    Found { results, caveats }: &Found,
    skipped: &[(String, String)],
) -> Result<Written> {
    let seeds: BTreeSet<u64> = results.values().flatten().map(|(seed, _)| *seed).collect();
    let how = Circumstances {
        command: args.command(),
        other_calls: from_other_calls(args, table, results),
        budget: budget(args, table),
        seeds: seeds.into_iter().collect(),
        caveats: caveats.iter().cloned().collect(),
        skipped: skipped.to_vec(),
    };
    let stem = args.table.rsplit('/').next().unwrap_or(&args.table).trim_end_matches(".toml");
    let budget = if args.quick { "-quick" } else { "" };
    let path = |end: &str| args.out.join(format!("{stem}{budget}.{end}"));
    let paths = ["md", "csv", "svg"].map(path);
    let text = markdown(table, results, &how)?;
    let mut page = text.clone();
    let shown = if table.has_paper() { "Our means beside the paper's" } else { "Our means" };
    page += &format!("\n![{shown}]({stem}{budget}.svg)\n");
    let mut plots = Vec::new();
    for plot in &table.plots {
        let Some(picture) = curves(table, results, plot)? else { continue };
        let name = format!("{stem}{budget}-{}.svg", plot.name);
        page += &format!("\n![{}]({name})\n", plot.title);
        plots.push(args.out.join(name));
        write_atomic(plots.last().context("a plot")?, picture.as_bytes())?;
    }
    write_atomic(&paths[2], forest(table, results)?.as_bytes())?;
    write_atomic(&paths[0], page.as_bytes())?;
    write_atomic(&paths[1], csv(table, results)?.as_bytes())?;
    Ok(Written { text, paths, plots })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_word_that_is_a_name_means_no_other() {
        let all = ["mnist", "fashion-mnist", "kmnist"];
        let meant = |word: &str| all.map(|name| names(word, name, &all));
        assert_eq!(meant("mnist"), [true, false, false]);
        assert_eq!(meant("mnis"), [true, true, true]);
        assert_eq!(meant("fashion"), [false, true, false]);
    }
}
