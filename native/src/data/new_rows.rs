//! New data for a model that is there: whatever file holds examples of the kind that it was trained on.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use gleaner_core::data::features::encode;
use gleaner_core::data::formats::arrays::ArrayFile;
use gleaner_core::data::own::{EveryRow, every_row};
use gleaner_core::data::profile::LeftOut;
use gleaner_core::data::schema::{Input, Scaling, Schema};
use gleaner_core::data::table::{Cells, Table, shortened};
use gleaner_core::data::{Examples, SparseRows, Values, Vocabulary};

use super::picture_folder::read_pictures;
use super::picture_pixels::decode_rows;
use super::reading::{Content, read};

/// Columns that are labels and no text.
const LABEL_NAMES: [&str; 4] = ["label", "class", "target", "y"];

/// New examples.
#[derive(Debug)]
pub struct NewRows {
    /// Examples in the units of the training data.
    pub raw: Examples,
    /// The file of each, where they are pictures; empty of anything else.
    pub files: Vec<PathBuf>,
    /// Labels where the file has some.
    pub labels: Option<NewLabels>,
    /// What was noticed, a sentence each.
    pub notes: Vec<String>,
}

/// Labels of new examples.
#[derive(Debug)]
pub struct NewLabels {
    /// As they stand in the file.
    pub cells: Cells,
    /// The row of each.
    pub rows: Vec<usize>,
    /// What the labels 0, 1, 2, ... are called, where they are numbers of classes.
    pub names: Option<Vec<String>>,
}

/// Reads a path as examples of the kind that `schema` describes.
///
/// # Errors
/// It cannot be read, holds another kind of data, lacks a column, or has examples of another shape.
pub fn read_new(path: &Path, schema: &Schema) -> Result<NewRows> {
    let source = path.display().to_string();
    match (&schema.input, read(path)?) {
        (Input::Table(_) | Input::Texts { .. }, Content::Table(table, _)) => {
            of_table(&table, schema, &source)
        }
        (Input::Pictures(shape), Content::Pictures) => of_pictures(path, *shape, schema),
        (Input::Array(shape), Content::Pictures) if shape.len() == 3 => {
            let new = of_pictures(path, [shape[0], shape[1], shape[2]], schema)?;
            in_units_of_arrays(new, schema, &source)
        }
        (Input::Pictures(shape), Content::PictureTable(table, _, images)) => {
            let called = |row: usize| format!("{source}, {}, row {}", images.column, row + 1);
            let (pixels, findings) = decode_rows(&images.files, *shape, called)?;
            findings.refuse_black(&source)?;
            let raw = unlabelled(Values::U8(pixels), shape.to_vec(), table.rows);
            let labels = label_cells(&table, schema);
            Ok(NewRows { raw, files: Vec::new(), labels, notes: findings.notes() })
        }
        (Input::Pictures(shape), Content::Arrays(file)) => of_arrays(file, shape, schema, &source),
        (Input::Array(shape), Content::Arrays(file)) => of_arrays(file, shape, schema, &source),
        (input, content) => bail!(
            "{source} is {}, and the run was trained on {}; give data of that kind",
            match content {
                Content::Table(..) => "a table",
                Content::PictureTable(..) => "a table of pictures",
                Content::Arrays(_) => "a file of arrays",
                Content::Pictures => "a picture or a folder of them",
            },
            match input {
                Input::Table(_) => "a table".to_owned(),
                Input::Texts { .. } => "texts".to_owned(),
                Input::Pictures([height, width, _]) => format!("pictures of {height} x {width}"),
                Input::Array(shape) => format!("arrays of shape {shape:?}"),
            }
        ),
    }
}

fn unlabelled(values: Values, shape: Vec<usize>, rows: usize) -> Examples {
    Examples { values, shape, labels: vec![-1; rows] }
}

/// What stands in the label column.
fn label_cells(table: &Table, schema: &Schema) -> Option<NewLabels> {
    let place = schema.label.as_ref().and_then(|name| table.find(name))?;
    let cells = table.columns[place].cells.clone();
    Some(NewLabels { cells, rows: (0..table.rows).collect(), names: None })
}

/// Says which columns of a table a run does not know.
fn extra_columns(table: &Table, schema: &Schema) -> Option<String> {
    let features = schema.features()?;
    let is_known = |name: &str| {
        let named = |known: &str| known.eq_ignore_ascii_case(name);
        features.iter().any(|feature| named(&feature.name))
            || schema.label.as_deref().is_some_and(named)
    };
    let extra: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| !is_known(name))
        .collect();
    (!extra.is_empty()).then(|| {
        format!("columns that the run does not know are not used: {}", shortened(extra.into_iter()))
    })
}

