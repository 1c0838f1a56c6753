//! Opening the data of a run: a data set that is known by name, or the user's own. And the settings that follow from the user's own.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use gleaner_core::data::own::Columns;
use gleaner_core::data::{Dataset, Vocabulary};
pub use gleaner_core::problem::Source;
use gleaner_core::problem::defaults::{comparison, follows, follows_known};
use gleaner_core::problem::{Problem, TrainedOn};
use toml::Table;

use super::recipe::{DataSettings, Draft, Recipe, VOCABULARY};
use super::run_dir::RunDir;
use crate::data::dataset::{self, Loaded};
use crate::data::own::{self, Asked};
use crate::data::registry::is_known;

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
    ensure!(
        recipe.choice.is_none() || !is_known(&recipe.data.name),
        "choice compares methods on data of your own, and {} is a known data set; leave it out",
        recipe.data.name
    );
    ensure!(
        recipe.choice.is_none() || recipe.model.kind() != "m1",
        "choice compares a model that classifies, and m1 does not; leave it out, or use --model m1m2"
    );
    let source = open(&recipe, None)?;
    let follows = match &source {
        Source::Known(data) => follows_known(data, draft, &recipe)?,
        Source::Own(own) => follows(own, draft, &recipe),
    };
    Ok((draft.resolve(follows)?, source))
}

/// Why methods are not compared with the model, if they are not.
pub fn why_not_compared(source: &Source, draft: &Draft, recipe: &Recipe) -> Option<String> {
    match source {
        Source::Known(_) => Some("it compares them on data of your own".to_owned()),
        Source::Own(_) if recipe.choice.is_some() => None,
        Source::Own(own) => comparison(own, draft, recipe).err(),
    }
}

/// Opens what a recipe names. Of texts, `words` are those that a run has counted, if it is there already.
///
/// # Errors
/// If it cannot be read.
pub fn open(recipe: &Recipe, words: Option<Vocabulary>) -> Result<Source> {
    let settings = &recipe.data;
    if is_known(&settings.name) {
        return known(recipe, words).map(Source::Known);
    }
    let mut own = own::open(Path::new(&settings.name), &asked(settings, words))?;
    if let Some(features) = &settings.features {
        own = own::with_features(own, features)?;
    }
    Ok(Source::Own(Box::new(own.with_copies())))
}

/// Opens the data of a run that is there: of texts, with the words that it counted.
///
/// # Errors
/// If they cannot be read; the message says that the run needs them.
pub fn of_run(dir: &RunDir, recipe: &Recipe) -> Result<Source> {
    let place = dir.trained_on()?.map_or_else(String::new, |data| format!(" ({})", data.source));
    let needs = || {
        let way = match is_known(&recipe.data.name) {
            true => "put them back, or name the folder of the data sets with --data-dir",
            false => "put them back there (gleaner predict RUN FILE works without)",
        };
        format!("{} needs the data that it was trained on{place}; {way}", dir.path().display())
    };
    let source = open(&beside(dir, recipe), dir.vocabulary()?).with_context(needs)?;
    ensure_unchanged(&source, dir, recipe)?;
    Ok(source)
}

/// The recipe of a run whose data lie in its own folder, as a page packs them, with the path to there.
fn beside(dir: &RunDir, recipe: &Recipe) -> Recipe {
    let mut recipe = recipe.clone();
    let path = dir.path().join(&recipe.data.name);
    let is_relative = Path::new(&recipe.data.name).is_relative();
    if is_relative && !is_known(&recipe.data.name) && path.exists() {
        recipe.data.name = path.display().to_string();
    }
    recipe
}

/// The problem of a run that is there.
///
/// # Errors
/// If its data cannot be read, or have changed.
pub fn problem_of_run(dir: &RunDir, recipe: &Recipe) -> Result<Problem> {
    Ok(Problem::of(&of_run(dir, recipe)?, recipe)?)
}

/// That the data are those that a run was trained on, wherever they lie now.
///
/// # Errors
/// If they have changed since.
pub fn ensure_unchanged(source: &Source, dir: &RunDir, recipe: &Recipe) -> Result<()> {
    let now = trained_on(source, recipe);
    let changed = match (dir.trained_on()?, dir.read_profile()?) {
        (Some(then), _) => then.difference(&now),
        // A run that was made before this was written down may have a fingerprint of a file of the user's own.
        (None, Some(profile)) if recipe.data.features.is_none() => {
            let same = [String::new(), now.digest].contains(&profile.fingerprint);
            (!same).then(|| format!("{} rows then, {} now", profile.rows, now.examples))
        }
        (None, _) => None,
    };
    match changed {
        None => Ok(()),
        Some(changed) => bail!(
            "{}: the data have changed since {} was trained on them: {changed}; put the old ones back, or train again (gleaner \
             predict RUN FILE works with any data)",
            now.source,
            dir.path().display()
        ),
    }
}

/// What a run is trained on.
pub fn trained_on(source: &Source, recipe: &Recipe) -> TrainedOn {
    match source {
        Source::Known(data) => {
            let dir = recipe.data.dir.clone().unwrap_or_else(dataset::default_data_dir);
            let folder = std::path::absolute(&dir).unwrap_or(dir).join(&data.name);
            let splits = [&data.train, &data.test];
            TrainedOn::of(folder.display().to_string(), &splits, &data.classes)
        }
        Source::Own(own) => {
            TrainedOn::of(own.profile.source.clone(), &[&own.raw], &own.schema.classes)
        }
    }
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
