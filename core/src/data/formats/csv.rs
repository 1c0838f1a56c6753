//! Tables of numbers with one label column, as CSV (gzip or not).

use std::collections::HashMap;

use ::csv::{ByteRecord, ReaderBuilder};

use super::bytes::content;
use crate::data::{Examples, Values};
use crate::error::{Error, Result};

/// Column names that mark the label column; without one of them the last column is the label.
const LABEL_NAMES: [&str; 4] = ["label", "class", "target", "y"];

/// More distinct labels than this are a measurement, not classes.
const MAX_CLASSES: usize = 1000;

/// A table: features as numbers, the label column as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Names of the feature columns (`column 1`, ... without a header), `[features]`.
    pub features: Vec<String>,
    /// Features, `[rows, features]` row-major, all finite.
    pub values: Vec<f32>,
    /// Distinct texts of the label column in order of appearance.
    pub label_texts: Vec<String>,
    /// Index into `label_texts` per row, `[rows]`.
    pub label_codes: Vec<usize>,
}

/// Reads a table. The first row is a header when none of its cells is a number. The label column
/// is `label`, else the one called label, class, target or y, else the last one.
///
/// # Errors
/// No row, fewer than two columns, rows of different lengths, text, missing, NaN or infinite
/// features, or no column of the wanted name.
pub fn parse_table(bytes: &[u8], label: Option<&str>, source_name: &str) -> Result<Table> {
    let bytes = content(bytes, source_name)?;
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(&*bytes);
    let mut record = ByteRecord::new();
    let mut next = |record: &mut ByteRecord| {
        reader.read_byte_record(record).map_err(|error| {
            let problem = format!("not a table ({error})");
            Error::data(
                source_name,
                problem,
                "every row needs the same number of comma-separated cells",
            )
        })
    };
    let mut more = next(&mut record)?;
    let first: Vec<String> = (0..record.len()).map(|column| text(&record, column)).collect();
    if !more || first.len() < 2 {
        return Err(Error::data(
            source_name,
            format!("a table of {} column(s)", first.len()),
            "expected comma-separated columns of numbers, one of them the label",
        ));
    }
    let has_header = first.iter().all(|cell| cell.parse::<f64>().is_err());
    let label = label_column(&first, has_header, label, source_name)?;
    if has_header {
        more = next(&mut record)?;
    }
    let mut builder = Builder::new(&first, has_header, label, source_name);
    while more {
        builder.push(&record)?;
        more = next(&mut record)?;
    }
    builder.finish()
}

/// Where a column stands in the first row: the one of that name, else the one that is called like a label, else the last.
pub(super) fn label_column(
    first: &[String],
    has_header: bool,
    wanted: Option<&str>,
    source_name: &str,
) -> Result<usize> {
    let find =
        |name: &str| first.iter().position(|cell| has_header && cell.eq_ignore_ascii_case(name));
    match wanted {
        None => Ok(LABEL_NAMES.iter().find_map(|name| find(name)).unwrap_or(first.len() - 1)),
        Some(name) => find(name).ok_or_else(|| {
            let problem = format!("there is no column {name:?}");
            Error::data(source_name, problem, format!("the first row is {first:?}"))
        }),
    }
}

fn text(record: &ByteRecord, column: usize) -> String {
    String::from_utf8_lossy(record.get(column).unwrap_or_default()).trim().to_owned()
}

/// Collects rows; holds no text but the distinct labels.
struct Builder<'a> {
    table: Table,
    codes: HashMap<String, usize>,
    label: usize,
    source_name: &'a str,
}

impl<'a> Builder<'a> {
    fn new(first: &[String], has_header: bool, label: usize, source_name: &'a str) -> Self {
        let name = |(column, cell): (usize, &String)| {
            if has_header { cell.clone() } else { format!("column {}", column + 1) }
        };
        let mut features: Vec<String> = first.iter().enumerate().map(name).collect();
        features.remove(label);
        let table = Table {
            features,
            values: Vec::new(),
            label_texts: Vec::new(),
            label_codes: Vec::new(),
        };
        Self { table, codes: HashMap::new(), label, source_name }
    }

