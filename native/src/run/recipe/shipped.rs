//! Tests: builds the model of every recipe and table that ships, without the data sets.

use std::collections::HashSet;
use std::path::Path;

use burn::tensor::Device;
use gleaner_core::noise::Noise;

use super::Recipe;
use crate::data::registry;

/// Shape of an example and number of classes. Of texts, as many words as it takes to see that a model is built.
fn data(recipe: &Recipe) -> (Vec<usize>, usize) {
    let name = recipe.data.name.as_str();
    if let Some(([height, width, channels], classes)) = registry::images(name) {
        return (vec![height, width, if recipe.data.grey { 1 } else { channels }], classes);
    }
    let shape = match name {
        "ag-news" => vec![100],
        "protein" => vec![9],
        "hepmass" => vec![28],
        "miniboone" => vec![50],
        other => panic!("what are examples of {other} like?"),
    };
    (shape, registry::find(name).map_or(10, |entry| entry.classes))
}

/// Builds the models of recipes, each once.
#[derive(Default)]
pub struct Builds(HashSet<String>);

impl Builds {
    /// Builds that of one.
    ///
    /// # Panics
    /// If it cannot be built.
    pub fn check(&mut self, recipe: &Recipe, whose: &str) {
        let (shape, classes) = data(recipe);
        let config = recipe.model.config(&shape, classes, &[]);
        let config = config.unwrap_or_else(|e| panic!("{whose}: {e:#}"));
        if self.0.insert(format!("{config:?}")) {
            let built = config.init(&Noise::new(0), &Device::flex());
            built.map(drop).unwrap_or_else(|e| panic!("{whose}: {e}"));
        }
    }
}

#[test]
fn the_model_of_every_recipe_that_ships_is_built() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../recipes"));
    let mut builds = Builds::default();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "toml") || path.ends_with("general.toml")
        {
            continue;
        }
        let whose = path.display().to_string();
        let recipe = super::resolve(Some(&path), toml::Table::new(), &[]);
        let recipe = recipe.unwrap_or_else(|e| panic!("{whose}: {e:#}"));
        builds.check(&recipe, &whose);
        count += 1;
    }
    assert!(count > 10, "{count} recipes in {}", folder.display());
}
