//! Examples as plain methods take them: numbers on two scales, and columns of few values as categories.

use std::ops::Range;

use gleaner_core::data::Examples;
use gleaner_core::data::features::Kind;
use gleaner_core::data::schema::{Input, Scaling, Schema};
use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::reduction::Reduction;
use crate::classical::imputation::Donors;
use crate::classical::moments::Moments;
use crate::data::rows::evenly;

/// Numbers of at most so many different values are categories to a mixture: no Gaussian is like them.
const MOST_VALUES: usize = 5;

/// Columns over which the variance is spread less evenly do not share a unit: one in dollars would drown one in years, and by chance tell
/// few labels apart.
const LEAST_SPREAD: f64 = 0.1;

/// Rows that missing cells are filled from, at most.
const MOST_DONORS: usize = 2000;

/// Of these, how many nearest ones fill a cell: the best of 5, 10, 20 and 40 on five tables with 30 % of their cells emptied, judged by
/// rows of the training split (docs/decisions.md).
const NEAREST: usize = 10;

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
    /// What fills the missing cells of a table for methods that need every number. What they cannot fill is at the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    donors: Option<Donors>,
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
    /// That of methods which weigh columns: of principal components the common one, since all with variance 1 would be as likely to
    /// matter, and those of least variance are mostly noise.
    pub linear: Metric,
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
        let (numbers_seen, raw) = (seen, Moments::of(&raw));
        let mut seen = Moments::of(&numbers_seen);
        if reduction.as_ref().is_some_and(Reduction::is_of_words) {
            seen.sd = vec![usual(&raw.sd); raw.sd.len()];
        }
        // Wide rows are filled before they are reduced, and pictures have no missing cells.
        let may_miss = matches!(schema.scaling, Scaling::Columns(_)) && reduction.is_none();
        let donors = may_miss.then(|| {
            let all: Vec<usize> = (0..numbers_seen.nrows()).collect();
            let some = numbers_seen.select(Axis(0), &evenly(&all, MOST_DONORS));
            Donors::new(&seen.scaled(&some, |column| seen.sd[column]))
        });
        Self { scaling: schema.scaling.clone(), reduction, seen, raw, donors, numbers, categories }
    }

    /// Whether it is for examples of so many numbers.
    #[must_use]
    pub fn fits(&self, features: usize) -> bool {
        if let Some(reduction) = &self.reduction {
            return reduction.fits(features)
                && self.scaling.fits(features)
                && self.fits_seen(reduction.dims());
        }
        self.scaling.fits(features) && self.fits_seen(features)
    }

    /// Whether what is done with so many numbers is done with each of them.
    fn fits_seen(&self, features: usize) -> bool {
        let of_category = |category: &Category| match category {
            Category::Words(place) => place.start <= place.end && place.end <= features,
            Category::Values { column, .. } => *column < features,
        };
        let moments = [&self.seen, &self.raw];
        moments.iter().all(|moments| moments.fits(features))
            && self.donors.as_ref().is_none_or(|donors| donors.columns() == features)
            && self.numbers.iter().all(|&column| column < features)
            && self.categories.iter().all(of_category)
    }

    /// Some rows of examples as a model sees them.
    #[must_use]
    pub fn encode(&self, examples: &Examples, rows: &[usize]) -> Encoded {
        let (seen, raw) = both(self.reduction.as_ref(), &self.scaling, examples, rows);
        let measured = self.seen.scaled(&seen, |column| self.seen.sd[column]);
        let (standard, raw) = self.filled(&measured, raw);
        let usual = usual(&self.raw.sd);
        let at_the_mean = |mut rows: Array2<f64>| {
            rows.mapv_inplace(|value| if value.is_nan() { 0.0 } else { value });
            rows
        };
        let common = at_the_mean(self.raw.scaled(&raw, |_| usual));
        let mut between = at_the_mean(standard.clone());
        for (column, mut values) in between.axis_iter_mut(Axis(1)).enumerate() {
            values *= (self.raw.sd[column] / usual.max(1e-12)).sqrt();
        }
        let categories = self.categories.iter().map(|category| category.of(&seen)).collect();
        Encoded {
            numbers: measured.select(Axis(1), &self.numbers),
            standard: at_the_mean(standard),
            common,
            between,
            categories,
            values: self.categories.iter().map(Category::count).collect(),
            metrics: self.metrics(),
            linear: self.linear(),
        }
    }
}

impl Encoder {
    /// Standardised rows, and the same in their own units, with missing cells filled where donors are kept.
    fn filled(&self, standard: &Array2<f64>, raw: Array2<f64>) -> (Array2<f64>, Array2<f64>) {
        let mut filled = standard.clone();
        let Some(donors) =
            self.donors.as_ref().filter(|_| filled.iter().any(|value| value.is_nan()))
        else {
            return (filled, raw);
        };
        donors.fill(&mut filled, NEAREST);
        let seen = self.seen.unscaled(&filled, |column| self.seen.sd[column]);
        let mut back: Vec<f32> = seen.iter().map(|&value| value as f32).collect();
        self.scaling.undo(&mut back);
        let raw = Array2::from_shape_fn(raw.dim(), |(row, column)| match raw[[row, column]] {
            missing if missing.is_nan() => f64::from(back[row * raw.ncols() + column]),
            value => value,
        });
        (filled, raw)
    }

