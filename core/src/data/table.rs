//! A table as it was read: named columns of numbers or of words, with cells missing here and there.

/// The code of a missing word.
pub const MISSING: u32 = u32::MAX;

/// What is written into a cell that has no value: what pandas and R write, and the question mark of the UCI repository.
const MISSING_WORDS: [&str; 16] = [
    "", "?", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "nan", "NaN", "-nan", "-NaN", "null",
    "NULL", "None", "NaT",
];

/// Whether a cell, trimmed, has no value.
#[must_use]
pub fn is_missing(cell: &str) -> bool {
    // Most cells are numbers, and most numbers are longer than any of these or begin with a digit.
    cell.len() <= 4 && MISSING_WORDS.contains(&cell)
}

/// Whether a cell is digits after a zero: `01`, as codes are written, and numbers are not.
#[must_use]
pub fn is_code(cell: &[u8]) -> bool {
    cell.len() > 1 && cell[0] == b'0' && cell.iter().all(u8::is_ascii_digit)
}

/// Rows under named columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Columns from left to right, all of the same length.
    pub columns: Vec<Column>,
    /// Number of rows.
    pub rows: usize,
    /// Whether the columns were named in the file; else they are called `column 1`, `column 2`, ...
    pub named: bool,
    /// How the file was read, for the reader of the profile: `CSV, columns separated by semicolons`.
    pub format: String,
}

/// A named column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its cells.
    pub cells: Cells,
}

/// The cells of a column, top to bottom.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Numbers; NaN where one is missing.
    Numbers(Vec<f64>),
    /// Words, or texts: an index into `words` for each row, [`MISSING`] where one is missing.
    Words {
        /// `[rows]`
        codes: Vec<u32>,
        /// Distinct words in order of appearance.
        words: Vec<String>,
    },
}

impl Cells {
    /// Words from texts, each given or missing.
    pub fn of_words<S: Into<String> + AsRef<str>>(
        cells: impl IntoIterator<Item = Option<S>>,
    ) -> Self {
        let mut places = std::collections::HashMap::new();
        let mut words: Vec<String> = Vec::new();
        let mut code = |word: S| match places.get(word.as_ref()) {
            Some(&code) => code,
            None => {
                let code = words.len() as u32;
                places.insert(word.as_ref().to_owned(), code);
                words.push(word.into());
                code
            }
        };
        let codes = cells.into_iter().map(|cell| cell.map_or(MISSING, &mut code)).collect();
        Self::Words { codes, words }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Words { codes, .. } => codes.len(),
        }
    }

    /// True without a row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of rows without a value.
    #[must_use]
    pub fn missing(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.iter().filter(|number| number.is_nan()).count(),
            Self::Words { codes, .. } => codes.iter().filter(|&&code| code == MISSING).count(),
        }
    }

    /// The word of a row; `None` where it is missing. Numbers are written as short as they can be.
    #[must_use]
    pub fn text(&self, row: usize) -> Option<String> {
        match self {
            Self::Numbers(numbers) => {
                let number = numbers[row];
                (!number.is_nan()).then(|| number.to_string())
            }
            Self::Words { codes, words } => words.get(codes[row] as usize).cloned(),
        }
    }

    /// These rows and below them those of `other`, which may be of the other kind.
    #[must_use]
    pub fn followed_by(&self, other: &Self) -> Self {
        if let (Self::Numbers(mine), Self::Numbers(more)) = (self, other) {
            return Self::Numbers([&mine[..], more].concat());
        }
        let texts = |cells: &Self| (0..cells.len()).map(|row| cells.text(row)).collect::<Vec<_>>();
        Self::of_words([texts(self), texts(other)].concat())
    }
}

impl Table {
    /// Where the column of that name is: exactly that one, else one that differs in capitals alone, else, of a table
    /// without names, its number counted from 1.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        let place = |same: &dyn Fn(&str) -> bool| self.columns.iter().position(|c| same(&c.name));
        let number = || {
            let number: usize = name.parse().ok()?;
            (!self.named && (1..=self.columns.len()).contains(&number)).then(|| number - 1)
        };
        place(&|column| column == name)
            .or_else(|| place(&|column| column.eq_ignore_ascii_case(name)))
            .or_else(number)
    }

    /// The names of the columns, for a message: not more of them than one can read.
    #[must_use]
    pub fn names(&self) -> String {
        shortened(self.columns.iter().map(|column| column.name.as_str()))
    }
}

/// Names for a message, separated by commas: the first ten, and how many more there are.
pub fn shortened<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 10;
    let count = names.len();
    let shown: Vec<String> = names.take(SHOWN).map(|name| format!("{name:?}")).collect();
    match count.saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_order_and_what_is_missing_stays_missing() {
        let cells = Cells::of_words([Some("b"), None, Some("a"), Some("b")]);
        let words = vec!["b".to_owned(), "a".to_owned()];
        assert_eq!(cells, Cells::Words { codes: vec![0, MISSING, 1, 0], words });
        assert_eq!((cells.len(), cells.missing()), (4, 1));
        assert_eq!((cells.text(1), cells.text(2)), (None, Some("a".into())));
        let both = Cells::Numbers(vec![1.0, f64::NAN]).followed_by(&cells);
        assert_eq!(both.text(0), Some("1".into()));
        assert_eq!((both.len(), both.missing()), (6, 2));
    }

    #[test]
    fn columns_are_found_by_name_or_number() {
        let column = |name: &str| Column { name: name.into(), cells: Cells::Numbers(vec![0.0]) };
        let columns = vec![column("y"), column("Y"), column("2")];
        let mut table = Table { columns, rows: 1, named: true, format: String::new() };
        assert_eq!(
            ["y", "Y", "2", "1"].map(|name| table.find(name)),
            [Some(0), Some(1), Some(2), None]
        );
        table.named = false;
        assert_eq!((table.find("1"), table.find("3"), table.find("4")), (Some(0), Some(2), None));
        let many: Vec<String> = (0..785).map(|place| place.to_string()).collect();
        let said = shortened(many.iter().map(String::as_str));
        assert!(said.ends_with("\"9\" and 775 more"), "{said}");
    }

    #[test]
    fn what_has_no_value_is_known_by_its_spelling() {
        assert!(["", "?", "NA", "NaN", "None", "<NA>", "#N/A"].iter().all(|cell| is_missing(cell)));
        assert!(["none", "na", "0", "-1", "Nan", "NaNaN"].iter().all(|cell| !is_missing(cell)));
    }
}
