//! Files of samples: `x`, `y` and what a classifier says of them, from any generator.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use gleaner_core::data::Examples;
use gleaner_core::data::formats::arrays::{CLASS_NAMES, as_rows, class_names, label_cells};
use gleaner_core::data::formats::npy::{NpyArray, NpyValues};
use gleaner_core::data::formats::npz::{Npz, NpzWriter, examples};
use gleaner_core::data::formats::npz_join::RawRows;
use gleaner_core::data::formats::npz_rows::Selection;
use gleaner_core::data::table::{Cells, shortened};
use gleaner_core::measures::predictions::{Predictions, Scale, are_probabilities};

use super::sample_classes::{numbered, sorted_words};
use crate::pictures::picture::image_shape;
use crate::system::prepared::Prepared;

/// Where samples come from, through every choice: the files, which of them, and which row of it.
pub const SOURCES: [&str; 3] = ["source_files", "source_file", "source_row"];

/// Arrays that need a row for each sample; others may have other shapes, and are then copied whole.
const BY_SAMPLE: [&str; 7] = ["x", "y", "z", "logits", "probs", "entropy", "features"];

/// An open file of samples. Arrays are read when they are asked for, and of `x` only the rows that are.
pub struct SampleFile<'a> {
    npz: Npz<'a, BufReader<File>>,
    path: &'a str,
    rows: usize,
    names: Vec<String>,
    /// The array that names the classes.
    class_array: Option<String>,
    /// What the classes are called, if they are.
    classes: Option<Vec<String>>,
}

/// Where samples come from that were chosen from others.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The files.
    pub files: Vec<String>,
    /// Of each sample which one, and its row there.
    pub rows: Vec<(usize, i64)>,
}

/// Pixels above this are not from 0 to 1, give or take what a generator may overshoot, but from 0 to 255.
const MOST_OF_ONE: f32 = 1.5;

impl<'a> SampleFile<'a> {
    /// Opens a file and looks at the shapes in it.
    ///
    /// # Errors
    /// It cannot be read, lacks `y`, or its arrays have different lengths.
    pub fn open(path: &'a Path) -> Result<Self> {
        let context = || format!("cannot read {}; give an .npz of samples", path.display());
        let file = File::open(path).with_context(context)?;
        ensure!(
            file.metadata().with_context(context)?.is_file(),
            "{}: this is not a file; give an .npz of samples",
            path.display()
        );
        let path = path.to_str().with_context(|| {
            format!("{}: this path is not valid text; rename it", path.display())
        })?;
        let mut npz = Npz::from_reader(BufReader::new(file), path)?;
        let names = npz.names();
        ensure!(
            names.iter().any(|found| found == "y"),
            "{path}: no array \"y\" (found {}); save it with numpy.savez(path, x=..., y=..., logits=...)",
            shortened(names.iter().map(String::as_str))
        );
        let rows = common_rows(&mut npz, path)?;
        let mut notes = Vec::new();
        let (class_array, classes) = class_names(&mut npz, &mut notes)?.unzip();
        let twice = classes
            .iter()
            .flatten()
            .enumerate()
            .find(|&(at, name)| classes.iter().flatten().take(at).any(|before| before == name));
        if let (Some((_, name)), Some(array)) = (twice, &class_array) {
            bail!("{path}: {array} names two classes {name:?}; give each class a name of its own");
        }
        let file = Self { npz, path, rows, names, class_array, classes };
        file.say(&notes);
        Ok(file)
    }

    fn say(&self, notes: &[String]) {
        notes.iter().for_each(|note| eprintln!("{}: {note}", self.path));
    }

    /// What the classes are called, if the file says so, in the order of the predictions.
    pub fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    /// What a class is called, else its number.
    pub fn class_name(&self, class: usize) -> String {
        let name = self.classes.as_ref().and_then(|names| names.get(class)).cloned();
        name.unwrap_or_else(|| class.to_string())
    }

    /// Whether `x` is as a model has it, not in the units of its training data.
    pub fn is_standardised(&self) -> bool {
        self.names.iter().any(|name| name == "standardised")
    }

