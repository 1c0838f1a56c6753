//! An array with a row of numbers for each sample.

use crate::error::{Error, Result};

/// `[n, width]`, row-major: what the last layer of the classifier sees, latent variables, any embedding.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    values: &'a [f32],
    width: usize,
}

impl<'a> Rows<'a> {
    /// One row for each of `rows` samples. `name` is what the array is called.
    ///
    /// # Errors
    /// Another number of rows, or a value that is not finite.
    pub fn new(name: &'static str, values: &'a [f32], width: usize, rows: usize) -> Result<Self> {
        if width == 0 || values.len() != rows * width {
            let problem = format!("{rows} samples need {rows} rows of numbers");
            return Err(Error::config(name, format!("{} values", values.len()), problem));
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let problem = format!("row {} is not finite (the first row is 0)", at / width);
            return Err(Error::config(name, values[at], problem));
        }
        Ok(Self { values, width })
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn len(&self) -> usize {
        self.values.len() / self.width
    }

    pub(super) fn row(&self, row: usize) -> &'a [f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }
}
