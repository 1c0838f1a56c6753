//! What is to be learnt: data that are open, preprocessed and split as a recipe says, and the settings that follow from them.

pub mod defaults;
mod source;
mod trained_on;

use std::path::PathBuf;

use defaults::TEST_SHARE;
pub use source::Source;
pub use trained_on::TrainedOn;

use crate::data::holdout::{hold_out_rows, without_part};
use crate::data::own::{OwnData, OwnRows};
use crate::data::schema::{Input, Scaling, Schema};
use crate::data::{Binarise, Copies, Dataset, Examples, Split, SplitConfig, Standardiser, Values};
use crate::error::{Result, refuse, unfit};
use crate::models::{Likelihood, ModelConfig, background, columns};
use crate::noise::Noise;
use crate::recipe::{DataSettings, Fold, Recipe};

/// A share of a count is a whole number although its product is rounded.
const ROUNDING: f64 = 1e-9;

/// A data set as one run sees it.
#[derive(Debug)]
pub struct Problem {
    /// The data, preprocessed as the recipe says. Without examples in the test split where a cross-validation takes its
    /// place.
    pub data: Dataset,
    /// Which training rows are labelled, unlabelled and held out.
    pub split: Split,
    /// What the examples are.
    pub schema: Schema,
    /// Of data of the user's own, where in the file the training examples stand.
    pub places: Option<Places>,
}

/// Where examples stand in the user's own data.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Row of each training example, counted from 0 in the order of the file.
    pub rows: Vec<usize>,
    /// Row of each example that is held out as a part of the labels.
    pub held: Vec<usize>,
    /// The file of every row, where they are pictures; empty of anything else.
    pub files: Vec<PathBuf>,
}

impl Problem {
    /// Preprocesses and splits data that are open.
    ///
    /// # Errors
    /// If the settings do not fit the data, or there are fewer labels than the recipe asks for.
    pub fn of(source: &Source, recipe: &Recipe) -> Result<Self> {
        let (data, schema, places) = unscaled(source, recipe)?;
        let data = match schema.scaling {
            Scaling::None => data,
            _ => data.map(|examples| schema.scaling.apply(examples)),
        };
        let copies = match (source, &places) {
            (Source::Own(own), Some(places)) => own.copies.among(&places.rows),
            // A published split stays as it is.
            _ => Copies::default(),
        };
        check_range(&data, recipe)?;
        let classes = data.classes.len();
        let config = SplitConfig {
            // The labels of a part are drawn already.
            labels_per_class: match recipe.data.fold {
                Some(_) => None,
                None => recipe.labels_per_class(classes)?,
            },
            validation: recipe.data.validation,
            labelled_in_pool: recipe.data.labelled_in_pool,
            unlabelled: recipe.data.unlabelled,
            labelled_classes: recipe.data.labelled_classes.clone(),
        };
        let noise = Noise::new(recipe.train.seed).split("split");
        let (aside, train) = (&data.validation, &data.train);
        let split = Split::draw_around(aside, &copies, train, classes, &config, &noise)
            .map_err(|error| unfit!("{}: {error}", data.name))?;
        Ok(Self { data, split, schema, places })
    }

    /// The data of the problem in their own units: before they are scaled for a model.
    ///
    /// # Errors
    /// As [`Problem::of`].
    pub fn unscaled(source: &Source, recipe: &Recipe) -> Result<Dataset> {
        unscaled(source, recipe).map(|(data, ..)| data)
    }

    /// Examples to look at: the test split or, where there is none, those that are trained on; and what they are called.
    pub fn shown(&self) -> (&Examples, &'static str) {
        match self.data.test.is_empty() {
            true => (&self.data.train, "training"),
            false => (&self.data.test, "test"),
        }
    }

    /// The configuration of the recipe's model for these data.
    ///
    /// # Errors
    /// If the recipe's model does not have such settings.
    pub fn model(&self, recipe: &Recipe) -> Result<ModelConfig> {
        let columns = columns(&self.schema).unwrap_or_default();
        recipe.model.config(&self.data.train.shape, self.classes(), &columns)
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
        of_counts.then(|| background(&self.data.train, &self.trained_on())).transpose()
    }
}

/// Data as the recipe wants them, not scaled yet, and what they are, the scaling included.
fn unscaled(source: &Source, recipe: &Recipe) -> Result<(Dataset, Schema, Option<Places>)> {
    match source {
        Source::Known(data) => {
            let (data, schema) = of_known(data, recipe)?;
            Ok((data, schema, None))
        }
        Source::Own(own) => {
            let (data, schema, places) = of_own(own, recipe)?;
            Ok((data, schema, Some(places)))
        }
    }
}

