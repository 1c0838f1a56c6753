//! Labels as they stand in a file, to classes that are numbered from 0 and keep their names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::table::{Cells, is_code};
use crate::error::{Error, Result};

/// More classes than this are a measurement or an identifier.
const MOST_CLASSES: usize = 1000;

/// Up to so many classes, a file may have fewer than two rows of each.
const FEW_CLASSES: usize = 50;

/// Whole numbers from here on are not all kept apart as numbers: 2^53 and the next one are the same.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Words that say "no label", in any capitals; what [`is_missing`](super::table::is_missing) knows says so too.
const UNLABELLED: [&str; 4] = ["unlabelled", "unlabeled", "-1", "-1.0"];

/// What the label -1 means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MinusOne {
    /// That the row has no label, unless the labels are -1 and 1 alone or there are other negative ones.
    #[default]
    Unlabelled,
    /// A class like any other.
    Class,
}

/// Labels of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    /// Class of each row, -1 where it has none, `[rows]`.
    pub of_rows: Vec<i64>,
    /// Names of the classes that occur: whole numbers in rising order, words sorted.
    pub classes: Vec<String>,
    /// What was noticed, a sentence each.
    pub notes: Vec<String>,
}

/// Reads labels: whole numbers, also written with a fraction of zero, or words.
///
/// `names` are the names of the classes 0, 1, 2, ..., where a file has them.
///
/// # Errors
/// No label at all, labels that are measurements, or nearly as many classes as rows.
pub fn read(
    cells: &Cells,
    minus_one: MinusOne,
    names: Option<&[String]>,
    source_name: &str,
) -> Result<Labels> {
    let mut labels = match numbers(cells) {
        Some(numbers) => of_numbers(&numbers, minus_one, names, source_name)?,
        None => of_words(cells, minus_one),
    };
    labels.notes.extend(marks_in_words(cells, minus_one));
    labels.notes.extend(alike(&labels.classes));
    match cells.missing() {
        0 => {}
        1 => labels
            .notes
            .push("one row has no label: its cell is empty, or holds a mark such as NA".to_owned()),
        count => labels.notes.push(format!(
            "{count} rows have no label: the cell is empty, or holds a mark such as NA"
        )),
    }
    let labelled = labels.of_rows.iter().filter(|&&label| label >= 0).count();
    let classes = labels.classes.len();
    if labelled == 0 {
        let remedy = "give some rows a label; the others may stay empty";
        return Err(Error::data(source_name, "no row has a label", remedy));
    }
    if classes > MOST_CLASSES || (classes > FEW_CLASSES && 2 * classes > labelled) {
        let problem = format!("the labels are {classes} different values in {labelled} rows");
        let remedy = "classes have several rows each: name the label column with --label NAME, or turn measurements \
                      into classes";
        return Err(Error::data(source_name, problem, remedy));
    }
    Ok(labels)
}

/// The cells as numbers, NaN where unlabelled, if all that say something are numbers.
fn numbers(cells: &Cells) -> Option<Vec<f64>> {
    match cells {
        Cells::Numbers(numbers) => Some(numbers.clone()),
        Cells::Words { codes, words } => {
            let number = |word: &String| match says_unlabelled(word) && word.parse::<f64>().is_err()
            {
                true => Some(f64::NAN),
                false => {
                    let word = word.trim();
                    // Longer ones, and 01 and 1, are told apart as words.
                    let is_kept = |number: &f64| number.is_finite() && number.abs() < MOST_EXACT;
                    word.parse().ok().filter(is_kept).filter(|_| !is_code(word.as_bytes()))
                }
            };
            let of_words: Vec<f64> = words.iter().map(number).collect::<Option<_>>()?;
            let code = |&code: &u32| of_words.get(code as usize).copied().unwrap_or(f64::NAN);
            Some(codes.iter().map(code).collect())
        }
    }
}

fn says_unlabelled(word: &str) -> bool {
    let word = word.trim();
    word.is_empty() || UNLABELLED.iter().any(|mark| word.eq_ignore_ascii_case(mark))
}

/// Whether a word says that a row has no label.
fn is_mark(word: &str, minus_one: MinusOne) -> bool {
    let of_minus_one = word.trim().starts_with('-') && minus_one == MinusOne::Class;
    says_unlabelled(word) && !of_minus_one
}

