//! The settings of a run, section by section, and what follows from them for given examples.

use std::path::{Path, PathBuf};

use crate::data::Binarise;
use crate::data::labels::MinusOne;
use crate::dist::Column;
use crate::models::{Architecture as _, Likelihood, ModelConfig};
use crate::noise::NoiseSource;
use crate::objective::{
    Augmentation, Average, LatentEbmSettings, Marginalize, MierConfig, Shift, UntappedWeights,
};
use crate::train::{AdamSettings, Schedule};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::{Table, Value};

use super::augment::AugmentSettings;
use super::tables::{nested, one_line};
use crate::error::{Error, Result, refuse, unfit};

/// Words that are counted unless a recipe says otherwise, as in Gururangan et al. 2019; fewer where there are fewer.
pub const VOCABULARY: usize = 30_000;

/// No picture is larger than this on a side.
const MOST_SIDE: usize = 4096;

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
    /// Whether other methods are compared with the model, and the best is kept; absent, they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<ChoiceSettings>,
    /// What the model adds to the labelled examples; absent, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment: Option<AugmentSettings>,
    /// How it is minimised. The last section: it is never absent, so a file that is cut off lacks something.
    pub train: TrainSettings,
}

/// How the classifier is chosen that a run keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChoiceSettings {
    /// Parts of the labels, each of which is told by what was trained on the others.
    pub folds: usize,
}

/// Which examples, and which of their labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DataSettings {
    /// A data set's name, or a path.
    pub name: String,
    /// Columns of text in a table of the user's own, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Label column of a table of the user's own, if it is not called like one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Columns of a table of the user's own that are not to be used, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave_out: Option<String>,
    /// What the label -1 means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minus_one: Option<MinusOne>,
    /// A file of labels for examples that come without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_file: Option<PathBuf>,
    /// A folder of pictures without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlabelled_dir: Option<PathBuf>,
    /// Height and width of pictures, `32` or `32x48`; that of most of them if absent, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<PictureSize>,
    /// Words of texts that are counted, the most frequent ones; [`VOCABULARY`] if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<usize>,
    /// Folder of the data sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// Labelled examples of each class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels_per_class: Option<usize>,
    /// Labelled examples in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelCount>,
    /// Share of the labelled examples that is held out as the test split, of data without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// Parts of the labelled examples for cross-validation, of data without a test split. The model that is kept is
    /// trained on all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// How many of these parts are held out, one after the other; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds_measured: Option<usize>,
    /// Times that they are divided anew for it; once if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<usize>,
    /// The part that is held out as the test split of this run, which is then one of a cross-validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<Fold>,
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

impl DataSettings {
    /// Whether a cross-validation takes the place of a test split.
    pub fn measures_parts(&self) -> bool {
        self.folds.is_some() || self.fold.is_some_and(|_| self.uses_all_labels())
    }
}

/// Labelled examples in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelCount {
    /// All that there are.
    All,
    /// So many, the same number of each class.
    Number(usize),
}

impl Serialize for LabelCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Number(number) => serializer.serialize_u64(*number as u64),
        }
    }
}

impl<'de> Deserialize<'de> for LabelCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Integer(number) if number > 0 => Ok(Self::Number(number as usize)),
            Value::String(text) if text == "all" => Ok(Self::All),
            other => {
                Err(D::Error::custom(format!("{other} is neither a number of labels nor \"all\"")))
            }
        }
    }
}

/// Height and width of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureSize(pub [usize; 2]);

impl Serialize for PictureSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}x{}", self.0[0], self.0[1]))
    }
}

impl<'de> Deserialize<'de> for PictureSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let sides: Option<Vec<usize>> =
            text.split('x').map(|side| side.trim().parse().ok()).collect();
        match sides.as_deref() {
            Some(&[side]) if (1..=MOST_SIDE).contains(&side) => Ok(Self([side; 2])),
            Some(&[height, width])
                if (1..=MOST_SIDE).contains(&height.min(width))
                    && height.max(width) <= MOST_SIDE =>
            {
                Ok(Self([height, width]))
            }
            _ => Err(D::Error::custom(format!(
                "{text:?} is no size of pictures; write 32 or 32x48 (height x width, at most {MOST_SIDE})"
            ))),
        }
    }
}

/// A part of the labelled examples that a run of a cross-validation is tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fold {
    /// Which part, counted from 0.
    pub part: usize,
    /// Of how many.
    pub of: usize,
    /// Which division into parts, counted from 0.
    pub repeat: usize,
}

