//! Several files of samples as one: parts of what one generator drew, or what was chosen from parts.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::table::shortened;
use gleaner_core::measures::predictions::Predictions;

use super::sample_join::Picked;
use super::sample_weights::{Weights, weights};
use super::samples::{SOURCES, SampleFile, Sources, check_finite};
use crate::system::prepared::Prepared;

/// Files of samples of the same classes, one after the other.
pub struct SampleFiles<'a> {
    files: Vec<SampleFile<'a>>,
    /// The first row of each, and the end.
    starts: Vec<usize>,
}

impl<'a> SampleFiles<'a> {
    /// Opens files and looks at the shapes in them.
    ///
    /// # Errors
    /// As [`SampleFile::open`].
    pub fn open(paths: &'a [PathBuf]) -> Result<Self> {
        for (at, path) in paths.iter().enumerate() {
            let is_same = |other: &&PathBuf| matches!((other.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b);
            ensure!(
                paths[..at].iter().find(is_same).is_none(),
                "{}: this file is given twice, and each of its samples would count twice; give it once",
                path.display()
            );
        }
        let files: Vec<SampleFile<'a>> =
            paths.iter().map(|path| SampleFile::open(path)).collect::<Result<_>>()?;
        let mut starts = vec![0];
        for file in &files {
            starts.push(starts[starts.len() - 1] + file.rows());
        }
        Ok(Self { files, starts })
    }

    /// How many samples there are.
    pub fn rows(&self) -> usize {
        self.starts[self.files.len()]
    }

    /// The paths of the files, to name them in a message.
    pub fn paths(&self) -> String {
        match &self.files[..] {
            [file] => file.path().to_owned(),
            files => format!("{} and {} more", files[0].path(), files.len() - 1),
        }
    }

    /// What the classes are called, if the files say so, in the order of the predictions.
    pub fn classes(&self) -> Option<&[String]> {
        self.files[0].classes()
    }

    /// What a class is called, else its number.
    pub fn class_name(&self, class: usize) -> String {
        self.files[0].class_name(class)
    }

    /// What the classifier says of all samples.
    ///
    /// # Errors
    /// As [`SampleFile::predictions`]; also files of other classes or other kinds of predictions than the first.
    pub fn predictions(&mut self) -> Result<Predictions> {
        let mut all: Option<Predictions> = None;
        for at in 0..self.files.len() {
            let more = self.files[at].predictions()?;
            let (first, file) = (&self.files[0], &self.files[at]);
            ensure!(
                first.classes() == file.classes(),
                "{}: its classes are {}, those of {} are {}; give files of the same classes in the same order",
                file.path(),
                called(file.classes()),
                first.path(),
                called(first.classes())
            );
            all = Some(match all {
                None => more,
                Some(all) => all.with(more).map_err(|problem| {
                    anyhow::anyhow!("{} and {}: {problem}", first.path(), file.path())
                })?,
            });
        }
        all.context("a file of samples")
    }

    /// Numbers of every sample, and how many: the first of `names` that the first file has.
    ///
    /// # Errors
    /// No file has any, a file lacks the array, has another number of columns, or holds no numbers. `asked` says what needs it.
    pub fn numbers(&mut self, names: &[&str], asked: &str) -> Result<(Vec<f32>, usize)> {
        self.read(names, asked, false)
    }

    /// The same where only differences between samples count: see [`SampleFile::differences`].
    ///
    /// # Errors
    /// As [`SampleFiles::numbers`].
    pub fn differences(&mut self, names: &[&str], asked: &str) -> Result<(Vec<f32>, usize)> {
        self.read(names, asked, true)
    }

    fn read(&mut self, names: &[&str], asked: &str, moved: bool) -> Result<(Vec<f32>, usize)> {
        let first = &self.files[0];
        let Some(name) = names.iter().find(|name| first.has(name)) else {
            bail!(
                "{}: no array {} (found {}), which {asked} compares; add it to the file, name another one with --array, or choose \
                 --space gradient",
                first.path(),
                names.join(" or "),
                shortened(first.names().iter().map(String::as_str))
            );
        };
        let (mut all, mut width, mut from) = (Vec::new(), None, None);
        for (number, file) in self.files.iter_mut().enumerate() {
            ensure!(
                file.has(name),
                "{}: no array {name}, which {asked} compares, and which the first file has; add it, or choose --space gradient",
                file.path()
            );
            let (values, columns) = match moved && (number == 0 || from.is_some()) {
                true => file.differences(name, &mut from)?,
                false => file.numbers(name)?,
            };
            ensure!(
                columns > 0,
                "{}: {name} has no number for a sample; save at least one for each",
                file.path()
            );
            let wanted = *width.get_or_insert(columns);
            ensure!(
                columns == wanted,
                "{}: {name} has {columns} numbers for each sample, in the first file {wanted}; give files of the same kind",
                file.path()
            );
            check_finite(&values, columns, file.path(), name)?;
            all.extend(values);
        }
        Ok((all, width.unwrap_or(0)))
    }

    /// Whether the first file has an array.
    pub fn has(&self, name: &str) -> bool {
        self.files[0].has(name)
    }

    /// How many samples each stands for already, if the files say so.
    ///
    /// # Errors
    /// Some files say so and others do not, or a weight that cannot be.
    pub fn weights(&mut self) -> Result<Option<Weights>> {
        let have: Vec<bool> = self.files.iter().map(|file| file.has("weight")).collect();
        if !have.contains(&true) {
            return Ok(None);
        }
        if let (Some(with), Some(without)) =
            (have.iter().position(|&has| has), have.iter().position(|&has| !has))
        {
            bail!(
                "{} has weights and {} has none; give weights in all files, or ignore them with --unweighted",
                self.files[with].path(),
                self.files[without].path()
            );
        }
        let mut all = Vec::new();
        for file in &mut self.files {
            let path = file.path().to_owned();
            let (values, columns) = file.numbers("weight")?;
            ensure!(
                columns == 1,
                "{path}: weight has {columns} numbers for each sample; give one, or ignore them with --unweighted"
            );
            all.extend(
                values.into_iter().enumerate().map(|(row, value)| (path.clone(), row, value)),
            );
        }
        weights(&all).map(Some)
    }

    /// Some samples as pictures, `[n, height * width * channels]`, and their shape.
    ///
    /// # Errors
    /// They are no pictures, or of several sizes.
    pub fn images(&mut self, rows: &[usize]) -> Result<(Vec<f32>, [usize; 3])> {
        let mut parts = Vec::new();
        let mut shape = None;
        for (file, locals) in self.by_file(rows).into_iter().enumerate() {
            if locals.is_empty() {
                parts.push(Vec::new());
                continue;
            }
            let (values, of_file) = self.files[file].images(&locals)?;
            let wanted = *shape.get_or_insert(of_file);
            ensure!(
                of_file == wanted,
                "the files have pictures of several sizes; leave --grid out"
            );
            parts.push(values);
        }
        let shape = shape.context("no sample to draw")?;
        let size: usize = shape.iter().product();
        let mut all = Vec::with_capacity(rows.len() * size);
        let mut next = vec![0; self.files.len()];
        for &row in rows {
            let (file, _) = self.place(row);
            all.extend(&parts[file][next[file] * size..(next[file] + 1) * size]);
            next[file] += 1;
        }
        Ok((all, shape))
    }

    /// Prepares a file of the samples `rows`, in that order, with the arrays `more`, and where each sample comes from.
    ///
    /// # Errors
    /// If a file fails.
    pub fn prepare_rows<'p>(
        &mut self,
        out: &'p Path,
        rows: &[usize],
        more: Vec<(&'static str, NpyArray)>,
    ) -> Result<Prepared<'p>> {
        let mut more = more;
        let index: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        more.push(("index", NpyArray::i64(&[rows.len()], index)));
        more.extend(self.sources(rows)?);
        if let [file] = &mut self.files[..] {
            return file.prepare_rows(out, rows, &more);
        }
        let order: Vec<(usize, usize)> = rows.iter().map(|&row| self.place(row)).collect();
        Picked::new(&mut self.files, &order).prepare(out, &more)
    }

