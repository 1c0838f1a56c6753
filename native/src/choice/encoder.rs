//! Examples as plain methods take them: numbers on two scales, and columns of few values as categories.

use std::ops::Range;

use gleaner_core::data::Examples;
use gleaner_core::data::features::Kind;
use gleaner_core::data::schema::{Input, Scaling, Schema};
use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::reduction::Reduction;
use crate::classical::moments::Moments;

/// Numbers of at most so many different values are categories to a mixture: no Gaussian is like them.
const MOST_VALUES: usize = 5;

/// How columns are measured against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Each has variance 1.
    Standard,
    /// Each has the variance that it has in its own unit, of columns that share one.
    Common,
    /// Half-way between the two: the root of the standard deviation in its unit.
    Between,
}

/// What of a row is a category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Category {
    /// Words, one number for each.
    Words(Range<usize>),
    /// A number of few values.
    Values { column: usize, values: Vec<f32> },
}

/// How examples are encoded, fitted to those that are trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    scaling: Scaling,
    /// What stands for the numbers of wide rows from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reduction: Option<Reduction>,
    /// Of the numbers that a model sees.
    seen: Moments,
    /// Of the same in their own units.
    raw: Moments,
    /// Numbers of a row that a mixture takes as measurements.
    numbers: Vec<usize>,
    categories: Vec<Category>,
}

/// Rows that are encoded.
#[derive(Clone, Debug)]
pub struct Encoded {
    standard: Array2<f64>,
    common: Array2<f64>,
    between: Array2<f64>,
    /// Measurements, `[rows, numbers]`, standardised, NaN where one is missing.
    pub numbers: Array2<f64>,
    /// Of each column of categories which one each row has.
    pub categories: Vec<Vec<Option<usize>>>,
    /// How many there are of each.
    pub values: Vec<usize>,
    /// The scales that differ.
    pub metrics: Vec<Metric>,
}

impl Encoder {
    /// Fitted to `rows` of examples as a model sees them.
    #[must_use]
    pub fn fit(schema: &Schema, examples: &Examples, rows: &[usize]) -> Self {
        let reduction = Reduction::fit(schema, examples, rows);
        let (seen, raw) = both(reduction.as_ref(), &schema.scaling, examples, rows);
        let pixels = schema.shape().len() > 1;
        let words = if reduction.is_some() { Vec::new() } else { words(&schema.input) };
        let of_words = |column: usize| words.iter().any(|place| place.contains(&column));
        let mut categories: Vec<Category> = words.iter().cloned().map(Category::Words).collect();
        let mut numbers = Vec::new();
        for column in (0..seen.ncols()).filter(|&column| !of_words(column)) {
            let mut values: Vec<f32> =
                seen.column(column).iter().filter(|v| !v.is_nan()).map(|&v| v as f32).collect();
            values.sort_by(f32::total_cmp);
            values.dedup();
            match values.len() {
                0 | 1 => {}
                2..=MOST_VALUES if reduction.is_none() && !pixels => {
                    categories.push(Category::Values { column, values });
                }
                _ => numbers.push(column),
            }
        }
        let (mut seen, raw) = (Moments::of(&seen), Moments::of(&raw));
        if reduction.as_ref().is_some_and(Reduction::is_of_words) {
            seen.sd = vec![usual(&raw.sd); raw.sd.len()];
        }
        Self { scaling: schema.scaling.clone(), reduction, seen, raw, numbers, categories }
    }

    /// Whether it is for examples of so many numbers.
    #[must_use]
    pub fn fits(&self, features: usize) -> bool {
        if let Some(reduction) = &self.reduction {
            return reduction.fits(features);
        }
        let of_category = |category: &Category| match category {
            Category::Words(place) => place.end <= features,
            Category::Values { column, .. } => *column < features,
        };
        let moments = [&self.seen, &self.raw];
        moments.iter().all(|moments| moments.fits(features))
            && self.numbers.iter().all(|&column| column < features)
            && self.categories.iter().all(of_category)
            && match &self.scaling {
                Scaling::Columns(transforms) => transforms.len() == features,
                _ => true,
            }
    }

