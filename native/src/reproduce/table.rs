//! A table as its file describes it: what is compared, on what, and what the paper prints.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use crate::classical::Method;
use crate::run::recipe::{merge, nested};

/// The tables that come with the program.
const BUILT_IN: [(&str, &str); 10] = [
    ("choose-1", include_str!("../../../recipes/tables/choose-1.toml")),
    ("coreset-1", include_str!("../../../recipes/tables/coreset-1.toml")),
    ("mier-1", include_str!("../../../recipes/tables/mier-1.toml")),
    ("mier-2", include_str!("../../../recipes/tables/mier-2.toml")),
    ("mier-3", include_str!("../../../recipes/tables/mier-3.toml")),
    ("review-1", include_str!("../../../recipes/tables/review-1.toml")),
    ("svebm-image", include_str!("../../../recipes/tables/svebm-image.toml")),
    ("svebm-tabular", include_str!("../../../recipes/tables/svebm-tabular.toml")),
    ("svebm-text", include_str!("../../../recipes/tables/svebm-text.toml")),
    ("untapped", include_str!("../../../recipes/tables/untapped.toml")),
];

/// A table of a paper.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Where the paper's numbers are from.
    pub source: String,
    /// Tables with the same word share their runs.
    pub runs: String,
    /// What is measured, the first one drawn.
    pub metrics: Vec<Metric>,
    /// The data sets.
    pub columns: Vec<Column>,
    /// The models, in the order of the paper.
    pub rows: Vec<Row>,
    /// Pictures of rows that are several of one.
    #[serde(default)]
    pub plots: Vec<Plot>,
    /// Settings of every run.
    pub settings: toml::Table,
    /// Settings of every run at the paper's budget.
    pub full: toml::Table,
    /// Settings of every run under `--quick`, instead.
    pub quick: toml::Table,
    /// What is to be known of the full budget.
    pub full_budget: String,
    /// What is to be known of the quick one.
    pub quick_budget: String,
}

/// The first metric against the setting in which rows of one name differ, a panel for each data set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plot {
    /// What its file's name ends with.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What the setting is called.
    pub x: String,
    /// Names of the rows that are several of one, each a line.
    pub series: Vec<String>,
    /// Names of single rows, each a dashed level.
    #[serde(default)]
    pub levels: Vec<String>,
}

/// What is measured of a run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Metric {
    /// Its key in `summary.json`.
    pub key: String,
    /// Its name in the table.
    pub name: String,
    /// What the value is multiplied by: 100 makes percent of shares.
    #[serde(default = "one")]
    pub factor: f64,
    /// Digits after the point.
    #[serde(default = "two")]
    pub digits: usize,
}

fn one() -> f64 {
    1.0
}

fn two() -> usize {
    2
}

/// A data set of a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// What runs are called, and `--only` looks for.
    pub name: String,
    /// Its settings.
    pub settings: toml::Table,
}

/// A model of a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// The row that it is compared with, draw by draw.
    #[serde(default)]
    pub against: Option<String>,
    /// Its settings; those of a row with a method are of no account.
    #[serde(default)]
    pub settings: toml::Table,
    /// Which other method it is, if no model.
    #[serde(default)]
    pub method: Option<RowMethod>,
    /// Several rows of one: its name is that of the series. Each is compared with the row of the same value in the other series, if there is
    /// one, or with the other row if that is a single one.
    #[serde(default)]
    pub each: Option<Each>,
    /// The series that it is one of, and its place in it.
    #[serde(skip)]
    pub series: Option<(String, f64)>,
    /// The paper's numbers: by metric, by column.
    #[serde(default)]
    pub paper: BTreeMap<String, BTreeMap<String, f64>>,
}

/// What fills a row that is no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum RowMethod {
    /// One of the classical methods.
    Classical(Method),
    /// The classifier network by itself.
    Network(Trained),
}

/// What the classifier network is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trained {
    /// Labelled examples alone.
    Network,
    /// The model that samples are drawn from: trained with unlabelled examples, and its own classifier is measured.
    Generator,
    /// Labelled examples, and samples of a model that was trained with the same labels, chosen as `augment` says. All rows of a column share
    /// that model: the settings of the table and the column.
    Chosen,
}

/// Several rows that differ in one setting.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// The setting.
    pub setting: String,
    /// Its values; each is a row, whose name ends with it.
    pub values: Vec<toml::Value>,
}

