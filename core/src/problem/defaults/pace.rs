//! How long is trained, and how many examples a step sees.

use crate::data::own::OwnData;
use crate::data::schema::Input;
use toml::{Table, Value};

use crate::recipe::{Draft, Recipe, merge, nested};

/// A step sees this share of a small pool.
const SHARE_OF_STEP: usize = 10;

/// Unlabelled examples in a step, at least and at most.
const BATCH: [usize; 2] = [16, 200];

/// Fewer steps than this teach a model nothing, however few the examples are.
pub(super) const FEWEST_STEPS: usize = 2000;

/// Passes, at least, ...
const FEWEST_EPOCHS: usize = 50;

/// ... unless that makes more steps than so many times the fewest.
const MOST_OVER_FEWEST: usize = 8;

/// M2 on texts: so many passes, which make at most so many steps, unless they are fewer passes than the least. Longer, the classifier
/// forgets what the labels say and follows topics.
const EPOCHS_OF_TEXTS: [usize; 2] = [6, 40];
const MOST_STEPS_ON_TEXTS: usize = 500;

/// A batch of fewer examples is not worth sharing out among threads.
const SHARED_BATCH: usize = 64;

/// Few examples make few steps of a pass.
pub fn follows(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let mut table = Table::new();
    let mut set = |path: &str, value: Value| merge(&mut table, nested(path, value));
    set("train.batch-size", (batch(own) as i64).into());
    if batch_in_use(own, draft, recipe) < SHARED_BATCH {
        set("train.parts", 1.into());
    }
    let epochs = fitting_epochs(own, draft, recipe) as i64;
    set("train.epochs", epochs.into());
    if recipe.train.feature_epochs > 0 {
        set("train.feature-epochs", epochs.into());
    }
    table
}

/// Passes over the pool: those that the user asks for, or those that fit.
pub fn epochs(own: &OwnData, draft: &Draft, recipe: &Recipe) -> usize {
    match draft.train_setting("epochs").and_then(Value::as_integer) {
        Some(asked) => usize::try_from(asked).unwrap_or(0),
        None => fitting_epochs(own, draft, recipe),
    }
}

fn fitting_epochs(own: &OwnData, draft: &Draft, recipe: &Recipe) -> usize {
    let (pool, batch) = (pool(own), batch_in_use(own, draft, recipe));
    if matches!(own.schema.input, Input::Texts { .. }) && recipe.model.kind() == "m2" {
        let [fewest, most] = EPOCHS_OF_TEXTS;
        return (MOST_STEPS_ON_TEXTS * batch).div_ceil(pool).clamp(fewest, most);
    }
    let most_steps = FEWEST_STEPS * MOST_OVER_FEWEST;
    let epochs = (FEWEST_STEPS * batch).div_ceil(pool);
    FEWEST_EPOCHS.min((most_steps * batch).div_ceil(pool)).max(epochs)
}

fn pool(own: &OwnData) -> usize {
    own.rows.train.len().max(1)
}

fn batch(own: &OwnData) -> usize {
    (pool(own) / SHARE_OF_STEP).clamp(BATCH[0], BATCH[1])
}

fn batch_in_use(own: &OwnData, draft: &Draft, recipe: &Recipe) -> usize {
    draft.train_setting("batch-size").map_or_else(|| batch(own), |_| recipe.train.batch_size)
}
