//! Recipes: everything that decides a run, as TOML.
//!
//! A run's settings are laid over each other as tables, later ones winning: built-in recipes (`layers`),
//! the recipe file, the flags, the `--set` pairs. Only the result is given a type, so a default lives in
//! one place and an unknown key is refused by name wherever it came from.

mod augment;
mod layers;
#[cfg(test)]
pub mod shipped;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use gleaner_core::data::Binarise;
use gleaner_core::models::{Architecture as _, Likelihood, ModelConfig};
use gleaner_core::noise::NoiseSource;
use gleaner_core::objective::{
    Augmentation, Average, LatentEbmSettings, Marginalize, MierConfig, Shift, UntappedWeights,
};
use gleaner_core::train::{AdamSettings, Schedule};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::registry::canonical;
pub use augment::AugmentSettings;
use layers::{GENERAL, built_in, model_kind, one_line, read_table};
pub use layers::{merge, nested, parse_pair};

/// Words that are counted unless a recipe says otherwise, as in Gururangan et al. 2019; fewer where there are fewer.
pub const VOCABULARY: usize = 30_000;

/// Everything that decides a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// Which examples, and which of their labels.
    pub data: DataSettings,
    /// Which model.
    pub model: ModelSettings,
    /// What is minimised.
    pub objective: ObjectiveSettings,
    /// How it is minimised.
    pub train: TrainSettings,
    /// What the model adds to the labelled examples; absent, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment: Option<AugmentSettings>,
}

/// Which examples, and which of their labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DataSettings {
    /// A data set's name, or a path.
    pub name: String,
    /// Columns of text in a table of the user's own, parted by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Label column of a table of the user's own, if it is not called like one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Words of texts that are counted, the most frequent ones; [`VOCABULARY`] if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<usize>,
    /// Folder of the data sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// Labelled examples of each class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels_per_class: Option<usize>,
    /// Labelled examples in all, the same number of each class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<usize>,
    /// Share of the training examples that is held out for validation.
    pub validation: f64,
    /// Whether the labelled examples are in the unlabelled pool too.
    pub labelled_in_pool: bool,
    /// Examples in the pool; all that there are if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlabelled: Option<usize>,
    /// Classes that have labels at all; every class if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labelled_classes: Option<Vec<usize>>,
    /// An .npz whose rows, of the training and of the test split, take the place of the examples: what a
    /// network trained elsewhere makes of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<PathBuf>,
    /// Whether colour images are turned into grey ones.
    pub grey: bool,
    /// Whether each feature is shifted and scaled to mean 0 and variance 1.
    pub standardise: bool,
    /// What happens to grey levels in training.
    pub binarise: Binarise,
}

/// Which model: its name under `kind`, and the settings that this model has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelSettings(Table);

impl ModelSettings {
    /// Whether the model is trained by the objective that most models share (E1 to E3, E10). M1 has no classes, and
    /// Untapped an objective of its own.
    pub fn shares_objective(&self) -> bool {
        !matches!(self.kind(), "m1" | "untapped")
    }

    /// Whether the model normalises over the examples that are worked on together (E28).
    pub fn normalises(&self) -> bool {
        self.0.contains_key("convolution")
    }

