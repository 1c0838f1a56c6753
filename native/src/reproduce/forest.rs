//! The first metric of a table as a picture: one line for each row, our mean with its interval, the paper's
//! number beside it.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::cell::Results;
use super::report::{estimate, values};
use super::statistics::Estimate;
use super::table::{Column, Metric, Row, Table};
use crate::pictures::svg::{self, escaped};

const WIDTH: f64 = 760.0;
/// Where the axis ends; values stand to the right of it.
const END: f64 = 620.0;
/// Where it begins, unless the names of rows to the left of it need more room.
const START: f64 = 250.0;
/// Room for a letter of a name.
const LETTER: f64 = 6.9;
const LINE: f64 = 22.0;
const TITLE: f64 = 44.0;

/// The picture as SVG.
///
/// # Errors
/// If nothing was measured.
pub fn forest(table: &Table, results: &Results) -> Result<String> {
    let metric = table.metrics.first().context("a table without metrics")?;
    let longest = table.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let start = (24.0 + LETTER * longest as f64).clamp(START, END - 160.0);
    let (mut body, mut top) = (String::new(), 34.0);
    for column in &table.columns {
        let lines: Vec<Entry> =
            table.rows.iter().filter_map(|row| entry(results, row, column, metric)).collect();
        if !lines.iter().any(|line| line.ours.is_some()) {
            continue;
        }
        panel(&mut body, &column.name, &lines, metric.digits, [start, top])?;
        top += TITLE + LINE * lines.len() as f64 + 14.0;
    }
    anyhow::ensure!(!body.is_empty(), "nothing was measured: there is nothing to draw");
    let title = format!("{}: {}", table.title, metric.name);
    Ok(format!(
        "{}<text x=\"16\" y=\"24\" font-size=\"14\" font-weight=\"600\" fill=\"#111827\">{}</text>\n\
         {body}</svg>\n",
        svg::open(&title, [WIDTH, top]),
        escaped(&title)
    ))
}

struct Entry<'a> {
    name: &'a str,
    ours: Option<Estimate>,
    paper: Option<f64>,
}

fn entry<'a>(
    results: &Results,
    row: &'a Row,
    column: &Column,
    metric: &Metric,
) -> Option<Entry<'a>> {
    let ours = estimate(values(results, row, column, metric));
    let paper = row.paper.get(&metric.key).and_then(|by| by.get(&column.name)).copied();
    (ours.is_some() || paper.is_some()).then_some(Entry { name: &row.name, ours, paper })
}

fn panel(
    svg: &mut String,
    name: &str,
    entries: &[Entry],
    digits: usize,
    [start, top]: [f64; 2],
) -> Result<()> {
    let ends = entries.iter().flat_map(|entry| {
        let ours = entry.ours.map(|e| {
            let half = e.half_width.unwrap_or(0.0);
            [e.mean - half, e.mean + half]
        });
        ours.into_iter().flatten().chain(entry.paper)
    });
    let (low, high) =
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let air = ((high - low) * 0.06).max(f64::EPSILON.max(high.abs() * 1e-6));
    let (low, high) = (low - air, high + air);
    let x = |value: f64| start + (value - low) / (high - low) * (END - start);
    let paper = if entries.iter().any(|entry| entry.paper.is_some()) { "   ◇ paper" } else { "" };
    let bottom = top + TITLE - 10.0 + LINE * entries.len() as f64;
    writeln!(
        svg,
        "<text x=\"16\" y=\"{:.1}\" font-weight=\"600\" fill=\"#111827\">{}</text>\n\
         <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">● ours, 95 % interval{paper}</text>",
        top + 20.0,
        escaped(name),
        WIDTH - 16.0,
        top + 20.0
    )?;
    for (share, anchor) in [(0.0, "start"), (1.0, "end")] {
        let value = low + share * (high - low);
        writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{bottom:.1}\" text-anchor=\"{anchor}\" font-size=\"10\" \
             fill=\"#9ca3af\">{value:.digits$}</text>",
            x(value)
        )?;
    }
    for (place, entry) in entries.iter().enumerate() {
        let y = top + TITLE + LINE * place as f64;
        line(svg, entry, [start, y], digits, x)?;
    }
    Ok(())
}

fn line(
    svg: &mut String,
    entry: &Entry,
    [start, y]: [f64; 2],
    digits: usize,
    x: impl Fn(f64) -> f64,
) -> Result<()> {
    writeln!(
        svg,
        "<text x=\"16\" y=\"{:.1}\">{}</text>\n<line x1=\"{start:.1}\" x2=\"{END}\" y1=\"{y:.1}\" y2=\"{y:.1}\" \
         stroke=\"#e5e7eb\"/>",
        y + 4.0,
        escaped(entry.name)
    )?;
    if let Some(ours) = entry.ours {
        if let Some(half) = ours.half_width {
            let (from, to) = (x(ours.mean - half), x(ours.mean + half));
            writeln!(
                svg,
                "<line x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#1f6fb4\" \
                 stroke-width=\"2.5\"/>"
            )?;
        }
        writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#1f6fb4\"/>\n\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            x(ours.mean),
            WIDTH - 16.0,
            y + 4.0,
            ours.text(digits)
        )?;
    }
    if let Some(paper) = entry.paper {
        let x = x(paper);
        writeln!(
            svg,
            "<path d=\"M{:.1} {y:.1}L{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}Z\" fill=\"#ffffff\" \
             stroke=\"#d0661c\" stroke-width=\"1.6\"/>",
            x - 5.0,
            y - 5.0,
            x + 5.0,
            y + 5.0
        )?;
    }
    Ok(())
}
