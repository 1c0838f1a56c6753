//! What describes the values.

use crate::data::own::{Nature, OwnData};
use crate::data::schema::{Input, Scaling};
use toml::{Table, Value};

use crate::recipe::{Draft, Recipe, merge, nested};

/// Share of the cells of a table that training hides, so that a model can do without any of them.
const MASKING: f64 = 0.05;

/// What describes the values, and whether they are standardised for it.
pub fn follows(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let mut table = Table::new();
    let mut set = |path: &str, value: Value| merge(&mut table, nested(path, value));
    let asked = draft.model_setting("likelihood").and_then(Value::as_str);
    let asks = draft.model_setting("likelihood").is_some();
    match own.nature {
        // A model without a likelihood to choose describes bits; what it cannot describe is refused later.
        _ if !recipe.model.describes() => {}
        Nature::Numbers if asks => {
            if !matches!(asked, Some("bernoulli" | "mixed")) {
                set("data.standardise", true.into());
            }
        }
        Nature::Numbers | Nature::Bits if !recipe.data.standardise && !asks && has_columns(own) => {
            set("model.likelihood", "mixed".into());
            if draft.model_setting("masking").is_none() {
                set("model.masking", MASKING.into());
            }
        }
        Nature::Numbers => {
            set("model.likelihood", "gaussian".into());
            set("data.standardise", true.into());
        }
        Nature::Bits if recipe.data.standardise && !asks => {
            set("model.likelihood", "gaussian".into());
        }
        Nature::Counts if !asks => set("model.likelihood", "multinomial".into()),
        Nature::Bits | Nature::Counts => {}
    }
    table
}

/// Whether examples are rows of columns that differ in kind: those of a table, unless it is a picture, or of a flat array of numbers.
fn has_columns(own: &OwnData) -> bool {
    match &own.schema.input {
        Input::Table(_) => own.schema.scaling == Scaling::None,
        Input::Array(shape) => shape.len() == 1 && own.nature == Nature::Numbers,
        Input::Pictures(_) | Input::Texts { .. } => false,
    }
}
