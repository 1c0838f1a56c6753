//! The model in the folder of a run, and whether it is that run's: its configuration beside what the run says of its settings and
//! its data. A folder that was put together from two runs would otherwise end in products of matrices that do not fit, or in numbers
//! that mean nothing.

use anyhow::{Context as _, Result, bail};
use burn::tensor::Device;
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::Vocabulary;
use gleaner_core::data::profile::Profile;
use gleaner_core::data::schema::{Input, Schema};
use gleaner_core::dist::Column;
use gleaner_core::models::{Architecture as _, Model, ModelConfig};
use serde_json::{Map, Value};

use super::TrainedOn;
use super::recipe::Recipe;
use super::run_dir::RunDir;

/// Parts of a configuration that are no settings: what follows from the data, and what training finds out.
const FOUND: [&str; 2] = ["columns", "active"];

impl RunDir {
    /// The run's model and its configuration.
    ///
    /// # Errors
    /// As [`RunDir::checkpoint`].
    pub fn load(&self, device: &Device) -> Result<(ModelConfig, Model)> {
        let checkpoint = self.checkpoint()?;
        let named = || self.model().display().to_string();
        let model = checkpoint.build(device).with_context(named)?;
        Ok((checkpoint.config, model))
    }

    /// The run's model as its file holds it.
    ///
    /// # Errors
    /// If the checkpoint is missing, broken, of a model that is not known, or of another run than the folder.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let checkpoint = self.stored()?;
        self.ensure_own(&checkpoint)?;
        Ok(checkpoint)
    }

    /// Whatever model lies in the folder.
    ///
    /// # Errors
    /// If the checkpoint is missing, broken or of a model that is not known.
    pub fn stored(&self) -> Result<Checkpoint> {
        let path = self.model();
        let bytes = std::fs::read(&path).with_context(|| {
            let (model, run) = (path.display(), self.path().display());
            match self.summary().exists() {
                true => format!(
                    "cannot read {model}; copy the run again, or repeat it with gleaner train {} --out another-run",
                    self.config().display()
                ),
                false => format!("{run} has no model yet; go on with gleaner train --resume {run}"),
            }
        })?;
        let named = || path.display().to_string();
        Checkpoint::from_bytes(&bytes).with_context(named)
    }

    /// That a model was trained with the settings and the data of this run.
    ///
    /// # Errors
    /// If it was not; the first difference is named.
    pub fn ensure_own(&self, model: &Checkpoint) -> Result<()> {
        let owner = Owner {
            recipe: self.recipe()?,
            data: self.trained_on()?,
            profile: self.read_profile()?,
            words: self.vocabulary()?,
        };
        match owner.difference(model)? {
            None => Ok(()),
            Some(difference) => bail!(
                "{}: this model is of other data or other settings than the run in its folder: {difference}; copy the run again",
                self.model().display()
            ),
        }
    }
}

/// What the folder of a run says of its model, as far as it says anything: older runs say less.
#[derive(Debug)]
struct Owner {
    /// Its settings.
    recipe: Recipe,
    /// Its data.
    data: Option<TrainedOn>,
    /// What was seen of data of the user's own.
    profile: Option<Profile>,
    /// The words of texts.
    words: Option<Vocabulary>,
}

impl Owner {
    /// What a model has that a model of this run cannot have, in words; `None` if it may be the run's.
    ///
    /// # Errors
    /// If the settings or the configuration cannot be written down.
    fn difference(&self, model: &Checkpoint) -> Result<Option<String>> {
        let Checkpoint { config, data, .. } = model;
        let of_data = self.other_examples(config);
        let of_data =
            of_data.or_else(|| data.as_ref().and_then(|schema| self.other_columns(schema)));
        match of_data {
            Some(difference) => Ok(Some(difference)),
            None => other_settings(config, &self.recipe),
        }
    }

    /// Another shape or other classes.
    fn other_examples(&self, config: &ModelConfig) -> Option<String> {
        let TrainedOn { shape, classes, .. } = self.data.as_ref()?;
        let shape = match (shape.as_slice(), self.recipe.data.grey) {
            (&[height, width, 3], true) if self.recipe.data.features.is_none() => {
                vec![height, width, 1]
            }
            (shape, _) => shape.to_vec(),
        };
        if config.shape() != shape {
            return Some(format!(
                "the model is of examples of shape {:?}, the run of {shape:?}",
                config.shape()
            ));
        }
        let (has, wanted) = (config.classes(), classes.len());
        (has != wanted).then(|| format!("the model has {has} classes, the run {wanted}"))
    }

