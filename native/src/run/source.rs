//! The data of a run before they are divided: a data set that is known by name, or the user's own. And the settings that
//! follow from the user's own.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use gleaner_core::data::own::{Columns, OwnData};
use gleaner_core::data::profile::Profile;
use gleaner_core::data::schema::{Scaling, Schema};
use gleaner_core::data::transform::Transform;
use gleaner_core::data::{Dataset, Vocabulary};
use gleaner_core::dist::Column;
use gleaner_core::models::{Likelihood, columns};
use toml::Table;

use super::defaults::{comparison, follows, follows_known};
use super::recipe::{DataSettings, Draft, Recipe, VOCABULARY};
use super::run_dir::RunDir;
use super::trained_on::TrainedOn;
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
    ensure!(
        recipe.choice.is_none() || !is_known(&recipe.data.name),
        "choice compares methods on data of your own, and {} is a known data set; leave it out",
        recipe.data.name
    );
    ensure!(
        recipe.choice.is_none() || recipe.model.kind() != "m1",
        "choice compares a model that classifies, and m1 does not; leave it out, or use --model m1m2"
    );
    let source = Source::open(&recipe, None)?;
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
        Ok(Self::Own(Box::new(own.with_copies())))
    }

    /// Opens the data of a run that is there: of texts, with the words that it counted.
    ///
    /// # Errors
    /// If they cannot be read; the message says that the run needs them.
    pub fn of_run(dir: &RunDir, recipe: &Recipe) -> Result<Self> {
        let place =
            dir.trained_on()?.map_or_else(String::new, |data| format!(" ({})", data.source));
        let needs = || {
            let way = match is_known(&recipe.data.name) {
                true => "put them back, or name the folder of the data sets with --data-dir",
                false => "put them back there (gleaner predict RUN FILE works without)",
            };
            format!("{} needs the data that it was trained on{place}; {way}", dir.path().display())
        };
        let source = Self::open(recipe, dir.vocabulary()?).with_context(needs)?;
        source.ensure_unchanged(dir, recipe)?;
        Ok(source)
    }

    /// That the data are those that a run was trained on, wherever they lie now.
    ///
    /// # Errors
    /// If they have changed since.
    pub fn ensure_unchanged(&self, dir: &RunDir, recipe: &Recipe) -> Result<()> {
        let now = self.trained_on(recipe);
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
    pub fn trained_on(&self, recipe: &Recipe) -> TrainedOn {
        match self {
            Self::Known(data) => {
                let dir = recipe.data.dir.clone().unwrap_or_else(dataset::default_data_dir);
                let folder = std::path::absolute(&dir).unwrap_or(dir).join(&data.name);
                let splits = [&data.train, &data.test];
                TrainedOn::of(folder.display().to_string(), &splits, &data.classes)
            }
            Self::Own(own) => {
                TrainedOn::of(own.profile.source.clone(), &[&own.raw], &own.schema.classes)
            }
        }
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
