//! Columns of a table as features: what kind each one is, the numbers that a model sees of it, and back.

use serde::{Deserialize, Serialize};

use super::origin::Origin;
use super::table::{Cells, Column, MISSING, Table, shortened};
use crate::error::{Error, Result};

/// More distinct words than this are texts or identifiers, not categories.
const MOST_WORDS: usize = 100;

/// A column of words whose cells are numbers but for this share has numbers in it; the others say that one is missing.
const OTHER_WORDS: f64 = 0.1;

/// A column that a model sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// What its cells are.
    #[serde(flatten)]
    pub kind: Kind,
    /// Where numbers are counted from, if single precision does not keep them as they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl Feature {
    /// A column of numbers as they stand, or of words.
    #[must_use]
    pub fn plain(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, origin: None }
    }

    /// A column, with the origin that its cells need.
    #[must_use]
    pub fn of(column: &Column, kind: Kind) -> Self {
        let numbers = (!kind.is_binary()).then(|| numbers(&column.cells)).flatten();
        let origin = numbers.and_then(|numbers| Origin::of(&numbers));
        Self { name: column.name.clone(), kind, origin }
    }

    /// The cell that such numbers stand for, as [`Kind::cell`].
    #[must_use]
    pub fn cell(&self, values: &[f32]) -> String {
        let Some(origin) = self.origin else { return self.kind.cell(values) };
        match self.kind {
            Kind::WholeNumber => format!("{:.0}", origin.of_seen(values[0]).round() + 0.0),
            _ => {
                let seen = six_digits(f64::from(values[0])).parse().unwrap_or(f64::from(values[0]));
                format!("{}", origin.from + origin.unit * seen)
            }
        }
    }
}

/// What the cells of a column are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Kind {
    /// Numbers.
    Measurement,
    /// Numbers without a fraction.
    WholeNumber,
    /// Two values; the number that a model sees is 1 for `yes`.
    YesNo {
        /// The one that comes first.
        no: String,
        /// The other one.
        yes: String,
    },
    /// Words: one number for each, 1 for the one that the cell holds.
    Words {
        /// All that there are, sorted.
        words: Vec<String>,
    },
    /// Whole numbers from 0, grey levels of a picture that lies in a row.
    Pixel,
}

impl Kind {
    /// What the cells are.
    ///
    /// # Errors
    /// Why the column is of no use: it is empty, always the same, or holds texts.
    pub fn of(cells: &Cells) -> std::result::Result<Self, String> {
        match cells {
            Cells::Numbers(numbers) => Self::of_numbers(numbers),
            Cells::Words { words, codes } => {
                if let Some(numbers) = mostly_numbers(codes, words) {
                    return Self::of_numbers(&numbers);
                }
                let rows = codes.iter().filter(|&&code| code != MISSING).count();
                match words.len() {
                    0 => Err("empty".into()),
                    1 => Err(format!("always {:?}", words[0])),
                    2 => {
                        let [no, yes] = [&words[0], &words[1]].map(Clone::clone);
                        let (no, yes) = if no < yes { (no, yes) } else { (yes, no) };
                        Ok(Self::YesNo { no, yes })
                    }
                    count if count > MOST_WORDS || 2 * count > rows => {
                        Err(format!("{count} different texts in {rows} rows"))
                    }
                    _ => {
                        let mut words = words.clone();
                        words.sort();
                        Ok(Self::Words { words })
                    }
                }
            }
        }
    }

    /// What numbers are; NaN is a missing one.
    ///
    /// # Errors
    /// As [`Kind::of`].
    pub fn of_numbers(numbers: &[f64]) -> std::result::Result<Self, String> {
        let mut present = numbers.iter().copied().filter(|number| !number.is_nan());
        let Some(first) = present.next() else { return Err("empty".into()) };
        if present.all(|number| number == first) {
            return Err(format!("always {first}"));
        }
        let all = |is: fn(f64) -> bool| numbers.iter().all(|&number| number.is_nan() || is(number));
        Ok(if all(|number| number == 0.0 || number == 1.0) {
            Self::YesNo { no: "0".into(), yes: "1".into() }
        } else if all(|number| number.fract() == 0.0) {
            Self::WholeNumber
        } else {
            Self::Measurement
        })
    }

