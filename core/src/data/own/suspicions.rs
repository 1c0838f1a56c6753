//! What a person would be asked about a table before anybody learns from it: columns that say the label, marks for "missing"
//! that look like values, numbers with a sign around them, classes of one row.

use std::collections::BTreeMap;

use crate::data::labels::Labels;
use crate::data::origin::Origin;
use crate::data::table::{Cells, Column, MISSING, Table};

/// Names of classes that rather mean that there is no class.
const NO_CLASS: [&str; 9] =
    ["unknown", "missing", "none", "na", "n.a.", "undefined", "unclassified", "not available", "-"];

/// Numbers that stand for "missing" where a program had no better way.
const SENTINELS: [f64; 8] = [-9999.0, -999.0, -99.0, 99.0, 255.0, 999.0, 9999.0, 65535.0];

/// Whole numbers from here on are not all kept apart: 2^53.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// The same in single precision: 2^24.
const MOST_EXACT_SINGLE: f32 = 16_777_216.0;

/// Fewer steps of single precision than this are no measurement.
const FEW_STEPS: f32 = 1000.0;

/// A column that could be the label has at most so many classes.
pub const MOST_CLASSES: usize = 30;

/// A sentinel is this many times farther from the other values than they are from each other.
const APART: f64 = 3.0;

/// What is done with a column whose numbers single precision does not keep as they stand.
pub fn about_origin(column: &Column, origin: Origin) -> String {
    format!(
        "{}: its numbers differ by little beside their size, or are too small for single precision; they are {}",
        column.name,
        origin.in_words()
    )
}

/// What single precision has made of arrays, `[rows, width]` row-major: features that it keeps few values of.
pub fn about_precision(numbers: &[f32], width: usize) -> Option<String> {
    let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); width];
    for row in numbers.chunks_exact(width.max(1)) {
        for ((low, high), &number) in ranges.iter_mut().zip(row) {
            (*low, *high) = (low.min(number), high.max(number));
        }
    }
    let is_coarse = |&(_, &(low, high)): &(usize, &(f32, f32))| {
        let size = low.abs().max(high.abs());
        // Below 2^24 whole numbers are exact.
        size >= MOST_EXACT_SINGLE
            && size.is_finite()
            && high - low < FEW_STEPS * size * f32::EPSILON
    };
    let coarse = ranges.iter().enumerate().filter(is_coarse);
    let coarse: Vec<String> =
        coarse.map(|(feature, (low, high))| format!("{feature} ({low} to {high})")).collect();
    let first = coarse.first()?;
    let more = match coarse.len() - 1 {
        0 => String::new(),
        more => format!(" and of {more} more features"),
    };
    Some(format!(
        "single precision keeps few different values of x{first}{more}: numbers that differ by little beside their size; subtract \
         their means before you save them"
    ))
}

/// What there is to say about the labels, a sentence each.
pub fn about_labels(labels: &Labels) -> Vec<String> {
    let mut counts = vec![0; labels.classes.len()];
    let of_rows = labels.of_rows.iter();
    of_rows.filter_map(|&label| usize::try_from(label).ok()).for_each(|class| counts[class] += 1);
    let mut notes = Vec::new();
    for (class, count) in labels.classes.iter().zip(&counts) {
        if NO_CLASS.contains(&class.to_lowercase().as_str()) {
            notes.push(format!(
                "{count} rows are of the class {class:?}; if that means that they have no label, leave these cells empty"
            ));
        }
    }
    let numbers: Option<Vec<f64>> = labels.classes.iter().map(|class| class.parse().ok()).collect();
    if let Some(mark) = numbers.and_then(|numbers| sentinel(&numbers)) {
        notes.push(format!("the class {mark} stands apart from the others; if it means that a row has no label, leave these cells empty"));
    }
    let single = |(class, _): &(usize, &usize)| {
        let row = labels.of_rows.iter().position(|&label| label == *class as i64).unwrap_or(0);
        format!("{:?} (row {})", labels.classes[*class], row + 1)
    };
    let singles: Vec<String> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count == 1)
        .map(|one| single(&one))
        .collect();
    match &singles[..] {
        [] => {}
        [one] => notes.push(format!(
            "the class {one} has one example alone: how well it is recognised cannot be measured, and it may be a slip"
        )),
        [first, ..] => notes.push(format!(
            "{} classes have one example alone, such as {first}: how well they are recognised cannot be measured",
            singles.len()
        )),
    }
    notes
}

/// What there is to say where a column was taken for the label because of its place alone: another one, of words in few rows, looks more
/// like a label than one that every row has.
pub fn about_place(others: &[&Column], labels: &Labels) -> Option<String> {
    let rows = labels.of_rows.len();
    let is_sparse = |column: &&&Column| {
        matches!(&column.cells, Cells::Words { words, .. } if (2..=MOST_CLASSES).contains(&words.len()))
            && 2 * column.cells.missing() >= rows
    };
    if labels.of_rows.iter().any(|&label| label < 0) {
        return None;
    }
    let column = others.iter().find(is_sparse)?;
    Some(format!(
        "every row has a label, and {} is empty in {} of {rows} rows; if that is the label, add {}",
        column.name,
        column.cells.missing(),
        option("--label", &column.name)
    ))
}

