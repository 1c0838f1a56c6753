//! Recipes as files: read, and laid under what the user asks for. What they mean, the core knows.

#[cfg(test)]
pub mod shipped;

use std::path::Path;

use anyhow::{Context as _, Result};
pub use gleaner_core::recipe::{
    AugmentSettings, DataSettings, Draft, Fold, MOST_STEPS, OF_THE_MACHINE, Recipe, VOCABULARY,
    flat, merge, nested, parse_pair, parse_table,
};
use toml::Table;

use crate::data::registry::is_known;

/// What the user asks for: flags and `--set` pairs over a recipe file. A path of data becomes absolute, so that the run can be opened
/// from anywhere.
///
/// # Errors
/// If a file cannot be read, or a pair is no pair.
pub fn draft(file: Option<&Path>, flags: Table, sets: &[String]) -> Result<Draft> {
    let file = file.map(|path| anyhow::Ok((read_table(path)?, path.display().to_string())));
    let mut draft = Draft::of(file.transpose()?, flags, sets)?;
    let name = draft.data_name();
    if !is_known(name) && Path::new(name).exists() {
        let absolute = std::path::absolute(name).context("the folder of this process is gone")?;
        let text =
            absolute.to_str().context("the path of the data is not valid text; rename it")?;
        draft.name_data(text);
    }
    Ok(draft)
}

/// The settings: what the user asks for, over the built-in recipe of the data set.
///
/// # Errors
/// If a file cannot be read, a pair is no pair, or the result has unknown keys or wrong values.
pub fn resolve(file: Option<&Path>, flags: Table, sets: &[String]) -> Result<Recipe> {
    Ok(draft(file, flags, sets)?.resolve(Table::new())?)
}

/// The settings of a run as it wrote them down.
///
/// # Errors
/// If the file cannot be read, is incomplete, or has unknown keys or wrong values.
pub fn of_run(config: &Path) -> Result<Recipe> {
    Recipe::of_run(&read(config)?, &config.display().to_string())
        .context("this run cannot be read; copy it again as a whole")
}

fn read_table(path: &Path) -> Result<Table> {
    Ok(parse_table(&read(path)?, &path.display().to_string())?)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| {
        format!(
            "cannot read the recipe {}; give a .toml file or the config.toml of a run",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_cut_off_is_to_be_copied_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let whole = Recipe::resolve(Table::new(), &[]).unwrap().to_toml().unwrap();
        std::fs::write(&path, &whole).unwrap();
        assert!(of_run(&path).is_ok());
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let error = format!("{:#}", of_run(&path).unwrap_err());
        assert!(error.contains("copy it again") && error.contains("config.toml"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