    /// Numbers that a model sees of a cell.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Words { words } => words.len(),
            Self::Measurement | Self::WholeNumber | Self::YesNo { .. } | Self::Pixel => 1,
        }
    }

    /// Whether each of these numbers is 0 or 1.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        matches!(self, Self::YesNo { .. } | Self::Words { .. })
    }

    /// The cell that such numbers stand for, `[width]`, in the units of the table: the likelier word, a number rounded
    /// where the column has whole ones.
    #[must_use]
    pub fn cell(&self, values: &[f32]) -> String {
        match self {
            Self::Measurement => six_digits(f64::from(values[0])),
            Self::WholeNumber => format!("{:.0}", values[0].round() + 0.0),
            // A pixel is at least 0; the mean of a likelihood may lie a little below.
            Self::Pixel => format!("{:.0}", values[0].max(0.0).round()),
            Self::YesNo { no, yes } => if values[0] >= 0.5 { yes } else { no }.clone(),
            Self::Words { words } => {
                let best = (0..words.len())
                    .max_by(|&a, &b| values[a].total_cmp(&values[b]).then(b.cmp(&a)));
                best.map_or_else(String::new, |best| words[best].clone())
            }
        }
    }
}

/// A number as short as six digits say it.
pub(super) fn six_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".into();
    }
    let digits = 5 - (value.abs().log10().floor() as i32);
    let factor = 10f64.powi(digits);
    let rounded = (value * factor).round() / factor;
    format!("{rounded}")
}

/// The numbers of a column, NaN where there is none; `None` if most cells are something else.
pub(super) fn numbers(cells: &Cells) -> Option<Vec<f64>> {
    match cells {
        Cells::Numbers(numbers) => Some(numbers.clone()),
        Cells::Words { codes, words } => mostly_numbers(codes, words),
    }
}

/// The numbers of a column of words that are numbers with few exceptions; NaN for these.
fn mostly_numbers(codes: &[u32], words: &[String]) -> Option<Vec<f64>> {
    let of_words: Vec<f64> = words.iter().map(|word| number(word)).collect();
    let number = |&code: &u32| of_words.get(code as usize).copied().unwrap_or(f64::NAN);
    let numbers: Vec<f64> = codes.iter().map(number).collect();
    let given = codes.iter().filter(|&&code| code != MISSING).count();
    let others = given - numbers.iter().filter(|number| !number.is_nan()).count();
    (given > 0 && (others as f64) <= OTHER_WORDS * given as f64).then_some(numbers)
}

fn number(word: &str) -> f64 {
    word.trim().parse().ok().filter(|number: &f64| number.is_finite()).unwrap_or(f64::NAN)
}

/// What was noticed where cells of a table are not what their feature expects.
fn odd_cells(feature: &Feature, column: &Column) -> Option<String> {
    let Cells::Words { codes, words } = &column.cells else { return None };
    let known = |word: &String| match &feature.kind {
        Kind::Measurement | Kind::WholeNumber | Kind::Pixel => !number(word).is_nan(),
        Kind::YesNo { no, yes } => word.eq_ignore_ascii_case(no) || word.eq_ignore_ascii_case(yes),
        Kind::Words { words } => words.binary_search(word).is_ok(),
    };
    let first = words.iter().find(|word| !known(word))?;
    let odd: Vec<bool> = words.iter().map(|word| !known(word)).collect();
    let count = codes.iter().filter(|&&code| odd.get(code as usize) == Some(&true)).count();
    let expected = match feature.kind {
        Kind::Measurement | Kind::WholeNumber | Kind::Pixel => "not a number",
        Kind::YesNo { .. } | Kind::Words { .. } => "a word that training did not have",
    };
    let start: String = first.chars().take(30).collect();
    let cells = if count == 1 { "one such cell counts" } else { "such cells count" };
    let count = if count == 1 { String::new() } else { format!("{count} ") };
    Some(format!("{}: {start:?} is {expected}; {count}{cells} as missing", column.name))
}

/// The features of a table, found by name: `[rows, width]` row-major, NaN where a cell is missing, and what was noticed, a
/// sentence each.
///
/// # Errors
/// A feature has no column, or a column of numbers holds something else.
pub fn encode(
    features: &[Feature],
    table: &Table,
    source_name: &str,
) -> Result<(Vec<f32>, Vec<String>)> {
    let width: usize = features.iter().map(|feature| feature.kind.width()).sum();
    let absent: Vec<&str> = features
        .iter()
        .map(|feature| feature.name.as_str())
        .filter(|name| table.find(name).is_none())
        .collect();
    if !absent.is_empty() {
        let problem = format!("there is no column {}", shortened(absent.into_iter()));
        return Err(Error::data(
            source_name,
            problem,
            format!("the columns are {}", table.names()),
        ));
    }
    let mut out = vec![f32::NAN; table.rows * width];
    let (mut notes, mut at) = (Vec::new(), 0);
    for feature in features {
        let Some(column) = table.find(&feature.name).map(|place| &table.columns[place]) else {
            continue;
        };
        notes.extend(odd_cells(feature, column));
        let into = out.get_mut(at..).unwrap_or_default().chunks_mut(width);
        put(feature, &column.cells, into, source_name)?;
        at += feature.kind.width();
    }
    Ok((out, notes))
}

