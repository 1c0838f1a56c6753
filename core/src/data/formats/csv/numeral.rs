//! How numbers are written: plain, with commas between the thousands, or with a decimal comma.

/// One of the three ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    /// `1234.5`, `-1e-3`
    Plain,
    /// `1,234.5`: commas between thousands.
    Grouped,
    /// `1234,5` or `1.234,5`: a decimal comma, points between thousands.
    Comma,
}

/// Which notations a cell, or every cell of a column, can be read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fits {
    pub(super) plain: bool,
    pub(super) grouped: bool,
    pub(super) comma: bool,
}

impl Fits {
    pub(super) const ALL: Self = Self { plain: true, grouped: true, comma: true };

    pub(super) fn of(cell: &[u8]) -> Self {
        let plain = plain(cell).is_some();
        Self { plain, grouped: plain || grouped(cell).is_some(), comma: comma(cell).is_some() }
    }

    pub(super) fn any(self) -> bool {
        self.plain || self.grouped || self.comma
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            plain: self.plain && other.plain,
            grouped: self.grouped && other.grouped,
            comma: self.comma && other.comma,
        }
    }
}

impl Notation {
    /// The number that a trimmed cell holds in this notation, which may be infinite; `None` if it holds none.
    pub(super) fn parse(self, cell: &[u8]) -> Option<f64> {
        match self {
            Self::Plain => plain(cell),
            Self::Grouped => plain(cell).or_else(|| grouped(cell)),
            Self::Comma => comma(cell),
        }
    }
}

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number in plain, decimal or exponent notation.
pub(super) fn plain(cell: &[u8]) -> Option<f64> {
    short(cell).or_else(|| long(cell))
}

/// At most 15 digits with or without a point: numerator and power of ten are exact, so that their quotient is rounded
/// once, as it should be (Clinger 1990).
fn short(cell: &[u8]) -> Option<f64> {
    let (negative, digits) = match cell.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, cell),
    };
    if digits.len() > 16 {
        return None;
    }
    let (mut number, mut count, mut point) = (0_u64, 0_usize, None);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                number = number * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' if point.is_none() => point = Some(count),
            _ => return None,
        }
    }
    if count == 0 || count > 15 {
        return None;
    }
    let value = number as f64 / POWERS[count - point.unwrap_or(count)];
    Some(if negative { -value } else { value })
}

/// Every other spelling, infinity among them.
fn long(cell: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(cell).ok()?;
    if is_infinite(text)
        || text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
    {
        return text.parse().ok();
    }
    None
}

fn is_infinite(text: &str) -> bool {
    let word = text.strip_prefix(['+', '-']).unwrap_or(text);
    word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity")
}

/// A number with commas between its thousands, `1,234` or `1,234,567.8`.
fn grouped(cell: &[u8]) -> Option<f64> {
    let (whole, fraction) = part(cell, b'.');
    let ungrouped = without_groups(whole, b',')?;
    plain(
        &[&ungrouped[..], fraction.map_or(&b""[..], |_| b"."), fraction.unwrap_or_default()]
            .concat(),
    )
}

/// A number with a decimal comma, or without one: `12,5`, `1.234,5`, `1.234`, `7`.
fn comma(cell: &[u8]) -> Option<f64> {
    let (whole, fraction) = part(cell, b',');
    let whole = match whole.contains(&b'.') {
        true => without_groups(whole, b'.')?,
        false => whole.to_vec(),
    };
    match fraction {
        Some(fraction) => plain(&[&whole[..], b".", fraction].concat()),
        None => plain(&whole),
    }
}

/// What stands before and after the first `mark`.
fn part(cell: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match cell.iter().position(|&byte| byte == mark) {
        Some(at) => (&cell[..at], Some(&cell[at + 1..])),
        None => (cell, None),
    }
}

/// Digits without the marks between their thousands; `None` unless every mark stands where it should.
fn without_groups(whole: &[u8], mark: u8) -> Option<Vec<u8>> {
    let digits = whole.strip_prefix(b"-").or(whole.strip_prefix(b"+")).unwrap_or(whole);
    let mut groups = digits.split(|&byte| byte == mark);
    let first = groups.next()?;
    let number = |group: &[u8]| group.iter().all(u8::is_ascii_digit);
    let begins = (1..=3).contains(&first.len()) && first[0] != b'0' && number(first);
    let mut more = 0;
    let rest = groups.all(|group| {
        more += 1;
        group.len() == 3 && number(group)
    });
    (begins && rest && more > 0)
        .then(|| whole.iter().copied().filter(|&byte| byte != mark).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(notation: Notation, cells: &[&str]) -> Vec<Option<f64>> {
        cells.iter().map(|cell| notation.parse(cell.as_bytes())).collect()
    }

    #[test]
    fn plain_numbers() {
        let cells = ["1", "-2.5", "+1", "1e-3", ".5", "5.", "1E5", "0.1", "123456789012345678"];
        let numbers = [1.0, -2.5, 1.0, 1e-3, 0.5, 5.0, 1e5, 0.1, 123_456_789_012_345_678.0];
        assert_eq!(read(Notation::Plain, &cells), numbers.map(Some));
        let words =
            ["", "-", ".", "e", "1e", "nan", "0x1", "1_0", "1,5", "12 5", "-.", "1.2.3", "١"];
        assert!(read(Notation::Plain, &words).iter().all(Option::is_none));
        let infinite = ["inf", "-Infinity", "1e999"];
        assert!(read(Notation::Plain, &infinite).iter().all(|n| n.unwrap().is_infinite()));
    }

    #[test]
    fn thousands_and_decimal_commas() {
        let cells = ["1,234", "-1,234,567.5", "7", "0.25"];
        assert_eq!(read(Notation::Grouped, &cells), [1234.0, -1_234_567.5, 7.0, 0.25].map(Some));
        let words =
            ["0,123", "1234,567", "1,23", "1,2345", ",123", "1,234,", "1,234e", "12,34,567"];
        assert!(read(Notation::Grouped, &words).iter().all(Option::is_none));
        let cells = ["12,5", "-0,123", "1.234,5", "1.234", "1234,5", "7", "1,5e-3", ",5"];
        let numbers = [12.5, -0.123, 1234.5, 1234.0, 1234.5, 7.0, 1.5e-3, 0.5];
        assert_eq!(read(Notation::Comma, &cells), numbers.map(Some));
        let words = ["1.5", "0.123", "1,2,3", "1.23,4", "1,2.3", "a", ""];
        assert!(read(Notation::Comma, &words).iter().all(Option::is_none));
    }

    proptest! {
        #[test]
        fn every_number_reads_as_the_standard_library_reads_it(
            text in "[-+]?[0-9]{0,17}\\.?[0-9]{0,17}(e[-+]?[0-9]{1,2})?"
        ) {
            prop_assert_eq!(plain(text.as_bytes()), text.parse().ok());
        }
    }
}
