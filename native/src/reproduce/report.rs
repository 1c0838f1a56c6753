//! The results of a table as Markdown and CSV.

use std::fmt::Write as _;

use anyhow::Result;

use super::cell::Results;
use super::statistics::{Estimate, paired};
use super::table::{Column, Metric, Row, Table};

/// How a table was run.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The command line.
    pub command: String,
    /// Whether some of the results are from other calls.
    pub other_calls: bool,
    /// What the budget was.
    pub budget: String,
    /// Seeds of the draws that are done.
    pub seeds: Vec<u64>,
    /// What is to be said of data sets of which only a part is there.
    pub caveats: Vec<String>,
    /// Data sets that are not there, each with the reason.
    pub skipped: Vec<(String, String)>,
}

pub(super) fn values<'a>(
    results: &'a Results,
    row: &Row,
    column: &Column,
    metric: &Metric,
) -> &'a [(u64, f64)] {
    let key = (column.name.clone(), row.name.clone(), metric.key.clone());
    results.get(&key).map_or(&[], Vec::as_slice)
}

pub(super) fn estimate(values: &[(u64, f64)]) -> Option<Estimate> {
    Estimate::of(&values.iter().map(|(_, value)| *value).collect::<Vec<_>>())
}

fn against<'a>(table: &'a Table, row: &Row) -> Option<&'a Row> {
    let name = row.against.as_ref()?;
    table.rows.iter().find(|other| other.name == *name)
}

/// The tables of all metrics, with the paper's numbers beside ours and paired differences below.
///
/// # Errors
/// Never, unless memory runs out.
pub fn markdown(table: &Table, results: &Results, how: &Circumstances) -> Result<String> {
    let mut text = format!("# {}\n\nPaper: {}.\n\n", table.title, table.source);
    let seeds = how.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let others = if how.other_calls { ", and other commands with the same folder" } else { "" };
    writeln!(text, "- Command: `{}`{others}", how.command)?;
    writeln!(text, "- Budget: {}\n- Seeds: {seeds}", how.budget)?;
    for caveat in &how.caveats {
        writeln!(text, "- {caveat}")?;
    }
    for (name, reason) in &how.skipped {
        writeln!(text, "- Skipped: {name} ({reason})")?;
    }
    for metric in &table.metrics {
        writeln!(text, "\n## {}\n", metric.name)?;
        let columns = table.columns.iter().filter(|column| {
            table.rows.iter().any(|row| !values(results, row, column, metric).is_empty())
        });
        let columns: Vec<&Column> = columns.collect();
        let block = Block { table, results, metric, columns };
        block.means(&mut text)?;
        block.differences(&mut text)?;
    }
    text += "\nMeans with 95 % confidence intervals (Student's t over label draws); a single draw has no interval.\n";
    Ok(text)
}

/// The paper's number for a row.
fn printed(row: &Row, column: &Column, metric: &Metric) -> Option<f64> {
    row.paper.get(&metric.key)?.get(&column.name).copied()
}

/// What one metric came to, on the data sets that have it.
struct Block<'a> {
    table: &'a Table,
    results: &'a Results,
    metric: &'a Metric,
    columns: Vec<&'a Column>,
}

impl Block<'_> {
    /// A line for each row, the paper's and our number for each data set.
    fn means(&self, text: &mut String) -> Result<()> {
        let Self { table, results, metric, columns } = self;
        let has_paper = table.has_paper();
        *text += "| |";
        for Column { name, .. } in columns {
            match has_paper {
                true => write!(text, " {name} paper | {name} ours |")?,
                false => write!(text, " {name} |")?,
            }
        }
        let numbers = if has_paper { " ---: | ---: |" } else { " ---: |" };
        writeln!(text, "\n| --- |{}", numbers.repeat(columns.len()))?;
        let draws = |row, column| values(results, row, column, metric).len();
        let most =
            table.rows.iter().flat_map(|row| columns.iter().map(move |column| draws(row, column)));
        let most = most.max().unwrap_or(0);
        for row in &table.rows {
            write!(text, "| {} |", row.name)?;
            for column in columns {
                let paper = printed(row, column, metric);
                let paper = paper.map_or("–".into(), |v| format!("{v:.*}", metric.digits));
                let ours = estimate(values(results, row, column, metric));
                let ours = ours.map_or("–".into(), |e| e.text(metric.digits));
                let draws = values(results, row, column, metric).len();
                // A draw that is not done yet, or had no number to show.
                let few = if draws > 0 && draws < most {
                    format!(" ({draws} of {most})")
                } else {
                    String::new()
                };
                match has_paper {
                    true => write!(text, " {paper} | {ours}{few} |")?,
                    false => write!(text, " {ours}{few} |")?,
                }
            }
            *text += "\n";
        }
        Ok(())
    }

    /// A line for each pair of rows that is to be compared, on each data set that has both; nothing if none has.
    fn differences(&self, text: &mut String) -> Result<()> {
        let Self { table, results, metric, columns } = self;
        let mut lines = String::new();
        let pairs = table.rows.iter().filter_map(|row| Some((row, against(table, row)?)));
        for (row, other) in pairs {
            for column in columns {
                let of = |row| values(results, row, column, metric);
                let Some(ours) = paired(of(row), of(other)) else { continue };
                let paper = printed(row, column, metric).zip(printed(other, column, metric));
                let paper =
                    paper.map_or("–".into(), |(a, b)| format!("{:+.*}", metric.digits, a - b));
                let names = format!("{} against {} | {}", row.name, other.name, column.name);
                let signed = ours.signed(metric.digits);
                match table.has_paper() {
                    true => writeln!(lines, "| {names} | {paper} | {signed} | {} |", ours.count)?,
                    false => writeln!(lines, "| {names} | {signed} | {} |", ours.count)?,
                }
            }
        }
        if !lines.is_empty() {
            *text += "\nDifferences between rows, paired by label draw:\n\n";
            *text += match table.has_paper() {
                true => "| | | paper | ours | draws |\n| --- | --- | ---: | ---: | ---: |\n",
                false => "| | | difference | draws |\n| --- | --- | ---: | ---: |\n",
            };
            *text += &lines;
        }
        Ok(())
    }
}

/// Every value, one a line.
///
/// # Errors
/// Never, unless memory runs out.
pub fn csv(table: &Table, results: &Results) -> Result<String> {
    let mut text = "metric,data,row,seed,value,paper\n".to_owned();
    for metric in &table.metrics {
        for column in &table.columns {
            for row in &table.rows {
                let paper = printed(row, column, metric).map_or(String::new(), |v| v.to_string());
                for (seed, value) in values(results, row, column, metric) {
                    let (key, data, row) = (&metric.key, &column.name, quoted(&row.name));
                    // Seven digits: a share times 100 has a tail in double precision.
                    let value = *value as f32;
                    writeln!(text, "{key},{data},{row},{seed},{value},{paper}")?;
                }
            }
        }
    }
    Ok(text)
}

fn quoted(name: &str) -> String {
    if name.contains(',') { format!("\"{name}\"") } else { name.to_owned() }
}
