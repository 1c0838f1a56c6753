//! The command line that repeats a run on a machine that has none of its files.

use anyhow::Result;
use toml::Table;

use crate::run::recipe::{Recipe, flat, merge, nested};
use crate::system::shell_word::shell_word;

/// `gleaner train` with whatever differs from the built-in recipe of the same data set and model; `None` if that
/// recipe sets something that this one leaves out, which no flag can.
///
/// # Errors
/// If a setting is not valid text.
pub(super) fn command(recipe: &Recipe) -> Result<Option<String>> {
    let arguments = arguments(recipe)?;
    let line = |arguments: Vec<String>| {
        let words: Vec<String> = arguments.iter().map(|argument| shell_word(argument)).collect();
        format!("gleaner train {}", words.join(" "))
    };
    Ok(arguments.map(line))
}

fn arguments(recipe: &Recipe) -> Result<Option<Vec<String>>> {
    let kind = recipe.model.kind();
    let mut base = nested("data.name", recipe.data.name.clone().into());
    merge(&mut base, nested("model.kind", kind.into()));
    let built_in = flat(&Table::try_from(Recipe::resolve(base, &[])?)?);
    let own = flat(&Table::try_from(recipe)?);
    if built_in.iter().any(|(key, _)| own.iter().all(|(other, _)| other != key)) {
        return Ok(None);
    }
    let mut arguments = vec![format!("--data={}", recipe.data.name), format!("--model={kind}")];
    for (key, value) in own.iter().filter(|pair| !built_in.contains(pair)) {
        arguments.push(format!("--set={key}={value}"));
    }
    Ok(Some(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_resolves_to_the_same_recipe() {
        let sets =
            ["train.seed=3", "train.parts=2", "model.hidden=[7, 8]", "objective.mier.beta=2.0"];
        let sets = [&sets[..], &["objective.mier.gamma=1.0", "data.validation=0.2"]].concat();
        let sets: Vec<String> = sets.into_iter().map(str::to_owned).collect();
        for model in ["m2", "ladder"] {
            let base = nested("model.kind", model.into());
            let sets = if model == "m2" { &sets[..] } else { &sets[..2] };
            let recipe = Recipe::resolve(base, sets).unwrap();
            let arguments = arguments(&recipe).unwrap().unwrap();
            assert_eq!(arguments[..2], ["--data=digits".to_owned(), format!("--model={model}")]);
            let again: Vec<String> = arguments[2..]
                .iter()
                .map(|argument| argument.strip_prefix("--set=").unwrap().to_owned())
                .collect();
            let base = nested("model.kind", model.into());
            assert_eq!(Recipe::resolve(base, &again).unwrap(), recipe);
            assert!(again.len() <= sets.len(), "only what differs: {again:?}");
        }
    }
}
