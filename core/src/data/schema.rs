//! What examples are: what their numbers stand for, how they are scaled for a model, what the classes are called. Stored
//! with a model, so that new data are treated as the training data were, and samples come back as data of that kind.

use serde::{Deserialize, Serialize};

use super::features::{Feature, Kind};
use super::transform::Transform;
use super::{Examples, Standardiser, Values};
use crate::error::{Result, refuse};

/// What examples are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Class names in label order.
    pub classes: Vec<String>,
    /// The column that the labels stood in, of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What the numbers of an example stand for.
    pub input: Input,
    /// What is done with them before a model sees them.
    pub scaling: Scaling,
}

/// What the numbers of an example stand for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// Columns of a table, from left to right.
    Table(Vec<Feature>),
    /// Pictures `[height, width, channels]`.
    Pictures([usize; 3]),
    /// Arrays of this shape.
    Array(Vec<usize>),
    /// Counts of words.
    Texts {
        /// The columns of text, of a table.
        columns: Vec<String>,
        /// The words that are counted, in order.
        words: Vec<String>,
    },
}

/// What is done with numbers before a model sees them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// Nothing.
    #[default]
    None,
    /// `(value - low) / (high - low)`: from a range to [0, 1].
    Range {
        /// What becomes 0.
        low: f32,
        /// What becomes 1.
        high: f32,
    },
    /// A missing value becomes the mean of its feature, `[features]`.
    Filled(Vec<f32>),
    /// `(value - mean) / std`, a missing value 0.
    Standardised(Standardiser),
    /// Each number by a transform of its own, `[features]`; a missing value stays missing.
    Columns(Vec<Transform>),
}

impl Schema {
    /// Shape of an example. A table of pixels is a picture if their number is a square.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        match &self.input {
            Input::Table(features) => {
                let width = features.iter().map(|feature| feature.kind.width()).sum();
                match side_of_pixels(features) {
                    Some(side) => vec![side, side, 1],
                    None => vec![width],
                }
            }
            Input::Pictures(shape) => shape.to_vec(),
            Input::Array(shape) => shape.clone(),
            Input::Texts { words, .. } => vec![words.len()],
        }
    }

    /// Columns of a table; `None` of anything else.
    #[must_use]
    pub fn features(&self) -> Option<&[Feature]> {
        match &self.input {
            Input::Table(features) => Some(features),
            Input::Pictures(_) | Input::Array(_) | Input::Texts { .. } => None,
        }
    }

    /// What somebody must know who reads arrays in the units of the data, a line for each column that is not as it stands in the file.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        let said = |feature: &Feature| {
            feature.origin.map(|origin| format!("{} is {}", feature.name, origin.in_words()))
        };
        self.features().unwrap_or_default().iter().filter_map(said).collect()
    }
    /// The same numbers, kept as the training data were, from `source`. Pixels that are of another range are refused: a model would take
    /// them for nearly black or nearly white.
    ///
    /// # Errors
    /// If they are of another range.
    pub fn in_training_units(&self, values: Values, source: &str) -> Result<Values> {
        let (low, high) = match (&self.scaling, &self.input) {
            (Scaling::Range { low, high }, _) => (*low, *high),
            (Scaling::None, Input::Pictures(_)) => return pixels(values, source),
            (Scaling::None, _) if !matches!(values, Values::Counts(_)) => (0.0, 1.0),
            _ => return Ok(floats(values)),
        };
        let values = match values {
            Values::U8(bytes) if low == 0.0 && high == 255.0 => return Ok(Values::U8(bytes)),
            values => floats(values),
        };
        if let Values::F32(numbers) = &values {
            let least = numbers.iter().copied().fold(f32::INFINITY, f32::min);
            let most = numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            if !(least >= low && most <= high && (high <= 2.0 || most > 1.0)) {
                refuse!(
                    "{source}: values go from {least} to {most}, and the run was trained on values from {low} to {high}; give \
                     values in the same units"
                );
            }
        }
        Ok(values)
    }
}