/// Writes the numbers of one column to the start of each row.
fn put<'a>(
    Feature { name, kind, origin }: &Feature,
    cells: &Cells,
    rows: impl Iterator<Item = &'a mut [f32]>,
    source_name: &str,
) -> Result<()> {
    match kind {
        Kind::Measurement | Kind::WholeNumber | Kind::Pixel => {
            let Some(numbers) = numbers(cells) else {
                let problem = format!("{name}: most cells are not numbers");
                return Err(Error::data(
                    source_name,
                    problem,
                    "give numbers there, as in training",
                ));
            };
            for (row, (out, number)) in rows.zip(numbers).enumerate() {
                let seen = origin.map_or(number, |origin| origin.seen(number));
                if seen.is_infinite() || seen.abs() > f64::from(f32::MAX) {
                    let problem = format!("row {}, {name}: {number:e} is too large", row + 1);
                    return Err(Error::data(
                        source_name,
                        problem,
                        "remove it or leave the cell empty",
                    ));
                }
                out[0] = seen as f32;
            }
        }
        Kind::YesNo { no, yes } => {
            let value = |word: &str| match word {
                word if word == yes => 1.0,
                word if word == no => 0.0,
                // True in a table of text is true in JSON.
                word if word.eq_ignore_ascii_case(yes) => 1.0,
                word if word.eq_ignore_ascii_case(no) => 0.0,
                _ => f32::NAN,
            };
            with_words(cells, rows, |word, out| out[0] = value(word));
        }
        Kind::Words { words } => with_words(cells, rows, |word, out| {
            if let Ok(place) = words.binary_search_by(|known| known.as_str().cmp(word)) {
                out[..words.len()].fill(0.0);
                out[place] = 1.0;
            }
        }),
    }
    Ok(())
}

