//! A table as its file describes it: what is compared, on what, and what the paper prints.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use crate::classical::Method;

/// The tables that come with the program.
const BUILT_IN: [(&str, &str); 9] = [
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
    /// The classifier network on labelled examples alone.
    Network(Network),
}

/// The only word for [`RowMethod::Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// The classifier network on labelled examples alone.
    Network,
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
        table.check().with_context(|| name.to_owned())?;
        Ok(table)
    }

    /// Names of the built-in tables.
    pub fn names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(name, _)| *name).collect()
    }

    fn check(&self) -> Result<()> {
        for row in &self.rows {
            if let Some(other) = &row.against
                && !self.rows.iter().any(|row| row.name == *other)
            {
                bail!("row `{}` is compared with `{other}`, but there is no such row", row.name);
            }
        }
        if self.metrics.is_empty() || self.columns.is_empty() || self.rows.is_empty() {
            bail!("a table needs metrics, columns and rows");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::recipe::shipped::Builds;
    use crate::run::recipe::{Recipe, merge};

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
