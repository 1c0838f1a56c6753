//! The columns of a table while it is read: what its cells can be, then their values.

use super::header::is_missing_cell;
use super::numeral::{Fits, Notation, plain};
use crate::data::formats::word_column::WordColumn;
use crate::data::table::{Cells, is_code, is_missing};

/// A column after a first look at every cell.
pub(super) struct Scan {
    /// Notations in which every cell so far can be read.
    pub(super) fits: Fits,
    /// Whether any cell has a value.
    some: bool,
    /// Whether a point stands in any cell that is plain.
    points: bool,
    /// The values in plain notation, as long as that fits.
    pub(super) numbers: Vec<f64>,
    /// The line of the first infinite number.
    pub(super) infinite: Option<usize>,
    /// Whether any cell is a number as codes are written: `01` may be another one than `1`, and must come back as it was.
    codes: bool,
}

impl Scan {
    pub(super) fn new() -> Self {
        Self {
            fits: Fits::ALL,
            some: false,
            points: false,
            numbers: Vec::new(),
            infinite: None,
            codes: false,
        }
    }

    /// Whether it holds numbers, not only missing cells.
    pub(super) fn is_number(&self) -> bool {
        self.some && self.fits.any()
    }

    pub(super) fn look(&mut self, cell: &[u8], line: usize) {
        if self.fits.plain {
            if let Some(number) = plain(cell) {
                self.some = true;
                self.codes |= is_code(cell);
                self.numbers.push(number);
                if number.is_infinite() {
                    self.infinite.get_or_insert(line);
                }
                // A point can stand between thousands; everything else that is plain reads the same with a comma.
                if self.fits.comma && cell.contains(&b'.') {
                    self.points = true;
                    self.fits.comma = Notation::Comma.parse(cell).is_some();
                }
                return;
            }
            if is_missing_cell(cell) {
                self.numbers.push(f64::NAN);
                return;
            }
            self.numbers = Vec::new();
        }
        if self.fits.any() && !is_missing_cell(cell) {
            self.some = true;
            self.fits = self.fits.and(Fits::of(cell));
        }
    }
}

/// In which notation each column is read; `None` for words, and for numbers that are written as codes.
///
/// `1,234` and `1.234` can be read in two ways. A column beside that can be read in only one decides it for the whole
/// file; where none does, a comma is a decimal comma, except `between_commas`: programs whose commas are decimal seldom
/// separate cells by them, and have to put such numbers in quotation marks.
pub(super) fn notations(scans: &[Scan], between_commas: bool) -> Vec<Option<Notation>> {
    let valued = || scans.iter().filter(|scan| scan.some).map(|scan| scan.fits);
    let points = valued().any(|fits| (fits.plain || fits.grouped) && !fits.comma);
    let commas = valued().any(|fits| fits.comma && !fits.plain && !fits.grouped);
    let commas =
        commas || (!between_commas && !points && valued().any(|fits| fits.comma && !fits.plain));
    let of = |scan: &Scan| {
        let fits = scan.fits;
        let by_comma = (fits.comma && commas).then_some(Notation::Comma);
        let by_point = fits.plain.then_some(Notation::Plain);
        let by_point = by_point.or_else(|| fits.grouped.then_some(Notation::Grouped));
        match scan.some {
            false => Some(Notation::Plain),
            true if scan.codes => None,
            // Decimal points elsewhere in the file: a point is one here, too. Without a point it is all the same.
            true if fits.plain && (points || !scan.points) => by_point,
            true => by_comma.or(by_point),
        }
    };
    scans.iter().map(of).collect()
}

/// A column at the second reading.
pub(super) enum Column {
    /// Already read, in plain notation.
    Done(Vec<f64>),
    /// Numbers in another notation, and the line of the first infinite one.
    Numbers(Notation, Vec<f64>, Option<usize>),
    /// Words.
    Words(WordColumn),
}

impl Column {
    pub(super) fn new(scan: Scan, notation: Option<Notation>) -> Self {
        match notation {
            Some(Notation::Plain) => Self::Done(scan.numbers),
            Some(notation) => Self::Numbers(notation, Vec::new(), None),
            None => Self::Words(WordColumn::default()),
        }
    }

    pub(super) fn push(&mut self, cell: &[u8], line: usize) {
        match self {
            Self::Done(_) => {}
            Self::Numbers(notation, numbers, infinite) => {
                let number = notation.parse(cell).unwrap_or(f64::NAN);
                if number.is_infinite() {
                    infinite.get_or_insert(line);
                }
                numbers.push(number);
            }
            Self::Words(words) => {
                // The text is valid, so its cells are. Blanks that ASCII does not know go here.
                let word = String::from_utf8_lossy(cell);
                let word = word.trim();
                words.push((!is_missing(word)).then_some(word));
            }
        }
    }

    pub(super) fn into_cells(self) -> Cells {
        match self {
            Self::Done(numbers) | Self::Numbers(_, numbers, _) => Cells::Numbers(numbers),
            Self::Words(words) => words.into_cells(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(cells: &[&str]) -> Scan {
        let mut scan = Scan::new();
        cells.iter().for_each(|cell| scan.look(cell.as_bytes(), 1));
        scan
    }

    fn notation(columns: &[&[&str]]) -> Vec<Option<Notation>> {
        notations(&columns.iter().map(|cells| scan(cells)).collect::<Vec<_>>(), false)
    }

    #[test]
    fn codes_are_words() {
        assert_eq!(notation(&[&["01", "1"], &["0", "10"], &["0.5"]])[0], None);
        assert_eq!(notation(&[&["0", "10", "0.5"]]), [Some(Notation::Plain)]);
    }

    #[test]
    fn the_notation_is_decided_for_the_whole_file() {
        use Notation::{Comma, Grouped, Plain};
        assert_eq!(notation(&[&["1", "0.5"], &["a", "1"]]), [Some(Plain), None]);
        assert_eq!(notation(&[&["12,5", "NA"], &["1.234"]]), [Some(Comma), Some(Comma)]);
        assert_eq!(
            notation(&[&["12,5"], &["1.234"], &["0.5"]]),
            [Some(Comma), Some(Plain), Some(Plain)]
        );
        assert_eq!(notation(&[&["1,234", "7"], &["0.5"]]), [Some(Grouped), Some(Plain)]);
        assert_eq!(notation(&[&["1,234", "7"], &["1"]]), [Some(Comma), Some(Plain)]);
        assert_eq!(notation(&[&["1,234"], &["0,5"]]), [Some(Comma), Some(Comma)]);
        assert_eq!(notation(&[&["1.234"], &["2"]]), [Some(Plain), Some(Plain)]);
        assert_eq!(notation(&[&["", "?"], &["1,2,3"]]), [Some(Plain), None]);
    }

    #[test]
    fn between_commas_a_decimal_comma_needs_proof() {
        use Notation::{Comma, Grouped, Plain};
        let notation = |columns: &[&[&str]]| {
            notations(&columns.iter().map(|cells| scan(cells)).collect::<Vec<_>>(), true)
        };
        assert_eq!(notation(&[&["1,234", "7"], &["12,345"]]), [Some(Grouped), Some(Grouped)]);
        assert_eq!(notation(&[&["1,234", "7"], &["12,34"]]), [Some(Comma), Some(Comma)]);
        assert_eq!(notation(&[&["0,125"], &["5"]]), [Some(Comma), Some(Plain)]);
        assert_eq!(notation(&[&["1,234"], &["1.234"]]), [Some(Grouped), Some(Plain)]);
        assert_eq!(notation(&[&["5,1"], &["0.5"]]), [Some(Comma), Some(Plain)]);
    }
}
