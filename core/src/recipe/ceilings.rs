//! The largest numbers that settings may have, each with its reason: beyond them sums overflow, or a run never ends.

use super::settings::Recipe;
use crate::error::{Result, refuse};

/// Steps and epochs at most: at a thousand steps a second, thirty years.
pub const MOST_STEPS: u64 = 1_000_000_000_000;

/// Examples at most that are worked on, drawn or chosen together.
const MOST_TOGETHER: u64 = 1 << 24;

/// Words at most that are counted: no language has as many.
const MOST_WORDS: u64 = 1 << 24;

/// Divisions of a batch, and draws for an example, at most.
const MOST_DRAWS: u64 = 10_000;

/// # Errors
/// If a number is so large that no run can have it. Names the setting, the largest number, and why there is one.
pub(super) fn check(recipe: &Recipe) -> Result<()> {
    let Recipe { data, objective, augment, train, .. } = recipe;
    let long = "thirty years at a thousand a second";
    let wide = "all are in memory at once";
    let many = "each takes as long as one without";
    let size = |size: usize| size as u64;
    let counts = [
        ("train.epochs", train.epochs, MOST_STEPS, long),
        ("train.steps", train.steps.unwrap_or(0), MOST_STEPS, long),
        ("train.feature-epochs", train.feature_epochs, MOST_STEPS, long),
        ("train.baseline-steps", train.baseline_steps, MOST_STEPS, long),
        ("train.warm-up-steps", train.warm_up_steps, MOST_STEPS, long),
        ("train.batch-size", size(train.batch_size), MOST_TOGETHER, wide),
        ("train.labelled-batch-size", size(train.labelled_batch_size), MOST_TOGETHER, wide),
        ("train.parts", size(train.parts), MOST_DRAWS, "each part has a thread's work to do"),
        (
            "data.vocabulary",
            size(data.vocabulary.unwrap_or(0)),
            MOST_WORDS,
            "no language has more words",
        ),
        ("objective.classifier-draws", size(objective.classifier_draws), MOST_DRAWS, many),
    ];
    let of_augment = augment.iter().flat_map(|augment| {
        [
            ("augment.at", augment.at, MOST_STEPS, long),
            ("augment.every", augment.every, MOST_STEPS, long),
            ("augment.pool", size(augment.pool), MOST_TOGETHER, wide),
        ]
    });
    let of_chains = objective.latent_ebm.iter().flat_map(|settings| {
        [("objective.latent-ebm.persistent", size(settings.persistent), MOST_DRAWS, wide)]
    });
    for (name, found, most, why) in counts.into_iter().chain(of_augment).chain(of_chains) {
        if found > most {
            refuse!("{name} = {found} is not valid: it must be at most {most}: {why}");
        }
    }
    Ok(())
}