    /// The model's name; empty if it has none.
    pub fn kind(&self) -> &str {
        self.0.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// The configuration for examples of the given shape.
    ///
    /// # Errors
    /// If there is no such model, or it does not have such settings.
    pub fn config(&self, shape: &[usize], classes: usize) -> Result<ModelConfig> {
        let mut table = self.0.clone();
        let kind = table.remove("kind").and_then(|kind| Some(kind.as_str()?.to_owned()));
        let kind = kind.context("model.kind is missing, or no text")?;
        let mut table: Table =
            table.into_iter().map(|(key, value)| (key.replace('-', "_"), value)).collect();
        let shape = shape.iter().map(|&size| Value::from(size as i64)).collect::<Vec<_>>();
        table.insert("shape".into(), shape.into());
        table.insert("classes".into(), (classes as i64).into());
        let config = ModelConfig::read(&kind, table).ok_or_else(|| no_such_model(&kind))?;
        config.map_err(|e: toml::de::Error| anyhow!("settings of model {kind}: {}", one_line(&e)))
    }

    /// The settings of the M1 that an M1+M2 stands on.
    ///
    /// # Errors
    /// If these are not those of an M1+M2.
    pub fn of_features(&self) -> Result<Self> {
        let mut table = nested("kind", "m1".into());
        for (from, to) in [
            ("feature-latent", "latent"),
            ("feature-hidden", "hidden"),
            ("activation", "activation"),
            ("likelihood", "likelihood"),
        ] {
            let value = self.0.get(from).with_context(|| format!("model.{from} is missing"))?;
            table.insert(to.to_owned(), value.clone());
        }
        Ok(Self(table))
    }

    /// Distribution of an example.
    ///
    /// # Errors
    /// As [`ModelSettings::config`].
    pub fn likelihood(&self) -> Result<Likelihood> {
        Ok(self.config(&[1], 2)?.likelihood())
    }
}

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ObjectiveSettings {
    /// The 0.1 of `alpha = 0.1 N / N_labelled`.
    pub alpha: f64,
    /// Weight of the labelled half of a batch against the unlabelled half.
    pub labelled_weight: f64,
    /// Epochs over which the weight of the divergence terms rises to one.
    pub kl_warm_up_epochs: f64,
    /// Factor of the gradient that the unlabelled bound sends to the classifier.
    pub classifier_gradient: f64,
    /// Epochs over which that gradient rises to this factor.
    pub classifier_warm_up_epochs: f64,
    /// Standard deviation of normal noise on the classifier's input in training.
    pub classifier_noise: f64,
    /// Pixels by which the classifier's input may be moved in training, each way; M1's, which has none, and so
    /// what an M1+M2's classifier is to make sense of.
    #[serde(default)]
    pub classifier_shift: usize,
    /// How the sum over classes is taken: `exact` or `sum-and-sample:K`.
    #[serde(default)]
    pub marginalize: Marginalize,
    /// Draws of the auxiliary variable for each labelled example's cross-entropy.
    pub classifier_draws: usize,
    /// What is averaged over them: `probability` or `logarithm`.
    pub classifier_average: Average,
    /// What only Untapped has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untapped: Option<UntappedWeights>,
    /// What only the latent energy-based model has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latent_ebm: Option<LatentEbmSettings>,
    /// MIER's weights; absent, MIER is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mier: Option<MierConfig>,
}

/// How it is minimised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrainSettings {
    /// Passes over the unlabelled pool.
    pub epochs: u64,
    /// Steps, if they are to decide instead of the epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Unlabelled examples in a step.
    pub batch_size: usize,
    /// Labelled examples in a step.
    pub labelled_batch_size: usize,
    /// Highest learning rate.
    pub lr: f64,
    /// What the learning rate does after its warm-up.
    pub schedule: Schedule,
    /// Steps over which the learning rate rises.
    pub warm_up_steps: u64,
    /// Largest global norm of the gradient.
    pub clip_norm: f64,
    /// How a gradient becomes a step.
    #[serde(default)]
    pub adam: AdamSettings,
    /// Epochs of the model that makes features for another.
    pub feature_epochs: u64,
    /// Steps of the supervised baseline; 0 leaves it out.
    pub baseline_steps: u64,
    /// Seed of weights, label draw, order and noise.
    pub seed: u64,
    /// Where to compute.
    pub device: String,
    /// CPU threads; 0 takes all.
    pub threads: usize,
    /// Where a step's noise is drawn: `host`, the same numbers on every device, or `device`, faster on a GPU.
    #[serde(default)]
    pub noise: NoiseSource,
    /// Parts that a batch is split into and worked on side by side; 0 takes one for each thread, and two for a
    /// model that normalises over the examples of a part. For any other, results depend on this only by rounding,
    /// and on the number of threads not at all.
    #[serde(default)]
    pub parts: usize,
}

