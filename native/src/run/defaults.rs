//! The settings that follow from data of the user's own: likelihood, labels, sizes, pace, and whether methods are compared. How the numbers
//! were chosen: docs/decisions.md.

use gleaner_core::data::own::{Nature, OwnData};
use gleaner_core::data::schema::{Input, Scaling};
use toml::{Table, Value};

use super::recipe::{Draft, Recipe, merge, nested};

/// A step sees this share of a small pool.
const SHARE_OF_STEP: usize = 10;

/// Unlabelled examples in a step, at least and at most.
const BATCH: [usize; 2] = [16, 200];

/// Fewer steps than this teach a model nothing, however few the examples are.
const FEWEST_STEPS: usize = 2000;

/// Passes, at least, ...
const FEWEST_EPOCHS: usize = 50;

/// ... unless that makes more steps than so many times the fewest.
const MOST_OVER_FEWEST: usize = 8;

/// Units of a hidden layer on tables, at most.
const WIDEST_ON_TABLES: i64 = 128;

/// Activation on tables: a network of softplus units is nearly linear for longer than such short trainings last.
const ACTIVATION_ON_TABLES: &str = "relu";

/// Learning rate on tables: small networks take larger steps.
const RATE_ON_TABLES: f64 = 1e-2;

/// Dimensions of z on tables, at least and at most: as many as an example has numbers, between these.
const LATENT_ON_TABLES: [usize; 2] = [2, 10];

/// Models whose sizes are those of M2.
const SIZED_LIKE_M2: [&str; 5] = ["m1", "m2", "m1m2", "adgm", "sdgm"];

/// Share of the cells of a table that training hides, so that a model can do without any of them.
const MASKING: f64 = 0.05;

/// Methods are compared on at most so many labels: with more, the model needs no help.
const MOST_CHOSEN_BY: usize = 10_000;

/// They are compared on at most so many pictures or texts, on which a model takes minutes to train.
const MOST_COMPARED: usize = 5000;

/// Parts of a cross-validation: four fifths of the labels are nearly all of them.
const FOLDS: usize = 5;

/// With fewer labels, one division into parts is too much luck.
const FEW_LABELS: usize = 50;

/// With more labels, a fifth of them gives an interval that is narrow enough, in a sixth of the time.
const MANY_LABELS: usize = 10_000;

/// How often few labels are divided.
const REPEATS: usize = 2;

/// A batch of fewer examples is not worth sharing out among threads.
const SHARED_BATCH: usize = 64;

/// Share of the labels that is held out where a test split is asked for, or only some labels are used.
pub const TEST_SHARE: f64 = 0.2;

/// The settings that follow from data of the user's own, as far as nothing else is asked for.
pub fn follows(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let mut table = likelihood_follows(own, draft, recipe);
    let choice = choice_follows(own, draft, recipe);
    merge(&mut table, labels_follow(own, draft, recipe, choice));
    merge(&mut table, sizes_follow(own, draft, recipe));
    merge(&mut table, pace_follows(own.rows.train.len().max(1), draft, recipe));
    if let Some(folds) = choice {
        merge(&mut table, nested("choice.folds", (folds as i64).into()));
    }
    table
}

