//! A table as examples: which column is the label, which ones are left out, what the others are.

use super::suspicions::{
    MOST_CLASSES, about_column, about_labels, about_origin, about_place, leave_out, splits,
};
use super::{Nature, OwnData, OwnRows};
use crate::data::features::{Feature, Kind, encode, numbers};
use crate::data::labels::{self, Labels, MinusOne};
use crate::data::profile::{FeatureProfile, LabelProfile, LeftOut, Profile, Splits};
use crate::data::schema::{Input, Scaling, Schema};
use crate::data::table::{Cells, Column, Table, shortened};
use crate::data::{Examples, SparseRows, Texts, Values, Vocabulary};
use crate::error::{Error, Result};

/// Column names that mark the label column.
const LABEL_NAMES: [&str; 4] = ["label", "class", "target", "y"];

/// Fewer columns than this are no picture.
const FEWEST_PIXELS: usize = 16;

/// Columns that an error names.
const SHOWN: usize = 5;

/// Which columns are what, as far as the user says.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// The label column, if it is not called like one.
    pub label: Option<String>,
    /// Columns that are not to be used.
    pub leave_out: Vec<String>,
    /// Columns of text, whose words are counted; none of a table of numbers and categories.
    pub text: Vec<String>,
    /// What the label -1 means.
    pub minus_one: MinusOne,
    /// Names of the classes 0, 1, 2, ... of a column, where a file has them.
    pub class_names: Vec<(String, Vec<String>)>,
}

/// Reads a table as examples. Of texts, `vocabulary` gives the words to count for all texts.
///
/// # Errors
/// No column of a wanted name, no usable label or feature, or what `vocabulary` returns.
pub fn of_table(
    table: &Table,
    columns: &Columns,
    name: &str,
    source_name: &str,
    vocabulary: impl FnOnce(&Texts) -> Result<Vocabulary>,
) -> Result<OwnData> {
    if table.columns.len() < 2 {
        let problem = format!("a table of {} column", table.columns.len());
        return Err(Error::data(
            source_name,
            problem,
            "give columns of features and one with labels, separated by commas",
        ));
    }
    let (label, rule) = label_column(table, columns, source_name)?;
    let labels = read_labels(table, label, columns, source_name)?;
    let place = table.columns[label].name.clone();
    let rows = rows(table, label);
    let by_place =
        columns.label.is_none() && !LABEL_NAMES.iter().any(|name| table.find(name) == Some(label));
    let others: Vec<&Column> = (0..table.columns.len())
        .filter(|&other| other != label)
        .map(|other| &table.columns[other])
        .collect();
    let doubts = by_place.then(|| about_place(&others, &labels)).flatten();
    let mut profile = Profile {
        source: source_name.to_owned(),
        format: table.format.clone(),
        rows: table.rows,
        splits: Splits {
            validation: rows.validation.len(),
            test: rows.test.as_ref().map_or(0, Vec::len),
        },
        label: LabelProfile::of(&labels, &rows.train, place.clone(), rule),
        notes: [labels.notes.clone(), doubts.into_iter().collect(), about_labels(&labels)].concat(),
        ..Profile::default()
    };
    let (values, input, nature, scaling) = match columns.text.is_empty() {
        true => of_cells(table, (label, &labels), columns, &mut profile, source_name)?,
        false => {
            let texts = texts(table, label, &labels, columns, source_name)?;
            of_texts(&texts, &columns.text, &vocabulary(&texts)?, &mut profile)
        }
    };
    let schema = Schema { classes: labels.classes, label: Some(place), input, scaling };
    let raw = Examples { values, shape: schema.shape(), labels: labels.of_rows };
    Ok(OwnData::new(name, raw, rows, schema, nature, profile))
}

/// Which rows are which split: as a column says that is called `split`, or all of them to train on.
fn rows(table: &Table, label: usize) -> OwnRows {
    let found = (0..table.columns.len())
        .filter(|&place| place != label)
        .find_map(|place| splits(table, place));
    match found {
        Some([train, validation, test]) => {
            OwnRows { train, validation, test: Some(test).filter(|test| !test.is_empty()) }
        }
        None => OwnRows { train: (0..table.rows).collect(), ..OwnRows::default() },
    }
}