/// Which model: its name under `kind`, and the settings that this model has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelSettings(pub(super) Table);

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

    /// Whether the model has a likelihood to choose.
    pub fn describes(&self) -> bool {
        self.0.contains_key("likelihood")
    }

    /// A setting of the model.
    pub fn setting(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The model's name; empty if it has none.
    pub fn kind(&self) -> &str {
        self.0.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// The configuration of the model, for examples of the given shape, and of the given `columns` if their likelihood is mixed.
    ///
    /// # Errors
    /// If there is no such model, or it does not have such settings.
    pub fn config(
        &self,
        shape: &[usize],
        classes: usize,
        columns: &[Column],
    ) -> Result<ModelConfig> {
        let mut table = self.0.clone();
        let kind = table.remove("kind").and_then(|kind| Some(kind.as_str()?.to_owned()));
        let kind = kind.ok_or_else(|| {
            unfit!("model.kind is missing or not a text; write for example model.kind = \"m2\"")
        })?;
        let mut table: Table =
            table.into_iter().map(|(key, value)| (key.replace('-', "_"), value)).collect();
        let of_data = ["shape", "classes", "columns"];
        if let Some(name) = of_data.into_iter().find(|&name| table.contains_key(name)) {
            refuse!("model.{name} follows from the data; leave it out");
        }
        let shape = shape.iter().map(|&size| Value::from(size as i64)).collect::<Vec<_>>();
        table.insert("shape".into(), shape.into());
        table.insert("classes".into(), (classes as i64).into());
        if !columns.is_empty() {
            let columns = Value::try_from(columns)
                .map_err(|e| unfit!("the columns of the table cannot be written down: {e}"))?;
            table.insert("columns".into(), columns);
        }
        let config = ModelConfig::read(&kind, table).ok_or_else(|| no_such_model(&kind))?;
        config.map_err(|e: toml::de::Error| {
            unfit!("settings of model {kind}: {}", as_in_a_recipe(&one_line(&e)))
        })
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
            let value = self.0.get(from).ok_or_else(|| unfit!("model.{from} is missing"))?;
            table.insert(to.to_owned(), value.clone());
        }
        if let Some(masking) = self.0.get("masking") {
            table.insert("masking".into(), masking.clone());
        }
        Ok(Self(table))
    }

    /// Distribution of an example.
    ///
    /// # Errors
    /// As [`ModelSettings::config`].
    pub fn likelihood(&self) -> Result<Likelihood> {
        Ok(self.config(&[1], 2, &[])?.likelihood())
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
    pub classifier_shift: usize,
    /// How the sum over classes is taken: `exact` or `sum-and-sample:K`.
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
    pub adam: AdamSettings,
    /// Epochs of the model that makes features for another.
    pub feature_epochs: u64,
    /// Steps of the supervised baseline; 0 leaves it out.
    pub baseline_steps: u64,
    /// Seed of weights, label draw, order and noise.
    pub seed: u64,
    /// Where to compute.
    pub device: String,
    /// CPU threads; 0 uses all.
    pub threads: usize,
    /// Where a step's noise is drawn: `host`, the same numbers on every device, or `device`, the default on GPUs, where it is faster.
    pub noise: NoiseSource,
    /// Parts that a batch is split into and worked on side by side; 0 takes two on the CPU, more of a large batch, and one on a GPU. A
    /// model that normalises does so over the examples of a part. For any other, results depend on this only by rounding, and on the
    /// number of threads not at all.
    pub parts: usize,
}

impl DataSettings {
    /// Keeps the names of files and forgets in which folders they lie.
    pub fn forget_folders(&mut self) {
        let name = |path: &PathBuf| path.file_name().map_or_else(PathBuf::new, PathBuf::from);
        self.dir = None;
        if Path::new(&self.name).is_absolute() {
            self.name = name(&PathBuf::from(&self.name)).display().to_string();
        }
        for path in [&mut self.features, &mut self.label_file, &mut self.unlabelled_dir]
            .into_iter()
            .flatten()
        {
            *path = name(path);
        }
    }

    /// Whether every label that there is counts.
    pub fn uses_all_labels(&self) -> bool {
        match self.labels {
            Some(labels) => labels == LabelCount::All,
            None => self.labels_per_class.is_none(),
        }
    }

    /// Names that are separated by commas.
    pub fn names(list: Option<&str>) -> Vec<String> {
        let names = list.unwrap_or_default().split(',').map(str::trim);
        names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}

impl Recipe {
    /// As the `config.toml` of a run.
    ///
    /// # Errors
    /// If a path in it is not valid text.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| unfit!("the settings cannot be written as TOML: {e}"))
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
            _ => refuse!(
                "objective.classifier-shift = {by} moves images, but the examples have the shape \
                 {shape:?}; set it to 0, or to less than the height and width of an image"
            ),
        };
        Ok(Augmentation { shift, noise })
    }

    /// Labels of each class to draw.
    ///
    /// # Errors
    /// If `labels` is not a multiple of the number of classes.
    pub fn labels_per_class(&self, classes: usize) -> Result<Option<usize>> {
        let labels = match self.data.labels {
            None => return Ok(self.data.labels_per_class),
            Some(LabelCount::All) => return Ok(None),
            Some(LabelCount::Number(labels)) => labels,
        };
        let classes = self.data.labelled_classes.as_ref().map_or(classes, Vec::len);
        if labels % classes != 0 {
            refuse!(
                "data.labels = {labels} cannot be divided equally among {classes} classes; \
                 give a multiple of {classes}, or use --labels-per-class"
            );
        }
        Ok(Some(labels / classes))
    }
}

/// An error about a model's settings with their names as a recipe writes them, and without the two that follow from the
/// data. Values stay as they were typed.
fn as_in_a_recipe(problem: &str) -> String {
    let (said, place) = problem.split_at(problem.rfind(", in `").unwrap_or(problem.len()));
    let said = match said.starts_with("unknown field") || said.starts_with("missing field") {
        true => said.replace('_', "-").replace("`shape`, `classes`, ", ""),
        false => said.to_owned(),
    };
    said + &place.replace('_', "-")
}

pub(super) fn no_such_model(kind: &str) -> Error {
    unfit!("there is no model `{kind}`; choose one of {}", ModelConfig::NAMES.join(", "))
}