    fn push(&mut self, record: &ByteRecord) -> Result<()> {
        for (column, cell) in record.iter().enumerate() {
            if column == self.label {
                let text = text(record, column);
                let code = *self.codes.entry(text).or_insert_with_key(|text| {
                    self.table.label_texts.push(text.clone());
                    self.table.label_texts.len() - 1
                });
                self.table.label_codes.push(code);
                continue;
            }
            let number = std::str::from_utf8(cell).ok().and_then(|cell| cell.trim().parse().ok());
            match number.filter(|number: &f32| number.is_finite()) {
                Some(number) => self.table.values.push(number),
                None => return Err(self.refuse(record, column)),
            }
        }
        Ok(())
    }

    fn refuse(&self, record: &ByteRecord, column: usize) -> Error {
        let line = record.position().map_or(0, ::csv::Position::line);
        let feature = if column > self.label { column - 1 } else { column };
        let name = &self.table.features[feature];
        let cell = text(record, column);
        let at = format!("line {line}, {name:?}");
        let missing = ["", "?", "na", "n/a", "null", "none"];
        let remedy = "remove or impute rows with missing or infinite values";
        if missing.contains(&cell.to_lowercase().as_str()) {
            return Error::data(
                self.source_name,
                format!("{at}: a missing value ({cell:?})"),
                remedy,
            );
        }
        if cell.parse::<f32>().is_ok() {
            return Error::data(
                self.source_name,
                format!("{at}: {cell} is not a finite number"),
                remedy,
            );
        }
        let start: String = cell.chars().take(30).collect();
        Error::data(
            self.source_name,
            format!("{at}: this is text ({start:?}), not a number"),
            "give numeric features and one label column, or name the columns of text with --set data.text=COLUMN",
        )
    }

    fn finish(self) -> Result<Table> {
        if self.table.label_codes.is_empty() {
            return Err(Error::data(
                self.source_name,
                "no row below the header",
                "give at least one row",
            ));
        }
        Ok(self.table)
    }
}

/// Reads a table as examples and class names. Whole-number labels keep their order, other labels
/// are sorted as text; an empty label or -1 means unlabelled.
///
/// # Errors
/// As [`parse_table`]; also labels that are measurements, or no label at all.
pub fn parse_csv(
    bytes: &[u8],
    label: Option<&str>,
    source_name: &str,
) -> Result<(Examples, Vec<String>)> {
    let table = parse_table(bytes, label, source_name)?;
    let (class_of_text, classes) = classes(&table.label_texts, source_name)?;
    let labels = table.label_codes.iter().map(|&code| class_of_text[code]).collect();
    let shape = vec![table.features.len()];
    let examples = Examples::new(Values::F32(table.values), shape, labels, source_name)?;
    Ok((examples, classes))
}

