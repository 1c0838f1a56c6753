//! The settings that follow from data of the user's own: likelihood, labels, networks, pace, and whether methods are compared. How the
//! numbers were chosen: docs/decisions.md.

mod labels;
mod likelihood;
mod networks;
mod pace;

pub use labels::{TEST_SHARE, comparison};

use gleaner_core::data::own::OwnData;
use gleaner_core::data::schema::Input;
use toml::Table;

use super::recipe::{Draft, Recipe, merge};

/// All of them, as far as nothing else is asked for.
pub fn follows(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let parts = [likelihood::follows, labels::follows, networks::follows, pace::follows];
    let mut table = Table::new();
    parts.into_iter().for_each(|part| merge(&mut table, part(own, draft, recipe)));
    table
}

/// Whether examples are rows of a table, or of a flat array, which is one without names.
fn is_table(own: &OwnData) -> bool {
    match &own.schema.input {
        Input::Table(_) => true,
        Input::Array(shape) => shape.len() == 1,
        Input::Pictures(_) | Input::Texts { .. } => false,
    }
}