/// What there is to say about a column that is a feature, a sentence each.
pub fn about_column(column: &Column, labels: &Labels) -> Vec<String> {
    let name = &column.name;
    let mut notes = Vec::new();
    if says_label(&column.cells, labels) {
        notes.push(format!(
            "{name} says the same as the label in every row; if it is not known before the label is, add {}",
            leave_out(name)
        ));
    }
    match &column.cells {
        Cells::Numbers(numbers) => {
            let present: Vec<f64> =
                numbers.iter().copied().filter(|number| !number.is_nan()).collect();
            let long = present.iter().filter(|number| number.abs() >= MOST_EXACT).count();
            if long > 0 {
                notes.push(format!(
                    "{name}: whole numbers of 16 digits and more lose their last digits ({long} rows); if they only name the rows, add {}",
                    leave_out(name)
                ));
            }
            if let Some(mark) = sentinel(&present) {
                let count = present.iter().filter(|&&number| number == mark).count();
                notes.push(format!("{name} is {mark} in {count} rows, far from all other values; if it means missing, leave these cells empty"));
            }
        }
        Cells::Words { words, .. } => {
            if let Some(sign) = sign_around_numbers(words) {
                notes.push(format!("{name}: every cell is a number with {sign:?}, and is read as a word; write the numbers alone"));
            }
        }
    }
    notes
}

/// `--leave-out NAME`, quoted for a shell where it has to be.
pub fn leave_out(name: &str) -> String {
    option("--leave-out", name)
}

/// An option of the command line with the name of a column.
fn option(option: &str, name: &str) -> String {
    match name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)) {
        true => format!("{option} {name}"),
        false => format!("{option} '{name}'"),
    }
}

/// Whether each value goes with one class, each class with one value, in every row that has both.
fn says_label(cells: &Cells, labels: &Labels) -> bool {
    let (mut class_of, mut value_of) = (BTreeMap::new(), BTreeMap::new());
    let mut both = 0;
    for (row, &label) in labels.of_rows.iter().enumerate().filter(|(_, label)| **label >= 0) {
        let value = match cells {
            Cells::Numbers(numbers) if !numbers[row].is_nan() => numbers[row].to_bits(),
            Cells::Words { codes, .. } if codes[row] != MISSING => u64::from(codes[row]),
            _ => continue,
        };
        both += 1;
        if *class_of.entry(value).or_insert(label) != label
            || *value_of.entry(label).or_insert(value) != value
        {
            return false;
        }
    }
    // Few rows agree by chance.
    class_of.len() >= 2 && both >= 5 * class_of.len()
}

/// A number that stands for "missing": the smallest or the largest, and far from all others.
fn sentinel(numbers: &[f64]) -> Option<f64> {
    let mut distinct = numbers.to_vec();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    let &[first, second, .., last_but_one, last] = &distinct[..] else { return None };
    let is_mark = |mark: f64, next: f64, other_end: f64| {
        SENTINELS.contains(&mark) && (mark - next).abs() > APART * (next - other_end).abs().max(1.0)
    };
    if is_mark(first, second, last) {
        return Some(first);
    }
    is_mark(last, last_but_one, first).then_some(last)
}

/// What stands before or behind the number in every word.
fn sign_around_numbers(words: &[String]) -> Option<String> {
    let sign_of = |word: &String| {
        let is_part = |c: char| c.is_ascii_digit() || ".,+-".contains(c);
        let inner = word.trim_matches(|c| !is_part(c));
        let number = inner.replace(',', "");
        (number.parse::<f64>().is_ok() && inner.len() < word.trim().len())
            .then(|| word.trim().replace(inner, ""))
    };
    let first = words.first().and_then(sign_of)?;
    (words.len() > 1 && words.iter().all(|word| sign_of(word).as_ref() == Some(&first)))
        .then_some(first)
}