/// The class of every label text (-1 = unlabelled) and the class names.
pub(super) fn classes(texts: &[String], source_name: &str) -> Result<(Vec<i64>, Vec<String>)> {
    let remedy =
        "name the label column label, class, target or y, and turn measurements into classes";
    let given: Vec<&String> = texts.iter().filter(|text| !text.is_empty()).collect();
    let numbers: Vec<f64> = given.iter().filter_map(|text| text.parse().ok()).collect();
    let numeric = numbers.len() == given.len();
    if numeric && let Some(number) = numbers.iter().find(|number| number.fract() != 0.0) {
        return Err(Error::data(
            source_name,
            format!("the label column holds measurements ({number})"),
            remedy,
        ));
    }
    let key = |text: &String| match text.parse::<f64>() {
        Ok(number) if numeric => (number as i64, String::new()),
        _ => (0, text.clone()),
    };
    let unlabelled = |text: &String| text.is_empty() || (numeric && key(text).0 == -1);
    let mut keys: Vec<(i64, String)> =
        texts.iter().filter(|text| !unlabelled(text)).map(key).collect();
    keys.sort();
    keys.dedup();
    if keys.is_empty() || keys.len() > MAX_CLASSES {
        let problem = format!("the label column holds {} different classes", keys.len());
        return Err(Error::data(source_name, problem, remedy));
    }
    let class = |text: &String| match keys.binary_search(&key(text)) {
        Ok(class) if !unlabelled(text) => class as i64,
        _ => -1,
    };
    let classes = texts.iter().map(class).collect();
    let name = |(number, text): &(i64, String)| {
        if numeric { number.to_string() } else { text.clone() }
    };
    Ok((classes, keys.iter().map(name).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse_csv(text.as_bytes(), None, "t.csv").unwrap_err().to_string()
    }

    #[test]
    fn the_label_column_is_found() {
        let named = parse_csv(b"a,Class,b\r\n1,4,2\r\n3,2,4.5\r\n5,4,6\r\n", None, "t").unwrap();
        assert_eq!(named.0.labels, [1, 0, 1]);
        assert_eq!(named.1, ["2", "4"]);
        assert_eq!(named.0.gather(&[1]), [3.0, 4.5]);
        let last = parse_csv(b"1,2,0\n3,4,1\n", None, "t").unwrap();
        assert_eq!(last.0.labels, [0, 1]);
        assert_eq!(last.0.shape, [2]);
        let chosen = parse_csv(b"a,b\n1,7\n0,8\n", Some("a"), "t").unwrap();
        assert_eq!(chosen.0.gather(&[0, 1]), [7.0, 8.0]);
        let error = parse_csv(b"a,b\n1,7\n", Some("c"), "t").unwrap_err().to_string();
        assert!(error.contains("\"c\"") && error.contains("[\"a\", \"b\"]"), "{error}");
    }

    #[test]
    fn class_names_and_missing_labels() {
        let (set, classes) =
            parse_csv(b"1.5,setosa\n2.5,\n3.5,virginica\n4.5,setosa\n", None, "t").unwrap();
        assert_eq!(set.labels, [0, -1, 1, 0]);
        assert_eq!(classes, ["setosa", "virginica"]);
        let (set, classes) = parse_csv(b"1,10\n2,-1\n3,9.0\n", None, "t").unwrap();
        assert_eq!((set.labels, classes), (vec![1, -1, 0], vec!["9".to_owned(), "10".to_owned()]));
    }

    #[test]
    fn text_is_recognised() {
        let news = "\"3\",\"Fears for pension, after talks\",\"Unions say\"\n";
        let error = message(news);
        assert!(error.contains("line 1") && error.contains("this is text (\"Fears for"), "{error}");
        assert!(error.contains("data.text=COLUMN"));
    }

    #[test]
    fn broken_tables_are_refused() {
        assert!(message("").contains("empty"));
        assert!(message("a,b,label\n").contains("no row"));
        assert!(message("1\n2\n").contains("1 column"));
        assert!(message("1,2,0\n3,4\n").contains("not a table"));
        assert!(message("a,b,label\n1,,0\n").contains("line 2, \"b\": a missing value"));
        assert!(message("1,?,0\n").contains("missing value"));
        assert!(message("1,nan,0\n").contains("nan is not a finite number"));
        assert!(message("1,1e39,0\n").contains("not a finite number"));
        assert!(message("1,2,0.5\n").contains("measurements (0.5)"));
        assert!(message("1,2,-1\n").contains("0 different classes"));
        let many: String = (0..1001).map(|row| format!("1,{row}\n")).collect();
        assert!(message(&many).contains("1001 different classes"));
        assert!(message("\u{0}\u{1}\u{2}").contains("1 column"));
    }
}
