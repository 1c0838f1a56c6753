//! The first metric of a table against a setting in which its rows differ: how accuracy grows with the number of samples.

use anyhow::{Context as _, Result};

use super::cell::Results;
use super::report::{estimate, values};
use super::table::{Column, Metric, Plot, Table};
use crate::pictures::plot::{Figure, Line, Panel, Scale};

const HEIGHT: f64 = 300.0;

/// The picture as SVG, a panel for each data set that was measured; `None` as long as none of its rows is.
///
/// # Errors
/// If it cannot be drawn.
pub fn curves(table: &Table, results: &Results, plot: &Plot) -> Result<Option<String>> {
    let metric = table.metrics.first().context("a table without metrics")?;
    let measured = |column: &&Column| {
        let mut rows = table.rows.iter();
        rows.any(|row| is_one_of(row, plot) && !values(results, row, column, metric).is_empty())
    };
    let columns = table.columns.iter().filter(measured);
    let panels: Vec<Panel> =
        columns.map(|column| panel(table, results, plot, (column, metric))).collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let (title, x, scale) = (plot.title.clone(), plot.x.clone(), Scale::Logarithmic);
    Figure { title, x, scale, panels }.svg().map(Some)
}

fn is_one_of(row: &super::table::Row, plot: &Plot) -> bool {
    row.series.as_ref().is_some_and(|(series, _)| plot.series.contains(series))
}

fn panel(
    table: &Table,
    results: &Results,
    plot: &Plot,
    (column, metric): (&Column, &Metric),
) -> Panel {
    let series = plot.series.iter().map(|name| {
        let mut points = Vec::new();
        for row in &table.rows {
            let Some((own, place)) = &row.series else { continue };
            let mean = estimate(values(results, row, column, metric));
            if let (true, Some(mean)) = (own == name, mean) {
                points.push([*place, mean.mean]);
            }
        }
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        Line::new(name, points)
    });
    let levels = plot.levels.iter().filter_map(|name| {
        let row = table.rows.iter().find(|row| row.name == *name)?;
        let mean = estimate(values(results, row, column, metric))?;
        Some(Line::level(name, mean.mean))
    });
    Panel {
        title: column.name.clone().into(),
        unit: "means over draws",
        suffix: "",
        scale: Scale::Linear,
        limits: [f64::NEG_INFINITY, f64::INFINITY],
        height: HEIGHT,
        lines: series.chain(levels).collect(),
    }
}