/// The label column, and by which rule it was found.
///
/// # Errors
/// No column of a wanted name, or the last column holds no classes.
pub fn label_column(
    table: &Table,
    columns: &Columns,
    source_name: &str,
) -> Result<(usize, String)> {
    if let Some(wanted) = &columns.label {
        let found = table.find(wanted).ok_or_else(|| no_column(table, wanted, source_name))?;
        return Ok((found, "as requested".to_owned()));
    }
    let named = |name: &&str| table.named.then(|| table.find(name)).flatten();
    if let Some(found) = LABEL_NAMES.iter().find_map(named) {
        return Ok((found, "found by its name".to_owned()));
    }
    // Commas at the ends of rows make empty columns, and splits are no classes.
    let may_be = |place: &usize| {
        table.columns[*place].cells.missing() < table.rows && splits(table, *place).is_none()
    };
    let last = (0..table.columns.len()).rev().find(may_be).unwrap_or(0);
    let is_empty = |place: &usize| {
        let column = &table.columns[*place];
        table.named && !column.name.is_empty() && column.cells.missing() == table.rows
    };
    if let Some(place) = (last..table.columns.len()).rfind(is_empty) {
        let name = &table.columns[place].name;
        let problem = format!("the last column, {name:?}, is empty, so no row has a label");
        let remedy = "give some rows a label, name another column with --label, or remove this one";
        return Err(Error::data(source_name, problem, remedy));
    }
    if read_labels(table, last, columns, source_name).is_err() {
        let name = &table.columns[last].name;
        let problem = format!(
            "which column is the label? None is called {}, and the last one, {name:?}, holds no classes",
            label_names()
        );
        let usable = |&place: &usize| {
            let labels = read_labels(table, place, columns, source_name);
            labels.is_ok_and(|labels| (2..=MOST_CLASSES).contains(&labels.classes.len()))
        };
        let usable: Vec<&str> =
            (0..last).filter(usable).map(|place| table.columns[place].name.as_str()).collect();
        let remedy = match usable.is_empty() {
            true => "add a column with the class of some rows, empty in the others".to_owned(),
            false => {
                format!("name it with --label; these could be: {}", shortened(usable.into_iter()))
            }
        };
        return Err(Error::data(source_name, problem, remedy));
    }
    let rule = format!(
        "the last column, because none is called {}; --label NAME chooses another",
        label_names()
    );
    Ok((last, rule))
}

/// `label, class, target or y`
fn label_names() -> String {
    LABEL_NAMES.join(", ").replace(", y", " or y")
}

fn no_column(table: &Table, wanted: &str, source_name: &str) -> Error {
    let remedy = match table.named {
        true => format!("the columns are {}", table.names()),
        false => format!(
            "the table has no header: give the number of a column, 1 to {}",
            table.columns.len()
        ),
    };
    Error::data(source_name, format!("there is no column {wanted:?}"), remedy)
}

/// The labels in a column.
///
/// # Errors
/// As [`labels::read`].
pub fn read_labels(
    table: &Table,
    label: usize,
    columns: &Columns,
    source_name: &str,
) -> Result<Labels> {
    let column = &table.columns[label];
    let names = columns.class_names.iter().find(|(name, _)| *name == column.name);
    let names = names.map(|(_, names)| &names[..]);
    labels::read(
        &column.cells,
        columns.minus_one,
        names,
        &format!("{source_name}, column {:?}", column.name),
    )
}

/// Values of the columns that are no texts.
type Read = (Values, Input, Nature, Scaling);