/// A known data set as the recipe wants it.
fn of_known(data: &Dataset, recipe: &Recipe) -> Result<(Dataset, Schema)> {
    check_counts(&data.train, recipe)?;
    let mut data = data.clone();
    if recipe.data.grey && recipe.data.features.is_none() {
        data = data.map(Examples::to_grey);
    }
    let mut scaling = Scaling::None;
    if recipe.data.standardise {
        check_standardise(recipe)?;
        scaling = Scaling::Standardised(Standardiser::fit(&data.train));
    }
    let input = match (&data.words, data.train.picture()) {
        (Some(words), _) => Input::Texts { columns: Vec::new(), words: words.clone() },
        (None, Some(shape)) => Input::Pictures(shape),
        (None, None) => Input::Array(data.train.shape.clone()),
    };
    if is_mixed(recipe)? {
        scaling = Scaling::by_column(&input, &data.train);
    }
    let schema = Schema { classes: data.classes.clone(), label: None, input, scaling };
    Ok((data, schema))
}

/// The user's own data, divided.
fn of_own(own: &OwnData, recipe: &Recipe) -> Result<(Dataset, Schema, Places)> {
    check_counts(&own.raw, recipe)?;
    let settings = &recipe.data;
    let validation = &own.rows.validation;
    let all = |rows: &[usize]| rows.iter().map(|&row| own.raw.labels[row]).collect::<Vec<i64>>();
    let (mut train, mut test) = tested_apart(own, settings)?;
    let mut labels = all(&train);
    let mut held = Vec::new();
    if let Some(Fold { part, of, repeat }) = settings.fold {
        labels = drawn(own, &train, validation, recipe)?;
        let noise = Noise::new(repeat as u64).split("cross-validation");
        let (kept, out) = without_part(&labels, &own.copies.among(&train), part, of, &noise);
        labels = kept.iter().map(|&row| labels[row]).collect();
        held = back(&train, &out);
        (train, test) = (back(&train, &kept), held.clone());
    }
    let rows: Vec<usize> = train.iter().chain(validation).copied().collect();
    labels.extend(all(validation));
    let (mut train, mut test) = (own.raw.select(&rows), own.raw.select(&test));
    train.labels = labels;
    let mut schema = own.schema.clone();
    if settings.grey && settings.features.is_none() {
        (train, test) = (train.to_grey(), test.to_grey());
        schema.input = match schema.input {
            Input::Pictures([height, width, _]) => Input::Pictures([height, width, 1]),
            Input::Array(_) => Input::Array(train.shape.clone()),
            other => other,
        };
    }
    if settings.standardise {
        check_standardise(recipe)?;
        (train, test) = (in_own_units(train, &schema), in_own_units(test, &schema));
    }
    schema.scaling = match is_mixed(recipe)? {
        true => Scaling::by_column(&schema.input, &train),
        false => own.scaling(&train, settings.standardise),
    };
    let data = Dataset {
        name: own.name.clone(),
        classes: schema.classes.clone(),
        train,
        test,
        words: match &schema.input {
            Input::Texts { words, .. } => Some(words.clone()),
            _ => None,
        },
        validation: (rows.len() - validation.len()..rows.len()).collect(),
    };
    check_classes(&data)?;
    Ok((data, schema, Places { rows, held, files: own.files.clone() }))
}

/// Rows to train on and rows to test on: as the file has them, or by shares. None to test on where a cross-validation takes their
/// place.
fn tested_apart(own: &OwnData, settings: &DataSettings) -> Result<(Vec<usize>, Vec<usize>)> {
    let OwnRows { train, test, .. } = &own.rows;
    if let Some(test) = test {
        return Ok((train.clone(), test.clone()));
    }
    if settings.test_share.is_none() && settings.measures_parts() {
        return Ok((train.clone(), Vec::new()));
    }
    let share = settings.test_share.unwrap_or(TEST_SHARE);
    let quota = |count: usize| (count as f64 * share + ROUNDING) as usize;
    let labels: Vec<i64> = train.iter().map(|&row| own.raw.labels[row]).collect();
    let copies = own.copies.among(train);
    let (rest, held) = hold_out_rows(&labels, &copies, quota, &own.profile.source)?;
    Ok((back(train, &rest), back(train, &held)))
}

/// Numbers into `rows`, as these.
fn back(rows: &[usize], numbers: &[usize]) -> Vec<usize> {
    numbers.iter().map(|&number| rows[number]).collect()
}

