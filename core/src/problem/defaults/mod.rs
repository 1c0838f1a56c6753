//! The settings that follow from data of the user's own: likelihood, labels, networks, pace, and whether methods are compared; and from
//! another network's features. How the numbers were chosen: docs/decisions.md.

mod features;
mod labels;
mod likelihood;
mod networks;
mod pace;

use crate::data::Dataset;
use crate::data::own::OwnData;
use crate::data::schema::Input;
use features::Features;
pub use labels::{TEST_SHARE, comparison};
use toml::Table;

use crate::error::Result;
use crate::recipe::{Draft, Recipe, merge};

/// All of them, as far as nothing else is asked for.
pub fn follows(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let parts = [likelihood::follows, labels::follows, networks::follows, pace::follows];
    let mut table = Table::new();
    parts.into_iter().for_each(|part| merge(&mut table, part(own, draft, recipe)));
    if recipe.data.features.is_some() {
        let features = Features {
            rows: own.rows.train.len(),
            numbers: own.raw.features(),
            classes: own.schema.classes.len(),
            labels: labels::label_counts(own, draft, recipe).iter().sum(),
        };
        merge(&mut table, features::follows(&features, draft, recipe));
    }
    table
}

/// What follows from a known data set: something only if another network's features stand in its place.
///
/// # Errors
/// If the labels asked for cannot be divided among the classes.
pub fn follows_known(data: &Dataset, draft: &Draft, recipe: &Recipe) -> Result<Table> {
    if recipe.data.features.is_none() {
        return Ok(Table::new());
    }
    let (rows, classes) = (data.train.len(), data.classes.len());
    let labelled = recipe.data.labelled_classes.as_ref().map_or(classes, Vec::len);
    let labels = recipe.labels_per_class(classes)?.map_or(rows, |labels| labels * labelled);
    let features = Features { rows, numbers: data.train.features(), classes, labels };
    Ok(features::follows(&features, draft, recipe))
}

/// Whether examples are rows of a table, or of a flat array, which is one without names.
fn is_table(own: &OwnData) -> bool {
    match &own.schema.input {
        Input::Table(_) => true,
        Input::Array(shape) => shape.len() == 1,
        Input::Pictures(_) | Input::Texts { .. } => false,
    }
}
