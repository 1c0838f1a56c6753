//! A mixture model whose components belong to classes, learned from labelled and unlabelled rows together:
//! mixture discriminant analysis (Hastie and Tibshirani 1996) with the labels that are missing treated as
//! such (Nigam et al. 2000).
//!
//! A component is a Gaussian over the numbers of a row times, for each column of words, a distribution
//! over its values. Covariances lean towards one that all components share,
//! `(N_k S_k + n (S + 0.01 I)) / (N_k + n) + 0.01 I`, `S_k` being that of the `N_k` rows of component `k`,
//! `S` the shared one and `n` what the latter counts for in rows. Cells that are missing are integrated
//! out: exactly, unless rows are first projected onto principal components.
//!
//! The steps are those of expectation and maximisation. With the shared covariance alone they never lower
//! the penalised likelihood of the rows; leaning towards it they do so only for a target that stays where
//! it is, since the target follows the components.

mod em;
mod gaussian;
mod rows;
mod start;
mod words;

use anyhow::{Result, ensure};
use gleaner_core::noise::Noise;
use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use em::{Fit, Setting, log_sum};
use gaussian::Gaussian;
use rows::Rows;

use super::components::{Components, filled};
use super::moments::Moments;

/// What to learn from: rows with and without labels.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// `[rows, numeric columns]`, standardised, NaN where a cell is missing; no columns are fine.
    pub numbers: &'a Array2<f64>,
    /// For each column of words the value of each row, `None` where the cell is missing.
    pub categories: &'a [Vec<Option<usize>>],
    /// How many values each column of words has.
    pub values: &'a [usize],
    /// The class of each row that has one.
    pub labels: &'a [Option<usize>],
    /// How many classes there are.
    pub classes: usize,
    /// `[rows, classes]`: what is believed of the classes to begin with, at least 0. Label spreading's
    /// probabilities, squared and normalised, are good; those of labelled rows are not looked at.
    pub beliefs: &'a Array2<f64>,
}

/// What the components' covariances have in common.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shrink {
    /// They are the same.
    Tied,
    /// Each leans on the shared one, which counts for this many rows, above 0; some 5 more than there are
    /// dimensions is good.
    ToTied(f64),
}

/// How to fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Components of each class, at least 1.
    pub components: usize,
    /// What their covariances have in common.
    pub shrink: Shrink,
    /// Fits from different starts, whose probabilities are averaged, at least 1; with one component a class
    /// all starts are the same, and one is enough.
    pub restarts: usize,
    /// Maximisations of each fit, at least 1.
    pub steps: usize,
    /// Rows of more numeric columns than this are projected onto as many principal components.
    pub dims: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { components: 1, shrink: Shrink::Tied, restarts: 1, steps: 15, dims: 20 }
    }
}

/// A fitted mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    projection: Option<Components>,
    /// Numeric columns of the rows that it takes.
    width: usize,
    /// How many values each column of words has.
    values: Vec<usize>,
    classes: usize,
    /// One for each start.
    fits: Vec<Fit>,
}

impl Mixture {
    /// Fits the components to all rows of a problem; `noise` decides where they start.
    ///
    /// A step takes time in proportion to rows, components of all classes and squared dimensions.
    ///
    /// # Errors
    /// If there are no rows, columns or classes, the parts of the problem differ in size, a number is
    /// infinite, a belief is negative or not finite, a word or label is not below its count, or a setting
    /// is out of range.
    pub fn fit(problem: &Problem, settings: &Settings, noise: &Noise) -> Result<Self> {
        check_settings(settings)?;
        let beliefs = beliefs(problem)?;
        let Problem { numbers, categories, values, .. } = *problem;
        let wide = numbers.ncols() > settings.dims;
        let projection = wide.then(|| Components::new(numbers, settings.dims));
        let projected = projection.as_ref().map(|projection| projection.apply(numbers));
        let numbers = projected.as_ref().unwrap_or(numbers);

        let rows = Rows::new(numbers, categories, values)?;
        let Moments { mean, sd } = Moments::of(numbers);
        let (mean, sd) = (Array1::from_vec(mean), Array1::from_vec(sd));
        let places = places(&filled(numbers, &mean), categories, values);
        let start = Gaussian { mean, covariance: Array2::from_diag(&(&sd * &sd + 0.01)) };
        let setting = Setting::new(&rows, problem.labels, settings.components, values);
        let mut noise = noise.split("mixture");
        let restarts = if settings.components == 1 { 1 } else { settings.restarts };
        let fit = |_| {
            let shares =
                start::responsibilities(&places, &beliefs, settings.components, &mut noise);
            setting.run(shares, &start, settings.shrink, settings.steps)
        };
        Ok(Self {
            projection,
            width: problem.numbers.ncols(),
            values: values.to_vec(),
            classes: problem.classes,
            fits: (0..restarts).map(fit).collect(),
        })
    }

    /// Whether its parts belong together, and it tells so many classes apart.
    #[must_use]
    pub fn is_whole(&self, classes: usize) -> bool {
        let projected = self.projection.as_ref();
        let dims = projected.map_or(self.width, Components::dims);
        let of_rows =
            |components: &Components| components.is_whole() && components.columns() == self.width;
        self.classes == classes
            && classes > 0
            && projected.is_none_or(of_rows)
            && !self.fits.is_empty()
            && self.fits.iter().all(|fit| fit.is_whole(classes, dims, &self.values))
    }

