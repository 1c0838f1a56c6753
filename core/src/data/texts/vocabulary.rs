//! Texts to words, and the words that are counted.

use std::collections::HashMap;

use super::stop_words::is_stop_word;
use crate::error::{Error, Result};

/// Letters of the shortest and of the longest word (Gururangan et al. 2019 count the same ones).
const LETTERS: std::ops::RangeInclusive<usize> = 3..=30;

/// A `<` that is not closed within so many bytes opens no tag.
const LONGEST_TAG: usize = 1000;

/// The words of a text in lower case, in order: letters alone, 3 to 30 of them. Left out are numbers and what is
/// mixed with them, English stop words, tags (`<b>`, also written `&lt;b&gt;`) and entities (`&quot;`, also
/// where its `&` is lost).
pub fn words(text: &str) -> Vec<String> {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    let mut words = Vec::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|c: char| c == '<' || c.is_alphanumeric()) {
        rest = &rest[start..];
        if let Some(after) = rest.strip_prefix('<') {
            rest = after_tag(after);
            continue;
        }
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        let word = run.to_lowercase();
        let whole = word.chars().all(char::is_alphabetic);
        if whole && LETTERS.contains(&word.chars().count()) && !is_stop_word(&word) {
            words.push(word);
        }
    }
    words
}

/// What follows the tag that `rest` is the inside of, or `rest` itself if it is none.
fn after_tag(rest: &str) -> &str {
    let opens = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
    match rest.find('>') {
        Some(end) if opens && end <= LONGEST_TAG => &rest[end + 1..],
        _ => rest,
    }
}

/// The words that are counted, in the order of the columns of the counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Vocabulary {
    words: Vec<String>,
    places: HashMap<String, u32>,
}

impl Vocabulary {
    /// The `size` most frequent words of some texts, the most frequent first; equally frequent ones in the order of
    /// the alphabet. Fewer where there are fewer.
    ///
    /// # Errors
    /// There is no word.
    pub fn of<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        size: usize,
        source_name: &str,
    ) -> Result<Self> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for text in texts {
            for word in words(text) {
                *counts.entry(word).or_default() += 1;
            }
        }
        let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
        counts.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        counts.truncate(size);
        Self::from_words(counts.into_iter().map(|(word, _)| word).collect(), source_name)
    }

    /// The words of a vocabulary that was written down.
    ///
    /// # Errors
    /// There is no word, or one of them stands there twice.
    pub fn from_words(words: Vec<String>, source_name: &str) -> Result<Self> {
        if words.is_empty() {
            let problem = "the training texts have no words to count";
            return Err(Error::data(source_name, problem, "give the column that holds the texts"));
        }
        let mut places = HashMap::with_capacity(words.len());
        for (place, word) in words.iter().enumerate() {
            if places.insert(word.clone(), place as u32).is_some() {
                let problem = format!("{word:?} is in the vocabulary twice");
                return Err(Error::data(source_name, problem, "every word needs one line"));
            }
        }
        Ok(Self { words, places })
    }

    /// The words, by column.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Columns of the words of a text and how often each occurs, in rising order; other words are not counted.
    #[must_use]
    pub fn count(&self, text: &str) -> Vec<(u32, f32)> {
        let mut places: Vec<u32> =
            words(text).iter().filter_map(|word| self.places.get(word).copied()).collect();
        places.sort_unstable();
        let mut row: Vec<(u32, f32)> = Vec::new();
        for place in places {
            match row.last_mut() {
                Some((last, count)) if *last == place => *count += 1.0,
                _ => row.push((place, 1.0)),
            }
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_in_lower_case() {
        let text = "Fears for T N pension: Élan's 25 pensions, B2B x_ray, mp3s; PENSION!";
        assert_eq!(words(text), ["fears", "pension", "élan", "pensions", "ray", "pension"]);
    }

    #[test]
    fn markup_is_left_out() {
        let text = "Google &lt;A HREF=\"http://x.org/q?t=1 target=/stocks\"&gt;GOOG.O&lt;/A&gt; said \
                    #39;share quot;price quot; is &lt; value <b>bold</b> a<br/>b";
        assert_eq!(words(text), ["google", "goog", "said", "share", "price", "value", "bold"]);
        // A lone sign opens no tag, and neither does one that is never closed.
        assert_eq!(
            words("profit < loss > zero <tag never closed"),
            ["profit", "loss", "zero", "tag", "closed"]
        );
    }

    #[test]
    fn stop_words_are_left_out() {
        assert!(
            words("The team and its coach weren't there, which doesn't matter").starts_with(&[
                "team".to_owned(),
                "coach".to_owned(),
                "matter".to_owned()
            ])
        );
    }

    #[test]
    fn the_most_frequent_words_come_first_and_ties_follow_the_alphabet() {
        let texts = ["goal goal match", "bank match goal", "zebra apple"];
        let vocabulary = Vocabulary::of(texts, 4, "set").unwrap();
        assert_eq!(vocabulary.words(), ["goal", "match", "apple", "bank"]);
        assert_eq!(vocabulary.count("bank goal Goal zebra GOAL"), [(0, 3.0), (3, 1.0)]);
        assert_eq!(Vocabulary::of(texts, 99, "set").unwrap().words().len(), 5);
        let again = Vocabulary::from_words(vocabulary.words().to_vec(), "file").unwrap();
        assert_eq!(again, vocabulary);
    }

    #[test]
    fn empty_and_repeated_vocabularies_are_refused() {
        let error = Vocabulary::of(["1 2 3", "the"], 9, "set").unwrap_err().to_string();
        assert!(error.contains("set: the training texts have no words"), "{error}");
        let twice = vec!["goal".to_owned(), "goal".to_owned()];
        assert!(Vocabulary::from_words(twice, "f").unwrap_err().to_string().contains("twice"));
    }
}
