//! Recipes: everything that decides a run, as TOML.
//!
//! A run's settings are laid over each other as tables, later ones winning: built-in recipes (`layers`), the recipe
//! file, the flags, the `--set` pairs. Only the result is given a type (`settings`), so a default lives in one place
//! and an unknown key is refused by name wherever it came from.

mod augment;
mod ceilings;
mod check;
mod difference;
mod layers;
mod settings;
#[cfg(test)]
pub mod shipped;
mod tables;

pub use augment::AugmentSettings;
pub use ceilings::MOST_STEPS;
pub use difference::OF_THE_MACHINE;
pub use layers::Draft;
pub use settings::{
    ChoiceSettings, DataSettings, Fold, LabelCount, ModelSettings, ObjectiveSettings, PictureSize,
    Recipe, TrainSettings, VOCABULARY,
};
pub use tables::{flat, merge, nested, parse_pair};
