//! Files and folders of the user's own, as data to learn from.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use gleaner_core::data::labels;
use gleaner_core::data::own::{Columns, Nature, OwnData, OwnRows, of_arrays, of_table};
use gleaner_core::data::profile::{FeatureProfile, LabelProfile, Profile, Splits};
use gleaner_core::data::schema::{Input, Scaling, Schema};
use gleaner_core::data::table::Table;
use gleaner_core::data::{Examples, Values, Vocabulary};

use super::parquet::Images;
use super::picture_findings::refuse_alike;
use super::picture_folder::{PictureFolder, read_folder};
use super::picture_pixels::{common_shape, decode_rows, heads_of_rows};
use super::reading::{Content, read, read_labels};

/// What the settings say about a file.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Columns of a table.
    pub columns: Columns,
    /// Where the labels are, if not in the file.
    pub label_file: Option<&'a Path>,
    /// Pictures without labels.
    pub unlabelled_dir: Option<&'a Path>,
    /// Height and width of pictures.
    pub size: Option<[usize; 2]>,
    /// How many words of texts are counted.
    pub vocabulary: usize,
    /// The words themselves, where a run has counted them.
    pub words: Option<Vocabulary>,
}

/// Opens a path.
///
/// # Errors
/// It is not there, is not what it claims to be, has no labels, or something is asked of it that it does not have.
pub fn open(path: &Path, asked: &Asked<'_>) -> Result<OwnData> {
    let source = path.display().to_string();
    let name = name(path);
    let content = read(path)?;
    check_asked(&content, asked, &source)?;
    match content {
        Content::Pictures => {
            let folder = read_folder(path, asked.size, asked.unlabelled_dir, 0)?;
            Ok(of_folder(folder, &name, &source))
        }
        Content::Table(table, class_names) => {
            let columns = Columns { class_names, ..asked.columns.clone() };
            let vocabulary = |texts: &gleaner_core::data::Texts| match &asked.words {
                Some(words) => Ok(words.clone()),
                None => Vocabulary::of(
                    texts.texts.iter().map(String::as_str),
                    asked.vocabulary,
                    &source,
                ),
            };
            Ok(of_table(&table, &columns, &name, &source, vocabulary)?)
        }
        Content::PictureTable(table, class_names, images) => {
            let columns = Columns { class_names, ..asked.columns.clone() };
            of_picture_table(&table, &columns, &images, asked.size, &name, &source)
        }
        Content::Arrays(file) => {
            let labels = asked.label_file.map(read_labels).transpose()?;
            Ok(of_arrays(file, labels, asked.columns.minus_one, &name, &source)?)
        }
    }
}

/// What a path is called in messages and folders.
fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let name = if path.is_dir() { name } else { name.trim_end_matches(".gz").to_owned() };
    match name.rsplit_once('.') {
        Some((stem, _)) if !path.is_dir() && !stem.is_empty() => stem.to_owned(),
        _ => name,
    }
}

/// Settings that say something about another kind of file have no effect, so they are refused.
fn check_asked(content: &Content, asked: &Asked<'_>, source: &str) -> Result<()> {
    let Asked { columns, label_file, unlabelled_dir, size, .. } = asked;
    let (kind, of_columns, of_pictures, of_arrays) = match content {
        Content::Table(..) => ("a table", true, false, false),
        Content::PictureTable(..) => ("a table of pictures", true, true, false),
        Content::Arrays(_) => ("a file of arrays", false, false, true),
        Content::Pictures => ("a folder of pictures", false, true, false),
    };
    let settings = [
        ("data.label", columns.label.is_some(), of_columns),
        ("data.text", !columns.text.is_empty(), of_columns && !of_pictures),
        ("data.leave-out", !columns.leave_out.is_empty(), of_columns && !of_pictures),
        (
            "data.minus-one",
            columns.minus_one != labels::MinusOne::default(),
            of_columns || of_arrays,
        ),
        ("data.label-file", label_file.is_some(), of_arrays),
        ("data.unlabelled-dir", unlabelled_dir.is_some(), of_pictures && !of_columns),
        ("data.size", size.is_some(), of_pictures),
    ];
    match settings.into_iter().find(|(_, asked, has)| *asked && !has) {
        Some((setting, ..)) => {
            bail!("{setting} does not apply to {kind}, and {source} is one; leave it out")
        }
        None => Ok(()),
    }
}