fn of_cells(
    table: &Table,
    (label, labels): (usize, &Labels),
    columns: &Columns,
    profile: &mut Profile,
    source_name: &str,
) -> Result<Read> {
    let candidates = candidates(table, label, columns, profile, source_name)?;
    if let Some(high) = brightest_pixel(table, &candidates) {
        return of_pixels(table, &candidates, high, profile, source_name);
    }
    let mut features = Vec::new();
    for place in candidates {
        let column = &table.columns[place];
        match Kind::of(&column.cells) {
            Ok(kind) => {
                profile.features.push(FeatureProfile::of(column, &kind));
                profile.notes.extend(about_column(column, labels));
                let feature = Feature::of(column, kind);
                profile.notes.extend(feature.origin.map(|origin| about_origin(column, origin)));
                features.push(feature);
            }
            Err(why) => profile.left_out.push(LeftOut::new(called(table, place), why)),
        }
    }
    if features.is_empty() {
        let left_out: Vec<String> = profile
            .left_out
            .iter()
            .map(|LeftOut { what, why }| format!("{what} ({why})"))
            .collect();
        let shown = left_out.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        let more = match left_out.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let problem = format!("no column is left to learn from: {shown}{more}");
        let remedy =
            "give columns of numbers or categories, or name columns of text with --text COLUMN";
        return Err(Error::data(source_name, problem, remedy));
    }
    let (values, notes) = encode(&features, table, source_name)?;
    profile.notes.extend(notes);
    let nature = match features.iter().all(|feature| feature.kind.is_binary()) {
        true => Nature::Bits,
        false => Nature::Numbers,
    };
    Ok((Values::F32(values), Input::Table(features), nature, Scaling::None))
}

/// Columns that may be features: all but the label, those that are not wanted, and an index.
fn candidates(
    table: &Table,
    label: usize,
    columns: &Columns,
    profile: &mut Profile,
    source_name: &str,
) -> Result<Vec<usize>> {
    let mut unwanted = Vec::new();
    for name in &columns.leave_out {
        unwanted.push(table.find(name).ok_or_else(|| no_column(table, name, source_name))?);
    }
    let mut kept = Vec::new();
    for (place, column) in table.columns.iter().enumerate().filter(|&(place, _)| place != label) {
        let unnamed = column.name.is_empty() || column.name.starts_with("Unnamed: ");
        let what = called(table, place);
        let left_out = match () {
            () if unwanted.contains(&place) => Some("as requested".to_owned()),
            () if splits(table, place).is_some() => {
                Some("it says which split each row is in".to_owned())
            }
            () if unnamed => why_index(&column.cells, place),
            () => None,
        };
        if let Some(why) = left_out {
            profile.left_out.push(LeftOut::new(what, why));
            continue;
        }
        if let Some(first) = counts_from(&column.cells) {
            profile.notes.push(format!(
                "{} counts from {first} in the order of the rows; if it only numbers them, add {}",
                column.name,
                leave_out(&column.name)
            ));
        }
        kept.push(place);
    }
    Ok(kept)
}

/// What a column is called in a message.
fn called(table: &Table, place: usize) -> String {
    match table.columns[place].name.as_str() {
        "" => format!("column {}, without a name", place + 1),
        name => name.to_owned(),
    }
}

/// Why a column without a name is an index, if it is one: of the rows as they stand or stood before, or their names.
fn why_index(cells: &Cells, place: usize) -> Option<String> {
    if let Some(first) = counts_from(cells) {
        return Some(format!("an index: it counts {first}, {}, {}, ...", first + 1.0, first + 2.0));
    }
    match cells {
        Cells::Numbers(numbers) => {
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            let whole = sorted.iter().all(|number| number.fract() == 0.0);
            let different = sorted.windows(2).all(|pair| pair[0] < pair[1]);
            (whole && different && sorted.len() > 2)
                .then(|| "an index: whole numbers, each of them once".to_owned())
        }
        cells => (place == 0 && all_different(cells)).then(|| "names of the rows".to_owned()),
    }
}

/// Where a column starts that counts the rows one by one.
fn counts_from(cells: &Cells) -> Option<f64> {
    let numbers = numbers(cells)?;
    let first = *numbers.first()?;
    let counts = numbers.iter().enumerate().all(|(row, &number)| number == first + row as f64);
    (counts && numbers.len() > 2 && (first == 0.0 || first == 1.0)).then_some(first)
}

fn all_different(cells: &Cells) -> bool {
    matches!(cells, Cells::Words { codes, words } if codes.len() == words.len())
}

