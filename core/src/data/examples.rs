//! Examples in memory: pixels stay bytes until a batch is gathered.

use super::SparseRows;
use crate::error::{Error, Result};

/// Values of a set of examples, row-major, one row of [`Examples::features`] values per example.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Pixel bytes, read as `v / 255`: a quarter of the memory of floats.
    U8(Vec<u8>),
    /// Numbers as they are.
    F32(Vec<f32>),
    /// Counts of words, most of them zero.
    Counts(SparseRows),
}

impl Values {
    /// Number of values, zeros included.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::Counts(rows) => rows.rows() * rows.columns(),
        }
    }

    /// True without a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Examples and their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    /// Values, `[examples, features]` row-major.
    pub values: Values,
    /// Shape of one example: `[height, width, channels]` for pictures, `[features]` for tables.
    pub shape: Vec<usize>,
    /// Class per example; -1 = unlabelled.
    pub labels: Vec<i64>,
}

impl Examples {
    /// Puts values and labels together and checks that they fit.
    ///
    /// # Errors
    /// There is no example, a dimension is zero, the numbers of values and labels do not match, a
    /// label is below -1, or a value is NaN or infinite (the message names the example).
    pub fn new(
        values: Values,
        shape: Vec<usize>,
        labels: Vec<i64>,
        source_name: &str,
    ) -> Result<Self> {
        let features: usize = shape.iter().product();
        if labels.is_empty() || features == 0 {
            return Err(Error::data(
                source_name,
                format!("holds no data ({} examples of shape {shape:?})", labels.len()),
                "give a file with at least one example of at least one feature",
            ));
        }
        if labels.len().checked_mul(features) != Some(values.len()) {
            return Err(Error::data(
                source_name,
                format!(
                    "{} values for {} labels of {features} features each",
                    values.len(),
                    labels.len()
                ),
                "examples and labels must come from the same release of the data set",
            ));
        }
        if let Some(index) = labels.iter().position(|&label| label < -1) {
            return Err(Error::data(
                source_name,
                format!("example {index} has label {}", labels[index]),
                "labels are 0, 1, 2, ... and -1 for an unlabelled example",
            ));
        }
        if let Values::Counts(rows) = &values
            && let Some(count) =
                rows.counts().iter().find(|count| !(count.is_finite() && **count > 0.0))
        {
            let problem = format!("a word is counted {count} times");
            return Err(Error::data(
                source_name,
                problem,
                "give counts above 0, and leave zeros out",
            ));
        }
        if let Values::F32(numbers) = &values
            && let Some(at) = numbers.iter().position(|value| !value.is_finite())
        {
            return Err(Error::data(
                source_name,
                format!(
                    "example {} has {} as feature {}",
                    at / features,
                    numbers[at],
                    at % features
                ),
                "remove or impute examples with missing or infinite values",
            ));
        }
        Ok(Self { values, shape, labels })
    }

    /// Number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True without an example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Number of values per example.
    #[must_use]
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// `[height, width, channels]` when the examples are pictures.
    #[must_use]
    pub fn picture(&self) -> Option<[usize; 3]> {
        <[usize; 3]>::try_from(self.shape.as_slice()).ok()
    }

    /// The chosen examples as floats, row-major `[rows.len(), features]`.
    ///
    /// # Panics
    /// A row is out of range.
    #[must_use]
    pub fn gather(&self, rows: &[usize]) -> Vec<f32> {
        let features = self.features();
        let mut out = Vec::with_capacity(rows.len() * features);
        match &self.values {
            Values::U8(pixels) => {
                for &row in rows {
                    let row = &pixels[row * features..][..features];
                    out.extend(row.iter().map(|&pixel| f32::from(pixel) / 255.0));
                }
            }
            Values::F32(numbers) => {
                for &row in rows {
                    out.extend_from_slice(&numbers[row * features..][..features]);
                }
            }
            Values::Counts(counts) => return counts.dense(rows),
        }
        out
    }

