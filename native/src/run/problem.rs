//! What is to be learnt: a loaded, preprocessed and split data set.

use anyhow::{Context as _, Result, bail};
use gleaner_core::data::{
    Binarise, Dataset, Examples, Split, SplitConfig, Standardiser, TextDataset, Values, Vocabulary,
};
use gleaner_core::models::{Likelihood, ModelConfig, background};
use gleaner_core::noise::Noise;

use super::recipe::{Recipe, VOCABULARY};
use super::run_dir::RunDir;
use crate::classical::Task;
use crate::data::dataset::{self, Columns, Loaded};

/// A data set as one run sees it.
#[derive(Debug)]
pub struct Problem {
    /// The data, preprocessed as the recipe says.
    pub data: Dataset,
    /// Which training rows are labelled, unlabelled and held out.
    pub split: Split,
}

impl Problem {
    /// Loads, preprocesses and splits what the recipe names. The same recipe gives the same problem.
    ///
    /// # Errors
    /// If the data cannot be read or has fewer labels than the recipe asks for.
    pub fn load(recipe: &Recipe) -> Result<Self> {
        Self::with_words(recipe, None)
    }

    /// The problem of a run that is there: of texts, the words that it counted.
    ///
    /// # Errors
    /// As [`Problem::load`]; also if its vocabulary is broken.
    pub fn of_run(dir: &RunDir, recipe: &Recipe) -> Result<Self> {
        Self::with_words(recipe, dir.vocabulary()?)
    }

    fn with_words(recipe: &Recipe, words: Option<Vocabulary>) -> Result<Self> {
        let settings = &recipe.data;
        let dir = settings.dir.clone().unwrap_or_else(dataset::default_data_dir);
        let columns = Columns { text: settings.text.as_deref(), label: settings.label.as_deref() };
        let mut data = match dataset::load(&settings.name, &dir, columns)? {
            Loaded::Examples(data) => data,
            Loaded::Texts(texts) if settings.features.is_some() => texts.uncounted()?,
            Loaded::Texts(texts) => counted(&texts, recipe, words)?,
        };
        if let Some(path) = &settings.features {
            dataset::put_features(&mut data, path)?;
        }
        preprocess(&mut data, recipe)?;
        let classes = data.classes.len();
        let config = SplitConfig {
            labels_per_class: recipe.labels_per_class(classes)?,
            validation: recipe.data.validation,
            labelled_in_pool: recipe.data.labelled_in_pool,
            unlabelled: recipe.data.unlabelled,
            labelled_classes: recipe.data.labelled_classes.clone(),
        };
        let noise = Noise::new(recipe.train.seed).split("split");
        let split = Split::draw(&data.train, classes, &config, &noise)
            .with_context(|| data.name.clone())?;
        Ok(Self { data, split })
    }

    /// The configuration of the recipe's model for these data.
    ///
    /// # Errors
    /// If the recipe's model does not have such settings.
    pub fn model(&self, recipe: &Recipe) -> Result<ModelConfig> {
        recipe.model.config(&self.data.train.shape, self.classes())
    }

    /// The same to a classical method.
    pub fn task(&self) -> Task<'_> {
        let Self { data: Dataset { train, test, .. }, split } = self;
        Task { train, test, split, classes: self.classes() }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.data.classes.len()
    }

    /// Training examples that take part, labelled and unlabelled, each counted once: the N of alpha.
    pub fn pool(&self) -> usize {
        self.trained_on().len()
    }

    fn trained_on(&self) -> Vec<usize> {
        let Split { labelled, unlabelled, .. } = &self.split;
        let mut rows: Vec<usize> = labelled.iter().chain(unlabelled).copied().collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// How frequent each word is among the examples that are trained on (E34), where a model describes counts.
    ///
    /// # Errors
    /// If the examples are no counts.
    pub fn background(&self, likelihood: Likelihood) -> Result<Option<Vec<f32>>> {
        let of_counts = likelihood == Likelihood::Multinomial;
        Ok(of_counts.then(|| background(&self.data.train, &self.trained_on())).transpose()?)
    }
}

/// Texts as counts of the given words, or else of the most frequent ones.
fn counted(texts: &TextDataset, recipe: &Recipe, words: Option<Vocabulary>) -> Result<Dataset> {
    let words = match words {
        Some(words) => words,
        None => texts.vocabulary(recipe.data.vocabulary.unwrap_or(VOCABULARY))?,
    };
    Ok(texts.counts(&words)?)
}

fn preprocess(data: &mut Dataset, recipe: &Recipe) -> Result<()> {
    check_counts(&data.train, recipe)?;
    if recipe.data.grey && recipe.data.features.is_none() {
        data.train = data.train.to_grey();
        data.test = data.test.to_grey();
    }
    if recipe.data.standardise {
        if recipe.model.likelihood()? == Likelihood::Bernoulli {
            bail!(
                "data.standardise = true gives values outside [0, 1], which model.likelihood = \
                 \"bernoulli\" cannot describe; add --set model.likelihood=gaussian"
            );
        }
        let standardiser = Standardiser::fit(&data.train);
        data.train = standardiser.apply(&data.train);
        data.test = standardiser.apply(&data.test);
    }
    Ok(())
}

/// Counts of words have one distribution, and settings that are meant for images and measurements are no use to them.
fn check_counts(train: &Examples, recipe: &Recipe) -> Result<()> {
    let multinomial = recipe.model.likelihood()? == Likelihood::Multinomial;
    if matches!(train.values, Values::Counts(_)) && !multinomial {
        bail!(
            "these examples are texts (counts of words), which need model.likelihood = \"multinomial\"; \
             add --set model.likelihood=multinomial, or use --features"
        );
    }
    if !multinomial {
        return Ok(());
    }
    let settings = [
        ("data.standardise = true", recipe.data.standardise),
        ("data.grey = true", recipe.data.grey),
        ("data.binarise = \"dynamic\"", recipe.data.binarise != Binarise::None),
        ("objective.classifier-noise above 0", recipe.objective.classifier_noise > 0.0),
    ];
    match settings.into_iter().find(|(_, on)| *on) {
        Some((setting, _)) => bail!(
            "{setting} changes the counts of words that model.likelihood = \"multinomial\" needs; leave one of the \
             two out"
        ),
        None => Ok(()),
    }
}
