//! Which reader a path takes: tables, arrays, pictures, by the ending of its name.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use gleaner_core::data::formats::arrays::{
    ArrayFile, ArrayPart, read_arrays, read_label_array, read_npy_pair,
};
use gleaner_core::data::formats::csv::read_csv;
use gleaner_core::data::formats::idx::{Idx, parse_idx};
use gleaner_core::data::formats::json_lines::read_json;
use gleaner_core::data::formats::npy::{NpyArray, NpyValues, parse_npy, parse_npy_labels};
use gleaner_core::data::formats::npz::Npz;
use gleaner_core::data::table::{Cells, Table};

use super::parquet::{Images, read_parquet};
use super::registry;
use crate::system::memory;

/// What a path holds.
pub enum Content {
    /// Rows under named columns, and the names of the classes of some.
    Table(Table, Vec<(String, Vec<String>)>),
    /// Rows whose column of pictures has been taken out.
    PictureTable(Table, Vec<(String, Vec<String>)>, Images),
    /// Arrays.
    Arrays(ArrayFile),
    /// A folder, or one picture.
    Pictures,
}

/// Endings of tables; each may be followed by `.gz`.
const TABLES: [&str; 6] = ["csv", "tsv", "tab", "txt", "data", "dat"];

/// Endings of pictures.
pub const PICTURES: [&str; 11] =
    ["png", "jpg", "jpeg", "bmp", "webp", "gif", "pnm", "ppm", "pgm", "tif", "tiff"];

/// Labels lie beside examples under these names: the part of a file's name that says what it holds, and what says
/// labels.
const BESIDE: [(&str, &str); 8] = [
    ("images-idx3-ubyte", "labels-idx1-ubyte"),
    ("images.idx3-ubyte", "labels.idx1-ubyte"),
    ("images", "labels"),
    ("data", "labels"),
    ("features", "labels"),
    ("data", "target"),
    ("x", "y"),
    ("X", "y"),
];

/// The split that follows from a file's name.
const TEST_NAMES: [(&str, &str); 2] = [("train", "t10k"), ("train", "test")];

/// Reads a path.
///
/// # Errors
/// It is not there, no reader takes its ending, or the reader's errors.
pub fn read(path: &Path) -> Result<Content> {
    let source = path.display().to_string();
    if path.is_dir() {
        return Ok(Content::Pictures);
    }
    if !path.exists() && (path.extension().is_some() || path.components().count() > 1) {
        bail!("{source:?} does not exist; give the path of a file or a folder");
    }
    if !path.exists() {
        let known: Vec<&str> = registry::ENTRIES.iter().map(|entry| entry.name).collect();
        bail!(
            "{source:?} is not a file, a folder or a known data set; known data sets are digits, {}",
            known.join(", ")
        );
    }
    let ending = ending(path);
    match ending.as_str() {
        ending if TABLES.contains(&ending) => {
            ensure_room_for_table(path)?;
            Ok(Content::Table(read_csv(&read_file(path)?, &source)?, Vec::new()))
        }
        "json" | "jsonl" | "ndjson" => {
            ensure_room_for_table(path)?;
            Ok(Content::Table(read_json(&read_file(path)?, &source)?, Vec::new()))
        }
        "parquet" | "pq" => {
            let file = read_parquet(path)?;
            Ok(match file.images {
                Some(images) => Content::PictureTable(file.table, file.class_names, images),
                None => Content::Table(file.table, file.class_names),
            })
        }
        "npz" => {
            let file = File::open(path).with_context(|| format!("cannot read {source}"))?;
            let mut npz = Npz::from_reader(BufReader::new(file), &source)?.within(memory::free());
            Ok(Content::Arrays(read_arrays(&mut npz)?))
        }
        "npy" => {
            pair(path, |path| read_npy(path, parse_npy), |path| read_npy(path, parse_npy_labels))
                .map(Content::Arrays)
        }
        _ if is_idx(path) => pair(path, read_idx, read_idx).map(Content::Arrays),
        ending if PICTURES.contains(&ending) => Ok(Content::Pictures),
        _ => bail!(
            "{source}: unknown kind of file; give a table (.csv, .tsv, .txt, .jsonl, .parquet), arrays (.npz, .npy, \
             IDX), or a folder with a folder of pictures for each class"
        ),
    }
}

/// The ending of a name in lower case, without `.gz`.
fn ending(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_owned())
}

fn is_idx(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.contains("ubyte") || name.contains(".idx") || name.contains("-idx")
}