/// Pictures in folders, as data.
fn of_folder(folder: PictureFolder, name: &str, source: &str) -> OwnData {
    let PictureFolder { classes, shape, train, validation, test, left_out, notes } = folder;
    let mut rows = OwnRows { train: (0..train.labels.len()).collect(), ..OwnRows::default() };
    let (mut pixels, mut labels, mut files) = (train.pixels, train.labels, train.files);
    for (split, is_test) in [(validation, false), (test, true)] {
        let first = labels.len();
        pixels.extend(split.pixels);
        labels.extend(split.labels);
        files.extend(split.files);
        let range: Vec<usize> = (first..labels.len()).collect();
        match is_test {
            true if !range.is_empty() => rows.test = Some(range),
            true => {}
            false => rows.validation = range,
        }
    }
    let labels = labels::Labels { of_rows: labels, classes, notes: Vec::new() };
    let mut data = of_pixels((pixels, shape), labels, &rows, name, source);
    data.profile.format = "a folder of pictures".to_owned();
    data.profile.label.place = "the names of the folders".to_owned();
    data.profile.splits =
        Splits { validation: rows.validation.len(), test: rows.test.as_ref().map_or(0, Vec::len) };
    data.profile.left_out = left_out;
    data.profile.notes = notes;
    data.files = files;
    data
}

/// Pictures of one shape with their labels.
fn of_pixels(
    (pixels, shape): (Vec<u8>, [usize; 3]),
    labels: labels::Labels,
    rows: &OwnRows,
    name: &str,
    source: &str,
) -> OwnData {
    let [height, width, channels] = shape;
    let (least, most) = pixels
        .iter()
        .fold((u8::MAX, 0), |(least, most), &value| (value.min(least), value.max(most)));
    let range = [least.min(most), most].map(f64::from);
    let feature = FeatureProfile {
        kind: "pixel".into(),
        count: height * width * channels,
        range: Some(range),
        name: format!("{height} x {width}, {}", if channels == 1 { "grey" } else { "colour" }),
        ..FeatureProfile::default()
    };
    let profile = Profile {
        source: source.to_owned(),
        rows: labels.of_rows.len(),
        label: LabelProfile::of(&labels, &rows.train, "", ""),
        features: vec![feature],
        notes: labels.notes,
        ..Profile::default()
    };
    let schema = Schema {
        classes: labels.classes,
        label: None,
        input: Input::Pictures(shape),
        scaling: Scaling::None,
    };
    let raw =
        Examples { values: Values::U8(pixels), shape: shape.to_vec(), labels: labels.of_rows };
    OwnData::new(name, raw, rows.clone(), schema, Nature::Bits, profile)
}

/// Pictures that lie in a column of a table.
fn of_picture_table(
    table: &Table,
    columns: &Columns,
    images: &Images,
    size: Option<[usize; 2]>,
    name: &str,
    source: &str,
) -> Result<OwnData> {
    let called = |row: usize| format!("{source}, {}, row {}", images.column, row + 1);
    let (shape, notes) = common_shape(&heads_of_rows(&images.files, called)?, size)?;
    let (pixels, findings) = decode_rows(&images.files, shape, called)?;
    findings.refuse_dark(source)?;
    refuse_alike([&pixels[..]], shape.iter().product(), &findings, source)?;
    let (label, rule) = gleaner_core::data::own::label_column(table, columns, source)?;
    let labels = gleaner_core::data::own::read_labels(table, label, columns, source)?;
    let rows = OwnRows { train: (0..table.rows).collect(), ..OwnRows::default() };
    let mut data = of_pixels((pixels, shape), labels, &rows, name, source);
    data.profile.format = format!("{}, pictures in the column {}", table.format, images.column);
    (data.profile.label.place, data.profile.label.rule) = (table.columns[label].name.clone(), rule);
    data.profile.notes.extend(notes.into_iter().chain(findings.notes()));
    Ok(data)
}

/// The same examples with the rows of an .npz in their place, in the order of the file.
///
/// # Errors
/// It cannot be read, or has another number of rows.
pub fn with_features(own: OwnData, path: &Path) -> Result<OwnData> {
    let named = path.display();
    let Content::Arrays(file) = read(path)? else {
        bail!("{named}: give an .npz with x, a row for each example");
    };
    let (values, shape, count) = gleaner_core::data::own::values_of(file.train.x);
    ensure!(
        count == own.raw.len(),
        "{named}: {count} rows of features for {} examples; give one for each, in the order of {}",
        own.raw.len(),
        own.profile.source
    );
    let labels = own.raw.labels.clone();
    let raw = Examples::new(values, shape.clone(), labels, &named.to_string())?;
    let schema = Schema { input: Input::Array(shape), scaling: Scaling::None, ..own.schema };
    Ok(OwnData { raw, schema, nature: Nature::Numbers, ..own })
}
