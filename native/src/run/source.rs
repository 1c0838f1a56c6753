//! The data of a run before they are divided: a data set that is known by name, or the user's own. And the settings that
//! follow from the user's own.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use gleaner_core::data::own::{Columns, Nature, OwnData};
use gleaner_core::data::profile::Profile;
use gleaner_core::data::schema::{Input, Scaling, Schema};
use gleaner_core::data::transform::Transform;
use gleaner_core::data::{Dataset, Vocabulary};
use gleaner_core::dist::Column;
use gleaner_core::models::{Likelihood, columns};
use toml::{Table, Value};

use super::recipe::{DataSettings, Draft, Recipe, VOCABULARY, merge, nested};
use super::run_dir::RunDir;
use crate::data::dataset::{self, Loaded};
use crate::data::own::{self, Asked};
use crate::data::registry::is_known;

/// A step sees this share of a small pool.
const SHARE_OF_STEP: usize = 10;

/// Unlabelled examples in a step, at least and at most.
const BATCH: [usize; 2] = [16, 200];

/// Fewer steps than this teach a model nothing, however few the examples are.
const FEWEST_STEPS: usize = 2000;

/// Passes, at least.
const FEWEST_EPOCHS: usize = 50;

/// Share of the cells of a table that training hides, so that a model can do without any of them.
const MASKING: f64 = 0.05;

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

/// Settings about columns and files, which only data of the user's own have.
const OF_OWN_DATA: [&str; 12] = [
    "text",
    "label",
    "leave-out",
    "minus-one",
    "label-file",
    "unlabelled-dir",
    "size",
    "test-share",
    "folds",
    "folds-measured",
    "repeats",
    "fold",
];

/// Data before they are divided.
#[derive(Debug)]
pub enum Source {
    /// A data set that is known by name, with its own test split.
    Known(Dataset),
    /// The user's own.
    Own(Box<OwnData>),
}

/// Opens the data that a draft names and completes its settings by what follows from them.
///
/// # Errors
/// If the data cannot be read, or the settings are not valid.
pub fn settle(draft: &Draft) -> Result<(Recipe, Source)> {
    let recipe = draft.resolve(Table::new())?;
    if is_known(&recipe.data.name)
        && let Some(setting) = OF_OWN_DATA.into_iter().find(|setting| draft.says(setting))
    {
        bail!(
            "data.{setting} is for data of your own, and {} is a known data set; leave it out",
            recipe.data.name
        );
    }
    let source = Source::open(&recipe, None)?;
    let recipe = match &source {
        Source::Known(_) => recipe,
        Source::Own(own) => draft.resolve(follows(own, draft, &recipe))?,
    };
    Ok((recipe, source))
}