/// How often each word occurs that says that a row has no label. Numbers speak for themselves.
fn marks_in_words(cells: &Cells, minus_one: MinusOne) -> Vec<String> {
    let Cells::Words { codes, words } = cells else { return Vec::new() };
    let is_number = numbers(cells).is_some();
    let marks = words.iter().enumerate().filter(|(_, word)| {
        is_mark(word, minus_one) && !(is_number && word.trim().parse::<f64>().is_ok())
    });
    let said = |(code, word): (usize, &String)| {
        let rows = codes.iter().filter(|&&other| other as usize == code).count();
        format!("{rows} rows have the label {word:?} and are treated as unlabelled")
    };
    marks.map(said).collect()
}

/// Classes whose names differ in capitals alone are two only because somebody typed differently, mostly.
fn alike(classes: &[String]) -> Option<String> {
    let mut seen = BTreeMap::new();
    let twin = classes
        .iter()
        .find_map(|class| seen.insert(class.to_lowercase(), class).map(|twin| (twin, class)));
    twin.map(|(a, b)| format!("the classes {a:?} and {b:?} differ in capitals alone; if they are one, write them alike"))
}

fn of_numbers(
    numbers: &[f64],
    minus_one: MinusOne,
    names: Option<&[String]>,
    source_name: &str,
) -> Result<Labels> {
    if let Some(at) =
        numbers.iter().position(|n| n.is_infinite() || (n.fract() != 0.0 && !n.is_nan()))
    {
        let problem = format!("the labels are measurements (row {} has {})", at + 1, numbers[at]);
        let remedy = "name the label column with --label NAME, or turn measurements into classes";
        return Err(Error::data(source_name, problem, remedy));
    }
    if let Some(at) = numbers.iter().position(|number| number.abs() >= MOST_EXACT) {
        let problem = format!(
            "row {} has the label {}: whole numbers of 16 digits and more are not all kept apart",
            at + 1,
            numbers[at]
        );
        let remedy = "write a letter before each of these labels, as in id9007199254740993";
        return Err(Error::data(source_name, problem, remedy));
    }
    let mut notes = Vec::new();
    let values = || numbers.iter().filter(|number| !number.is_nan()).map(|&number| number as i64);
    let mut distinct: Vec<i64> = values().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let marks = values().filter(|&value| value == -1).count();
    if marks > 0 && minus_one == MinusOne::Unlabelled {
        if distinct == [-1, 1] {
            notes.push("-1 and 1 are the only labels, so -1 is a class".to_owned());
        } else if distinct[0] < -1 {
            notes.push(format!(
                "there are other negative labels ({}), so -1 is a class",
                distinct[0]
            ));
        } else {
            distinct.retain(|&value| value != -1);
            notes.push(format!(
                "{marks} rows have the label -1 and are treated as unlabelled; if -1 is a class, add --set \
                 data.minus-one=class"
            ));
        }
    }
    let place = |&number: &f64| match number.is_nan() {
        true => -1,
        false => distinct.binary_search(&(number as i64)).map_or(-1, |place| place as i64),
    };
    let name = |&value: &i64| {
        let given = names.and_then(|names| names.get(usize::try_from(value).ok()?));
        given.cloned().unwrap_or_else(|| value.to_string())
    };
    let of_rows = numbers.iter().map(place).collect();
    Ok(Labels { of_rows, classes: distinct.iter().map(name).collect(), notes })
}