    /// How many samples there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What the classifier says: `logits` if there are any, else `probs`.
    ///
    /// # Errors
    /// Neither is there, or shapes, labels or numbers that cannot be.
    pub fn predictions(&mut self) -> Result<Predictions> {
        let names = &self.names;
        ensure!(
            names.iter().any(|name| name == "logits" || name == "probs"),
            "{}: no array logits or probs (found {}); add the predictions of a classifier for each sample",
            self.path,
            shortened(names.iter().map(String::as_str))
        );
        let (name, scale) = match self.names.iter().any(|name| name == "logits") {
            true => ("logits", Scale::Logits),
            false => ("probs", Scale::Probabilities),
        };
        let (values, classes) = self.matrix(name)?;
        ensure!(
            scale == Scale::Probabilities || !are_probabilities(&values, classes),
            "{}: every row of logits lies in [0, 1] and sums to 1: are these probabilities? Save them as probs",
            self.path
        );
        let y = self.npz.labels("y")?;
        let y = self.labels(&y, self.rows)?;
        self.name_classes(&y, name, classes)?;
        let labels = numbered(&y, self.classes(), self.path)?;
        Ok(Predictions::new(values, scale, classes, &labels, self.path)?)
    }

    /// The labels of so many samples.
    fn labels(&self, y: &NpyArray, rows: usize) -> Result<Cells> {
        let mut notes = Vec::new();
        let cells = label_cells(y, "y", ("the file", rows), self.path, &mut notes)?;
        self.say(&notes);
        Ok(cells)
    }

    /// Finds names for the columns of the predictions `name`, if there are any.
    fn name_classes(&mut self, y: &Cells, name: &str, columns: usize) -> Result<()> {
        if let (Some(names), Some(array)) = (&self.classes, &self.class_array) {
            ensure!(
                names.len() == columns,
                "{}: {array} has {} names and {name} has {columns} columns; give one name for each, in their order",
                self.path,
                names.len()
            );
            return Ok(());
        }
        self.classes = sorted_words(y, columns, self.path)?;
        if let Some(names) = &self.classes {
            let shown = shortened(names.iter().map(String::as_str));
            self.say(&[format!("there is no array classes: the columns of {name} are read as {shown}, the words of y in sorted order")]);
        }
        Ok(())
    }

