//! Whether the first row of a table names its columns, and the names.

use std::borrow::Cow;
use std::collections::HashSet;

use super::numeral::{Fits, plain};
use crate::data::table::is_missing;

/// What nobody calls a class.
const LABEL_NAMES: [&str; 3] = ["label", "class", "target"];

/// What the rows below the first say of a column.
pub(super) struct Below<'a> {
    /// Its numbers in plain notation; empty if it holds others.
    pub(super) numbers: &'a [f64],
    /// Whether it holds numbers, in any notation, not only missing cells.
    pub(super) is_number: bool,
    /// Whether the first row's cell stands in it once more.
    pub(super) recurs: bool,
}

/// Whether the first row is a header: none of its cells is a number; or a word stands above numbers, or says label; or its numbers
/// count 0, 1, 2, ..., as pandas numbers columns without names, and the rows below do not go on counting. A row of
/// words that all stand once more in their columns is data: tables of categories often have no header.
pub(super) fn is_header(first: &[Cow<[u8]>], below: &[Below]) -> bool {
    if names_numbers(first, below) || names_label(first, below) {
        return true;
    }
    let (mut words, mut numbers) = (Vec::new(), Vec::new());
    for (cell, column) in first.iter().zip(below) {
        if Fits::of(cell).any() {
            numbers.push((plain(cell), column));
        } else if !is_missing_cell(cell) {
            words.push(column);
        }
    }
    if numbers.is_empty() {
        return words.iter().any(|column| !column.recurs);
    }
    let counts =
        numbers.iter().enumerate().all(|(place, (number, _))| *number == Some(place as f64));
    if !counts || words.iter().any(|column| column.recurs) || goes_on(&numbers) {
        return false;
    }
    // Two numbers count by accident: a row of two binary columns.
    let measured = |column: &Below| column.numbers.iter().any(|number| number.fract() != 0.0);
    numbers.len() > 2 || !words.is_empty() || numbers.iter().any(|(_, column)| measured(column))
}

/// Whether a word stands above numbers.
pub(super) fn names_numbers(first: &[Cow<[u8]>], below: &[Below]) -> bool {
    let is_word = |cell: &[u8]| !Fits::of(cell).any() && !is_missing_cell(cell);
    first.iter().zip(below).any(|(cell, column)| column.is_number && is_word(cell))
}

/// Whether a cell is what label columns are called, and stands nowhere else in its column.
fn names_label(first: &[Cow<[u8]>], below: &[Below]) -> bool {
    let is_name =
        |cell: &[u8]| LABEL_NAMES.iter().any(|name| cell.eq_ignore_ascii_case(name.as_bytes()));
    first.iter().zip(below).any(|(cell, column)| !column.recurs && is_name(cell))
}

/// Whether the rows below go on counting, along the row or down the first column.
fn goes_on(numbers: &[(Option<f64>, &Below)]) -> bool {
    let column = numbers[0].1.numbers;
    let along = column.first() == Some(&(numbers.len() as f64));
    let down = column.iter().take(3).enumerate().all(|(row, &number)| number == row as f64 + 1.0);
    along || (down && !column.is_empty())
}

pub(super) fn is_missing_cell(cell: &[u8]) -> bool {
    cell.len() <= 4 && std::str::from_utf8(cell).is_ok_and(is_missing)
}

/// Names as they stand in the header, a name that came before with a number behind it, as in pandas. Columns without a
/// name stay so.
pub(crate) fn distinct(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut taken = HashSet::new();
    let distinct = |name: String| {
        if name.is_empty() || taken.insert(name.clone()) {
            return name;
        }
        let mut number = 1_usize;
        loop {
            let numbered = format!("{name}.{number}");
            if taken.insert(numbered.clone()) {
                return numbered;
            }
            number += 1;
        }
    };
    names.into_iter().map(distinct).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_distinct() {
        let names = ["a", "b", "a", "a.1", "", "a", ""].map(str::to_owned);
        assert_eq!(distinct(names), ["a", "b", "a.1", "a.1.1", "", "a.2", ""]);
    }

    fn header(first: &[&str], numbers: &[&[f64]], recurs: &[bool]) -> bool {
        let first: Vec<Cow<[u8]>> = first.iter().map(|cell| cell.as_bytes().into()).collect();
        let below: Vec<Below> = numbers
            .iter()
            .zip(recurs)
            .map(|(&numbers, &recurs)| Below { numbers, is_number: !numbers.is_empty(), recurs })
            .collect();
        is_header(&first, &below)
    }

    #[test]
    fn headers_are_told_from_rows() {
        let (half, none): (&[f64], &[f64]) = (&[0.5, 7.0], &[]);
        assert!(header(&["a", "b"], &[half, none], &[false, false]));
        assert!(!header(&["5.1", "setosa"], &[half, none], &[false, false]));
        // A year as a name, beside a word above numbers.
        assert!(header(&["2015", "size", "kind"], &[half, half, none], &[false; 3]));
        assert!(!header(&["?", "1.5"], &[half, half], &[false; 2]));
        // Years as names, beside what labels are called, above words.
        assert!(header(&["2015", "2016", "Label"], &[half, half, none], &[false; 3]));
        assert!(!header(&["2015", "2016", "label"], &[half, half, none], &[false, false, true]));
        assert!(!header(&["2015", "2016", "setosa"], &[half, half, none], &[false; 3]));
        // Categories.
        assert!(!header(&["p", "x"], &[none, none], &[true, true]));
        assert!(header(&["kind", "x"], &[none, none], &[false, true]));
        assert!(!header(&["", ""], &[none, none], &[true, true]));
    }

    #[test]
    fn counting_headers() {
        let (half, none): (&[f64], &[f64]) = (&[0.5, 7.0], &[]);
        assert!(header(&["0", "1", "2", "label"], &[half, half, half, none], &[false; 4]));
        assert!(header(&["", "0", "1", "2"], &[&[0.0, 1.0], half, half, half], &[false; 4]));
        assert!(header(&["0", "1"], &[half, half], &[false; 2]));
        // Two binary columns; a matrix that counts; an index with words; a row of two numbers and a category.
        assert!(!header(&["0", "1"], &[&[1.0, 0.0], &[1.0, 1.0]], &[false; 2]));
        assert!(!header(&["0", "1", "2"], &[&[3.0], &[4.0], &[5.0]], &[false; 3]));
        assert!(!header(&["0", "a text"], &[&[1.0, 2.0, 3.0], none], &[false; 2]));
        assert!(!header(&["0", "1", "yes"], &[half, half, none], &[false, false, true]));
        assert!(!header(&["1", "2", "3"], &[half, half, half], &[false; 3]));
    }
}