impl Source {
    /// Opens what a recipe names. Of texts, `words` are those that a run has counted, if it is there already.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(recipe: &Recipe, words: Option<Vocabulary>) -> Result<Self> {
        let settings = &recipe.data;
        if is_known(&settings.name) {
            return known(recipe, words).map(Self::Known);
        }
        let mut own = own::open(Path::new(&settings.name), &asked(settings, words))?;
        if let Some(features) = &settings.features {
            own = own::with_features(own, features)?;
        }
        Ok(Self::Own(Box::new(own)))
    }

    /// Opens the data of a run that is there: of texts, with the words that it counted.
    ///
    /// # Errors
    /// If they cannot be read; the message says that the run needs them.
    pub fn of_run(dir: &RunDir, recipe: &Recipe) -> Result<Self> {
        let needs = || {
            let way = match is_known(&recipe.data.name) {
                true => "put them back, or name the folder of the data sets with --data-dir",
                false => "put them back there (gleaner predict RUN FILE works without)",
            };
            format!("{} needs the data that it was trained on; {way}", dir.path().display())
        };
        let source = Self::open(recipe, dir.vocabulary()?).with_context(needs)?;
        if let (Self::Own(own), Some(before)) = (&source, dir.read_profile()?) {
            let (then, now) = (&before.fingerprint, &own.profile.fingerprint);
            ensure!(
                then.is_empty() || then == now,
                "{}: the data have changed since {} was trained on them ({} rows then, {} now); put the old ones back, or \
                 train again (gleaner predict RUN FILE works with any data)",
                own.profile.source,
                dir.path().display(),
                before.rows,
                own.profile.rows
            );
        }
        Ok(source)
    }

    /// What was seen of the user's own data, with what is made of them.
    ///
    /// # Errors
    /// If the recipe's model does not have such settings.
    pub fn profile(&self, recipe: &Recipe) -> Result<Option<Profile>> {
        let Self::Own(own) = self else { return Ok(None) };
        let mixed = recipe.model.likelihood()? == Likelihood::Mixed;
        let scaling = match mixed {
            true => Scaling::by_column(&own.schema.input, &own.raw),
            false => own.scaling(&own.raw, recipe.data.standardise),
        };
        let schema = Schema { scaling: scaling.clone(), ..own.schema.clone() };
        let likelihood = match recipe.model.likelihood()? {
            Likelihood::Mixed => {
                let columns = columns(&schema).unwrap_or_default();
                &format!("mixed: {}", tally(columns.iter().map(Column::name)))
            }
            Likelihood::Bernoulli => "bernoulli: bits, or grey levels from 0 to 1",
            Likelihood::Gaussian | Likelihood::IsotropicGaussian { .. } => {
                "gaussian: numbers of any size"
            }
            Likelihood::Multinomial => "multinomial: counts of words",
        };
        let mut said = match &scaling {
            Scaling::Columns(transforms) => tally(transforms.iter().map(Transform::name)),
            _ => scaling.in_words(&own.schema.input),
        };
        let has_missing = own.profile.features.iter().any(|feature| feature.missing > 0);
        if has_missing && matches!(scaling, Scaling::Standardised(_)) {
            said += "; missing cells become the mean of their feature";
        }
        if has_missing && mixed {
            said += "; missing cells stay missing: they are not scored, and the networks are told which they are";
        }
        Ok(Some(Profile { likelihood: likelihood.into(), scaling: said, ..own.profile.clone() }))
    }
}

/// `3 gaussian, 1 ordinal`, in the order in which they first occur.
fn tally<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for name in names {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

/// A data set that is known by name.
fn known(recipe: &Recipe, words: Option<Vocabulary>) -> Result<Dataset> {
    let settings = &recipe.data;
    let dir = settings.dir.clone().unwrap_or_else(dataset::default_data_dir);
    let mut data = match dataset::load(&settings.name, &dir)? {
        Loaded::Examples(data) => data,
        Loaded::Texts(texts) if settings.features.is_some() => texts.uncounted()?,
        Loaded::Texts(texts) => {
            let words = match words {
                Some(words) => words,
                None => texts.vocabulary(settings.vocabulary.unwrap_or(VOCABULARY))?,
            };
            texts.counts(&words)?
        }
    };
    if let Some(path) = &settings.features {
        dataset::put_features(&mut data, path)?;
    }
    Ok(data)
}

/// What the settings say about a file of the user's own.
fn asked(settings: &DataSettings, words: Option<Vocabulary>) -> Asked<'_> {
    Asked {
        columns: Columns {
            label: settings.label.clone(),
            leave_out: DataSettings::names(settings.leave_out.as_deref()),
            text: DataSettings::names(settings.text.as_deref()),
            minus_one: settings.minus_one.unwrap_or_default(),
            class_names: Vec::new(),
        },
        label_file: settings.label_file.as_deref(),
        unlabelled_dir: settings.unlabelled_dir.as_deref(),
        size: settings.size.map(|size| size.0),
        vocabulary: settings.vocabulary.unwrap_or(VOCABULARY),
        words,
    }
}

/// The settings that follow from data of the user's own, as far as nothing else is asked for.
fn follows(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let mut table = likelihood_follows(own, draft, recipe);
    merge(&mut table, labels_follow(own, draft, recipe));
    merge(&mut table, pace_follows(own.rows.train.len().max(1), draft, recipe));
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
fn labels_follow(own: &OwnData, draft: &Draft, recipe: &Recipe) -> Table {
    let mut table = Table::new();
    let mut set = |path: &str, value: Value| merge(&mut table, nested(path, value));
    let some_labels = draft.says("labels-per-class")
        || draft.says("labelled-classes")
        || (draft.says("labels") && !recipe.data.uses_all_labels());
    if !some_labels {
        set("data.labels", "all".into());
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
    let epochs = (FEWEST_STEPS * batch).div_ceil(pool).max(FEWEST_EPOCHS) as i64;
    set("train.epochs", epochs.into());
    if recipe.train.feature_epochs > 0 {
        set("train.feature-epochs", epochs.into());
    }
    table
}