    /// The path of the file.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The names of its arrays.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it has an array of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|found| found == name)
    }

    /// The numbers of an array with a row for each sample, whatever the shape of a row, and how many there are of each.
    ///
    /// # Errors
    /// There is no such array, it has another number of rows, or holds no numbers.
    pub fn numbers(&mut self, name: &str) -> Result<(Vec<f32>, usize)> {
        let NpyArray { values, shape } = self.npz.require(name)?;
        let width = self.width_of(name, &shape)?;
        Ok((singles(values, self.path, name)?, width))
    }

    /// The same as differences from a row, the first one unless it is given: of numbers far from 0, single precision has only the
    /// first digits, in which samples are equal. Arrays that are in single precision stay as they are unless a row is given.
    ///
    /// # Errors
    /// As [`SampleFile::numbers`].
    pub fn differences(
        &mut self,
        name: &str,
        from: &mut Option<Vec<f64>>,
    ) -> Result<(Vec<f32>, usize)> {
        let NpyArray { values, shape } = self.npz.labels(name)?;
        let width = self.width_of(name, &shape)?;
        let values: Vec<f64> = match values {
            NpyValues::F64(values) => values,
            NpyValues::I64(values) => values.into_iter().map(|value| value as f64).collect(),
            others if from.is_none() => return Ok((singles(others, self.path, name)?, width)),
            others => singles(others, self.path, name)?.into_iter().map(f64::from).collect(),
        };
        let from = from.get_or_insert_with(|| values[..width.min(values.len())].to_vec());
        let rows = values.chunks(width.max(1));
        let moved =
            rows.flat_map(|row| row.iter().zip(&*from).map(|(value, from)| (value - from) as f32));
        Ok((moved.collect(), width))
    }

    /// How many numbers each sample has in an array of this shape.
    fn width_of(&self, name: &str, shape: &[usize]) -> Result<usize> {
        ensure!(
            shape.first() == Some(&self.rows),
            "{}: {name} has shape {shape:?} and there are {} samples; save one row for each in both",
            self.path,
            self.rows
        );
        Ok(shape[1..].iter().product())
    }

    /// Whether an array holds bytes, as pictures do.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn holds_bytes(&mut self, name: &str) -> Result<bool> {
        Ok(self.has(name) && matches!(self.npz.rows(name, &[])?.values, NpyValues::U8(_)))
    }

    /// Where its samples come from, if they were chosen from others.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn sources(&mut self) -> Result<Option<Sources>> {
        if !SOURCES.iter().all(|name| self.has(name)) {
            return Ok(None);
        }
        let [files, file, row] = SOURCES;
        let [files, file, row] =
            [self.npz.require(files)?, self.npz.require(file)?, self.npz.require(row)?];
        let (NpyValues::Text(files), NpyValues::I64(file), NpyValues::I64(row)) =
            (files.values, file.values, row.values)
        else {
            return Ok(None);
        };
        let known = |&number: &i64| usize::try_from(number).is_ok_and(|at| at < files.len());
        let whole = file.len() == self.rows && row.len() == self.rows && file.iter().all(known);
        let rows = file.iter().zip(row).map(|(&file, row)| (file as usize, row)).collect();
        Ok(whole.then_some(Sources { files, rows }))
    }

    /// Some samples as examples of the classes that they were drawn for.
    ///
    /// # Errors
    /// Shapes, labels or numbers that cannot be.
    pub fn examples(&mut self, rows: &[usize]) -> Result<Examples> {
        let (x, labels) = (self.npz.rows("x", rows)?, self.class_numbers(rows)?);
        Ok(examples(x, &NpyArray::i64(&[labels.len()], labels), self.path)?)
    }

    /// The classes of some samples as numbers from 0.
    ///
    /// # Errors
    /// As [`SampleFile::predictions`] of labels.
    pub fn class_numbers(&mut self, rows: &[usize]) -> Result<Vec<i64>> {
        let y = self.npz.rows("y", rows)?;
        numbered(&self.labels(&y, rows.len())?, self.classes(), self.path)
    }

    /// Some rows of an array, of any type; `None` if it has not one for each sample.
    ///
    /// # Errors
    /// The array is damaged.
    pub fn raw_rows(&mut self, name: &str, rows: &[usize]) -> Result<Option<RawRows>> {
        let shape = self.npz.kept_shape(name)?;
        if shape.and_then(|shape| shape.first().copied()) != Some(self.rows) {
            return Ok(None);
        }
        Ok(Some(self.npz.raw_rows(name, rows)?))
    }

    /// The array that names the classes.
    pub fn class_array(&self) -> Option<&str> {
        self.class_array.as_deref()
    }

    /// Some samples as pictures, `[n, height * width * channels]`, and their shape.
    ///
    /// # Errors
    /// They are no pictures.
    pub fn images(&mut self, rows: &[usize]) -> Result<(Vec<f32>, [usize; 3])> {
        ensure!(
            self.names.iter().any(|name| name == "x"),
            "{}: no array x, so that there are no pictures to draw; leave --grid out",
            self.path
        );
        let mut notes = Vec::new();
        let x = as_rows(self.npz.rows("x", rows)?, "x", self.path, &mut notes)?;
        self.say(&notes);
        let shape = image_shape(&x.shape[1..]).context("--grid")?;
        let white = match x.values {
            NpyValues::U8(_) => 255.0,
            _ => self.white()?,
        };
        let values = singles(x.values, self.path, "x").context("--grid")?;
        if let Some(at) = values.iter().position(|value| value.is_nan()) {
            bail!(
                "{}: the picture cannot be drawn: x of row {} holds NaN (the first row is 0); leave --grid out, or the row",
                self.path,
                rows[at / shape.iter().product::<usize>()]
            );
        }
        Ok((values.into_iter().map(|value| value / white).collect(), shape))
    }

    /// What the brightest pixel of `x` may be, 1 or 255: the largest of all pixels of the file tells.
    fn white(&mut self) -> Result<f32> {
        let largest = self.npz.range("x")?.map_or(0.0, |(_, largest)| largest);
        Ok(if largest > MOST_OF_ONE { 255.0 } else { 1.0 })
    }

    /// Prepares a file of the samples `rows`, in that order, with the arrays `more`, which replace those of the same name. The others are
    /// of any type, and keep it; arrays that have no row for each sample are copied.
    ///
    /// # Errors
    /// If a file fails.
    pub fn prepare_rows<'p>(
        &mut self,
        out: &'p Path,
        rows: &[usize],
        more: &[(&str, NpyArray)],
    ) -> Result<Prepared<'p>> {
        let without: Vec<&str> = more.iter().map(|(name, _)| *name).collect();
        let whole = self.class_array.as_deref();
        let selection = Selection { of: self.rows, rows, whole, without: &without };
        let mut left_out = Vec::new();
        let prepared = Prepared::by(out, |file| {
            let mut writer = NpzWriter::new(std::io::BufWriter::new(file));
            left_out = self.npz.hand_on(&selection, &mut writer)?;
            more.iter().try_for_each(|(name, array)| writer.add(name, array))?;
            if let (None, Some(names)) = (whole, &self.classes) {
                // Of a class that lost all its samples, no word would be left. An array of the usual name may hold no words.
                let is_free = |name: &&&str| !self.names.iter().any(|found| found == **name);
                let name = CLASS_NAMES
                    .iter()
                    .find(is_free)
                    .context("no name is left for the names of the classes")?;
                writer.add(name, &NpyArray::texts(names))?;
            }
            writer.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            Ok(())
        })?;
        left_out.iter().for_each(|problem| eprintln!("note: left out: {problem}"));
        self.say_replaced(rows, more);
        Ok(prepared)
    }

    /// Says which arrays of the file are lost to one of `more` that says something else of the samples `rows`.
    fn say_replaced(&mut self, rows: &[usize], more: &[(&str, NpyArray)]) {
        let mut lost = Vec::new();
        // What a choice from chosen samples carries on or counts anew.
        const EXPECTED: [&str; 3] = ["index", "gain", "weight"];
        let chosen = SOURCES.iter().all(|name| self.has(name));
        for (name, array) in more {
            if chosen && (EXPECTED.contains(name) || SOURCES.contains(name)) {
                continue;
            }
            let stands = self.names.iter().any(|found| found == name);
            // What cannot be read is something else.
            if stands && self.npz.rows(name, rows).ok().as_ref() != Some(array) {
                lost.push(*name);
            }
        }
        if lost.is_empty() {
            return;
        }
        eprintln!(
            "note: {}: the output has new values in the place of {}; rename an array to keep it",
            self.path,
            lost.join(", ")
        );
    }

    /// A matrix with a row for each sample, and its columns.
    fn matrix(&mut self, name: &str) -> Result<(Vec<f32>, usize)> {
        let NpyArray { values, shape } = self.npz.require(name)?;
        let values = match values {
            NpyValues::F32(values) if shape.len() == 2 => values,
            NpyValues::I64(values) if shape.len() == 2 => {
                values.into_iter().map(|value| value as f32).collect()
            }
            values => bail!(
                "{}: {name} has shape {shape:?} and holds {}; it needs one row of floats for each sample",
                self.path,
                values.kind()
            ),
        };
        Ok((values, shape[1]))
    }
}