impl Recipe {
    /// Lays the recipe file, the flags and the `--set` pairs over the built-in recipe of the data set.
    ///
    /// # Errors
    /// If a file cannot be read, a pair is no pair, or the result has unknown keys or wrong values.
    pub fn resolve(file: Option<&Path>, flags: Table, sets: &[String]) -> Result<Self> {
        let mut over = match file {
            Some(path) => read_table(path)?,
            None => Table::new(),
        };
        merge(&mut over, flags);
        for pair in sets {
            merge(&mut over, parse_pair(pair)?);
        }
        let name = over
            .get("data")
            .and_then(|data| data.get("name"))
            .and_then(Value::as_str)
            .unwrap_or("digits");
        let name = canonical(name);
        let source = file.map_or("settings".into(), |f| f.display().to_string());
        let mut layers = built_in(&name, model_kind(&over))?;
        if over.get("data").is_some_and(|data| data.get("text").is_some()) {
            layers.push(nested("model.likelihood", "multinomial".into()));
        }
        Self::over(&layers, over, &source)
    }

    /// Lays settings over the general recipe and their model's alone: what is compared must not start from what
    /// suits a data set and another model.
    ///
    /// # Errors
    /// As [`Recipe::resolve`].
    pub fn of_table(settings: Table) -> Result<Self> {
        let layers = built_in("", model_kind(&settings))?;
        Self::over(&layers, settings, "settings")
    }

    fn over(layers: &[Table], settings: Table, source: &str) -> Result<Self> {
        let mut table: Table = GENERAL.parse().context("the built-in general recipe")?;
        for layer in layers {
            merge(&mut table, layer.clone());
        }
        merge(&mut table, settings);
        let recipe: Self =
            table.try_into().map_err(|e: toml::de::Error| anyhow!("{source}: {}", one_line(&e)))?;
        recipe.check()?;
        Ok(recipe)
    }