    /// The file of a row, and the row in it.
    fn place(&self, row: usize) -> (usize, usize) {
        let file = self.starts.partition_point(|&start| start <= row) - 1;
        (file, row - self.starts[file])
    }

    /// The rows of each file, in the order asked for.
    fn by_file(&self, rows: &[usize]) -> Vec<Vec<usize>> {
        let mut all = vec![Vec::new(); self.files.len()];
        for &row in rows {
            let (file, local) = self.place(row);
            all[file].push(local);
        }
        all
    }

    /// Where some samples come from: from where their file says, if that was chosen from others, else from their file.
    fn sources(&mut self, rows: &[usize]) -> Result<[(&'static str, NpyArray); 3]> {
        let mut names: Vec<String> = Vec::new();
        let mut numbered = |name: &str| -> i64 {
            let at = names.iter().position(|known| known == name).unwrap_or_else(|| {
                names.push(name.to_owned());
                names.len() - 1
            });
            at as i64
        };
        let mut known = Vec::new();
        for file in &mut self.files {
            known.push(match file.sources()? {
                Some(Sources { files, rows }) => {
                    let numbers: Vec<i64> = files.iter().map(|name| numbered(name)).collect();
                    rows.into_iter().map(|(file, row)| (numbers[file], row)).collect::<Vec<_>>()
                }
                None => {
                    let number = numbered(file.path());
                    (0..file.rows()).map(|row| (number, row as i64)).collect()
                }
            });
        }
        let (files, source_rows): (Vec<i64>, Vec<i64>) = rows
            .iter()
            .map(|&row| {
                let (file, local) = self.place(row);
                known[file][local]
            })
            .unzip();
        let [name, file, row] = SOURCES;
        let shape = [rows.len()];
        Ok([
            (name, NpyArray::texts(names)),
            (file, NpyArray::i64(&shape, files)),
            (row, NpyArray::i64(&shape, source_rows)),
        ])
    }
}

fn called(classes: Option<&[String]>) -> String {
    classes.map_or("not named".to_owned(), |names| shortened(names.iter().map(String::as_str)))
}
