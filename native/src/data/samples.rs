//! Files of samples: `x`, `y` and what a classifier says of them, from any generator.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use gleaner_core::data::Examples;
use gleaner_core::data::formats::npy::{NpyArray, NpyValues};
use gleaner_core::data::formats::npz::{Npz, NpzWriter, examples};
use gleaner_core::measures::predictions::{Predictions, Scale};

use crate::pictures::picture::image_shape;
use crate::system::files::write_atomic_by;

/// Arrays that need a row for each sample; others may have other shapes, and are then copied whole.
const BY_SAMPLE: [&str; 7] = ["x", "y", "z", "logits", "probs", "entropy", "features"];

/// An open file of samples. Arrays are read when they are asked for, and of `x` only the rows that are.
pub struct SampleFile<'a> {
    npz: Npz<'a, BufReader<File>>,
    path: &'a str,
    rows: usize,
    names: Vec<String>,
}

impl<'a> SampleFile<'a> {
    /// Opens a file and looks at the shapes in it.
    ///
    /// # Errors
    /// It cannot be read, lacks `x` or `y`, or its arrays have different lengths.
    pub fn open(path: &'a Path) -> Result<Self> {
        let context = || format!("cannot read {}; give an .npz of samples", path.display());
        let file = File::open(path).with_context(context)?;
        ensure!(
            file.metadata().with_context(context)?.is_file(),
            "{}: this is not a file; give an .npz of samples",
            path.display()
        );
        let path = path.to_str().context("the file name is not valid text; rename the file")?;
        let mut npz = Npz::from_reader(BufReader::new(file), path)?;
        let names = npz.names();
        for name in ["x", "y"] {
            ensure!(
                names.iter().any(|found| found == name),
                "{path}: no array {name:?} (found {names:?}); save it with numpy.savez(path, x=..., y=..., logits=...)"
            );
        }
        let mut rows = None;
        for name in BY_SAMPLE {
            let Some(shape) = npz.shape(name)? else { continue };
            let Some(&length) = shape.first() else {
                bail!("{path}: {name} is a single number; save one row for each sample")
            };
            let rows = *rows.get_or_insert(length);
            ensure!(
                length == rows,
                "{path}: {name} has {length} rows and x has {rows}; save one row for each sample in both"
            );
        }
        Ok(Self { npz, path, rows: rows.unwrap_or(0), names })
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
            "{}: no array logits or probs (found {names:?}); add the predictions of a classifier for each sample",
            self.path
        );
        let labels = match self.npz.require("y")? {
            NpyArray { values: NpyValues::I64(labels), shape } if shape.len() == 1 => labels,
            NpyArray { values: NpyValues::U8(labels), shape } if shape.len() == 1 => {
                labels.into_iter().map(i64::from).collect()
            }
            NpyArray { shape, .. } => bail!(
                "{}: y has shape {shape:?} or is not an integer array; y needs one integer per sample",
                self.path
            ),
        };
        let (name, scale) = match self.names.iter().any(|name| name == "logits") {
            true => ("logits", Scale::Logits),
            false => ("probs", Scale::Probabilities),
        };
        let (values, classes) = self.matrix(name)?;
        Ok(Predictions::new(values, scale, classes, &labels, self.path)?)
    }

    /// The last hidden layer of the classifier, `features`, if it is there: values and width.
    ///
    /// # Errors
    /// Not a matrix of numbers.
    pub fn hidden(&mut self) -> Result<Option<(Vec<f32>, usize)>> {
        match self.names.iter().any(|name| name == "features") {
            true => self.matrix("features").map(Some),
            false => Ok(None),
        }
    }

    /// Some samples as examples of the classes that they were drawn for.
    ///
    /// # Errors
    /// Shapes, labels or numbers that cannot be.
    pub fn examples(&mut self, rows: &[usize]) -> Result<Examples> {
        let (x, y) = (self.npz.rows("x", rows)?, self.npz.rows("y", rows)?);
        Ok(examples(x, &y, self.path)?)
    }

    /// Some samples as pictures, `[n, height * width * channels]`, and their shape.
    ///
    /// # Errors
    /// They are no pictures.
    pub fn images(&mut self, rows: &[usize]) -> Result<(Vec<f32>, [usize; 3])> {
        let x = self.npz.rows("x", rows)?;
        let shape = match x.shape[1..] {
            [height, width] => image_shape(&[height, width, 1]),
            ref shape => image_shape(shape),
        };
        let values = match x.values {
            NpyValues::F32(values) => values,
            NpyValues::U8(values) => values.into_iter().map(|v| f32::from(v) / 255.0).collect(),
            NpyValues::I64(_) => {
                bail!("{}: x holds whole numbers; save pixels as uint8", self.path)
            }
        };
        Ok((values, shape.context("--grid")?))
    }

    /// Writes the samples `rows`, in that order, with the arrays `more`, which replace those of the same name. Arrays that
    /// have no row for each sample are copied.
    ///
    /// # Errors
    /// If a file fails.
    pub fn write_rows(
        &mut self,
        out: &Path,
        rows: &[usize],
        more: &[(&str, NpyArray)],
    ) -> Result<()> {
        write_atomic_by(out, |file| {
            let mut writer = NpzWriter::new(std::io::BufWriter::new(file));
            for name in self.names.clone() {
                if more.iter().any(|(replaced, _)| *replaced == name) {
                    continue;
                }
                if let Some(array) = self.carried(&name, rows)? {
                    writer.add(&name, &array)?;
                }
            }
            more.iter().try_for_each(|(name, array)| writer.add(name, array))?;
            writer.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            Ok(())
        })
    }

    /// What becomes of an array when some rows are kept.
    fn carried(&mut self, name: &str, rows: &[usize]) -> Result<Option<NpyArray>> {
        match self.npz.shape(name) {
            Ok(Some(shape)) if shape.first() == Some(&self.rows) => {
                Ok(Some(self.npz.rows(name, rows)?))
            }
            Ok(_) => Ok(self.npz.find(name)?),
            // Text, mostly: names of classes. Nothing that the samples need.
            Err(error) => {
                eprintln!("left out: {error}");
                Ok(None)
            }
        }
    }

    /// A matrix with a row for each sample, and its columns.
    fn matrix(&mut self, name: &str) -> Result<(Vec<f32>, usize)> {
        match self.npz.require(name)? {
            NpyArray { values: NpyValues::F32(values), shape } if shape.len() == 2 => {
                Ok((values, shape[1]))
            }
            NpyArray { shape, .. } => bail!(
                "{}: {name} has shape {shape:?} or is not float32 or float64; it needs one row for each sample",
                self.path
            ),
        }
    }
}