/// The labels of those rows of `train` that a run draws labels of; -1 for the others. A part is one of these.
fn drawn(
    own: &OwnData,
    train: &[usize],
    validation: &[usize],
    recipe: &Recipe,
) -> Result<Vec<i64>> {
    // As the whole problem draws them: the rows that validate lie behind the others.
    let rows: Vec<usize> = train.iter().chain(validation).copied().collect();
    let examples = own.raw.select(&rows);
    let aside: Vec<usize> = (train.len()..rows.len()).collect();
    let config = SplitConfig {
        labels_per_class: recipe.labels_per_class(own.schema.classes.len())?,
        validation: recipe.data.validation,
        labelled_in_pool: recipe.data.labelled_in_pool,
        unlabelled: None,
        labelled_classes: recipe.data.labelled_classes.clone(),
    };
    let noise = Noise::new(recipe.train.seed).split("split");
    let classes = own.schema.classes.len();
    let copies = own.copies.among(&rows);
    let split = Split::draw_around(&aside, &copies, &examples, classes, &config, &noise)?;
    let mut labels = vec![-1; train.len()];
    split.labelled.iter().for_each(|&row| labels[row] = examples.labels[row]);
    Ok(labels)
}

/// Bytes that stand for themselves, not for a 255th, as the numbers that they are.
fn in_own_units(examples: Examples, schema: &Schema) -> Examples {
    match (examples.values, &schema.scaling) {
        (Values::U8(bytes), Scaling::Range { .. }) => {
            let values = Values::F32(bytes.into_iter().map(f32::from).collect());
            Examples { values, ..examples }
        }
        (values, _) => Examples { values, ..examples },
    }
}

fn check_classes(data: &Dataset) -> Result<()> {
    if data.classes.len() < 2 {
        refuse!(
            "{}: there is one class alone ({}); labels of at least two are needed",
            data.name,
            data.classes.join(", ")
        );
    }
    if let Some(row) = data.test.labels.iter().position(|&label| label < 0) {
        refuse!(
            "{}: row {} of the test split has no label; leave it out, or give it one",
            data.name,
            row + 1
        );
    }
    Ok(())
}

/// Whether each column has a likelihood of its own, and so is scaled by itself.
fn is_mixed(recipe: &Recipe) -> Result<bool> {
    let mixed = recipe.model.likelihood()? == Likelihood::Mixed;
    if mixed && recipe.data.standardise {
        refuse!(
            "model.likelihood = \"mixed\" scales each column by itself; leave data.standardise out"
        );
    }
    Ok(mixed)
}

fn check_standardise(recipe: &Recipe) -> Result<()> {
    if recipe.model.likelihood()? == Likelihood::Bernoulli {
        refuse!(
            "data.standardise = true gives values outside [0, 1], which model.likelihood = \"bernoulli\" cannot describe; \
         add --set model.likelihood=gaussian"
        );
    }
    Ok(())
}

/// Bits and grey levels lie in [0, 1]: of anything else, a Bernoulli likelihood is no probability.
fn check_range(data: &Dataset, recipe: &Recipe) -> Result<()> {
    if recipe.model.likelihood()? != Likelihood::Bernoulli {
        return Ok(());
    }
    let numbers =
        [&data.train, &data.test].into_iter().filter_map(|examples| match &examples.values {
            Values::F32(numbers) => Some(numbers),
            Values::U8(_) | Values::Counts(_) => None,
        });
    let (mut low, mut high) = (0.0_f32, 1.0_f32);
    for &number in numbers.flatten() {
        (low, high) = (low.min(number), high.max(number));
    }
    if low < 0.0 || high > 1.0 {
        let way = match recipe.model.describes() {
            true => "use --set model.likelihood=gaussian --set data.standardise=true",
            false => "choose a --model that has a likelihood for numbers, such as m2",
        };
        refuse!(
            "{}: values go from {low} to {high}, and a Bernoulli likelihood describes values from 0 to 1 alone; {way}",
            data.name
        );
    }
    Ok(())
}

/// Counts of words have one distribution, and settings that are meant for images and measurements are no use to them.
fn check_counts(train: &Examples, recipe: &Recipe) -> Result<()> {
    let multinomial = recipe.model.likelihood()? == Likelihood::Multinomial;
    if matches!(train.values, Values::Counts(_)) && !multinomial {
        refuse!(
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
        Some((setting, _)) => refuse!(
            "{setting} changes the counts of words that model.likelihood = \"multinomial\" needs; leave one of the \
             two out"
        ),
        None => Ok(()),
    }
}