    /// The chosen examples with their labels, in the given order.
    ///
    /// # Panics
    /// A row is out of range.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let features = self.features();
        let values = match &self.values {
            Values::U8(pixels) => Values::U8(select_rows(pixels, features, rows)),
            Values::F32(numbers) => Values::F32(select_rows(numbers, features, rows)),
            Values::Counts(counts) => Values::Counts(counts.select(rows)),
        };
        Self {
            values,
            shape: self.shape.clone(),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
        }
    }

    /// Examples per class, `[classes]`; unlabelled ones and labels out of range are not counted.
    #[must_use]
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for &label in &self.labels {
            if let Some(count) = usize::try_from(label).ok().and_then(|label| counts.get_mut(label))
            {
                *count += 1;
            }
        }
        counts
    }

    /// Colour pictures as grey ones, `[height, width, 1]`, by the luminance of Rec. 601
    /// (0.299 red + 0.587 green + 0.114 blue); anything else is returned as it is.
    #[must_use]
    pub fn to_grey(&self) -> Self {
        let Some([height, width, 3]) = self.picture() else {
            return self.clone();
        };
        // Bytes stay bytes (rounded), so that a grey set costs a third of the colour one.
        let values = match &self.values {
            Values::U8(pixels) => Values::U8(
                pixels
                    .chunks_exact(3)
                    .map(|rgb| luminance([rgb[0], rgb[1], rgb[2]].map(f32::from)).round() as u8)
                    .collect(),
            ),
            Values::F32(numbers) => Values::F32(
                numbers.chunks_exact(3).map(|rgb| luminance([rgb[0], rgb[1], rgb[2]])).collect(),
            ),
            // Counts of words are no colours, whatever shape they are given.
            Values::Counts(_) => return self.clone(),
        };
        Self { values, shape: vec![height, width, 1], labels: self.labels.clone() }
    }

    /// Appends the examples of `other`.
    ///
    /// # Errors
    /// The shapes or the kinds of values differ.
    pub fn append(&mut self, other: Self, source_name: &str) -> Result<()> {
        let mismatch = |problem: String| {
            Error::data(
                source_name,
                problem,
                "all parts of a data set must come from the same release",
            )
        };
        if self.shape != other.shape {
            return Err(mismatch(format!(
                "examples of shape {:?} follow examples of shape {:?}",
                other.shape, self.shape
            )));
        }
        match (&mut self.values, other.values) {
            (Values::U8(mine), Values::U8(more)) => mine.extend(more),
            (Values::F32(mine), Values::F32(more)) => mine.extend(more),
            (Values::Counts(mine), Values::Counts(more)) => mine.append(&more),
            _ => return Err(mismatch("bytes, floats and counts are mixed".to_owned())),
        }
        self.labels.extend(other.labels);
        Ok(())
    }
}