    /// Some rows of examples as a model sees them.
    #[must_use]
    pub fn encode(&self, examples: &Examples, rows: &[usize]) -> Encoded {
        let (seen, raw) = both(self.reduction.as_ref(), &self.scaling, examples, rows);
        let standard = self.seen.scaled(&seen, |column| self.seen.sd[column]);
        let usual = usual(&self.raw.sd);
        let filled = |mut rows: Array2<f64>| {
            rows.mapv_inplace(|value| if value.is_nan() { 0.0 } else { value });
            rows
        };
        let common = filled(self.raw.scaled(&raw, |_| usual));
        let mut between = filled(standard.clone());
        for (column, mut values) in between.axis_iter_mut(Axis(1)).enumerate() {
            values *= (self.raw.sd[column] / usual.max(1e-12)).sqrt();
        }
        let categories = self.categories.iter().map(|category| category.of(&seen)).collect();
        Encoded {
            numbers: standard.select(Axis(1), &self.numbers),
            standard: filled(standard),
            common,
            between,
            categories,
            values: self.categories.iter().map(Category::count).collect(),
            metrics: match &self.reduction {
                Some(reduction) if reduction.is_of_words() => vec![Metric::Standard],
                _ => vec![Metric::Standard, Metric::Common, Metric::Between],
            },
        }
    }
}

/// The root of the mean variance.
fn usual(sd: &[f64]) -> f64 {
    (sd.iter().map(|sd| sd * sd).sum::<f64>() / sd.len().max(1) as f64).sqrt()
}

impl Category {
    fn count(&self) -> usize {
        match self {
            Self::Words(place) => place.len(),
            Self::Values { values, .. } => values.len(),
        }
    }

    /// Which one each row has.
    fn of(&self, seen: &Array2<f64>) -> Vec<Option<usize>> {
        let of_row = |row: ndarray::ArrayView1<f64>| match self {
            Self::Words(place) => place.clone().position(|column| row[column] == 1.0),
            Self::Values { column, values } => {
                values.iter().position(|&value| f64::from(value) == f64::from(row[*column] as f32))
            }
        };
        seen.rows().into_iter().map(of_row).collect()
    }
}

impl Encoded {
    /// Numbers on a scale, `[rows, columns]`; missing ones are at the mean.
    #[must_use]
    pub fn on(&self, metric: Metric) -> &Array2<f64> {
        match metric {
            Metric::Standard => &self.standard,
            Metric::Common => &self.common,
            Metric::Between => &self.between,
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.standard.nrows()
    }

    /// Some of them, in this order.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        let pick = |all: &Array2<f64>| all.select(Axis(0), rows);
        let of_column = |column: &Vec<Option<usize>>| rows.iter().map(|&row| column[row]).collect();
        Self {
            standard: pick(&self.standard),
            common: pick(&self.common),
            between: pick(&self.between),
            numbers: pick(&self.numbers),
            categories: self.categories.iter().map(of_column).collect(),
            values: self.values.clone(),
            metrics: self.metrics.clone(),
        }
    }
}

/// Rows as a model sees them, and in their own units; of wide rows what stands for them, twice.
fn both(
    reduction: Option<&Reduction>,
    scaling: &Scaling,
    examples: &Examples,
    rows: &[usize],
) -> (Array2<f64>, Array2<f64>) {
    if let Some(reduction) = reduction {
        let reduced = reduction.apply(examples, rows);
        return (reduced.clone(), reduced);
    }
    let seen = examples.gather(rows);
    let mut raw = seen.clone();
    scaling.undo(&mut raw);
    let width = examples.features().max(1);
    let array = |values: Vec<f32>| {
        Array2::from_shape_fn((rows.len(), width), |(row, column)| {
            f64::from(values[row * width + column])
        })
    };
    (array(seen), array(raw))
}

/// The places of columns of words.
fn words(input: &Input) -> Vec<Range<usize>> {
    let Input::Table(features) = input else { return Vec::new() };
    let mut start = 0;
    let place = |feature: &gleaner_core::data::features::Feature| {
        let place = start..start + feature.kind.width();
        start = place.end;
        matches!(feature.kind, Kind::Words { .. }).then_some(place)
    };
    features.iter().filter_map(place).collect()
}
