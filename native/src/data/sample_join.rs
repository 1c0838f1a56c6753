//! Arrays of several files of samples as one, each in the type that the files have it in.

use std::path::Path;

use anyhow::Result;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::NpzWriter;
use gleaner_core::data::formats::npz_join::RawRows;

use super::samples::SampleFile;
use crate::system::prepared::Prepared;

/// Some samples of several files.
pub struct Picked<'f, 'a> {
    files: &'f mut [SampleFile<'a>],
    /// The rows of each file that are picked.
    rows: Vec<Vec<usize>>,
    /// Of each sample its file, and its place among the rows picked of that.
    places: Vec<(usize, usize)>,
}

/// What the files have of an array.
enum Joined {
    Raw(RawRows),
    /// Of types that differ, in the type that holds both.
    Mixed(NpyArray),
    /// Why there is none.
    LeftOut(String),
}

impl<'f, 'a> Picked<'f, 'a> {
    /// Samples `(file, row)`, in this order.
    pub fn new(files: &'f mut [SampleFile<'a>], order: &[(usize, usize)]) -> Self {
        let mut rows = vec![Vec::new(); files.len()];
        let mut places = Vec::with_capacity(order.len());
        for &(file, row) in order {
            places.push((file, rows[file].len()));
            rows[file].push(row);
        }
        Self { files, rows, places }
    }

    /// Prepares a file of them, with the arrays `more`, which replace those of the same name: arrays that all files have, with a row of
    /// one kind for each sample. Says which others are left out.
    ///
    /// # Errors
    /// If a file fails.
    pub fn prepare<'p>(mut self, out: &'p Path, more: &[(&str, NpyArray)]) -> Result<Prepared<'p>> {
        let class_array = self.files[0].class_array().map(str::to_owned);
        let mut left_out = Vec::new();
        let prepared = Prepared::by(out, |file| {
            let mut writer = NpzWriter::new(std::io::BufWriter::new(file));
            for name in self.names() {
                if more.iter().any(|(other, _)| *other == name)
                    || class_array.as_ref() == Some(&name)
                {
                    continue;
                }
                match self.joined(&name)? {
                    Joined::Raw(rows) => writer.add_raw(&name, &rows)?,
                    Joined::Mixed(array) => writer.add(&name, &array)?,
                    Joined::LeftOut(why) => left_out.push(format!("{name}, {why}")),
                }
            }
            more.iter().try_for_each(|(name, array)| writer.add(name, array))?;
            if let Some(classes) = self.files[0].classes() {
                writer
                    .add(class_array.as_deref().unwrap_or("classes"), &NpyArray::texts(classes))?;
            }
            writer.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            Ok(())
        })?;
        left_out.iter().for_each(|what| eprintln!("note: left out: {what}"));
        Ok(prepared)
    }

    /// Names of the arrays of all files, each once.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.files.iter().flat_map(SampleFile::names) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    fn joined(&mut self, name: &str) -> Result<Joined> {
        if let Some(file) = self.files.iter().find(|file| !file.has(name)) {
            return Ok(Joined::LeftOut(format!("which {} lacks", file.path())));
        }
        let mut parts = Vec::with_capacity(self.files.len());
        for (file, rows) in self.files.iter_mut().zip(&self.rows) {
            match file.raw_rows(name, rows)? {
                Some(part) => parts.push(part),
                None => {
                    let path = file.path();
                    return Ok(Joined::LeftOut(format!(
                        "which has no row for each sample in {path}"
                    )));
                }
            }
        }
        Ok(match RawRows::join(&parts, &self.places) {
            Some(rows) => Joined::Raw(rows),
            None => self.mixed(name, &parts)?,
        })
    }

    /// Classes as numbers; other arrays in a type that holds all values, if there is one.
    fn mixed(&mut self, name: &str, parts: &[RawRows]) -> Result<Joined> {
        if let Some(array) = RawRows::mix(parts, &self.places) {
            return Ok(Joined::Mixed(array));
        }
        if name != "y" {
            let kinds: Vec<String> = parts.iter().map(RawRows::kind).collect();
            let kinds = kinds.join(", ");
            return Ok(Joined::LeftOut(format!("whose rows are of several kinds ({kinds})")));
        }
        let mut numbers = Vec::with_capacity(parts.len());
        for (file, rows) in self.files.iter_mut().zip(&self.rows) {
            numbers.push(file.class_numbers(rows)?);
        }
        let classes = self.places.iter().map(|&(file, at)| numbers[file][at]).collect();
        Ok(Joined::Mixed(NpyArray::i64(&[self.places.len()], classes)))
    }
}
