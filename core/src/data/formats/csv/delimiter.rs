//! What parts the cells of a table, found by looking at its first lines.

use super::numeral::Fits;
use super::rows::{Delimiter, Dialect, Row, Rows};
use crate::data::table::is_missing;

/// Rows that are looked at.
const SAMPLE: usize = 50;

/// Of candidates that do equally well the first is taken: tabs and semicolons hardly ever stand in every row of a text
/// as often, commas and blanks do.
const CANDIDATES: [Delimiter; 5] = [
    Delimiter::Byte(b'\t'),
    Delimiter::Byte(b';'),
    Delimiter::Byte(b'|'),
    Delimiter::Byte(b','),
    Delimiter::Blanks,
];

/// How a table is taken apart: by what parts the first rows into the same number of cells, and where several do, by
/// what makes more of these cells numbers.
pub(super) fn find(text: &str) -> Dialect {
    let judged = CANDIDATES.map(|delimiter| {
        let dialect = dialect(text, delimiter);
        (dialect, judge(text, dialect))
    });
    let mut best: Option<(Dialect, Verdict)> = None;
    for (dialect, verdict) in judged {
        let score = best.as_ref().map_or(0.0, |(_, best)| best.score());
        if verdict.score() > score {
            best = Some((dialect, verdict));
        }
    }
    // Prose, whose lines hold commas now and then, is a column of texts; under a header of several names it is a table
    // with a fault, which the reader then names.
    match best {
        Some((dialect, verdict)) if verdict.agreement > 0.5 || verdict.first > 1 => dialect,
        _ => dialect(text, Delimiter::Nothing),
    }
}

/// Quotes and escapes of a table whose cells are separated so.
pub(super) fn dialect(text: &str, delimiter: Delimiter) -> Dialect {
    let ends = |byte: u8| match delimiter {
        Delimiter::Byte(mark) => byte == mark || matches!(byte, b'\n' | b'\r' | b'"'),
        _ => matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'"'),
    };
    let bytes = text.as_bytes();
    // `\"` at the end of a cell can be a path of Windows; amid a cell it cannot stand in a table as in RFC 4180.
    let escapes = text.match_indices("\\\"").any(|(at, _)| match bytes.get(at + 2) {
        Some(&byte) => !ends(byte),
        None => false,
    });
    let mut dialect = Dialect { delimiter, quotes: true, escapes };
    if matches!(delimiter, Delimiter::Byte(b'\t') | Delimiter::Nothing) && text.contains('"') {
        dialect.quotes = quotes_enclose(text, dialect);
    }
    dialect
}

/// Whether quotation marks enclose cells throughout: tables separated by tabs often hold text as it is.
fn quotes_enclose(text: &str, dialect: Dialect) -> bool {
    let (mut rows, mut row) = (Rows::new(text, dialect), Row::default());
    loop {
        match rows.read(&mut row) {
            Ok(true) if !rows.loose => {}
            Ok(more) => return !more,
            Err(_) => return false,
        }
    }
}

/// What the first rows look like in a dialect.
struct Verdict {
    /// The share of rows that have the most common number of cells, 0 when that is below two.
    agreement: f64,
    /// The share of numbers among the cells that are not missing.
    numbers: f64,
    /// Cells of the first row.
    first: usize,
}

impl Verdict {
    fn score(&self) -> f64 {
        self.agreement * (1.0 + self.numbers)
    }
}

