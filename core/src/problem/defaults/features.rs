//! What another network made of the examples, in their place (`--features`): a row of hundreds of numbers, of known data and of the user's
//! own. How the numbers were chosen: docs/decisions.md.

use toml::{Table, Value};

use super::networks::{ACTIVATION, gradient, labelled_weight, marginalize};
use super::pace::FEWEST_STEPS;
use crate::recipe::{Draft, Recipe, merge, nested};

/// Models whose classifier follows the bound of the row itself.
const FOLLOWING: [&str; 3] = ["m2", "adgm", "sdgm"];

/// Weight of the labels (E3), as of texts: such a row has hundreds of nats, too.
const ALPHA: f64 = 1.0;

/// What the settings follow from.
pub struct Features {
    /// Rows that are trained on, and their numbers.
    pub rows: usize,
    pub numbers: usize,
    pub classes: usize,
    /// Labels that are used.
    pub labels: usize,
}

/// The settings of networks, objective and pace. The bound of a row grows with its numbers, as that of a picture does with its pixels: a
/// classifier that follows it at once forgets what the labels say.
pub fn follows(features: &Features, draft: &Draft, recipe: &Recipe) -> Table {
    if !FOLLOWING.contains(&recipe.model.kind()) {
        return Table::new();
    }
    let rows = features.rows.max(1);
    let epochs = (FEWEST_STEPS * recipe.train.batch_size).div_ceil(rows) as i64;
    let share = (features.labels as f64 / rows as f64).min(1.0);
    let settings: [(&str, Value); 6] = [
        ("objective.alpha", ALPHA.into()),
        ("objective.labelled-weight", labelled_weight(share).into()),
        ("objective.classifier-gradient", gradient(features.numbers).into()),
        ("objective.marginalize", marginalize(features.classes).into()),
        ("train.lr", 2e-3.into()),
        ("train.epochs", epochs.into()),
    ];
    let mut table = Table::new();
    settings.into_iter().for_each(|(path, value)| merge(&mut table, nested(path, value)));
    if draft.model_setting("activation").is_none() {
        merge(&mut table, nested("model.activation", ACTIVATION.into()));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGES: Features = Features { rows: 45_000, numbers: 1280, classes: 10, labels: 1000 };

    fn settled(features: &Features, sets: &[&str]) -> Recipe {
        let sets = sets.iter().chain(&["data.name=cifar-10"]);
        let sets: Vec<String> = sets.map(|&set| set.to_owned()).collect();
        let draft = Draft::of(None, Table::new(), &sets).unwrap();
        let recipe = draft.resolve(Table::new()).unwrap();
        draft.resolve(follows(features, &draft, &recipe)).unwrap()
    }

    #[test]
    fn a_classifier_follows_wide_rows_slowly() {
        let recipe = settled(&IMAGES, &[]);
        assert!((recipe.objective.classifier_gradient - 4.0 / 1280.0).abs() < 1e-12);
        assert_eq!(
            settled(&Features { numbers: 20, ..IMAGES }, &[]).objective.classifier_gradient,
            0.1
        );
        // 1000 of 45,000 are 0.0222.
        assert!((recipe.objective.labelled_weight - 1000.0 / 45_000.0).abs() < 1e-12);
        assert_eq!(recipe.train.epochs, 9);
    }

    #[test]
    fn what_is_asked_for_has_the_last_word() {
        let sets =
            ["objective.classifier-gradient=0.5", "model.activation=softplus", "train.epochs=3"];
        let recipe = settled(&IMAGES, &sets);
        assert_eq!(recipe.objective.classifier_gradient, 0.5);
        assert_eq!(recipe.model.setting("activation"), Some(&"softplus".into()));
        assert_eq!(recipe.train.epochs, 3);
    }

    #[test]
    fn a_model_without_such_a_classifier_keeps_its_settings() {
        for kind in ["m1", "m1m2", "ladder", "latent-ebm"] {
            let set = format!("model.kind={kind}");
            let own = settled(&IMAGES, &[&set]);
            let data = "data.name=cifar-10".to_owned();
            assert_eq!(own, Recipe::resolve(Table::new(), &[set, data]).unwrap(), "{kind}");
        }
    }
}
