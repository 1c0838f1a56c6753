//! Labels of an array: numbers, words or one-hot rows as the cells of a column.

use super::npy::{NpyArray, NpyValues};
use crate::data::table::{Cells, is_missing};
use crate::error::{Error, Result};

/// Probabilities of a row may add up to this much more or less than 1.
const SUM_TOLERANCE: f32 = 1e-3;

/// Whole numbers beyond this are not all kept apart by the numbers of a column.
const MOST: i64 = 1 << 53;

/// The labels `name` of `rows` examples, which are called `of`: `[n]` or `[n, 1]` of numbers (NaN where one is missing) or of
/// words, or `[n, classes]` with a 1 at the class and zeros; rows of zeros, of -1 or of NaN have no label. `notes` says how
/// rows of several values were read.
///
/// # Errors
/// Another number of labels than of rows, infinite numbers, probabilities, or several classes in a row.
pub fn label_cells(
    y: &NpyArray,
    name: &str,
    (of, rows): (&str, usize),
    source_name: &str,
    notes: &mut Vec<String>,
) -> Result<Cells> {
    let refuse = |problem: String, remedy: &str| Err(Error::data(source_name, problem, remedy));
    let Some(&count) = y.shape.first() else {
        return refuse(format!("{name} is a single value"), "give one label for each example");
    };
    let is_row = count == 1 && rows > 1 && y.values.len() == rows;
    if count != rows && !is_row {
        let problem = format!("{name} has {count} rows and {of} has {rows}");
        return refuse(problem, "both need one row for each example");
    }
    if y.values.len() == rows {
        return column(&y.values, name, source_name);
    }
    let values: Vec<f32> = match &y.values {
        NpyValues::U8(values) => values.iter().map(|&value| value.into()).collect(),
        NpyValues::F32(values) => values.clone(),
        NpyValues::F64(values) => values.iter().map(|&value| value as f32).collect(),
        NpyValues::I64(values) => values.iter().map(|&value| value as f32).collect(),
        NpyValues::Text(_) => Vec::new(),
    };
    match y.shape[..] {
        [_, classes] if classes > 1 && !values.is_empty() => {
            one_hot(&values, classes, name, source_name, notes)
        }
        ref shape => refuse(
            format!("{name} has shape {shape:?}"),
            &format!("{name} needs one class for each example"),
        ),
    }
}

/// One label for each row.
fn column(values: &NpyValues, name: &str, source_name: &str) -> Result<Cells> {
    let refuse = |row: usize, value: &dyn std::fmt::Display| {
        let problem = format!("row {row} of {name} is {value}, which is no class");
        Err(Error::data(source_name, problem, "give a whole number, a word, or NaN for no label"))
    };
    match values {
        NpyValues::U8(values) => Ok(Cells::Numbers(values.iter().map(|&v| f64::from(v)).collect())),
        NpyValues::F32(values) => match values.iter().position(|value| value.is_infinite()) {
            Some(row) => refuse(row, &values[row]),
            None => Ok(Cells::Numbers(values.iter().map(|&value| f64::from(value)).collect())),
        },
        NpyValues::F64(values) => match values.iter().position(|value| value.is_infinite()) {
            Some(row) => refuse(row, &values[row]),
            None => Ok(Cells::Numbers(values.clone())),
        },
        NpyValues::I64(values) => match values.iter().position(|v| !(-MOST..=MOST).contains(v)) {
            // What a uint64 beyond becomes.
            Some(row) if values[row] == i64::MAX => refuse(row, &format!("{} or more", i64::MAX)),
            Some(row) => refuse(row, &values[row]),
            None => Ok(Cells::Numbers(values.iter().map(|&value| value as f64).collect())),
        },
        NpyValues::Text(texts) => {
            let words = texts.iter().map(|text| text.trim());
            Ok(Cells::of_words(words.map(|word| (!is_missing(word)).then_some(word))))
        }
    }
}

/// The place of the 1 in every row.
fn one_hot(
    values: &[f32],
    classes: usize,
    name: &str,
    source_name: &str,
    notes: &mut Vec<String>,
) -> Result<Cells> {
    let mut places = Vec::with_capacity(values.len() / classes);
    for (row, values) in values.chunks_exact(classes).enumerate() {
        let all = |is: &dyn Fn(f32) -> bool| values.iter().all(|&value| is(value));
        let ones = values.iter().filter(|&&value| value == 1.0).count();
        if all(&|value| value == 0.0) || all(&|value| value == -1.0) || all(&f32::is_nan) {
            places.push(f64::NAN);
        } else if ones == 1 && all(&|value| value == 0.0 || value == 1.0) {
            places.push(values.iter().take_while(|&&value| value != 1.0).count() as f64);
        } else {
            return Err(no_class(values, row, name, source_name));
        }
    }
    let missing = places.iter().filter(|place| place.is_nan()).count();
    let mut note =
        format!("{name} is one-hot: its {classes} columns are the classes, counted from 0");
    if missing > 0 {
        note += &format!("; {missing} rows without a 1 are unlabelled");
    }
    notes.push(note);
    Ok(Cells::Numbers(places))
}