    /// `[rows, classes]`: the log-probability of each class given the cells that are there, the mean over
    /// the starts. Without any cells it is that of the class alone.
    ///
    /// # Errors
    /// If the rows have other columns than those fitted on, or a word that is not below its count.
    pub fn log_probs(
        &self,
        numbers: &Array2<f64>,
        categories: &[Vec<Option<usize>>],
    ) -> Result<Array2<f64>> {
        let rows = self.rows(numbers, categories)?;
        let mut logs: Vec<Array2<f64>> =
            self.fits.iter().map(|fit| self.by_class(fit, &rows)).collect();
        for mut row in logs.iter_mut().flat_map(|logs| logs.rows_mut()) {
            let total = log_sum(row.iter().copied());
            row -= total;
        }
        let starts = self.fits.len() as f64;
        let shape = (rows.count, self.classes);
        Ok(Array2::from_shape_fn(shape, |at| {
            log_sum(logs.iter().map(|logs| logs[at])) - starts.ln()
        }))
    }

    /// `[rows]`: the log-density of the cells that are there, in nats, as the mean density over the starts;
    /// of the projected row, where rows are projected.
    ///
    /// # Errors
    /// As [`log_probs`](Self::log_probs).
    pub fn log_density(
        &self,
        numbers: &Array2<f64>,
        categories: &[Vec<Option<usize>>],
    ) -> Result<Array1<f64>> {
        let rows = self.rows(numbers, categories)?;
        let joint: Vec<Array2<f64>> = self.fits.iter().map(|fit| fit.log_joint(&rows)).collect();
        let starts = self.fits.len() as f64;
        let density = |row: usize| log_sum(joint.iter().flat_map(|joint| joint.row(row).to_vec()));
        Ok((0..rows.count).map(|row| density(row) - starts.ln()).collect())
    }

    fn rows(&self, numbers: &Array2<f64>, categories: &[Vec<Option<usize>>]) -> Result<Rows> {
        ensure!(
            numbers.ncols() == self.width,
            "the mixture was fitted on rows of {} numbers, these have {}",
            self.width,
            numbers.ncols()
        );
        match &self.projection {
            Some(projection) => Rows::new(&projection.apply(numbers), categories, &self.values),
            None => Rows::new(numbers, categories, &self.values),
        }
    }

    /// `[rows, classes]`: the log-density of each row together with each class.
    fn by_class(&self, fit: &Fit, rows: &Rows) -> Array2<f64> {
        let joint = fit.log_joint(rows);
        let components = joint.ncols() / self.classes;
        let mut logs = Array2::zeros((rows.count, self.classes));
        for (mut logs, joint) in logs.rows_mut().into_iter().zip(joint.rows()) {
            for (log, joint) in logs.iter_mut().zip(joint.axis_chunks_iter(Axis(0), components)) {
                *log = log_sum(joint.iter().copied());
            }
        }
        logs
    }
}

fn check_settings(settings: &Settings) -> Result<()> {
    let Settings { components, shrink, restarts, steps, dims } = *settings;
    ensure!(components > 0, "a mixture needs at least 1 component a class");
    ensure!(restarts > 0 && steps > 0, "a mixture needs at least 1 start and 1 step");
    ensure!(dims > 0, "a mixture needs at least 1 dimension to project onto");
    if let Shrink::ToTied(prior) = shrink {
        ensure!(
            prior > 0.0 && prior.is_finite(),
            "the shared covariance must count for more than 0 rows, not {prior}"
        );
    }
    Ok(())
}

/// `[rows, classes]`: the beliefs to begin with, each row summing to 1; all in the class of labelled rows.
fn beliefs(problem: &Problem) -> Result<Array2<f64>> {
    let Problem { numbers, categories, labels, classes, beliefs, .. } = *problem;
    ensure!(numbers.nrows() > 0, "no rows to learn a mixture from");
    ensure!(numbers.ncols() + categories.len() > 0, "a mixture needs at least one column");
    ensure!(classes > 0, "a mixture needs at least one class");
    ensure!(
        labels.len() == numbers.nrows() && beliefs.dim() == (numbers.nrows(), classes),
        "{} rows come with {} labels and beliefs of {} rows in {} classes, not {classes}",
        numbers.nrows(),
        labels.len(),
        beliefs.nrows(),
        beliefs.ncols()
    );
    if let Some(label) = labels.iter().flatten().find(|&&label| label >= classes) {
        anyhow::bail!("label {label} is not below the class count {classes}");
    }
    ensure!(
        beliefs.iter().all(|&belief| belief >= 0.0 && belief.is_finite()),
        "beliefs in classes must be finite and at least 0"
    );
    let mut all = beliefs.clone();
    for (mut row, &label) in all.rows_mut().into_iter().zip(labels) {
        let sum = row.sum();
        match label {
            Some(label) => (0..classes).for_each(|at| row[at] = f64::from(u8::from(at == label))),
            None if sum > 0.0 => row /= sum,
            None => row.fill(1.0 / classes as f64),
        }
    }
    Ok(all)
}

/// Rows as points: their numbers, and a 1 for each word that is there.
fn places(
    numbers: &Array2<f64>,
    categories: &[Vec<Option<usize>>],
    values: &[usize],
) -> Array2<f64> {
    let width = numbers.ncols();
    let mut places = Array2::zeros((numbers.nrows(), width + values.iter().sum::<usize>()));
    places.slice_mut(ndarray::s![.., ..width]).assign(numbers);
    let mut first = width;
    for (column, &count) in categories.iter().zip(values) {
        for (row, value) in column.iter().enumerate() {
            if let Some(value) = value {
                places[[row, first + value]] = 1.0;
            }
        }
        first += count;
    }
    places
}

#[cfg(test)]
mod tests;
