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
mod tables;

pub use augment::AugmentSettings;
pub use ceilings::MOST_STEPS;
pub use difference::OF_THE_MACHINE;
pub use layers::{Draft, canonical};
pub use settings::{
    ChoiceSettings, DataSettings, Fold, LabelCount, ModelSettings, ObjectiveSettings, PictureSize,
    Recipe, TrainSettings, VOCABULARY,
};
pub use tables::{flat, merge, nested, parse_pair, parse_table};

/// Whether a device of that name, as `train.device` has it, is the CPU. Where parts of a batch are sent to devices of other processes, all
/// else is done on the CPU of this one.
pub fn on_cpu(device: &str) -> bool {
    matches!(device, "cpu" | "flex") || is_remote(device)
}

/// Whether a name means devices of other processes: addresses, each as `ws://HOST:PORT`.
pub fn is_remote(device: &str) -> bool {
    devices(device).all(|one| one.starts_with(REMOTE))
}

/// How the address of a device of another process begins.
pub const REMOTE: &str = "ws://";

/// The devices that a name lists.
pub fn devices(name: &str) -> impl Iterator<Item = &str> {
    name.split(',').map(str::trim)
}
