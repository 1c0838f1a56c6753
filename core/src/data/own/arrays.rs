//! Arrays as examples: which numbers are pixels, how they are scaled, which splits there are.

use super::suspicions::about_precision;
use super::table::pixel_ceiling;
use super::{Nature, OwnData, OwnRows};
use crate::data::formats::arrays::{ArrayFile, ArrayPart, Rows};
use crate::data::formats::npy::NpyValues;
use crate::data::labels::{self, MinusOne};
use crate::data::profile::{FeatureProfile, LabelProfile, Profile, Splits};
use crate::data::schema::{Input, Scaling, Schema};
use crate::data::table::Cells;
use crate::data::{Examples, SparseRows, Values};
use crate::error::{Error, Result};

/// Shorter rows of numbers are measurements, not pictures that lie in a row.
const FEWEST_PIXELS: usize = 16;

/// Reads arrays as examples. `labels` are those of the training examples where the file has none.
///
/// # Errors
/// No labels, splits of different shapes, or values that are infinite.
pub fn of_arrays(
    file: ArrayFile,
    labels: Option<Cells>,
    minus_one: MinusOne,
    name: &str,
    source_name: &str,
) -> Result<OwnData> {
    let ArrayFile { train, validation, test, unlabelled, classes, format, notes } = file;
    let mut joined = Joined::new(source_name);
    let ArrayPart { x, y } = train;
    let Some(y) = y.or(labels) else {
        let remedy = "save labels beside the examples, for example numpy.savez(path, x=..., y=...), or give them with --label-file FILE";
        return Err(Error::data(source_name, "there are no labels", remedy));
    };
    let mut rows = OwnRows { train: joined.append(x, Some(y))?, ..OwnRows::default() };
    if let Some(x) = unlabelled {
        rows.train.extend(joined.append(x, None)?);
    }
    if let Some(ArrayPart { x, y }) = validation {
        rows.validation = joined.append(x, y)?;
    }
    if let Some(ArrayPart { x, y }) = test {
        rows.test = Some(joined.append(x, y)?);
    }
    let Joined { values, shape, cells, labelled, rows: count, .. } = joined;
    let (Some(values), Some(cells)) = (values, cells) else {
        return Err(Error::data(source_name, "there are no examples", "give at least one"));
    };
    let mut labels = labels::read(&cells, minus_one, classes.as_deref(), source_name)?;
    let mut of_rows = vec![-1; count];
    labelled.iter().zip(&labels.of_rows).for_each(|(&row, &label)| of_rows[row] = label);
    labels.of_rows = of_rows;
    check_different(&values, &shape, source_name)?;
    let Look { values, nature, scaling, feature, notes: looks } =
        Look::at(values, &shape, source_name)?;
    let precision = match &values {
        Values::F32(numbers) => about_precision(numbers, shape.iter().product()),
        Values::U8(_) | Values::Counts(_) => None,
    };
    let profile = Profile {
        source: source_name.to_owned(),
        format,
        rows: labels.of_rows.len(),
        splits: Splits {
            validation: rows.validation.len(),
            test: rows.test.as_ref().map_or(0, Vec::len),
        },
        label: LabelProfile::of(&labels, &rows.train, "an array of labels", ""),
        features: vec![feature],
        notes: notes.into_iter().chain(labels.notes).chain(looks).chain(precision).collect(),
        ..Profile::default()
    };
    let schema = Schema {
        classes: labels.classes,
        label: None,
        input: Input::Array(shape.clone()),
        scaling,
    };
    let raw = Examples { values, shape, labels: labels.of_rows };
    Ok(OwnData::new(name, raw, rows, schema, nature, profile))
}

/// Every example of a file, whatever split it is in: values, shape of one, what is known of their labels, and a sentence that
/// says in which order the splits stand if there are several.
///
/// # Errors
/// Splits of different shapes.
pub fn every_row(file: ArrayFile, source_name: &str) -> Result<EveryRow> {
    let ArrayFile { train, validation, test, unlabelled, classes, .. } = file;
    let mut joined = Joined::new(source_name);
    let rows = [
        ("training", Some(train)),
        ("unlabelled", unlabelled.map(|x| ArrayPart { x, y: None })),
        ("validation", validation),
        ("test", test),
    ];
    let mut said = Vec::new();
    for (name, part) in rows {
        if let Some(ArrayPart { x, y }) = part {
            let rows = joined.append(x, y)?;
            said.push(format!("{} {name}", rows.len()));
        }
    }
    let Joined { values, shape, cells, labelled, rows, .. } = joined;
    let note = (said.len() > 1).then(|| {
        format!("the file has several splits, taken one after the other: {}", said.join(", "))
    });
    let values = values.unwrap_or(Values::F32(Vec::new()));
    let labels = cells.map(|cells| (cells, labelled));
    Ok(EveryRow { values, shape, rows, labels, classes, note })
}