/// How many rows the arrays have that need one for each sample.
fn common_rows(npz: &mut Npz<'_, BufReader<File>>, path: &str) -> Result<usize> {
    let mut first: Option<(&str, usize)> = None;
    for name in BY_SAMPLE {
        // The classes are needed; of the others, what cannot be kept is left out of what is written.
        let shape = if name == "y" { npz.shape(name)? } else { npz.kept_shape(name)? };
        let Some(shape) = shape else { continue };
        let Some(&length) = shape.first() else {
            bail!("{path}: {name} is a single number; save one row for each sample")
        };
        let (other, rows) = *first.get_or_insert((name, length));
        ensure!(
            length == rows,
            "{path}: {name} has {length} rows and {other} has {rows}; save one row for each sample in both"
        );
    }
    Ok(first.map_or(0, |(_, rows)| rows))
}

/// Numbers in single precision.
///
/// # Errors
/// They are words.
pub(super) fn singles(values: NpyValues, path: &str, name: &str) -> Result<Vec<f32>> {
    Ok(match values {
        NpyValues::F32(values) => values,
        NpyValues::U8(values) => values.into_iter().map(f32::from).collect(),
        NpyValues::F64(values) => values.into_iter().map(|value| value as f32).collect(),
        NpyValues::I64(values) => values.into_iter().map(|value| value as f32).collect(),
        NpyValues::Text(_) => bail!(
            "{path}: {name} holds words, where numbers are needed; save numbers, or name another array"
        ),
    })
}

/// Whether numbers, so many of each row, are all there.
///
/// # Errors
/// One is NaN or infinite.
pub(super) fn check_finite(values: &[f32], width: usize, path: &str, name: &str) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => bail!(
            "{path}: {name} of row {} holds {} (the first row is 0); mend it, or leave the row out",
            at / width,
            values[at]
        ),
        None => Ok(()),
    }
}