/// Pictures are bytes, or numbers from 0 to 1.
fn pixels(values: Values, source: &str) -> Result<Values> {
    match values {
        Values::F32(numbers) if numbers.iter().any(|number| *number > 1.0) => {
            if !numbers.iter().all(|number| (0.0..=255.0).contains(number)) {
                refuse!(
                    "{source}: pixels are neither from 0 to 1 nor from 0 to 255; save them as uint8"
                );
            }
            Ok(Values::U8(numbers.into_iter().map(|number| number.round() as u8).collect()))
        }
        values => Ok(values),
    }
}

fn floats(values: Values) -> Values {
    match values {
        Values::U8(bytes) => Values::F32(bytes.into_iter().map(f32::from).collect()),
        values => values,
    }
}

/// The side of the square that a table of pixels makes.
fn side_of_pixels(features: &[Feature]) -> Option<usize> {
    use super::features::Kind::Pixel;
    let side = (features.len() as f64).sqrt() as usize;
    let square = side > 1 && side * side == features.len();
    (square && features.iter().all(|feature| feature.kind == Pixel)).then_some(side)
}

impl Scaling {
    /// A transform for each number of an example, chosen from those that are trained on. A table knows the kinds of its columns; of
    /// an array they are told by looking.
    #[must_use]
    pub fn by_column(input: &Input, train: &Examples) -> Self {
        let (rows, width) = (train.len(), train.features());
        let values = train.gather(&(0..rows).collect::<Vec<_>>());
        let column =
            |at: usize| -> Vec<f32> { values.iter().skip(at).step_by(width).copied().collect() };
        let transforms: Vec<Transform> = match input {
            Input::Table(features) => {
                let numbers = features
                    .iter()
                    .flat_map(|feature| std::iter::repeat_n(&feature.kind, feature.kind.width()));
                let choose = |(at, kind)| Transform::choose(kind, &column(at));
                numbers.enumerate().map(choose).collect()
            }
            _ => (0..width)
                .map(|at| {
                    let cells = column(at);
                    let numbers = cells.iter().copied().map(f64::from).collect::<Vec<_>>();
                    let kind = Kind::of_numbers(&numbers).unwrap_or(Kind::Measurement);
                    Transform::choose(&kind, &cells)
                })
                .collect(),
        };
        Self::Columns(transforms)
    }

    /// Whether it is for examples of so many features, and each of its transforms can be applied and undone.
    #[must_use]
    pub fn fits(&self, features: usize) -> bool {
        match self {
            Self::None | Self::Range { .. } => true,
            Self::Filled(mean) => mean.len() == features,
            Self::Standardised(Standardiser { mean, std }) => {
                mean.len() == features && std.len() == features
            }
            Self::Columns(transforms) => {
                transforms.len() == features && transforms.iter().all(Transform::is_whole)
            }
        }
    }

    /// Examples as a model sees them. Bytes are divided by 255 whenever they are read, and stay as they are.
    ///
    /// # Panics
    /// The number of features differs from the fitted one.
    #[must_use]
    pub fn apply(&self, raw: &Examples) -> Examples {
        match (self, &raw.values) {
            (Self::None, _) | (Self::Range { .. }, Values::U8(_)) => raw.clone(),
            (Self::Range { low, high }, _) => mapped(raw, |_, value| (value - low) / (high - low)),
            (Self::Filled(mean), _) => {
                assert_eq!(raw.features(), mean.len(), "features of the fitted data");
                mapped(raw, |feature, value| if value.is_nan() { mean[feature] } else { value })
            }
            (Self::Standardised(standardiser), _) => standardiser.apply(raw),
            (Self::Columns(transforms), _) => {
                assert_eq!(raw.features(), transforms.len(), "features of the fitted data");
                mapped(raw, |feature, value| transforms[feature].apply(value))
            }
        }
    }

    /// Numbers of a model back in the units of the data, `[rows, features]` row-major.
    pub fn undo(&self, values: &mut [f32]) {
        match self {
            Self::None | Self::Filled(_) => {}
            Self::Range { low, high } => {
                values.iter_mut().for_each(|value| *value = low + *value * (high - low));
            }
            Self::Columns(transforms) => {
                for row in values.chunks_exact_mut(transforms.len().max(1)) {
                    let numbers = row.iter_mut().zip(transforms);
                    numbers.for_each(|(value, transform)| *value = transform.undo(*value));
                }
            }
            Self::Standardised(Standardiser { mean, std }) => {
                for row in values.chunks_exact_mut(mean.len().max(1)) {
                    for ((value, mean), std) in row.iter_mut().zip(mean).zip(std) {
                        *value = mean + *value * std;
                    }
                }
            }
        }
    }

