//! Data of the user's own: from a table, arrays or pictures as they were read to examples in their own units, and what
//! they are.

mod arrays;
mod duplicates;
mod suspicions;
mod table;

pub use arrays::{EveryRow, every_row, of_arrays, values_of};
pub use table::{Columns, label_column, of_table, read_labels};

use std::path::PathBuf;

use super::labels::Labels;
use super::profile::{Counted, LabelProfile, Profile};
use super::schema::{Scaling, Schema};
use super::{Copies, Examples, Standardiser, Values};

/// Data of the user's own.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnData {
    /// Name for messages and folders.
    pub name: String,
    /// All examples in their own units, in the order of the file; NaN where a value is missing.
    pub raw: Examples,
    /// Which of them are which split.
    pub rows: OwnRows,
    /// What they are. The scaling is what they need before anything is fitted to them.
    pub schema: Schema,
    /// What describes them best.
    pub nature: Nature,
    /// What was seen.
    pub profile: Profile,
    /// The file of each example, where they are pictures; empty of anything else.
    pub files: Vec<PathBuf>,
    /// Which labelled rows stay together when splits are made.
    pub copies: Copies,
}

/// Splits of a file, as row numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnRows {
    /// To train on.
    pub train: Vec<usize>,
    /// For choosing between models; empty if the file has no such split.
    pub validation: Vec<usize>,
    /// For the final figure; `None` if the file has no such split.
    pub test: Option<Vec<usize>>,
}

/// What describes examples best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Bits, or grey levels: a Bernoulli likelihood.
    Bits,
    /// Numbers of any size: a Gaussian likelihood, standardised.
    Numbers,
    /// Counts of words: a multinomial likelihood.
    Counts,
}

impl OwnData {
    /// Examples that are no pictures of files; copies among them have not been looked for.
    #[must_use]
    pub fn new(
        name: &str,
        raw: Examples,
        rows: OwnRows,
        schema: Schema,
        nature: Nature,
        profile: Profile,
    ) -> Self {
        let (files, copies) = (Vec::new(), Copies::default());
        Self { name: name.to_owned(), raw, rows, schema, nature, profile, files, copies }
    }

    /// What is done with the examples before a model sees them, fitted to those that are trained on.
    #[must_use]
    pub fn scaling(&self, train: &Examples, standardise: bool) -> Scaling {
        let has_missing = || match &self.raw.values {
            Values::F32(numbers) => numbers.iter().any(|number| number.is_nan()),
            Values::U8(_) | Values::Counts(_) => false,
        };
        match &self.schema.scaling {
            _ if standardise => Scaling::Standardised(Standardiser::fit(train)),
            Scaling::None if has_missing() => Scaling::Filled(Standardiser::fit(train).mean),
            as_it_is => as_it_is.clone(),
        }
    }
}

impl LabelProfile {
    /// Of the labels of those rows that are trained on.
    #[must_use]
    pub fn of(
        labels: &Labels,
        train: &[usize],
        place: impl Into<String>,
        rule: impl Into<String>,
    ) -> Self {
        let mut counts = vec![0; labels.classes.len()];
        let of_rows = train.iter().map(|&row| labels.of_rows[row]);
        of_rows
            .filter_map(|label| usize::try_from(label).ok())
            .for_each(|class| counts[class] += 1);
        let unlabelled = train.len() - counts.iter().sum::<usize>();
        let classes = labels.classes.iter().cloned().zip(counts);
        let classes = classes.map(|(name, count)| Counted { name, count }).collect();
        Self { place: place.into(), rule: rule.into(), classes, unlabelled }
    }
}
