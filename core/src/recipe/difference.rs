//! Whether two recipes describe the same run.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::settings::Recipe;
use super::tables::flat;
use crate::error::{Result, unfit};

/// Settings that say where the data lie and what computes. What the data are is known by their digest.
pub const OF_THE_MACHINE: [&str; 7] = [
    "data.dir",
    "data.name",
    "data.features",
    "data.label-file",
    "data.unlabelled-dir",
    "train.device",
    "train.threads",
];

impl Recipe {
    /// The first setting that this recipe and another one do not have in common, with its value in both, in words: `train.seed =
    /// 1, not 0`. Those of `ignored` do not count.
    ///
    /// # Errors
    /// If a path in one of them is not valid text.
    pub fn difference(&self, other: &Self, ignored: &[&str]) -> Result<Option<String>> {
        let [ours, theirs] = [self, other].map(|recipe| -> Result<BTreeMap<String, Value>> {
            let table = Table::try_from(recipe)
                .map_err(|e| unfit!("the settings cannot be compared: {e}"))?;
            Ok(flat(&table).into_iter().collect())
        });
        let (ours, theirs) = (ours?, theirs?);
        let differs = |path: &&String| {
            !ignored.contains(&path.as_str()) && ours.get(*path) != theirs.get(*path)
        };
        let words = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
        Ok(ours.keys().chain(theirs.keys()).find(differs).map(|path| {
            format!("{path} = {}, not {}", words(ours.get(path)), words(theirs.get(path)))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(sets: &[&str]) -> Recipe {
        let sets: Vec<String> = sets.iter().map(|&pair| pair.to_owned()).collect();
        Recipe::resolve(Table::new(), &sets).unwrap()
    }

    #[test]
    fn a_setting_that_differs_is_named_with_both_values() {
        let said = |one: &[&str], other: &[&str]| {
            with(one).difference(&with(other), &OF_THE_MACHINE).unwrap()
        };
        assert_eq!(said(&["train.seed=1"], &[]).unwrap(), "train.seed = 1, not 0");
        let beta = ["objective.mier.beta=2.0", "objective.mier.gamma=1.0"];
        assert_eq!(said(&beta, &[]).unwrap(), "objective.mier.beta = 2.0, not absent");
        assert_eq!(said(&[], &beta).unwrap(), "objective.mier.beta = absent, not 2.0");
        assert_eq!(said(&["train.threads=1", "data.dir=/x"], &[]), None);
        let ignored = with(&["train.threads=1"]).difference(&with(&[]), &[]).unwrap();
        assert!(ignored.unwrap().starts_with("train.threads = 1"));
    }
}
