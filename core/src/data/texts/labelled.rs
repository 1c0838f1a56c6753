//! Labelled texts before they are counted.

use super::vocabulary::Vocabulary;
use crate::data::{Dataset, Examples, SparseRows, Values};
use crate::error::Result;

/// Texts and their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Texts {
    /// Each text whole: title, description and whatever else it has.
    pub texts: Vec<String>,
    /// Class per text; -1 = unlabelled.
    pub labels: Vec<i64>,
}

impl Texts {
    /// The chosen texts, in the given order.
    ///
    /// # Panics
    /// A row is out of range.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            texts: rows.iter().map(|&row| self.texts[row].clone()).collect(),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
        }
    }

    fn counts(&self, vocabulary: &Vocabulary, source_name: &str) -> Result<Examples> {
        let columns = vocabulary.words().len();
        let mut rows = SparseRows::new(columns);
        self.texts.iter().for_each(|text| rows.push(vocabulary.count(text)));
        Examples::new(Values::Counts(rows), vec![columns], self.labels.clone(), source_name)
    }

    fn uncounted(&self, source_name: &str) -> Result<Examples> {
        let mut rows = SparseRows::new(1);
        self.texts.iter().for_each(|_| rows.push([]));
        Examples::new(Values::Counts(rows), vec![1], self.labels.clone(), source_name)
    }
}

/// A set of texts with its two splits.
#[derive(Clone, Debug, PartialEq)]
pub struct TextDataset {
    /// Name for messages and reports.
    pub name: String,
    /// Class names in label order.
    pub classes: Vec<String>,
    /// Training split.
    pub train: Texts,
    /// Test split.
    pub test: Texts,
}

impl TextDataset {
    /// The most frequent words of the training texts.
    ///
    /// # Errors
    /// They have none.
    pub fn vocabulary(&self, size: usize) -> Result<Vocabulary> {
        Vocabulary::of(self.train.texts.iter().map(String::as_str), size, &self.name)
    }

    /// Both splits as bags of words.
    ///
    /// # Errors
    /// As [`Dataset::new`].
    pub fn counts(&self, vocabulary: &Vocabulary) -> Result<Dataset> {
        let split = |texts: &Texts| texts.counts(vocabulary, &self.name);
        let (train, test) = (split(&self.train)?, split(&self.test)?);
        let data = Dataset::new(&self.name, self.classes.clone(), train, test, &self.name)?;
        Ok(Dataset { words: Some(vocabulary.words().to_vec()), ..data })
    }

    /// Both splits with nothing but their classes, one empty column wide: for what another program makes of the
    /// texts (see [`with_features`](crate::data::formats::npz::with_features)).
    ///
    /// # Errors
    /// As [`Dataset::new`].
    pub fn uncounted(&self) -> Result<Dataset> {
        let (train, test) = (self.train.uncounted(&self.name)?, self.test.uncounted(&self.name)?);
        Dataset::new(&self.name, self.classes.clone(), train, test, &self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> TextDataset {
        let texts = |texts: &[&str], labels: &[i64]| Texts {
            texts: texts.iter().map(|&text| text.to_owned()).collect(),
            labels: labels.to_vec(),
        };
        TextDataset {
            name: "news".to_owned(),
            classes: vec!["sport".to_owned(), "money".to_owned()],
            train: texts(&["goal goal", "bank goal", "rates"], &[0, 1, -1]),
            test: texts(&["rates rates goal unknown"], &[1]),
        }
    }

    #[test]
    fn the_test_texts_are_counted_with_the_words_of_the_training_texts() {
        let set = set();
        let data = set.counts(&set.vocabulary(10).unwrap()).unwrap();
        assert_eq!(data.words.as_deref().unwrap(), ["goal", "bank", "rates"]);
        assert_eq!(data.train.gather(&[0, 1]), [2.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
        assert_eq!(data.test.gather(&[0]), [1.0, 0.0, 2.0]);
        assert_eq!((data.train.labels, data.test.labels), (vec![0, 1, -1], vec![1]));
    }

    #[test]
    fn without_words_only_the_classes_are_left() {
        let data = set().uncounted().unwrap();
        assert_eq!((data.train.len(), data.train.features()), (3, 1));
        assert_eq!(data.train.gather(&[0, 1, 2]), [0.0; 3]);
        assert_eq!((data.words, data.test.labels), (None, vec![1]));
    }
}