    /// In words, for the reader of a profile of `input`.
    #[must_use]
    pub fn in_words(&self, input: &Input) -> String {
        match self {
            Self::None if matches!(input, Input::Pictures(_)) => "from 0..255 to 0..1".into(),
            Self::None => "none".into(),
            Self::Range { low, high } => format!("from {low}..{high} to 0..1"),
            Self::Filled(_) => "none; missing cells become the mean of their column".into(),
            Self::Standardised(_) => "each feature to mean 0 and variance 1".into(),
            Self::Columns(_) => "each column by itself; missing cells stay missing".into(),
        }
    }
}

fn mapped(raw: &Examples, change: impl Fn(usize, f32) -> f32) -> Examples {
    let rows: Vec<usize> = (0..raw.len()).collect();
    let features = raw.features();
    let mut values = raw.gather(&rows);
    values.iter_mut().enumerate().for_each(|(at, value)| *value = change(at % features, *value));
    Examples { values: Values::F32(values), shape: raw.shape.clone(), labels: raw.labels.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::features::Kind;

    fn rows(values: Vec<f32>, features: usize) -> Examples {
        let labels = vec![0; values.len() / features];
        Examples { values: Values::F32(values), shape: vec![features], labels }
    }

    #[test]
    fn a_scaling_is_for_so_many_features() {
        let columns = Scaling::Columns(vec![Transform::choose(&Kind::Measurement, &[1.0, 2.0])]);
        assert!(columns.fits(1) && !columns.fits(2));
        assert!(Scaling::Filled(vec![0.5; 3]).fits(3) && !Scaling::Filled(Vec::new()).fits(3));
        assert!(Scaling::None.fits(7));
    }

    #[test]
    fn every_scaling_is_undone() {
        let raw = rows(vec![10.0, 2.0, 30.0, 4.0, 50.0, 9.0], 2);
        let all = [0, 1, 2];
        for scaling in [
            Scaling::None,
            Scaling::Range { low: -10.0, high: 60.0 },
            Scaling::Filled(vec![0.0; 2]),
            Scaling::Standardised(Standardiser::fit(&raw)),
        ] {
            let mut values = scaling.apply(&raw).gather(&all);
            scaling.undo(&mut values);
            for (value, wanted) in values.iter().zip(raw.gather(&all)) {
                assert!((value - wanted).abs() < 1e-5, "{scaling:?}");
            }
        }
        assert_eq!(
            Scaling::Range { low: 0.0, high: 16.0 }.apply(&rows(vec![4.0], 1)).gather(&[0]),
            [0.25]
        );
    }

    #[test]
    fn missing_values_are_filled() {
        let raw = rows(vec![1.0, f32::NAN, f32::NAN, 4.0], 2);
        assert_eq!(
            Scaling::Filled(vec![7.0, 8.0]).apply(&raw).gather(&[0, 1]),
            [1.0, 8.0, 7.0, 4.0]
        );
    }

    #[test]
    fn a_schema_survives_being_written() {
        let pixel = |place: usize| Feature::plain(format!("p{place}"), Kind::Pixel);
        let words = Feature::plain("w", Kind::Words { words: vec!["a".into(), "b".into()] });
        let scaling =
            Scaling::Standardised(Standardiser { mean: vec![0.1, 1e-9], std: vec![3.3, 1.0] });
        let of = |features: Vec<Feature>| Schema {
            classes: vec!["no".into(), "yes".into()],
            label: Some("y".into()),
            input: Input::Table(features),
            scaling: scaling.clone(),
        };
        let table = of(vec![words, pixel(0)]);
        let written = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<Schema>(&written).unwrap(), table);
        assert_eq!(table.shape(), [3]);
        assert_eq!(of((0..9).map(pixel).collect()).shape(), [3, 3, 1]);
        assert_eq!(of((0..8).map(pixel).collect()).shape(), [8]);
    }
}