/// The largest value that a pixel can have, if the columns are pixels: whole numbers from 0 to 255, and either called pixels,
/// or a square picture that is dark in places and bright in others.
fn brightest_pixel(table: &Table, places: &[usize]) -> Option<f32> {
    if places.len() < FEWEST_PIXELS {
        return None;
    }
    let (mut highest, mut dark, mut cells) = (0.0_f64, 0, 0);
    for &place in places {
        let numbers = numbers(&table.columns[place].cells)?;
        if !numbers.iter().all(|number| (0.0..=255.0).contains(number) && number.fract() == 0.0) {
            return None;
        }
        highest = numbers.iter().copied().fold(highest, f64::max);
        dark += numbers.iter().filter(|&&number| number == 0.0).count();
        cells += numbers.len();
    }
    let called = places.iter().all(|&place| is_called_pixel(&table.columns[place].name));
    let side = (places.len() as f64).sqrt() as usize;
    let looks = side * side == places.len() && highest > 127.0 && dark * 20 > cells;
    (highest > 1.0 && (called || looks)).then(|| pixel_ceiling(highest))
}

/// What becomes 1 where the brightest pixel of all is `highest`.
pub(super) fn pixel_ceiling(highest: f64) -> f32 {
    if highest > 127.0 { 255.0 } else { highest as f32 }
}

/// `pixel0`, `pixel_3_4`, `px12`, `3x4`
fn is_called_pixel(name: &str) -> bool {
    let lower = name.to_lowercase();
    let rest = lower.strip_prefix("pixel").or_else(|| lower.strip_prefix("px"));
    let numbers = rest.unwrap_or(&lower);
    let digits = numbers.chars().any(|c| c.is_ascii_digit());
    let separated = numbers.contains('x') || rest.is_some();
    digits && separated && numbers.chars().all(|c| c.is_ascii_digit() || "x_-. ".contains(c))
}

fn of_pixels(
    table: &Table,
    places: &[usize],
    high: f32,
    profile: &mut Profile,
    source_name: &str,
) -> Result<Read> {
    let of_place = |&place: &usize| Feature::plain(table.columns[place].name.clone(), Kind::Pixel);
    let features: Vec<Feature> = places.iter().map(of_place).collect();
    let (values, _) = encode(&features, table, source_name)?;
    let brightest = values.iter().copied().fold(0.0, f32::max);
    profile.features.push(FeatureProfile {
        kind: "pixel".into(),
        count: features.len(),
        range: Some([0.0, f64::from(brightest)]),
        ..FeatureProfile::default()
    });
    profile.notes.push(format!("the columns are read as pixels from 0 to {high}"));
    // A quarter of the memory.
    let values = match high == 255.0 {
        true => Values::U8(values.into_iter().map(|value| value as u8).collect()),
        false => Values::F32(values),
    };
    Ok((values, Input::Table(features), Nature::Bits, Scaling::Range { low: 0.0, high }))
}

/// The texts of some columns, one after the other.
fn texts(
    table: &Table,
    label: usize,
    labels: &Labels,
    columns: &Columns,
    source_name: &str,
) -> Result<Texts> {
    let mut cells = Vec::new();
    for name in &columns.text {
        let place = table.find(name).ok_or_else(|| no_column(table, name, source_name))?;
        if place == label {
            let problem = format!("{name:?} is both text and label");
            return Err(Error::data(source_name, problem, "name the label column with --label"));
        }
        cells.push(&table.columns[place].cells);
    }
    let text = |row: usize| {
        let parts: Vec<String> = cells.iter().filter_map(|cells| cells.text(row)).collect();
        parts.join("\n")
    };
    Ok(Texts { texts: (0..table.rows).map(text).collect(), labels: labels.of_rows.clone() })
}

fn of_texts(
    texts: &Texts,
    columns: &[String],
    vocabulary: &Vocabulary,
    profile: &mut Profile,
) -> Read {
    let words = vocabulary.words().to_vec();
    let mut rows = SparseRows::new(words.len());
    texts.texts.iter().for_each(|text| rows.push(vocabulary.count(text)));
    profile.features.push(FeatureProfile {
        name: columns.join(", "),
        kind: "count".into(),
        count: words.len(),
        ..FeatureProfile::default()
    });
    profile.notes.push(format!("texts as counts of {} words", words.len()));
    let input = Input::Texts { columns: columns.to_vec(), words };
    (Values::Counts(rows), input, Nature::Counts, Scaling::None)
}