/// What describes the values, and whether they are standardised for it.
fn likelihood_follows(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
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

/// How many labels are used, and what the result is measured on.
fn labels_follow(own: &OwnData, draft: &Draft, recipe: &Recipe, choice: Option<usize>) -> Table {
    let mut table = Table::new();
    let mut set = |path: &str, value: Value| merge(&mut table, nested(path, value));
    let some_labels = draft.says("labels-per-class")
        || draft.says("labelled-classes")
        || (draft.says("labels") && !recipe.data.uses_all_labels());
    if !some_labels {
        set("data.labels", "all".into());
    }
    if !some_labels || choice.is_some() {
        // Labels are too few to choose an epoch by some of them.
        set("data.validation", 0.0.into());
    }
    let measured = ["test-share", "folds", "fold"].iter().any(|setting| draft.says(setting));
    if own.rows.test.is_some() || measured {
        return table;
    }
    if some_labels {
        set("data.test-share", TEST_SHARE.into());
        return table;
    }
    if let Some(folds) = choice {
        set("data.folds", (folds as i64).into());
        return table;
    }
    let labels = own.rows.train.iter().filter(|&&row| own.raw.labels[row] >= 0).count();
    set("data.folds", (FOLDS.min(labels.max(2)) as i64).into());
    if labels > MANY_LABELS && !draft.says("folds-measured") {
        set("data.folds-measured", 1.into());
    }
    if labels < FEW_LABELS && !draft.says("repeats") {
        set("data.repeats", (REPEATS as i64).into());
    }
    table
}

/// Parts of the labels by which methods are compared with the model, where the user leaves the model open; `None` if they are not
/// compared.
fn choice_follows(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Option<usize> {
    if let Some(choice) = recipe.choice {
        return Some(choice.folds);
    }
    comparison(own, draft, recipe).ok()
}

/// The same, or why not.
pub fn comparison(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Result<usize, String> {
    let counts = label_counts(own, draft, recipe);
    let labels: usize = counts.iter().sum();
    let settled = ["fold", "folds-measured", "repeats", "labelled-classes"];
    if let Some(setting) = settled.into_iter().find(|setting| draft.says(setting)) {
        return Err(format!("data.{setting} is set"));
    }
    if !draft.leaves_model_open() {
        return Err("the model is chosen".to_owned());
    }
    if let Some(rare) = counts.iter().position(|&count| count < 2) {
        let class = &own.profile.label.classes[rare].name;
        return Err(format!("class {class} has fewer than two labels"));
    }
    if labels > MOST_CHOSEN_BY {
        return Err(format!("{labels} labels are more than {MOST_CHOSEN_BY}"));
    }
    let pool = own.rows.train.len();
    if !is_table(own) && pool > MOST_COMPARED {
        return Err(format!(
            "{pool} pictures or texts are more than {MOST_COMPARED}, and each comparison trains the model several times"
        ));
    }
    let folds = if draft.says("folds") { recipe.data.folds } else { None };
    Ok(folds.unwrap_or(FOLDS).min(labels))
}

/// Whether examples are rows of a table, or of a flat array, which is one without names.
fn is_table(own: &OwnData) -> bool {
    match &own.schema.input {
        Input::Table(_) => true,
        Input::Array(shape) => shape.len() == 1,
        Input::Pictures(_) | Input::Texts { .. } => false,
    }
}

/// How wide networks are on tables: narrower than on images, of which there are more. Twice the width takes twice the time, and gave nothing.
fn sizes_follow(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let mut table = Table::new();
    if !is_table(own) || !SIZED_LIKE_M2.contains(&recipe.model.kind()) {
        return table;
    }
    for setting in ["hidden", "classifier-hidden", "feature-hidden"] {
        let Some(Value::Array(widths)) = recipe.model.setting(setting) else { continue };
        if draft.model_setting(setting).is_none() {
            let narrower = |width: &Value| {
                width.as_integer().unwrap_or(WIDEST_ON_TABLES).min(WIDEST_ON_TABLES)
            };
            let widths: Vec<Value> = widths.iter().map(|width| narrower(width).into()).collect();
            merge(&mut table, nested(&format!("model.{setting}"), widths.into()));
        }
    }
    if recipe.model.setting("latent").is_some() && draft.model_setting("latent").is_none() {
        let latent = own.raw.features().clamp(LATENT_ON_TABLES[0], LATENT_ON_TABLES[1]);
        merge(&mut table, nested("model.latent", (latent as i64).into()));
    }
    if recipe.model.setting("activation").is_some() && draft.model_setting("activation").is_none() {
        merge(&mut table, nested("model.activation", ACTIVATION_ON_TABLES.into()));
    }
    merge(&mut table, nested("train.lr", RATE_ON_TABLES.into()));
    merge(&mut table, nested("objective.alpha", label_weight(own, draft, recipe).into()));
    table
}

/// Weight of the labels (E3): Kingma's, or more where labels are so many that one would count less than the bound of an example.
fn label_weight(own: &OwnData, draft: &Draft, recipe: &Recipe) -> f64 {
    let labels: usize = label_counts(own, draft, recipe).iter().sum();
    let pool = own.rows.train.len().max(1);
    recipe.objective.alpha.max((labels as f64 / pool as f64).min(1.0))
}

/// Labels of each class that are used.
fn label_counts(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Vec<usize> {
    let asks = draft.says("labels-per-class") || draft.says("labels");
    let asked =
        if asks { recipe.labels_per_class(own.schema.classes.len()).ok().flatten() } else { None };
    let used = |count: usize| asked.map_or(count, |asked| asked.min(count));
    own.profile.label.classes.iter().map(|class| used(class.count)).collect()
}

/// How long is trained, and how many examples a step sees: few examples make few steps of a pass.
fn pace_follows(pool: usize, draft: &Draft, recipe: &Recipe) -> Table {
    let mut table = Table::new();
    let mut set = |path: &str, value: Value| merge(&mut table, nested(path, value));
    let batch = (pool / SHARE_OF_STEP).clamp(BATCH[0], BATCH[1]);
    set("train.batch-size", (batch as i64).into());
    let asked = draft.train_setting("batch-size").map(|_| recipe.train.batch_size);
    let batch = asked.unwrap_or(batch);
    if batch < SHARED_BATCH {
        set("train.parts", 1.into());
    }
    let most_steps = FEWEST_STEPS * MOST_OVER_FEWEST;
    let epochs = (FEWEST_STEPS * batch).div_ceil(pool);
    let epochs = FEWEST_EPOCHS.min((most_steps * batch).div_ceil(pool)).max(epochs) as i64;
    set("train.epochs", epochs.into());
    if recipe.train.feature_epochs > 0 {
        set("train.feature-epochs", epochs.into());
    }
    table
}
