//! Settings as a page has them, dotted names and values, and the recipe that they and a file make.

use gleaner_core::data::own::OwnData;
use gleaner_core::error::{Error, Result};
use gleaner_core::problem::defaults::follows;
use gleaner_core::recipe::{Draft, Recipe, merge, nested};
use serde_json::{Map, Value};
use toml::Table;

use crate::file::File;

/// The models that can be trained here.
pub const MODELS: [&str; 2] = ["m2", "latent-ebm"];

/// Dotted names and values as a table, as the command line's `--set` makes one.
///
/// # Errors
/// If a value is none that a setting can have.
pub fn table(settings: &Map<String, Value>) -> Result<Table> {
    let mut all = Table::new();
    for (name, value) in settings {
        merge(&mut all, nested(name, of_json(name, value)?));
    }
    Ok(all)
}

fn of_json(name: &str, value: &Value) -> Result<toml::Value> {
    toml::Value::try_from(value).map_err(|_| {
        Error::Settings(format!("{name}: a setting is a number, a text or a list of these"))
    })
}

/// The recipe of a run on a file, and what is in the file: what `gleaner train --data FILE` with these settings resolves to.
///
/// # Errors
/// If the file cannot be read, or the settings are not valid.
pub fn settle(file: &File, settings: &Map<String, Value>) -> Result<(Recipe, OwnData)> {
    let mut flags = nested("data.name", file.name.clone().into());
    merge(&mut flags, table(settings)?);
    let draft = Draft::of(None, flags, &[])?;
    let recipe = draft.resolve(Table::new())?;
    let own = file.read(&recipe.data)?;
    let recipe = draft.resolve(follows(&own, &draft, &recipe))?;
    match MODELS.contains(&recipe.model.kind()) {
        true => Ok((recipe, own)),
        false => Err(Error::Settings(format!(
            "the page trains {}; train {} with the command line",
            MODELS.join(" and "),
            recipe.model.kind()
        ))),
    }
}

/// A recipe with other weights of its objective.
///
/// # Errors
/// If a setting is none of the objective's, or no run can have it.
pub fn change(recipe: &Recipe, settings: &Map<String, Value>) -> Result<Recipe> {
    if let Some(other) = settings.keys().find(|name| !name.starts_with("objective.")) {
        return Err(Error::Settings(format!(
            "{other} cannot be changed in the course of a training; start a new one"
        )));
    }
    let mut all: Table =
        recipe.to_toml()?.parse().map_err(|e| Error::Settings(format!("the settings: {e}")))?;
    // A weight that is null is taken away: without MIER, there is no section for it.
    for (name, value) in settings {
        match value {
            Value::Null => remove(&mut all, name),
            value => merge(&mut all, nested(name, of_json(name, value)?)),
        }
    }
    Recipe::of_run(&all.to_string(), "the settings")
}

fn remove(table: &mut Table, path: &str) {
    match path.split_once('.') {
        None => drop(table.remove(path)),
        Some((head, rest)) => {
            if let Some(toml::Value::Table(inner)) = table.get_mut(head) {
                remove(inner, rest);
            }
        }
    }
}
