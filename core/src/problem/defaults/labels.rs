//! How many labels are used, what a result is measured on, and whether methods are compared.

use crate::data::own::OwnData;
use crate::data::schema::Input;
use toml::{Table, Value};

use super::is_table;
use crate::recipe::{Draft, Recipe, merge, nested};

/// Methods are compared on at most so many labels: with more, the model needs no help.
const MOST_CHOSEN_BY: usize = 10_000;

/// They are compared on at most so many pictures, on which a model takes minutes to train.
const MOST_PICTURES: usize = 5000;

/// On at most so many texts: more of them are more steps (see `pace`).
const MOST_TEXTS: usize = 20_000;

/// Parts of a cross-validation: four fifths of the labels are nearly all of them.
const FOLDS: usize = 5;

/// With fewer labels, one division into parts is too much luck.
const FEW_LABELS: usize = 50;

/// With more labels, a fifth of them gives an interval that is narrow enough, in a sixth of the time.
const MANY_LABELS: usize = 10_000;

/// How often few labels are divided.
const REPEATS: usize = 2;

/// Share of the labels that is held out where a test split is asked for, or only some labels are used.
pub const TEST_SHARE: f64 = 0.2;

/// How many labels are used, what the result is measured on, and by how many parts of the labels methods are compared.
pub fn follows(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let choice = choice_follows(own, draft, recipe);
    let mut table =
        choice.map_or_else(Table::new, |folds| nested("choice.folds", (folds as i64).into()));
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
    let limit = match &own.schema.input {
        Input::Texts { .. } => Some(("texts", MOST_TEXTS)),
        _ if is_table(own) => None,
        _ => Some(("pictures", MOST_PICTURES)),
    };
    if let Some((what, most)) = limit.filter(|(_, most)| pool > *most) {
        return Err(format!(
            "{pool} {what} are more than {most}, and a comparison trains the model several times"
        ));
    }
    let folds = if draft.says("folds") { recipe.data.folds } else { None };
    Ok(folds.unwrap_or(FOLDS).min(labels))
}

/// Labels of each class that are used.
pub fn label_counts(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Vec<usize> {
    let asks = draft.says("labels-per-class") || draft.says("labels");
    let asked =
        if asks { recipe.labels_per_class(own.schema.classes.len()).ok().flatten() } else { None };
    let used = |count: usize| asked.map_or(count, |asked| asked.min(count));
    own.profile.label.classes.iter().map(|class| used(class.count)).collect()
}