fn luminance([red, green, blue]: [f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

fn select_rows<T: Copy>(values: &[T], features: usize, rows: &[usize]) -> Vec<T> {
    let mut out = Vec::with_capacity(rows.len() * features);
    for &row in rows {
        out.extend_from_slice(&values[row * features..][..features]);
    }
    out
}

/// A data set with its two splits. The test split is for the final figure only.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Name for messages and reports.
    pub name: String,
    /// Class names in label order.
    pub classes: Vec<String>,
    /// Training split (a validation split is taken from it, never from `test`).
    pub train: Examples,
    /// Test split.
    pub test: Examples,
    /// The words that the columns count, where the examples are texts.
    pub words: Option<Vec<String>>,
    /// Training examples that the data set itself sets aside for validation.
    pub validation: Vec<usize>,
}

impl Dataset {
    /// Puts two splits together.
    ///
    /// # Errors
    /// The shapes differ, there are fewer than two classes, a label names no class, or a test
    /// example has no label.
    pub fn new(
        name: &str,
        classes: Vec<String>,
        train: Examples,
        test: Examples,
        source_name: &str,
    ) -> Result<Self> {
        if train.shape != test.shape {
            return Err(Error::data(
                source_name,
                format!(
                    "train examples have shape {:?}, test examples {:?}",
                    train.shape, test.shape
                ),
                "both splits must have the same shape",
            ));
        }
        if classes.len() < 2 {
            return Err(Error::data(
                source_name,
                format!("{} class(es)", classes.len()),
                "labels of at least two classes are needed",
            ));
        }
        for (split, examples) in [("train", &train), ("test", &test)] {
            let wrong =
                |&label: &i64| label >= classes.len() as i64 || (label < 0 && split == "test");
            if let Some(index) = examples.labels.iter().position(wrong) {
                return Err(Error::data(
                    source_name,
                    format!("{split} example {index} has label {}", examples.labels[index]),
                    format!("labels go from 0 to {}", classes.len() - 1),
                ));
            }
        }
        Ok(Self {
            name: name.to_owned(),
            classes,
            train,
            test,
            words: None,
            validation: Vec::new(),
        })
    }

    /// Number of classes.
    #[must_use]
    pub fn num_classes(&self) -> usize {
        self.classes.len()
    }

    /// Both splits through the same change (for example [`Examples::to_grey`]).
    #[must_use]
    pub fn map(&self, change: impl Fn(&Examples) -> Examples) -> Self {
        Self {
            name: self.name.clone(),
            classes: self.classes.clone(),
            train: change(&self.train),
            test: change(&self.test),
            words: self.words.clone(),
            validation: self.validation.clone(),
        }
    }
}

/// Class names `0`, `1`, ... for sets whose classes are digits or have no names.
pub(crate) fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

/// Checks that every label is in `0..classes`.
pub(crate) fn check_labels(labels: &[i64], classes: usize, source_name: &str) -> Result<()> {
    match labels.iter().position(|&label| label < 0 || label >= classes as i64) {
        None => Ok(()),
        Some(index) => Err(Error::data(
            source_name,
            format!(
                "label {} of example {index} is out of range 0..={}",
                labels[index],
                classes - 1
            ),
            "this is the file of another data set, or it is damaged: fetch it again",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_colours() -> Examples {
        let pixels = Values::U8(vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 10, 10]);
        Examples::new(pixels, vec![2, 1, 3], vec![0, 1], "set").unwrap()
    }

    #[test]
    fn gather_scales_bytes_and_keeps_order() {
        let set = two_colours();
        let rows = set.gather(&[1, 0, 1]);
        assert_eq!(rows.len(), 18);
        assert_eq!(rows[2], 1.0);
        assert_eq!(rows[3], 10.0 / 255.0);
        assert_eq!(rows[6], 1.0);
        assert_eq!(set.select(&[1]).labels, [1]);
        assert_eq!(set.select(&[1]).gather(&[0]), rows[..6]);
    }

    #[test]
    fn grey_is_the_luminance() {
        let grey = two_colours().to_grey();
        assert_eq!(grey.shape, [2, 1, 1]);
        assert_eq!(grey.values, Values::U8(vec![76, 150, 29, 10]));
        assert_eq!(grey.to_grey(), grey);
        let floats = Examples::new(Values::F32(vec![1.0; 3]), vec![1, 1, 3], vec![0], "f").unwrap();
        assert!((floats.to_grey().gather(&[0])[0] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn counts_are_the_same_examples_as_their_dense_rows() {
        let mut rows = SparseRows::new(3);
        rows.push([(0, 2.0), (2, 1.0)]);
        rows.push([(1, 4.0)]);
        let dense = Values::F32(rows.dense(&[0, 1]));
        let new = |values| Examples::new(values, vec![3], vec![1, 0], "set").unwrap();
        let (mut sparse, mut dense) = (new(Values::Counts(rows)), new(dense));
        assert_eq!(sparse.values.len(), 6);
        assert_eq!(sparse.select(&[1, 1, 0]).gather(&[2, 0]), dense.gather(&[0, 1]));
        assert_eq!(sparse.to_grey(), sparse);
        assert!(sparse.append(dense.clone(), "set").is_err());
        sparse.append(sparse.clone(), "set").unwrap();
        dense.append(dense.clone(), "set").unwrap();
        assert_eq!(sparse.gather(&[3, 2, 1, 0]), dense.gather(&[3, 2, 1, 0]));
        assert_eq!(sparse.labels, dense.labels);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let new = |values: Values, shape: Vec<usize>, labels: Vec<i64>| {
            Examples::new(values, shape, labels, "set").unwrap_err().to_string()
        };
        assert!(new(Values::U8(vec![]), vec![2], vec![]).contains("no data"));
        assert!(new(Values::U8(vec![]), vec![0], vec![1]).contains("no data"));
        assert!(new(Values::U8(vec![1, 2, 3]), vec![2], vec![1, 1]).contains("3 values"));
        assert!(new(Values::U8(vec![1]), vec![1], vec![-2]).contains("label -2"));
        let nan = new(Values::F32(vec![0.0, 1.0, 2.0, f32::NAN]), vec![2], vec![0, 1]);
        assert!(nan.contains("example 1 has NaN as feature 1"), "{nan}");
        assert!(new(Values::F32(vec![f32::INFINITY]), vec![1], vec![0]).contains("inf"));
        let mut counts = SparseRows::new(1);
        counts.push([(0, -1.0)]);
        assert!(new(Values::Counts(counts), vec![1], vec![0]).contains("counted -1 times"));
    }

    #[test]
    fn splits_must_agree() {
        let set = two_colours();
        let names = numbered(2);
        let message = |train: &Examples, test: &Examples, classes: &[String]| {
            Dataset::new("d", classes.to_vec(), train.clone(), test.clone(), "d")
                .unwrap_err()
                .to_string()
        };
        assert!(Dataset::new("d", names.clone(), set.clone(), set.clone(), "d").is_ok());
        assert!(message(&set, &set.to_grey(), &names).contains("shape"));
        assert!(message(&set, &set, &names[..1]).contains("1 class"));
        let mut unlabelled = set.clone();
        unlabelled.labels[1] = -1;
        assert!(Dataset::new("d", names.clone(), unlabelled.clone(), set.clone(), "d").is_ok());
        assert!(message(&set, &unlabelled, &names).contains("test example 1 has label -1"));
        unlabelled.labels[1] = 2;
        assert!(message(&unlabelled, &set, &names).contains("train example 1 has label 2"));
    }

    #[test]
    fn append_refuses_other_shapes() {
        let mut set = two_colours();
        let grey = set.to_grey();
        assert!(set.append(grey, "part 2").unwrap_err().to_string().contains("part 2"));
        set.append(two_colours(), "part 3").unwrap();
        assert_eq!(set.len(), 4);
        assert_eq!(set.class_counts(2), [2, 2]);
    }
}