    /// As the `config.toml` of a run.
    ///
    /// # Errors
    /// If a path in it is not valid text.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).context("the settings cannot be written as TOML")
    }

    /// How the classifier's input is disturbed in training on examples of the given shape.
    ///
    /// # Errors
    /// If images are to be moved and these are none, or too small.
    pub fn augmentation(&self, shape: &[usize]) -> Result<Augmentation> {
        let ObjectiveSettings { classifier_noise: noise, classifier_shift: by, .. } =
            self.objective;
        let shift = match *shape {
            _ if by == 0 => None,
            [height, width, channels] if by < height.min(width) => {
                Some(Shift { by, image: [height, width, channels] })
            }
            _ => bail!(
                "objective.classifier-shift = {by} moves images, and an example here has the shape \
                 {shape:?}; set it to 0, or below height and width of an image"
            ),
        };
        Ok(Augmentation { shift, noise })
    }

    /// Labels of each class to draw.
    ///
    /// # Errors
    /// If `labels` is not a multiple of the number of classes.
    pub fn labels_per_class(&self, classes: usize) -> Result<Option<usize>> {
        let Some(labels) = self.data.labels else { return Ok(self.data.labels_per_class) };
        let classes = self.data.labelled_classes.as_ref().map_or(classes, Vec::len);
        if labels == 0 || labels % classes != 0 {
            bail!(
                "data.labels = {labels} does not share out over {classes} classes; \
                 take a multiple of {classes}, or --labels-per-class"
            );
        }
        Ok(Some(labels / classes))
    }

    fn check(&self) -> Result<()> {
        let TrainSettings { epochs, steps, batch_size, lr, clip_norm, .. } = &self.train;
        if steps.unwrap_or(*epochs) == 0 {
            bail!("train.epochs = 0 trains nothing; ask for at least 1");
        }
        if self.data.vocabulary == Some(0) {
            bail!("data.vocabulary = 0 counts no words; ask for at least 1");
        }
        if self.objective.classifier_draws == 0 {
            bail!("objective.classifier-draws = 0: a labelled example needs at least one draw");
        }
        // Names and types of the model's settings; their values are checked with the data.
        self.model.config(&[1], 2)?;
        if *batch_size == 0 || self.train.labelled_batch_size == 0 {
            bail!("train.batch-size = 0: a batch needs at least one example");
        }
        for (name, value) in [("train.lr", *lr), ("train.clip-norm", *clip_norm)] {
            if !(value.is_finite() && value > 0.0) {
                bail!("{name} = {value} is not valid: it must be a positive number");
            }
        }
        check_optimizer(&self.train)?;
        if self.objective.mier.is_some() && !self.model.shares_objective() {
            let kind = self.model.kind();
            bail!("MIER is nothing to {kind}: its objective has no such terms; leave --mier out");
        }
        if let Some(UntappedWeights { smoothing, temperature, .. }) = self.objective.untapped {
            if !(smoothing > 0.0 && smoothing < 1.0) {
                bail!("objective.untapped.smoothing = {smoothing} is not valid: between 0 and 1");
            }
            if !(temperature.is_finite() && temperature > 0.0) {
                bail!("objective.untapped.temperature = {temperature} is not valid: above 0");
            }
        }
        if let Some(augment) = &self.augment {
            augment.check(&self.model)?;
        }
        if let Some(settings) = &self.objective.latent_ebm {
            check_latent_ebm(settings, self.model.kind())?;
        }
        if self.train.noise == NoiseSource::Device && on_cpu(&self.train.device) {
            bail!("--noise device needs a GPU: the CPU has no generator of its own; leave it out");
        }
        for (name, value) in [
            ("objective.alpha", self.objective.alpha),
            ("objective.labelled-weight", self.objective.labelled_weight),
            ("objective.kl-warm-up-epochs", self.objective.kl_warm_up_epochs),
            ("objective.classifier-gradient", self.objective.classifier_gradient),
            ("objective.classifier-warm-up-epochs", self.objective.classifier_warm_up_epochs),
            ("objective.classifier-noise", self.objective.classifier_noise),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                bail!("{name} = {value} is not valid: it must be zero or more");
            }
        }
        Ok(())
    }
}

fn check_latent_ebm(settings: &LatentEbmSettings, kind: &str) -> Result<()> {
    if kind != "latent-ebm" {
        bail!(
            "objective.latent-ebm and --implicit-augment are nothing to {kind}; add --model latent-ebm"
        );
    }
    let LatentEbmSettings { chains, persistent, energy_rate, energy_penalty, .. } = settings;
    if *persistent == 0 {
        bail!(
            "objective.latent-ebm.persistent = 0: there must be at least one chain for an example"
        );
    }
    for (name, value) in [
        ("chains.step-size", chains.step_size),
        ("chains.temperature", chains.temperature),
        ("energy-rate", *energy_rate),
        ("energy-penalty", *energy_penalty),
        ("implicit-augmentation", settings.implicit_augmentation),
    ] {
        if !(value.is_finite() && value >= 0.0) {
            bail!("objective.latent-ebm.{name} = {value} is not valid: it must be zero or more");
        }
    }
    Ok(())
}

fn check_optimizer(train: &TrainSettings) -> Result<()> {
    let AdamSettings { beta_1, weight_decay } = train.adam;
    if !(0.0..1.0).contains(&beta_1) {
        bail!("train.adam.beta-1 = {beta_1} is not valid: from 0 to below 1");
    }
    if !(weight_decay.is_finite() && weight_decay >= 0.0) {
        bail!("train.adam.weight-decay = {weight_decay} is not valid: it must be zero or more");
    }
    match train.schedule {
        Schedule::Exponential(share) if !(share > 0.0 && share <= 1.0) => bail!(
            "train.schedule = {{ exponential = {share} }} is not valid: what is left of the rate at the end, above 0 and at most 1"
        ),
        _ => Ok(()),
    }
}