impl Table {
    /// A built-in table by its name, or one from a file.
    ///
    /// # Errors
    /// If there is neither, or the file is not such a table.
    pub fn find(name: &str) -> Result<Self> {
        let text = match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => (*text).to_owned(),
            None if Path::new(name).is_file() || name.ends_with(".toml") => {
                std::fs::read_to_string(name).with_context(|| {
                    format!(
                        "cannot read the table {name}; give a .toml file or one of {}",
                        Self::names().join(", ")
                    )
                })?
            }
            None => bail!("there is no table `{name}`; choose one of {}", Self::names().join(", ")),
        };
        let table: Self = toml::from_str(&text).map_err(|e| {
            anyhow!("\"{name}\" is not a valid table: {}", e.message().replace('\n', " "))
        })?;
        let table = Self { rows: expanded(&table.rows)?, ..table };
        table.check().with_context(|| name.to_owned())?;
        Ok(table)
    }

    /// Names of the built-in tables.
    pub fn names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(name, _)| *name).collect()
    }

    /// Whether there are numbers of a paper to compare with.
    pub fn has_paper(&self) -> bool {
        self.rows.iter().any(|row| !row.paper.is_empty())
    }

    fn check(&self) -> Result<()> {
        for row in &self.rows {
            if let Some(other) = &row.against
                && !self.rows.iter().any(|row| row.name == *other)
            {
                bail!("row `{}` is compared with `{other}`, but there is no such row", row.name);
            }
        }
        for plot in &self.plots {
            let is_series =
                |name: &str, row: &Row| row.series.as_ref().is_some_and(|(own, _)| own == name);
            let series = plot.series.iter().find(|n| !self.rows.iter().any(|r| is_series(n, r)));
            let level = plot.levels.iter().find(|n| !self.rows.iter().any(|r| r.name == **n));
            if let Some(name) = series.or(level) {
                bail!("plot `{}` shows `{name}`, but there is no such row", plot.name);
            }
        }
        if self.metrics.is_empty() || self.columns.is_empty() || self.rows.is_empty() {
            bail!("a table needs metrics, columns and rows");
        }
        Ok(())
    }
}

/// Rows with one for each value where several are meant.
fn expanded(rows: &[Row]) -> Result<Vec<Row>> {
    let with = |name: &str, value: &toml::Value| format!("{name}, {value}");
    let mut all = Vec::new();
    for row in rows {
        let Some(each) = &row.each else {
            all.push(row.clone());
            continue;
        };
        for value in &each.values {
            let place = value.as_float().or(value.as_integer().map(|whole| whole as f64));
            let place =
                place.with_context(|| format!("row `{}`: {value} is no number", row.name))?;
            let of_other = |other: &String| {
                let found = rows.iter().find(|row| row.name == *other);
                match found.and_then(|row| row.each.as_ref()) {
                    Some(each) => each.values.contains(value).then(|| with(other, value)),
                    None => Some(other.clone()),
                }
            };
            let mut settings = row.settings.clone();
            merge(&mut settings, nested(&each.setting, value.clone()));
            all.push(Row {
                name: with(&row.name, value),
                against: row.against.as_ref().and_then(of_other),
                settings,
                each: None,
                series: Some((row.name.clone(), place)),
                ..row.clone()
            });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::recipe::Recipe;
    use crate::run::recipe::shipped::Builds;

    #[test]
    fn every_built_in_table_is_one_and_its_settings_are_recipes_whose_models_are_built() {
        let mut builds = Builds::default();
        for name in Table::names() {
            let table = Table::find(name).unwrap();
            for budget in [&table.full, &table.quick] {
                for (row, column) in
                    table.rows.iter().flat_map(|r| table.columns.iter().map(move |c| (r, c)))
                {
                    let mut settings = table.settings.clone();
                    merge(&mut settings, budget.clone());
                    merge(&mut settings, column.settings.clone());
                    merge(&mut settings, row.settings.clone());
                    let whose = format!("{name}, {}, {}", row.name, column.name);
                    let recipe = Recipe::of_table(settings);
                    builds.check(&recipe.unwrap_or_else(|e| panic!("{whose}: {e}")), &whose);
                }
            }
            for row in &table.rows {
                for (metric, by_column) in &row.paper {
                    assert!(table.metrics.iter().any(|m| m.key == *metric), "{name}: {metric}");
                    for column in by_column.keys() {
                        assert!(
                            table.columns.iter().any(|c| c.name == *column),
                            "{name}: {column}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert!(Table::find("mier-9").unwrap_err().to_string().contains("mier-1"));
    }
}