/// What [`every_row`] returns.
#[derive(Clone, Debug, PartialEq)]
pub struct EveryRow {
    /// Values, row-major.
    pub values: Values,
    /// Shape of an example.
    pub shape: Vec<usize>,
    /// Number of examples.
    pub rows: usize,
    /// Labels, and of which rows they are.
    pub labels: Option<(Cells, Vec<usize>)>,
    /// Names of the classes 0, 1, 2, ..., where the file has them.
    pub classes: Option<Vec<String>>,
    /// How the splits were put together, where there are several.
    pub note: Option<String>,
}

/// Examples that are all the same have nothing to learn from.
fn check_different(values: &Values, shape: &[usize], source_name: &str) -> Result<()> {
    let width: usize = shape.iter().product();
    let same = match values {
        Values::U8(values) => {
            values.iter().zip(&values[width.min(values.len())..]).all(|(a, b)| a == b)
        }
        Values::F32(values) => {
            values.iter().zip(&values[width.min(values.len())..]).all(|(a, b)| a == b)
        }
        Values::Counts(rows) => rows.counts().is_empty(),
    };
    match same {
        true => Err(Error::data(
            source_name,
            "every example is the same",
            "give the examples themselves",
        )),
        false => Ok(()),
    }
}

/// Parts of a file, one below the other.
struct Joined<'a> {
    values: Option<Values>,
    shape: Vec<usize>,
    /// Labels of the parts that have some, and which rows these are.
    cells: Option<Cells>,
    labelled: Vec<usize>,
    rows: usize,
    source_name: &'a str,
}

impl<'a> Joined<'a> {
    fn new(source_name: &'a str) -> Self {
        Self {
            values: None,
            shape: Vec::new(),
            cells: None,
            labelled: Vec::new(),
            rows: 0,
            source_name,
        }
    }

    /// Appends a part and returns its row numbers. Without labels its rows are unlabelled.
    fn append(&mut self, x: Rows, y: Option<Cells>) -> Result<Vec<usize>> {
        let (values, shape, count) = values_of(x);
        if self.rows > 0 && shape != self.shape {
            let problem =
                format!("some examples have the shape {:?}, others {shape:?}", self.shape);
            return Err(Error::data(
                self.source_name,
                problem,
                "all splits need examples of one shape",
            ));
        }
        self.values = Some(match self.values.take() {
            None => values,
            Some(before) => together(before, values),
        });
        if let Some(y) = y {
            self.cells = Some(match self.cells.take() {
                None => y,
                Some(before) => before.followed_by(&y),
            });
            self.labelled.extend(self.rows..self.rows + count);
        }
        self.shape = shape;
        let first = self.rows;
        self.rows += count;
        Ok((first..self.rows).collect())
    }
}

/// Values, shape of an example and number of examples.
#[must_use]
pub fn values_of(x: Rows) -> (Values, Vec<usize>, usize) {
    match x {
        Rows::Counts(rows) => {
            let (count, columns) = (rows.rows(), rows.columns());
            (Values::Counts(rows), vec![columns], count)
        }
        Rows::Dense(array) => {
            let (count, shape) = (array.shape[0], array.shape[1..].to_vec());
            let values = match array.values {
                NpyValues::U8(values) => Values::U8(values),
                NpyValues::F32(values) => Values::F32(values),
                NpyValues::F64(values) => {
                    Values::F32(values.into_iter().map(|value| value as f32).collect())
                }
                NpyValues::I64(values) => {
                    Values::F32(values.into_iter().map(|value| value as f32).collect())
                }
                // Examples of text are refused where the arrays are read.
                NpyValues::Text(values) => Values::F32(vec![f32::NAN; values.len()]),
            };
            (values, shape, count)
        }
    }
}

/// Both, of the kind that holds both.
fn together(before: Values, after: Values) -> Values {
    let floats = |values: Values| match values {
        Values::U8(values) => values.into_iter().map(f32::from).collect(),
        Values::F32(values) => values,
        Values::Counts(rows) => rows.dense(&(0..rows.rows()).collect::<Vec<_>>()),
    };
    match (before, after) {
        (Values::U8(before), Values::U8(after)) => Values::U8([before, after].concat()),
        (Values::Counts(before), Values::Counts(after)) => {
            let mut rows: SparseRows = before;
            rows.append(&after);
            Values::Counts(rows)
        }
        (before, after) => Values::F32([floats(before), floats(after)].concat()),
    }
}