/// Calls `put` for each row whose cell is not missing.
fn with_words<'a>(
    cells: &Cells,
    rows: impl Iterator<Item = &'a mut [f32]>,
    put: impl Fn(&str, &mut [f32]),
) {
    match cells {
        Cells::Words { codes, words } => {
            for (&code, out) in codes.iter().zip(rows) {
                if let Some(word) = words.get(code as usize) {
                    put(word, out);
                }
            }
        }
        Cells::Numbers(_) => {
            for (row, out) in rows.enumerate() {
                if let Some(word) = cells.text(row) {
                    put(&word, out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Cells {
        Cells::of_words(words.iter().map(|&word| Some(word).filter(|word| !word.is_empty())))
    }

    fn column(name: &str, cells: Cells) -> Column {
        Column { name: name.into(), cells }
    }

    fn table(columns: Vec<Column>) -> Table {
        Table { rows: columns[0].cells.len(), columns, named: true, format: "CSV".into() }
    }

    fn penguins() -> Table {
        table(vec![
            column("mass", Cells::Numbers(vec![3750.0, f64::NAN, 3800.5, 4000.0])),
            column("year", Cells::Numbers(vec![2007.0, 2008.0, 2007.0, 2009.0])),
            column("sex", words(&["male", "female", "", "male"])),
            column("island", words(&["c", "a", "b", "b"])),
        ])
    }

    fn features() -> Vec<Feature> {
        let island = Kind::Words { words: ["a", "b", "c"].map(String::from).to_vec() };
        let sex = Kind::YesNo { no: "female".into(), yes: "male".into() };
        let of = |name: &str, kind: Kind| Feature::plain(name, kind);
        vec![
            of("mass", Kind::Measurement),
            of("year", Kind::WholeNumber),
            of("sex", sex),
            of("island", island),
        ]
    }

    #[test]
    fn kinds_are_told_by_looking() {
        let found: Vec<Kind> =
            penguins().columns[..3].iter().map(|c| Kind::of(&c.cells).unwrap()).collect();
        let wanted: Vec<Kind> =
            features().into_iter().take(3).map(|feature| feature.kind).collect();
        assert_eq!(found, wanted);
        let many = words(&["x", "y", "z", "x", "y", "z", "x"]);
        assert_eq!(
            Kind::of(&many).unwrap(),
            Kind::Words { words: ["x", "y", "z"].map(String::from).to_vec() }
        );
        let bits = Cells::Numbers(vec![0.0, 1.0, f64::NAN]);
        assert_eq!(Kind::of(&bits).unwrap(), Kind::YesNo { no: "0".into(), yes: "1".into() });
        // Numbers with a word for "missing" now and then.
        let numbers: Vec<String> =
            (0..19).map(|n| format!("{n}.5")).chain(["unknown".into()]).collect();
        let cells = words(&numbers.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(Kind::of(&cells).unwrap(), Kind::Measurement);
        let why = |cells: Cells| Kind::of(&cells).unwrap_err();
        assert_eq!(why(Cells::Numbers(vec![f64::NAN])), "empty");
        assert_eq!(why(Cells::Numbers(vec![2.0, f64::NAN, 2.0])), "always 2");
        assert_eq!(why(words(&["a", "", "a"])), "always \"a\"");
        assert!(why(words(&["a", "b", "c"])).contains("3 different texts in 3 rows"));
    }

    #[test]
    fn what_is_encoded_comes_back_in_the_units_of_the_table() {
        let (values, notes) = encode(&features(), &penguins(), "f").unwrap();
        assert!(notes.is_empty());
        assert_eq!(values[..6], [3750.0, 2007.0, 1.0, 0.0, 0.0, 1.0]);
        assert!(values[6].is_nan() && values[2 * 6 + 2].is_nan());
        let back: Vec<String> = [0..1, 1..2, 2..3, 3..6]
            .into_iter()
            .zip(features())
            .map(|(range, feature)| feature.kind.cell(&values[range]))
            .collect();
        assert_eq!(back, ["3750", "2007", "male", "c"]);
        assert_eq!(Kind::Measurement.cell(&[5.100_000_4]), "5.1");
        assert_eq!(Kind::Measurement.cell(&[-1234.5678]), "-1234.57");
        assert_eq!(Kind::WholeNumber.cell(&[-0.2]), "0");
    }

    #[test]
    fn seconds_since_1970_are_told_apart() {
        let seconds: Vec<f64> = (0..9).map(|row| 1.7e9 + f64::from(row) * 0.3).collect();
        let t = column("t", Cells::Numbers(seconds));
        let n = column("n", Cells::Numbers((0..9).map(|row| 4e9 + f64::from(row)).collect()));
        let features = [&t, &n].map(|c| Feature::of(c, Kind::of(&c.cells).unwrap()));
        let (values, _) = encode(&features, &table(vec![t, n]), "f").unwrap();
        for row in 0..9 {
            assert!((f64::from(values[2 * row]) - 0.3 * row as f64).abs() < 1e-6);
            assert_eq!(
                features[1].cell(&values[2 * row + 1..]),
                format!("{}", 4_000_000_000 + row)
            );
        }
        assert_eq!(features[0].cell(&[1.2]), "1700000001.2");
        let written = serde_json::to_string(&features[0]).unwrap();
        assert_eq!(serde_json::from_str::<Feature>(&written).unwrap(), features[0]);
        let old = r#"{"name": "mass", "kind": "measurement"}"#;
        let old: Feature = serde_json::from_str(old).unwrap();
        assert_eq!(old, Feature::plain("mass", Kind::Measurement));
    }

    #[test]
    fn two_words_that_differ_in_capitals_stay_apart() {
        let allele = words(&["A", "a", "a"]);
        let kind = Kind::of(&allele).unwrap();
        let feature = Feature::plain("allele", kind);
        let (values, _) = encode(&[feature], &table(vec![column("allele", allele)]), "f").unwrap();
        assert_eq!(values, [0.0, 1.0, 1.0]);
    }

    #[test]
    fn columns_are_found_by_name_and_what_is_absent_is_named() {
        let mut other = penguins();
        other.columns.reverse();
        let (values, _) = encode(&features(), &other, "f").unwrap();
        let (wanted, _) = encode(&features(), &penguins(), "f").unwrap();
        assert!(values.iter().zip(&wanted).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())));
        other.columns.truncate(2);
        let error = encode(&features(), &other, "new.csv").unwrap_err().to_string();
        assert!(error.contains("new.csv: there is no column \"mass\", \"year\""), "{error}");
    }

    #[test]
    fn words_that_training_did_not_have_are_said_and_count_as_missing() {
        let mut other = penguins();
        other.columns[2] = column("sex", words(&["male", "unknown", "unknown", "female"]));
        let (values, notes) = encode(&features(), &other, "f").unwrap();
        assert_eq!(notes.len(), 1);
        assert!(
            notes[0]
                .contains("sex: \"unknown\" is a word that training did not have; 2 such cells")
        );
        assert!(values[6 + 2].is_nan() && values[3 * 6 + 2] == 0.0);
        other.columns[0] = column("mass", words(&["a", "b", "c", "d"]));
        assert!(
            encode(&features(), &other, "f").unwrap_err().to_string().contains("mass: most cells")
        );
    }
}