fn of_words(cells: &Cells, minus_one: MinusOne) -> Labels {
    let Cells::Words { codes, words } = cells else {
        return Labels { of_rows: Vec::new(), classes: Vec::new(), notes: Vec::new() };
    };
    let is_mark = |word: &str| is_mark(word, minus_one);
    // Two spellings with other blanks around are one class.
    let mut places: BTreeMap<&str, i64> =
        words.iter().filter(|word| !is_mark(word)).map(|word| (word.trim(), 0)).collect();
    places.values_mut().zip(0..).for_each(|(place, next)| *place = next);
    let class = |&code: &u32| {
        let word = words.get(code as usize).filter(|word| !is_mark(word));
        word.map_or(-1, |word| places[word.trim()])
    };
    let of_rows = codes.iter().map(class).collect();
    let classes = places.into_keys().map(str::to_owned).collect();
    Labels { of_rows, classes, notes: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Cells {
        Cells::of_words(words.iter().map(|&word| Some(word).filter(|word| !word.is_empty())))
    }

    fn labels(cells: &Cells) -> Labels {
        read(cells, MinusOne::Unlabelled, None, "f").unwrap()
    }

    #[test]
    fn codes_with_a_zero_before_them_stay_as_they_are() {
        let codes = labels(&words(&["02", "1", "01", "02", "", "1", "01"]));
        assert_eq!(codes.classes, ["01", "02", "1"]);
        assert_eq!(codes.of_rows, [1, 2, 0, 1, -1, 2, 0]);
    }

    #[test]
    fn classes_are_those_that_occur_and_keep_their_names() {
        let of_words = labels(&words(&["setosa", "virginica", "", "setosa", " virginica "]));
        assert_eq!(of_words.of_rows, [0, 1, -1, 0, 1]);
        assert_eq!(of_words.classes, ["setosa", "virginica"]);
        let of_numbers = labels(&Cells::Numbers(vec![10.0, 2.0, f64::NAN, 10.0, 3.0]));
        assert_eq!(of_numbers.of_rows, [2, 0, -1, 2, 1]);
        assert_eq!(of_numbers.classes, ["2", "3", "10"]);
        // Numbers written as words, as in an array of text.
        let as_words = labels(&words(&["10", "2", "", "10", "3.0"]));
        assert_eq!(as_words, of_numbers);
        assert_eq!(of_words.notes, of_numbers.notes);
        assert!(of_words.notes[0].starts_with("one row has no label"));
    }

    #[test]
    fn minus_one_means_unlabelled_and_is_said() {
        let beside_names = labels(&words(&["a", "b", "-1", "-1", "Unlabelled"]));
        assert_eq!((beside_names.of_rows, beside_names.classes.len()), (vec![0, 1, -1, -1, -1], 2));
        assert!(beside_names.notes[0].starts_with("2 rows have the label \"-1\""));
        let sentiment = Cells::Numbers(vec![-1.0, 0.0, 1.0, -1.0]);
        let unlabelled = labels(&sentiment);
        assert_eq!((&unlabelled.of_rows[..], unlabelled.classes.len()), (&[-1, 0, 1, -1][..], 2));
        assert!(
            unlabelled.notes[0].contains("2 rows")
                && unlabelled.notes[0].contains("minus-one=class")
        );
        let class = read(&sentiment, MinusOne::Class, None, "f").unwrap();
        assert_eq!(
            (&class.of_rows[..], class.classes),
            (&[0, 1, 2, 0][..], vec!["-1".into(), "0".into(), "1".into()])
        );
        let named = read(&words(&["a", "-1"]), MinusOne::Class, None, "f").unwrap();
        assert_eq!(named.classes, ["-1", "a"]);
    }

    #[test]
    fn signs_and_scales_have_a_class_minus_one() {
        let signs = labels(&Cells::Numbers(vec![-1.0, 1.0, f64::NAN]));
        assert_eq!((&signs.of_rows[..], signs.notes.len()), (&[0, 1, -1][..], 2));
        let scale = labels(&Cells::Numbers(vec![-2.0, -1.0, 0.0, 1.0, 2.0]));
        assert_eq!((scale.of_rows, scale.notes.len()), (vec![0, 1, 2, 3, 4], 1));
    }

    #[test]
    fn given_names_are_used() {
        let names = ["cat".to_owned(), "dog".into(), "owl".into()];
        let read =
            read(&Cells::Numbers(vec![2.0, 0.0, -1.0]), MinusOne::Unlabelled, Some(&names), "f")
                .unwrap();
        assert_eq!(
            (read.of_rows, read.classes),
            (vec![1, 0, -1], vec!["cat".into(), "owl".into()])
        );
    }

    #[test]
    fn what_cannot_be_classes_is_refused() {
        let message =
            |cells: Cells| read(&cells, MinusOne::Unlabelled, None, "f").unwrap_err().to_string();
        assert!(message(Cells::Numbers(vec![1.0, 0.5])).contains("row 2 has 0.5"));
        assert!(message(Cells::Numbers(vec![f64::INFINITY])).contains("measurements"));
        assert!(message(Cells::Numbers(vec![f64::NAN, -1.0])).contains("no row has a label"));
        assert!(message(words(&["", "unlabeled"])).contains("no row has a label"));
        assert!(
            message(Cells::Numbers((0..1001).map(f64::from).collect())).contains("1001 different")
        );
        assert!(message(Cells::Numbers((0..60).map(f64::from).collect())).contains("60 rows"));
    }
}