fn no_such_model(kind: &str) -> anyhow::Error {
    anyhow!("there is no model `{kind}`; choose one of {}", ModelConfig::NAMES.join(", "))
}

/// Whether a `--device` is the CPU back end.
pub fn on_cpu(device: &str) -> bool {
    matches!(device, "cpu" | "flex")
}

#[cfg(test)]
mod tests {
    use super::layers::DATA_SETS;
    use super::*;

    #[test]
    fn without_anything_the_recipe_is_the_embedded_digits() {
        let recipe = Recipe::resolve(None, Table::new(), &[]).unwrap();
        assert_eq!(recipe.data.name, "digits");
        assert_eq!(recipe.data.labels_per_class, Some(10));
    }

    #[test]
    fn every_built_in_recipe_resolves_and_survives_a_round_trip() {
        for (name, _) in DATA_SETS {
            let flags = nested("data.name", name.into());
            let recipe = Recipe::resolve(None, flags, &[]).unwrap();
            let again: Recipe = toml::from_str(&recipe.to_toml().unwrap()).unwrap();
            assert_eq!(recipe, again);
        }
    }

    #[test]
    fn another_model_keeps_what_its_data_set_takes_but_not_its_sizes() {
        let mut flags = nested("data.name", "mnist".into());
        merge(&mut flags, nested("model.kind", "ladder".into()));
        let recipe = Recipe::resolve(None, flags.clone(), &[]).unwrap();
        assert_eq!(recipe.objective.classifier_shift, 2);
        assert_eq!(recipe.model.0["latent"], Value::from(vec![32, 16, 8]));
        assert_eq!(recipe.objective.kl_warm_up_epochs, 10.0);
        // What the model's own recipe says of the rest has the last word.
        merge(&mut flags, nested("model.kind", "m1m2".into()));
        let stacked = Recipe::resolve(None, flags.clone(), &[]).unwrap();
        assert_eq!(stacked.objective.classifier_noise, 0.0);
        // A table starts from nothing but its own settings.
        assert_eq!(Recipe::of_table(flags).unwrap().objective.classifier_shift, 0);
    }

    #[test]
    fn set_beats_flags_and_keeps_the_rest() {
        let flags = nested("train.lr", 0.5.into());
        let sets = ["train.lr=0.25".into(), "model.hidden=[7, 8]".into()];
        let recipe = Recipe::resolve(None, flags, &sets).unwrap();
        assert_eq!(recipe.train.lr, 0.25);
        assert_eq!(recipe.model.0["hidden"], Value::from(vec![7, 8]));
        assert_eq!(recipe.model.0["kind"], Value::from("m2"));
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = Recipe::resolve(None, Table::new(), &["train.learning=1".into()]).unwrap_err();
        assert!(error.to_string().contains("unknown field `learning`"), "{error}");
        assert!(!error.to_string().contains('\n'));
    }

    #[test]
    fn a_wrong_type_names_the_key() {
        let error = Recipe::resolve(None, Table::new(), &["train.lr=fast".into()]).unwrap_err();
        assert!(error.to_string().contains("lr"), "{error}");
    }

    #[test]
    fn labels_are_shared_out_over_the_classes() {
        let sets = |n: &str| [format!("data.labels={n}")];
        let recipe = Recipe::resolve(None, Table::new(), &sets("100")).unwrap();
        assert_eq!(recipe.labels_per_class(10).unwrap(), Some(10));
        let recipe = Recipe::resolve(None, Table::new(), &sets("101")).unwrap();
        assert!(recipe.labels_per_class(10).is_err());
    }
}