/// Why a row of several values is no class.
fn no_class(values: &[f32], row: usize, name: &str, source_name: &str) -> Error {
    let ones = values.iter().filter(|&&value| value == 1.0).count();
    let binary = values.iter().all(|&value| value == 0.0 || value == 1.0);
    let sum: f32 = values.iter().sum();
    let shares = values.iter().all(|value| (0.0..=1.0).contains(value));
    let argmax = format!("give the class: {name}.argmax(1)");
    let (problem, remedy) = if binary {
        let remedy = "give one class for each example";
        (format!("row {row} of {name} has a 1 for {ones} classes"), remedy.to_owned())
    } else if shares && (sum - 1.0).abs() <= SUM_TOLERANCE {
        (format!("{name} holds a probability for each class"), argmax)
    } else {
        let classes = values.len();
        (format!("row {row} of {name} holds {classes} values and is not one-hot"), argmax)
    };
    Error::data(source_name, problem, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(y: &NpyArray, rows: usize) -> Result<(Cells, String)> {
        let mut notes = Vec::new();
        let cells = label_cells(y, "y", ("x", rows), "f", &mut notes)?;
        Ok((cells, notes.join("; ")))
    }

    fn texts(cells: &Cells) -> String {
        let text = |row| cells.text(row).unwrap_or("-".to_owned());
        (0..cells.len()).map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn one_value_for_each_example_is_a_column() {
        for (y, expected) in [
            (NpyArray::i64(&[3], vec![-1, 0, 26]), "-1 0 26"),
            (NpyArray::i64(&[3, 1], vec![2, 1, 0]), "2 1 0"),
            (NpyArray::i64(&[1, 3], vec![2, 1, 0]), "2 1 0"),
            (NpyArray::f32(&[3], vec![1.0, f32::NAN, 0.0]), "1 - 0"),
            (NpyArray::texts([" cat", "NA", "dog"]), "cat - dog"),
            (NpyArray { shape: vec![3, 1, 1], values: NpyValues::U8(vec![7, 8, 9]) }, "7 8 9"),
        ] {
            let (cells, notes) = read(&y, 3).unwrap();
            assert_eq!((texts(&cells).as_str(), notes.as_str()), (expected, ""));
        }
    }

    #[test]
    fn one_hot_rows_are_the_place_of_their_one() {
        let nan = f32::NAN;
        let rows = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, -1.0, -1.0, nan, nan, nan];
        let (cells, notes) = read(&NpyArray::f32(&[5, 3], rows.to_vec()), 5).unwrap();
        assert_eq!(texts(&cells), "2 0 - - -");
        assert!(notes.contains("3 columns") && notes.contains("3 rows without a 1"), "{notes}");
        let (cells, notes) = read(&NpyArray::i64(&[2, 2], vec![0, 1, 1, 0]), 2).unwrap();
        assert_eq!(texts(&cells), "1 0");
        assert!(!notes.contains("unlabelled"), "{notes}");
    }

    #[test]
    fn what_is_no_class_is_refused_by_name() {
        for (y, named) in [
            (
                NpyArray::f32(&[2, 2], vec![0.0, 1.0, 0.3, 0.7]),
                "a probability for each class; give the class: y.argmax(1)",
            ),
            (NpyArray::i64(&[2, 2], vec![0, 1, 1, 1]), "row 1 of y has a 1 for 2 classes"),
            (NpyArray::i64(&[2, 2], vec![5, 1, 1, 0]), "row 0 of y holds 2 values"),
            (NpyArray::i64(&[3], vec![0, 1, 1]), "y has 3 rows and x has 2"),
            (NpyArray::f32(&[2], vec![0.0, f32::INFINITY]), "row 1 of y is inf"),
            (NpyArray::i64(&[2], vec![i64::MAX, 0]), "row 0 of y is 9223372036854775807 or more"),
            (NpyArray::i64(&[], vec![1]), "single value"),
            (NpyArray::i64(&[2, 2, 2], vec![0; 8]), "shape [2, 2, 2]"),
            (NpyArray::i64(&[2, 0], vec![]), "shape [2, 0]"),
            (
                NpyArray { shape: vec![2, 2], ..NpyArray::texts(["a", "b", "c", "d"]) },
                "shape [2, 2]",
            ),
        ] {
            let said = read(&y, 2).unwrap_err().to_string();
            assert!(said.contains(named), "{named}: {said}");
        }
    }
}