/// What was seen in values.
struct Look {
    values: Values,
    nature: Nature,
    scaling: Scaling,
    feature: FeatureProfile,
    notes: Vec<String>,
}

impl Look {
    fn at(values: Values, shape: &[usize], source_name: &str) -> Result<Self> {
        let width: usize = shape.iter().product();
        match values {
            Values::Counts(rows) => Ok(Self::counts(rows)),
            Values::U8(bytes) => Ok(Self::bytes(bytes, shape.len() > 1, width)),
            Values::F32(numbers) => {
                if let Some(at) = numbers.iter().position(|number| number.is_infinite()) {
                    let problem = format!("example {} has an infinite value", at / width.max(1));
                    return Err(Error::data(
                        source_name,
                        problem,
                        "remove it, or save NaN where a value is missing",
                    ));
                }
                if shape.len() > 1
                    && let Some(at) = numbers.iter().position(|number| number.is_nan())
                {
                    let problem = format!(
                        "the picture {} has a pixel that is not a number",
                        at / width.max(1)
                    );
                    return Err(Error::data(
                        source_name,
                        problem,
                        "leave it out, or fill the pixel",
                    ));
                }
                Ok(Self::numbers(numbers, shape.len() > 1, width))
            }
        }
    }

    fn counts(rows: SparseRows) -> Self {
        let highest = rows.counts().iter().copied().fold(0.0, f32::max);
        let feature = features("count", rows.columns(), [0.0, f64::from(highest)], 0);
        let (nature, scaling) = (Nature::Counts, Scaling::None);
        Self { values: Values::Counts(rows), nature, scaling, feature, notes: Vec::new() }
    }

    /// Bytes are pixels, unless there are too few of them in a row.
    fn bytes(bytes: Vec<u8>, is_picture: bool, width: usize) -> Self {
        let highest = bytes.iter().copied().max().unwrap_or(0);
        let pixels = is_picture || width >= FEWEST_PIXELS;
        if pixels && highest > 127 {
            let feature = features("pixel", width, [0.0, f64::from(highest)], 0);
            let scaling = Scaling::Range { low: 0.0, high: 255.0 };
            let (values, notes) = (Values::U8(bytes), Vec::new());
            return Self { values, nature: Nature::Bits, scaling, feature, notes };
        }
        Self::numbers(bytes.into_iter().map(f32::from).collect(), is_picture, width)
    }

    fn numbers(numbers: Vec<f32>, is_picture: bool, width: usize) -> Self {
        let present = || numbers.iter().copied().filter(|number| !number.is_nan());
        let low = present().fold(f32::INFINITY, f32::min);
        let high = present().fold(f32::NEG_INFINITY, f32::max);
        let missing = numbers.len() - present().count();
        let whole = present().all(|number| number.fract() == 0.0);
        let long = is_picture || width >= FEWEST_PIXELS;
        let range = [f64::from(low), f64::from(high)];
        let (kind, nature, scaling, note) = if missing > 0 && !is_picture {
            ("measurement", Nature::Numbers, Scaling::None, None)
        } else if low >= 0.0 && high <= 1.0 && (long || whole) {
            let kind = if whole { "yes/no" } else { "pixel" };
            (kind, Nature::Bits, Scaling::None, None)
        } else if whole && low >= 0.0 && high <= 255.0 && (is_picture || (long && high > 127.0)) {
            let high = pixel_ceiling(range[1]);
            let note = format!(
                "whole numbers from {low} to {} are read as pixels from 0 to {high}",
                range[1]
            );
            ("pixel", Nature::Bits, Scaling::Range { low: 0.0, high }, Some(note))
        } else if is_picture && (-1.0..0.0).contains(&low) && high <= 1.0 {
            let note = format!("values from {low} to {high} are read as pixels from -1 to 1");
            ("pixel", Nature::Bits, Scaling::Range { low: -1.0, high: 1.0 }, Some(note))
        } else {
            let kind = if whole { "whole number" } else { "measurement" };
            (kind, Nature::Numbers, Scaling::None, None)
        };
        let feature = features(kind, width, range, missing);
        let values = match &scaling {
            Scaling::Range { low, high } if *low == 0.0 && *high == 255.0 => {
                Values::U8(numbers.into_iter().map(|number| number as u8).collect())
            }
            _ => Values::F32(numbers),
        };
        Self { values, nature, scaling, feature, notes: note.into_iter().collect() }
    }
}

fn features(kind: &str, count: usize, range: [f64; 2], missing: usize) -> FeatureProfile {
    FeatureProfile {
        kind: kind.into(),
        count,
        range: Some(range),
        missing,
        ..FeatureProfile::default()
    }
}