/// Which rows a column called `split` puts into which split: training, validation, test.
pub fn splits(table: &Table, place: usize) -> Option<[Vec<usize>; 3]> {
    const NAMES: [&str; 5] = ["split", "set", "subset", "partition", "fold"];
    let column = &table.columns[place];
    let Cells::Words { codes, words } = &column.cells else { return None };
    if !NAMES.iter().any(|name| column.name.eq_ignore_ascii_case(name)) {
        return None;
    }
    let split_of = |word: &String| match word.trim().to_lowercase().as_str() {
        "train" | "training" | "unlabelled" | "unlabeled" => Some(0),
        "val" | "valid" | "validation" | "dev" => Some(1),
        "test" | "testing" => Some(2),
        _ => None,
    };
    let of_words: Vec<usize> = words.iter().map(split_of).collect::<Option<_>>()?;
    let mut splits = [Vec::new(), Vec::new(), Vec::new()];
    for (row, &code) in codes.iter().enumerate() {
        splits[*of_words.get(code as usize)?].push(row);
    }
    (!splits[0].is_empty() && splits[0].len() < table.rows).then_some(splits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Cells {
        Cells::of_words(words.iter().map(|&word| Some(word)))
    }

    fn column(name: &str, cells: Cells) -> Column {
        Column { name: name.into(), cells }
    }

    fn labels(of_rows: Vec<i64>, classes: &[&str]) -> Labels {
        Labels {
            of_rows,
            classes: classes.iter().map(|&class| class.into()).collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_column_that_says_the_label_is_pointed_out() {
        let of_rows: Vec<i64> = (0..20).map(|row| row % 2).collect();
        let labels = labels(of_rows.clone(), &["a", "b"]);
        let same = Cells::Numbers(of_rows.iter().map(|&label| label as f64 + 7.0).collect());
        let notes = about_column(&column("my target", same.clone()), &labels);
        assert!(
            notes[0].contains("says the same") && notes[0].ends_with("--leave-out 'my target'"),
            "{notes:?}"
        );
        let Cells::Numbers(mut other) = same else { unreachable!() };
        other[3] = 7.0;
        assert!(about_column(&column("x", Cells::Numbers(other)), &labels).is_empty());
    }

    #[test]
    fn a_column_of_few_words_in_few_rows_is_pointed_out_where_every_row_has_another_label() {
        let mut kinds = vec![None; 20];
        (kinds[3], kinds[9], kinds[11]) = (Some("oak"), Some("elm"), Some("oak"));
        let kind = column("kind of tree", Cells::of_words(kinds));
        let place = column("place", words(&["hill", "lake"].repeat(10)));
        let every = labels((0..20).map(|row| row % 2).collect(), &["hill", "lake"]);
        let note = about_place(&[&place, &kind], &every).unwrap();
        assert_eq!(
            note,
            "every row has a label, and kind of tree is empty in 17 of 20 rows; if that is the label, add --label 'kind of tree'"
        );
        let some = labels((0..20).map(|row| row % 3 - 1).collect(), &["hill", "lake"]);
        assert_eq!(about_place(&[&kind], &some), None);
        assert_eq!(about_place(&[&place], &every), None);
    }

    #[test]
    fn marks_that_look_like_values_are_pointed_out() {
        let none = labels(vec![-1; 6], &[]);
        let notes =
            |numbers: &[f64]| about_column(&column("x", Cells::Numbers(numbers.to_vec())), &none);
        assert!(notes(&[1.0, 2.5, 3.0, -999.0, -999.0, 2.0])[0].contains("-999 in 2 rows"));
        assert!(notes(&[90.0, 95.0, 97.0, 98.0, 99.0, 80.0]).is_empty());
        let classes = about_labels(&labels(vec![0, 0, 1, 1, 2, 2, 3, 3], &["0", "1", "2", "255"]));
        assert!(classes[0].contains("class 255 stands apart"), "{classes:?}");
        let unknown = about_labels(&labels(vec![0, 0, 1, 1], &["Unknown", "yes"]));
        assert!(unknown[0].contains("2 rows are of the class \"Unknown\""));
        let single = about_labels(&labels(vec![0, 0, 1, 2, 2], &["a", "Total", "b"]));
        assert!(single[0].contains("\"Total\" (row 3)"), "{single:?}");
    }

    #[test]
    fn numbers_with_a_sign_are_pointed_out() {
        let none = labels(vec![-1; 3], &[]);
        let notes = |cells: &[&str]| about_column(&column("cost", words(cells)), &none);
        assert!(notes(&["$5.10", "$3", "$1,200.5"])[0].contains("a number with \"$\""));
        assert!(notes(&["3.5%", "4%", "9%"])[0].contains("\"%\""));
        assert!(notes(&["a1", "b2", "c3"]).is_empty() && notes(&["red", "blue", "x"]).is_empty());
    }

    #[test]
    fn a_column_of_splits_is_known_by_its_name_and_words() {
        let table = |name: &str, cells: Cells| Table {
            rows: cells.len(),
            columns: vec![column(name, cells)],
            named: true,
            format: "CSV".into(),
        };
        let of = ["train", "test", "train", "val"];
        let [train, validation, test] = splits(&table("Split", words(&of)), 0).unwrap();
        assert_eq!((train, validation, test), (vec![0, 2], vec![3], vec![1]));
        assert!(splits(&table("colour", words(&of)), 0).is_none());
        assert!(splits(&table("split", words(&["train", "left"])), 0).is_none());
        assert!(splits(&table("split", words(&["train", "train"])), 0).is_none());
    }
}