    /// Classes of other names, and columns or words that the run does not have.
    fn other_columns(&self, schema: &Schema) -> Option<String> {
        if let Some(data) = self.data.as_ref().filter(|data| data.classes != schema.classes) {
            let [has, wanted] = [&schema.classes, &data.classes].map(|names| names.join(", "));
            return Some(format!("the model has the classes {has}, the run {wanted}"));
        }
        match (&schema.input, &self.profile, &self.words) {
            (Input::Table(features), Some(profile), _) => {
                let known = |name: &str| profile.features.iter().any(|it| it.name == name);
                // Columns that are alike, such as pixels, are described together and without names.
                let has_names = profile.features.iter().all(|it| !it.name.is_empty());
                let other = features.iter().find(|feature| has_names && !known(&feature.name))?;
                Some(format!("the model has a column {:?}, the run has none", other.name))
            }
            (Input::Texts { words, .. }, _, Some(known)) => {
                let other = words.iter().zip(known.words()).find(|(one, other)| one != other)?;
                Some(format!("the model counts the word {:?}, the run {:?}", other.0, other.1))
            }
            _ => None,
        }
    }
}

/// A setting that a model does not have as a recipe says.
fn other_settings(config: &ModelConfig, recipe: &Recipe) -> Result<Option<String>> {
    let (has, wanted) = (config.name(), recipe.model.kind());
    if has != wanted {
        return Ok(Some(format!("the model is of the kind {has}, config.toml says {wanted}")));
    }
    let has = settings(config)?;
    let columns = has.get("columns").cloned().map(serde_json::from_value::<Vec<Column>>);
    let columns = columns.transpose().context("the columns of the model")?.unwrap_or_default();
    let wanted = settings(&recipe.model.config(config.shape(), config.classes(), &columns)?)?;
    let differs =
        |name: &&String| !FOUND.contains(&name.as_str()) && has.get(*name) != wanted.get(*name);
    Ok(has.keys().chain(wanted.keys()).find(differs).map(|name| {
        let words = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
        let [has, wanted] = [&has, &wanted].map(|settings| words(settings.get(name)));
        let name = name.replace('_', "-");
        format!("model.{name} of the model is {has}, config.toml says {wanted}")
    }))
}

fn settings(config: &ModelConfig) -> Result<Map<String, Value>> {
    let settings = serde_json::to_value(config).context("the settings of the model")?;
    Ok(settings.as_object().cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use gleaner_core::data::{Examples, Values};
    use toml::Table;

    fn recipe(sets: &[&str]) -> Recipe {
        let sets: Vec<String> = sets.iter().map(|&pair| pair.to_owned()).collect();
        Recipe::resolve(Table::new(), &sets).unwrap()
    }

    fn owner(sets: &[&str], classes: &[&str]) -> Owner {
        let classes: Vec<String> = classes.iter().map(|&name| name.to_owned()).collect();
        let examples = Examples::new(Values::F32(vec![0.0; 4]), vec![2], vec![0, 1], "own");
        let data = TrainedOn::of("own.csv".to_owned(), &[&examples.unwrap()], &classes);
        Owner { recipe: recipe(sets), data: Some(data), profile: None, words: None }
    }

    fn model(sets: &[&str], width: usize, classes: &[&str]) -> Checkpoint {
        let config = recipe(sets).model.config(&[width], classes.len(), &[]).unwrap();
        let data = Schema {
            classes: classes.iter().map(|&name| name.to_owned()).collect(),
            label: None,
            input: Input::Array(vec![width]),
            scaling: gleaner_core::data::schema::Scaling::None,
        };
        Checkpoint { config, data: Some(data), parameters: BTreeMap::new() }
    }

    #[test]
    fn whatever_is_not_of_the_run_is_named() {
        let own = owner(&[], &["a", "b"]);
        assert_eq!(own.difference(&model(&[], 2, &["a", "b"])).unwrap(), None);
        for (other, part) in [
            (model(&[], 3, &["a", "b"]), "shape [3], the run of [2]"),
            (model(&[], 2, &["a", "b", "c"]), "has 3 classes, the run 2"),
            (model(&[], 2, &["a", "c"]), "the classes a, c, the run a, b"),
            (model(&["model.kind=\"m1\""], 2, &["a", "b"]), "of the kind m1"),
            (model(&["model.latent=3"], 2, &["a", "b"]), "model.latent of the model is 3"),
        ] {
            let said = own.difference(&other).unwrap().unwrap_or_default();
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
