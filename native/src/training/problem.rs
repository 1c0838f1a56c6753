//! What is to be learnt: a loaded, preprocessed and split data set.

use anyhow::{Context as _, Result, bail};
use gleaner_core::data::{Dataset, Split, SplitConfig, Standardiser};
use gleaner_core::models::{Likelihood, ModelConfig};
use gleaner_core::noise::Noise;

use crate::dataset;
use crate::recipe::Recipe;

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
        let dir = recipe.data.dir.clone().unwrap_or_else(dataset::default_data_dir);
        let mut data = dataset::load(&recipe.data.name, &dir)?;
        if let Some(path) = &recipe.data.features {
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

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.data.classes.len()
    }

    /// Training examples that take part, labelled and unlabelled, each counted once: the N of alpha.
    pub fn pool(&self) -> usize {
        let Split { labelled, unlabelled, .. } = &self.split;
        let mut rows: Vec<usize> = labelled.iter().chain(unlabelled).copied().collect();
        rows.sort_unstable();
        rows.dedup();
        rows.len()
    }
}

fn preprocess(data: &mut Dataset, recipe: &Recipe) -> Result<()> {
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