    /// The scales that are worth a try.
    fn metrics(&self) -> Vec<Metric> {
        let share_a_unit = match &self.reduction {
            Some(reduction) => !reduction.is_of_words(),
            None => spread(&self.raw.sd) >= LEAST_SPREAD,
        };
        match share_a_unit {
            true => vec![Metric::Standard, Metric::Common, Metric::Between],
            false => vec![Metric::Standard],
        }
    }

    fn linear(&self) -> Metric {
        match &self.reduction {
            Some(reduction) if !reduction.is_of_words() => Metric::Common,
            // The components of words have one scale already.
            _ => Metric::Standard,
        }
    }

    /// Rows of the training data that it holds.
    #[must_use]
    pub fn rows_held(&self) -> usize {
        self.donors.as_ref().map_or(0, Donors::count)
    }
}

/// How evenly the variance is spread over the columns: by their participation ratio `(sum v)^2 / sum v^2`, 0 where one has all of it and 1
/// where all have the same.
fn spread(sd: &[f64]) -> f64 {
    let variances = || sd.iter().map(|sd| sd * sd);
    let squares: f64 = variances().map(|variance| variance * variance).sum();
    let ratio = variances().sum::<f64>().powi(2) / squares;
    match sd.len() {
        0 | 1 => 1.0,
        // All are 0.
        _ if !ratio.is_finite() => 0.0,
        columns => (ratio - 1.0) / (columns as f64 - 1.0),
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
            linear: self.linear,
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

#[cfg(test)]
mod tests {
    use gleaner_core::data::transform::Transform;
    use gleaner_core::data::{Values, features::Feature};

    use super::*;

    /// Two groups of ten rows, far apart; the second number is ten times the first one's logarithm, more or less.
    fn table(missing: f32) -> (Schema, Examples) {
        let number = |row: usize| [1.0, 100.0][row % 2] * (1.0 + (row / 2) as f32 / 20.0);
        let mut raw: Vec<[f32; 2]> =
            (0..20).map(|row| [number(row), 10.0 * number(row).ln()]).collect();
        raw.push([missing, 45.0]);
        let columns = [0, 1].map(|column| raw.iter().map(|row| row[column]).collect::<Vec<_>>());
        let transforms =
            columns.each_ref().map(|cells| Transform::choose(&Kind::Measurement, cells));
        let values = raw.iter().flat_map(|row| [0, 1].map(|c| transforms[c].apply(row[c])));
        let features = ["a", "b"].map(|name| Feature::plain(name, Kind::Measurement));
        let schema = Schema {
            classes: vec!["x".into(), "y".into()],
            label: None,
            input: Input::Table(features.to_vec()),
            scaling: Scaling::Columns(transforms.to_vec()),
        };
        let values = Values::F32(values.collect());
        (schema, Examples { values, shape: vec![2], labels: vec![0; 21] })
    }

    #[test]
    fn a_missing_cell_is_filled_by_rows_that_are_near_on_every_scale() {
        let all: Vec<usize> = (0..21).collect();
        let (schema, examples) = table(f32::NAN);
        let encoder = Encoder::fit(&schema, &examples, &all);
        let rows = encoder.encode(&examples, &all);
        // Among rows that are near in the other column, far from the mean.
        for metric in [Metric::Standard, Metric::Common, Metric::Between] {
            let first = rows.on(metric).column(0);
            let large: Vec<f64> = (1..20).step_by(2).map(|row| first[row]).collect();
            let [low, high] =
                [f64::min, f64::max].map(|of| large.iter().copied().reduce(of).unwrap());
            assert!((low..=high).contains(&first[20]), "{metric:?}: {} {low} {high}", first[20]);
        }
        // A mixture is told that it is missing.
        assert!(rows.numbers[[20, 0]].is_nan());
        assert_eq!(encoder.rows_held(), 21);
        let written = serde_json::to_string(&encoder).unwrap();
        assert_eq!(serde_json::from_str::<Encoder>(&written).unwrap(), encoder);
    }

    #[test]
    fn columns_share_a_scale_unless_one_drowns_the_others() {
        assert!((spread(&[1.0, 1.0, 1.0, 0.0]) - 2.0 / 3.0).abs() < 1e-12);
        assert!((spread(&[2.0, 2.0]) - 1.0).abs() < 1e-12);
        // Years and dollars.
        assert!(spread(&[15.0, 20_000.0]) < LEAST_SPREAD);
        // Flowers in centimetres; wines, of which one column counts hundreds.
        assert!(spread(&[0.83, 0.43, 1.76, 0.76]) >= LEAST_SPREAD);
        assert!(
            spread(&[0.8, 1.1, 0.3, 3.3, 14.0, 0.6, 1.0, 0.1, 0.6, 2.3, 0.2, 0.7, 314.0])
                < LEAST_SPREAD
        );
    }

    #[test]
    fn cells_that_are_there_stay_as_they_are() {
        let all: Vec<usize> = (0..21).collect();
        let (schema, examples) = table(120.0);
        let encoder = Encoder::fit(&schema, &examples, &all);
        let rows = encoder.encode(&examples, &all);
        assert_eq!(rows.standard, rows.numbers);
    }
}