/// The content of a file.
///
/// # Errors
/// If it cannot be read, is a folder, or is empty.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    if path.is_dir() {
        bail!("\"{}\" is a folder, not a file; give the path of the file", path.display());
    }
    ensure_room(path, 1)?;
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.is_empty() {
        bail!("{}: the file is empty; delete it and fetch or write it again", path.display());
    }
    Ok(bytes)
}

/// Whether there is memory for a table: its text, and cells that take as much.
fn ensure_room_for_table(path: &Path) -> Result<()> {
    ensure_room(path, 2)
}

/// Whether there is memory for so many times the content of a file. A file that cannot be looked at is named when it is read.
fn ensure_room(path: &Path, times: u64) -> Result<()> {
    let Ok(length) = fs::metadata(path).map(|about| about.len()) else { return Ok(()) };
    let what = path.display().to_string();
    memory::ensure_free(
        length.saturating_mul(times),
        &what,
        "give fewer rows, or use a machine with more memory",
    )
}

fn read_idx(path: &Path) -> Result<NpyArray> {
    let Idx { shape, values } = parse_idx(&read_file(path)?, &path.display().to_string())?;
    Ok(NpyArray { shape, values: NpyValues::U8(values) })
}

fn read_npy(
    path: &Path,
    parse: fn(&[u8], &str) -> gleaner_core::Result<NpyArray>,
) -> Result<NpyArray> {
    Ok(parse(&read_file(path)?, &path.display().to_string())?)
}

/// Examples in a file of one array, with the labels and the test split that lie beside it.
fn pair(
    path: &Path,
    read: impl Fn(&Path) -> Result<NpyArray>,
    read_labels: impl Fn(&Path) -> Result<NpyArray>,
) -> Result<ArrayFile> {
    let part = |path: &Path| -> Result<ArrayFile> {
        let labels = BESIDE.iter().find_map(|(examples, labels)| beside(path, examples, labels));
        let y = labels.as_ref().map(|labels| read_labels(labels)).transpose()?;
        let mut file = read_npy_pair(read(path)?, y.as_ref(), &path.display().to_string())?;
        file.notes.extend(labels.map(|labels| format!("labels from {}", labels.display())));
        Ok(file)
    };
    let mut file = part(path)?;
    let test = TEST_NAMES.iter().find_map(|(train, test)| beside(path, train, test));
    if let Some(test) =
        test.map(|test| part(&test)).transpose()?.filter(|test| test.train.y.is_some())
    {
        file.test = Some(test.train);
        file.notes.extend(test.notes);
    }
    if is_idx(path) {
        file.format = file.format.replace("NPY", "IDX");
    }
    Ok(file)
}

/// The file whose name has `other` where that of `path` has the word `one`, if it is there.
fn beside(path: &Path, one: &str, other: &str) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let at = name.match_indices(one).map(|(at, _)| at).find(|&at| {
        let around = [name[..at].chars().next_back(), name[at + one.len()..].chars().next()];
        around.into_iter().flatten().all(|c| !c.is_alphanumeric())
    })?;
    let file = path.with_file_name(format!("{}{other}{}", &name[..at], &name[at + one.len()..]));
    (file != path && file.is_file()).then_some(file)
}

/// Labels in a file of their own: an .npy, an IDX file, the `y` of an .npz, the only or the label column of a table.
///
/// # Errors
/// If it cannot be read, or its label column is not clear.
pub fn read_labels(path: &Path) -> Result<Cells> {
    let source = path.display().to_string();
    if ending(path) == "npy" {
        return Ok(read_label_array(&read_npy(path, parse_npy_labels)?, &source)?);
    }
    if is_idx(path) && path.is_file() {
        return Ok(read_label_array(&read_idx(path)?, &source)?);
    }
    match read(path)? {
        Content::Table(mut table, _) => {
            let named = ["label", "class", "target", "y"].iter().find_map(|name| table.find(name));
            let place = match (table.columns.len(), named) {
                (1, _) => 0,
                (_, Some(place)) => place,
                _ => bail!(
                    "{source}: which column holds the labels? Call it label (found {})",
                    table.names()
                ),
            };
            Ok(table.columns.swap_remove(place).cells)
        }
        Content::Arrays(ArrayFile { train: ArrayPart { y: Some(y), .. }, .. }) => Ok(y),
        _ => bail!(
            "{source}: there are no labels; give an .npy, an IDX file, an .npz with y, or a table with a column of labels"
        ),
    }
}
