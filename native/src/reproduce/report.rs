//! What came out, as Markdown and CSV.

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
    /// What the budget was.
    pub budget: String,
    /// Seeds of the draws.
    pub seeds: Vec<u64>,
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
    writeln!(text, "- Command: `{}`\n- Budget: {}\n- Seeds: {seeds}", how.command, how.budget)?;
    for (name, reason) in &how.skipped {
        writeln!(text, "- Skipped: {name} ({reason})")?;
    }
    for metric in &table.metrics {
        writeln!(text, "\n## {}\n", metric.name)?;
        let columns = table.columns.iter().filter(|column| {
            table.rows.iter().any(|row| !values(results, row, column, metric).is_empty())
        });
        let columns: Vec<&Column> = columns.collect();
        text += "| |";
        for column in &columns {
            write!(text, " {} paper | {0} ours |", column.name)?;
        }
        writeln!(text, "\n| --- |{}", " ---: | ---: |".repeat(columns.len()))?;
        for row in &table.rows {
            write!(text, "| {} |", row.name)?;
            for column in &columns {
                let printed = row.paper.get(&metric.key).and_then(|by| by.get(&column.name));
                let printed = printed.map_or("–".into(), |v| format!("{v:.*}", metric.digits));
                let ours = estimate(values(results, row, column, metric));
                let ours = ours.map_or("–".into(), |e| e.text(metric.digits));
                write!(text, " {printed} | {ours} |")?;
            }
            text += "\n";
        }
        let pairs = table.rows.iter().filter_map(|row| Some((row, against(table, row)?)));
        let mut differences = String::new();
        for (row, other) in pairs {
            for column in &columns {
                let of = |row| values(results, row, column, metric);
                let Some(difference) = paired(of(row), of(other)) else { continue };
                let paper = |row: &Row| row.paper.get(&metric.key)?.get(&column.name).copied();
                let printed = paper(row).zip(paper(other)).map(|(a, b)| a - b);
                let printed = printed.map_or("–".into(), |v| format!("{v:+.*}", metric.digits));
                writeln!(
                    differences,
                    "| {} against {} | {} | {printed} | {} | {} |",
                    row.name,
                    other.name,
                    column.name,
                    difference.signed(metric.digits),
                    difference.count
                )?;
            }
        }
        if !differences.is_empty() {
            text += "\nPaired by draw:\n\n| | | paper | ours | draws |\n| --- | --- | ---: | ---: | ---: |\n";
            text += &differences;
        }
    }
    text += "\nMeans with 95 % intervals (Student's t over label draws); one draw has none.\n";
    Ok(text)
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
                let printed = row.paper.get(&metric.key).and_then(|by| by.get(&column.name));
                let printed = printed.map_or(String::new(), f64::to_string);
                for (seed, value) in values(results, row, column, metric) {
                    let (key, data, row) = (&metric.key, &column.name, quoted(&row.name));
                    writeln!(text, "{key},{data},{row},{seed},{value},{printed}")?;
                }
            }
        }
    }
    Ok(text)
}

fn quoted(name: &str) -> String {
    if name.contains(',') { format!("\"{name}\"") } else { name.to_owned() }
}