fn of_table(table: &Table, schema: &Schema, source: &str) -> Result<NewRows> {
    let (values, notes) = match &schema.input {
        Input::Texts { columns, words } => {
            let places = text_columns(table, columns, source)?;
            let vocabulary = Vocabulary::from_words(words.clone(), source)?;
            let mut counts = SparseRows::new(words.len());
            let mut foreign = 0;
            for row in 0..table.rows {
                let cells = places.iter().filter_map(|&place| table.columns[place].cells.text(row));
                let found = vocabulary.count(&cells.collect::<Vec<_>>().join("\n"));
                foreign += usize::from(found.is_empty());
                counts.push(found);
            }
            let note = format!(
                "{foreign} of {} texts have none of the {} words that the run counts; what is predicted for them means little",
                table.rows,
                words.len()
            );
            (Values::Counts(counts), if foreign > 0 { vec![note] } else { Vec::new() })
        }
        _ => {
            let (numbers, mut notes) =
                encode(schema.features().unwrap_or_default(), table, source)?;
            notes.extend(extra_columns(table, schema));
            (in_storage(numbers, schema), notes)
        }
    };
    let raw = unlabelled(values, schema.shape(), table.rows);
    Ok(NewRows { raw, files: Vec::new(), labels: label_cells(table, schema), notes })
}

/// Pixels from 0 to 255 as the bytes that they are.
fn in_storage(numbers: Vec<f32>, schema: &Schema) -> Values {
    match schema.scaling {
        Scaling::Range { low: 0.0, high: 255.0 } => {
            Values::U8(numbers.into_iter().map(|number| number as u8).collect())
        }
        _ => Values::F32(numbers),
    }
}

/// The columns of text: those of the training data or, where these had none, every column of words that is no label.
fn text_columns(table: &Table, columns: &[String], source: &str) -> Result<Vec<usize>> {
    if columns.is_empty() {
        let is_text = |&place: &usize| {
            let column = &table.columns[place];
            let is_label = LABEL_NAMES.iter().any(|name| column.name.eq_ignore_ascii_case(name));
            matches!(column.cells, Cells::Words { .. }) && !is_label
        };
        let places: Vec<usize> = (0..table.columns.len()).filter(is_text).collect();
        ensure!(!places.is_empty(), "{source}: there is no column of text");
        return Ok(places);
    }
    let find = |name: &String| {
        let problem =
            || format!("{source}: there is no column {name:?}; the columns are {}", table.names());
        table.find(name).with_context(problem)
    };
    columns.iter().map(find).collect()
}

fn of_pictures(path: &Path, shape: [usize; 3], schema: &Schema) -> Result<NewRows> {
    let (pictures, left_out, noticed) = read_pictures(path, shape, 0)?;
    let raw = unlabelled(Values::U8(pictures.pixels), shape.to_vec(), pictures.files.len());
    let said = |LeftOut { what, why }: LeftOut| format!("left out: {what}: {why}");
    let notes = left_out.into_iter().map(said).chain(noticed).collect();
    let labels = labels_of_folders(&pictures.files, path, schema);
    Ok(NewRows { raw, files: pictures.files, labels, notes })
}

/// The classes that pictures lie in the folders of, as in training; `None` if no folder is called as a class is.
fn labels_of_folders(files: &[PathBuf], path: &Path, schema: &Schema) -> Option<NewLabels> {
    let class = |file: &PathBuf| {
        let below = file.strip_prefix(path).ok()?.parent()?;
        let names = below.iter().map(|name| name.to_string_lossy().into_owned());
        names.into_iter().find(|name| schema.classes.contains(name))
    };
    let found: Vec<Option<String>> = files.iter().map(class).collect();
    found.iter().any(Option::is_some).then(|| NewLabels {
        rows: (0..found.len()).collect(),
        cells: Cells::of_words(found),
        names: None,
    })
}

/// Pictures for a run on arrays: black and white are the ends of the range that its pixels had.
fn in_units_of_arrays(new: NewRows, schema: &Schema, source: &str) -> Result<NewRows> {
    match schema.scaling {
        Scaling::None | Scaling::Range { low: 0.0, high: 255.0 } => Ok(new),
        Scaling::Range { low, high } => {
            let rows: Vec<usize> = (0..new.raw.len()).collect();
            let values =
                new.raw.gather(&rows).into_iter().map(|value| low + value * (high - low)).collect();
            let raw = Examples { values: Values::F32(values), ..new.raw };
            let note = format!(
                "black and white pixels are taken for {low} and {high}, the range of the training data"
            );
            Ok(NewRows { raw, notes: [new.notes, vec![note]].concat(), ..new })
        }
        Scaling::Filled(_) | Scaling::Standardised(_) | Scaling::Columns(_) => bail!(
            "{source} is a picture or a folder of them, and the run was trained on arrays of numbers that are no grey levels; \
             give arrays in the same units"
        ),
    }
}

fn of_arrays(file: ArrayFile, shape: &[usize], schema: &Schema, source: &str) -> Result<NewRows> {
    let EveryRow { values, shape: found, rows, labels, classes, note } = every_row(file, source)?;
    // Pictures may lie in a row.
    let width = |shape: &[usize]| shape.iter().product::<usize>();
    ensure!(
        found == shape || (width(&found) == width(shape) && found.len() != shape.len()),
        "{source}: examples have the shape {found:?}, and the run was trained on {shape:?}; give examples of that shape"
    );
    let values = schema.in_training_units(values, source)?;
    let raw = unlabelled(values, shape.to_vec(), rows);
    // Classes that have names are numbered in their order, unless the file names its own.
    let have_names = schema.classes.iter().all(|class| class.parse::<f64>().is_err());
    let names = classes.or_else(|| have_names.then(|| schema.classes.clone()));
    let labels = labels.map(|(cells, rows)| NewLabels { cells, rows, names });
    Ok(NewRows { raw, files: Vec::new(), labels, notes: note.into_iter().collect() })
}
