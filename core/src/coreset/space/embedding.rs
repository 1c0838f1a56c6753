//! Any numbers of a sample: what another network makes of it, or the latent variables that it was generated from.

use super::{Compared, Dims, Rows};
use crate::error::{Error, Result};

/// Rows as points.
#[derive(Debug)]
pub(in super::super) struct Embedding<'a> {
    rows: Rows<'a>,
    /// Of each row, what it is divided by.
    lengths: Option<Vec<f64>>,
}

impl<'a> Embedding<'a> {
    /// As they are.
    pub(in super::super) fn new(rows: Rows<'a>) -> Self {
        Self { rows, lengths: None }
    }

    /// Of length 1, so that their directions alone are compared.
    ///
    /// # Errors
    /// A row of zeros, which has none.
    pub(in super::super) fn directions(rows: Rows<'a>) -> Result<Self> {
        let length = |row| rows.row(row).iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let lengths: Vec<f64> = (0..rows.len()).map(length).collect();
        if let Some(row) = lengths.iter().position(|&length| length == 0.0) {
            let problem = format!(
                "row {row} is all zeros (the first row is 0), which has no direction; use Euclidean distances, or leave the row out"
            );
            return Err(Error::config("distance", "cosine", problem));
        }
        Ok(Self { rows, lengths: Some(lengths) })
    }
}

impl Compared for Embedding<'_> {
    fn dims(&self) -> Dims {
        Dims::Point(self.rows.width())
    }

    fn write(&self, row: usize, out: &mut [f64]) {
        let length = self.lengths.as_ref().map_or(1.0, |lengths| lengths[row]);
        out.iter_mut().zip(self.rows.row(row)).for_each(|(out, &x)| *out = f64::from(x) / length);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_distance;
    use super::*;

    #[test]
    fn rows_are_compared_by_distance_or_by_direction() {
        let values = [3.0, 4.0, 0.0, 0.5];
        let rows = Rows::new("embedding", &values, 2, 2).unwrap();
        assert_distance(&Embedding::new(rows), 9.0 + 3.5 * 3.5);
        // The cosine is 4 / 5.
        assert_distance(&Embedding::directions(rows).unwrap(), 2.0 - 2.0 * 0.8);
        let zeros = Rows::new("embedding", &[1.0, 0.0, 0.0, 0.0], 2, 2).unwrap();
        let error = Embedding::directions(zeros).unwrap_err().to_string();
        assert!(error.contains("row 1 is all zeros"), "{error}");
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let new = |values: &'static [f32], width, rows| Rows::new("z", values, width, rows);
        assert!(new(&[0.0; 4], 2, 3).unwrap_err().to_string().contains("3 rows"));
        let nan = new(&[0.0, f32::NAN], 1, 2).unwrap_err().to_string();
        assert!(nan.contains("row 1 is not finite"), "{nan}");
    }
}