fn judge(text: &str, dialect: Dialect) -> Verdict {
    let (mut rows, mut row) = (Rows::new(text, dialect), Row::default());
    let (mut widths, mut cells, mut numbers) = (Vec::new(), 0_usize, 0_usize);
    while widths.len() < SAMPLE && rows.read(&mut row) == Ok(true) {
        widths.push(row.cells.len());
        for cell in &row.cells {
            if !std::str::from_utf8(cell).is_ok_and(is_missing) {
                cells += 1;
                numbers += usize::from(Fits::of(cell).any());
            }
        }
    }
    let numbers = numbers as f64 / cells.max(1) as f64;
    let first = widths.first().copied().unwrap_or(0);
    let width = most_common(if widths.len() > 1 { &widths[1..] } else { &widths });
    let mut agreeing = widths.iter().filter(|&&found| found == width).count() as f64;
    // R's `write.table` names one column less than there are; a line of prose above others looks the same.
    let quoted = text.contains('"');
    if first + 1 == width && (numbers > 0.0 || quoted) {
        agreeing += 0.5;
    } else if first + 1 == width {
        agreeing = 0.0;
    }
    // Words with blanks between them are a text, unless numbers or quotation marks say otherwise.
    let is_text = dialect.delimiter == Delimiter::Blanks && numbers == 0.0 && !quoted;
    if width < 2 || is_text {
        agreeing = 0.0;
    }
    Verdict { agreement: agreeing / widths.len().max(1) as f64, numbers, first }
}

/// The most common of some numbers, the larger one of equally common ones; 0 of none.
fn most_common(numbers: &[usize]) -> usize {
    let count = |number: usize| numbers.iter().filter(|&&other| other == number).count();
    numbers.iter().copied().max_by_key(|&number| (count(number), number)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_separated(text: &str, delimiter: Delimiter) {
        assert_eq!(find(text).delimiter, delimiter, "{text:?}");
    }

    #[test]
    fn delimiters_are_found() {
        let byte = Delimiter::Byte;
        assert_separated("a,b\n1,2\n", byte(b','));
        assert_separated("a;b;c\n1,5;2,5;3,5\n1,5;2,5;3,5\n", byte(b';'));
        assert_separated("1;hello, world\n2;bye, now\n", byte(b';'));
        assert_separated("1,a;b\n2,c;d\n", byte(b','));
        assert_separated("name,tags\nx,a|b\ny,c|d\n", byte(b','));
        assert_separated("time,n\n2020-01-01 10:00,5\n2020-01-02 11:00,6\n", byte(b','));
        assert_separated("a\tb\nx y\tz\n", byte(b'\t'));
        assert_separated("a|b\n1|2\n", byte(b'|'));
        assert_separated("  1.5  2 x\n 3   4 y\n", Delimiter::Blanks);
        assert_separated("\"x\" \"y\"\n\"1\" 5,5 \"a b\"\n\"2\" 6,5 \"c\"\n", Delimiter::Blanks);
        assert_separated("5.1, 3.5, setosa\n4.9, 3.0, setosa\n", byte(b','));
        assert_separated("title,label\nhello world,pos\nbye now,neg\n", byte(b','));
        // The last line is cut off.
        assert_separated("1,2,3\n4,5,6\n7,8\n", byte(b','));
    }

    #[test]
    fn one_column_is_one_column() {
        assert_separated("x\n1\n2\n", Delimiter::Nothing);
        assert_separated("text\nhello world\nbye now\n", Delimiter::Nothing);
        assert_separated("text\nhello, world\nbye, now\n", Delimiter::Nothing);
        assert_separated("Well, yes\nNo\nOh, oh, oh\nNever\n", Delimiter::Nothing);
        assert_separated("text\n\"Great\" film\nx\n", Delimiter::Nothing);
        assert!(!find("text\n\"Great\" film\nx\n").quotes);
        assert_separated("", Delimiter::Nothing);
    }

    #[test]
    fn quotes_and_escapes_are_recognised() {
        assert!(find("a,b\n\"x, y\",2\n").quotes);
        assert!(find("a\tb\n\"x\ty\"\t2\n").quotes);
        assert!(!find("a\tb\n\"Great\" film\t2\n\"Bad\t3\n").quotes);
        assert!(find("\"a\" \"b\"\n\"1\" \"say \\\"no\\\" x\"\n").escapes);
        assert!(!find("a,b\n\"C:\\\",2\n\"{\"\"k\"\": \"\"\\\"\"}\",3\n").escapes);
    }
}
