//! How wide the networks are, and how the terms of the objective are weighed: of tables, of pictures, and of texts. How the numbers were
//! chosen: docs/decisions.md.

use crate::data::own::OwnData;
use crate::data::schema::Input;
use toml::{Table, Value};

use super::labels::label_counts;
use super::{is_table, pace};
use crate::recipe::{Draft, Recipe, merge, nested};

/// Units of a hidden layer on tables, at most. Twice the width takes twice the time, and gave nothing.
const WIDEST_ON_TABLES: i64 = 128;

/// Activation: a network of softplus units is nearly linear for longer than such short trainings last.
pub(super) const ACTIVATION: &str = "relu";

/// Learning rate on tables: small networks take larger steps.
const RATE_ON_TABLES: f64 = 1e-2;

/// Dimensions of z on tables, at least and at most: as many as an example has numbers, between these.
const LATENT_ON_TABLES: [usize; 2] = [2, 10];

/// Models whose sizes are those of M2.
const SIZED_LIKE_M2: [&str; 5] = ["m1", "m2", "m1m2", "adgm", "sdgm"];

/// What a labelled example counts in the bounds, at least. As many labels as there are examples count 1.
const LEAST_LABELLED: f64 = 0.02;

/// Share of its gradient by which the classifier follows the bounds of pictures: at most, and of pictures of one pixel.
const MOST_GRADIENT: f64 = 0.1;
const GRADIENT_OF_PIXELS: f64 = 4.0;

/// Share of the training in which it learns to: before, labels alone teach it.
const WARM_UP: f64 = 0.25;

/// More classes than this are not all computed in every step.
const MOST_EXACT: usize = 3;

/// The settings of the networks and the objective.
pub fn follows(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let sized_like_m2 = SIZED_LIKE_M2.contains(&recipe.model.kind());
    let m2 = recipe.model.kind() == "m2";
    match &own.schema.input {
        _ if sized_like_m2 && is_table(own) => of_tables(own, draft, recipe),
        Input::Texts { .. } if m2 => of_texts(own, draft, recipe),
        _ if m2 && own.schema.shape().len() > 1 => of_pictures(own, draft, recipe),
        _ => Table::new(),
    }
}

fn of_tables(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let mut model = Model { draft, recipe, table: Table::new() };
    for setting in ["hidden", "classifier-hidden", "feature-hidden"] {
        let Some(Value::Array(widths)) = recipe.model.setting(setting) else { continue };
        let narrower = |width: &Value| {
            width.as_integer().unwrap_or(WIDEST_ON_TABLES).min(WIDEST_ON_TABLES).into()
        };
        model.set(setting, Value::Array(widths.iter().map(narrower).collect()));
    }
    let latent = own.raw.features().clamp(LATENT_ON_TABLES[0], LATENT_ON_TABLES[1]);
    model.set("latent", (latent as i64).into());
    model.set("activation", ACTIVATION.into());
    let mut table = model.table;
    merge(&mut table, nested("train.lr", RATE_ON_TABLES.into()));
    merge(&mut table, nested("objective.alpha", alpha(own, draft, recipe).into()));
    table
}

/// As in the recipe of AG News: with a small z, topics become classes; a text has a hundred nats, and labels count ten times as much.
fn of_texts(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let mut model = Model { draft, recipe, table: Table::new() };
    model.set("latent", 5.into());
    model.set("hidden", vec![64].into());
    model.set("classifier-hidden", vec![64].into());
    model.set("activation", ACTIVATION.into());
    let mut table = model.table;
    let settings: [(&str, Value); 4] = [
        ("objective.alpha", 1.0.into()),
        ("objective.labelled-weight", labelled_weight(share_labelled(own, draft, recipe)).into()),
        ("objective.classifier-gradient", 0.1.into()),
        ("train.lr", 2e-3.into()),
    ];
    settings.into_iter().for_each(|(path, value)| merge(&mut table, nested(path, value)));
    table
}

/// As in the recipe of MNIST: the classifier learns from the labels first and follows the bounds slowly, and sees pictures moved by some
/// pixels and with noise. The bound of a picture grows with its pixels, and a label says a nat or two: so the classifier follows the bounds of
/// large pictures the more slowly.
fn of_pictures(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let mut model = Model { draft, recipe, table: Table::new() };
    model.set("hidden", vec![256].into());
    model.set("classifier-hidden", vec![256, 256].into());
    model.set("activation", ACTIVATION.into());
    let mut table = model.table;
    let shape = own.schema.shape();
    let gradient = gradient(own.raw.features());
    let warm_up = (WARM_UP * pace::epochs(own, draft, recipe) as f64).ceil();
    let marginalize = marginalize(own.schema.classes.len());
    let settings: [(&str, Value); 8] = [
        ("objective.alpha", alpha(own, draft, recipe).into()),
        ("objective.labelled-weight", labelled_weight(share_labelled(own, draft, recipe)).into()),
        ("objective.classifier-gradient", gradient.into()),
        ("objective.classifier-warm-up-epochs", warm_up.into()),
        ("objective.classifier-noise", 0.2.into()),
        ("objective.classifier-shift", shift(shape[0].min(shape[1])).into()),
        ("objective.marginalize", marginalize.into()),
        ("train.lr", 2e-3.into()),
    ];
    settings.into_iter().for_each(|(path, value)| merge(&mut table, nested(path, value)));
    table
}

/// Pixels by which pictures of this side are moved, at most: what is moved further is another picture.
fn shift(side: usize) -> i64 {
    match side {
        0..12 => 0,
        12..24 => 1,
        24..48 => 2,
        _ => 4,
    }
}

/// Share of its gradient by which the classifier follows the bound of so many pixels.
pub(super) fn gradient(pixels: usize) -> f64 {
    MOST_GRADIENT.min(GRADIENT_OF_PIXELS / pixels.max(1) as f64)
}

/// How classes of unlabelled examples are summed over.
pub(super) fn marginalize(classes: usize) -> &'static str {
    if classes > MOST_EXACT { "sum-and-sample:1" } else { "exact" }
}

fn share_labelled(own: &OwnData, draft: &Draft, recipe: &Recipe) -> f64 {
    let labels: usize = label_counts(own, draft, recipe).iter().sum();
    (labels as f64 / own.rows.train.len().max(1) as f64).min(1.0)
}

/// Weight of the labels (E3): Kingma's, or more where they are so many that one would count less than the bound of an example.
fn alpha(own: &OwnData, draft: &Draft, recipe: &Recipe) -> f64 {
    recipe.objective.alpha.max(share_labelled(own, draft, recipe))
}

/// What a labelled example counts in the bounds: if few counted as much as all the others, the decoder would memorise them.
pub(super) fn labelled_weight(share_labelled: f64) -> f64 {
    share_labelled.max(LEAST_LABELLED)
}

/// Settings of the model that it has and the user leaves open.
struct Model<'a> {
    draft: &'a Draft,
    recipe: &'a Recipe,
    table: Table,
}

impl Model<'_> {
    fn set(&mut self, setting: &str, value: Value) {
        if self.recipe.model.setting(setting).is_some()
            && self.draft.model_setting(setting).is_none()
        {
            merge(&mut self.table, nested(&format!("model.{setting}"), value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_pictures_are_moved_further_and_followed_more_slowly() {
        assert_eq!([8, 12, 28, 32, 64].map(shift), [0, 1, 2, 2, 4]);
        assert_eq!([16, 64].map(gradient), [0.1, 0.0625]);
        assert!((gradient(784) - 4.0 / 784.0).abs() < 1e-12);
    }
}
