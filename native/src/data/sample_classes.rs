//! The class that each sample was drawn for: numbers, or words that `classes` puts into the order of the predictions.

use anyhow::{Context as _, Result, bail, ensure};
use gleaner_core::data::table::{Cells, MISSING, shortened};

/// What to do about samples without a class.
const REMEDY: &str =
    "y must hold the class that each sample was drawn for; leave other samples out";

/// The class of every sample as a number from 0, of the labels `y`. Words are looked up in `names`.
///
/// # Errors
/// A sample without a class, a number that is not whole, or a word that is no name.
pub fn numbered(y: &Cells, names: Option<&[String]>, path: &str) -> Result<Vec<i64>> {
    match y {
        Cells::Numbers(numbers) => {
            let whole = |(row, &number): (usize, &f64)| {
                ensure!(!number.is_nan(), "{path}: row {row} of y is NaN; {REMEDY}");
                ensure!(
                    number.fract() == 0.0,
                    "{path}: row {row} of y is {number}, not a whole number; {REMEDY}"
                );
                Ok(number as i64)
            };
            numbers.iter().enumerate().map(whole).collect()
        }
        Cells::Words { codes, words } => {
            let names = names.with_context(|| {
                format!("{path}: y holds words; add an array classes: all of them, in the order of the predictions")
            })?;
            let place = |word: &String| {
                let place = names.iter().position(|name| name == word);
                place.map(|place| place as i64).with_context(|| {
                    let shown = shortened(names.iter().map(String::as_str));
                    format!("{path}: y holds {word:?}, which is none of the classes {shown}; add it to classes or mend y")
                })
            };
            let places = words.iter().map(place).collect::<Result<Vec<_>>>()?;
            if let Some(row) = codes.iter().position(|&code| code == MISSING) {
                bail!("{path}: row {row} of y has no class; {REMEDY}");
            }
            Ok(codes.iter().map(|&code| places[code as usize]).collect())
        }
    }
}

/// The names of `columns` classes where no array gives them: the words of `y` in sorted order; `None` of numbers.
///
/// # Errors
/// There is another number of words.
pub fn sorted_words(y: &Cells, columns: usize, path: &str) -> Result<Option<Vec<String>>> {
    let Cells::Words { words, .. } = y else { return Ok(None) };
    ensure!(
        words.len() == columns,
        "{path}: y holds {} different words, and there are predictions for {columns} classes; add an array classes: \
         all names, in the order of the predictions",
        words.len()
    );
    let mut words = words.clone();
    words.sort_unstable();
    Ok(Some(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Cells {
        Cells::of_words(words.iter().map(|&word| (word != "?").then_some(word)))
    }

    #[test]
    fn words_become_places_among_the_names() {
        let names = ["b", "a", "c"].map(str::to_owned);
        assert_eq!(numbered(&words(&["a", "b", "a"]), Some(&names), "f").unwrap(), [1, 0, 1]);
        let sorted = sorted_words(&words(&["b", "a", "b"]), 2, "f").unwrap().unwrap();
        assert_eq!(sorted, ["a", "b"]);
        assert_eq!(sorted_words(&Cells::Numbers(vec![1.0]), 2, "f").unwrap(), None);
        assert_eq!(numbered(&Cells::Numbers(vec![1.0, -1.0]), None, "f").unwrap(), [1, -1]);
    }

    #[test]
    fn samples_without_a_class_are_refused_by_row() {
        let names = ["a", "b"].map(str::to_owned);
        let said = |y: &Cells| numbered(y, Some(&names), "f.npz").unwrap_err().to_string();
        assert!(said(&words(&["a", "?"])).contains("row 1 of y has no class"));
        assert!(
            said(&words(&["a", "z"])).contains("\"z\", which is none of the classes \"a\", \"b\"")
        );
        assert!(said(&Cells::Numbers(vec![0.0, f64::NAN])).contains("row 1 of y is NaN"));
        assert!(said(&Cells::Numbers(vec![0.5])).contains("row 0 of y is 0.5"));
        let said = sorted_words(&words(&["a", "b"]), 3, "f.npz").unwrap_err().to_string();
        assert!(said.contains("2 different words") && said.contains("3 classes"), "{said}");
    }
}
