//! Standardisation of tables: zero mean and unit variance per feature, fitted on training data.

use serde::{Deserialize, Serialize};

use super::{Examples, Values};

/// Mean and standard deviation per feature. Stored with the model, so that new data is treated
/// like the training data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardiser {
    /// Mean per feature, `[features]`.
    pub mean: Vec<f32>,
    /// Standard deviation per feature, `[features]`; 1 for a constant feature.
    pub std: Vec<f32>,
}

impl Standardiser {
    /// Fits on the given examples (the training split: never the test split). Missing values (NaN) are left out.
    #[must_use]
    pub fn fit(examples: &Examples) -> Self {
        let features = examples.features();
        let mut count = vec![0f64; features];
        let mut mean = vec![0f64; features];
        let mut square = vec![0f64; features];
        // Two passes in f64: raw columns reach 1e5 and more, where one pass would cancel.
        for row in 0..examples.len() {
            for (feature, value) in examples.gather(&[row]).into_iter().enumerate() {
                if !value.is_nan() {
                    mean[feature] += f64::from(value);
                    count[feature] += 1.0;
                }
            }
        }
        for (mean, count) in mean.iter_mut().zip(&mut count) {
            *count = count.max(1.0);
            *mean /= *count;
        }
        for row in 0..examples.len() {
            for (feature, value) in examples.gather(&[row]).into_iter().enumerate() {
                if !value.is_nan() {
                    square[feature] += (f64::from(value) - mean[feature]).powi(2) / count[feature];
                }
            }
        }
        let std = square
            .iter()
            .zip(&mean)
            .map(|(&variance, &mean)| {
                // A constant column has only rounding noise left; dividing by it would amplify it.
                let floor = 1e-6 * mean.abs().max(1e-6);
                if variance.sqrt() > floor { variance.sqrt() as f32 } else { 1.0 }
            })
            .collect();
        Self { mean: mean.into_iter().map(|mean| mean as f32).collect(), std }
    }

    /// `(value - mean) / std` for every feature, 0 where it is missing; labels and shape stay.
    ///
    /// # Panics
    /// The number of features differs from the fitted one.
    #[must_use]
    pub fn apply(&self, examples: &Examples) -> Examples {
        assert_eq!(examples.features(), self.mean.len(), "features of the fitted data");
        let rows: Vec<usize> = (0..examples.len()).collect();
        let mut values = examples.gather(&rows);
        for row in values.chunks_exact_mut(self.mean.len()) {
            for ((value, mean), std) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *value = if value.is_nan() { 0.0 } else { (*value - mean) / std };
            }
        }
        Examples {
            values: Values::F32(values),
            shape: examples.shape.clone(),
            labels: examples.labels.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fitted_data_has_zero_mean_and_unit_variance() {
        let values = vec![1e5, 7.0, 1e5 + 2.0, 7.0, 1e5 + 4.0, 7.0];
        let set = Examples::new(Values::F32(values), vec![2], vec![0, 1, 0], "set").unwrap();
        let fitted = Standardiser::fit(&set);
        let out = fitted.apply(&set).gather(&[0, 1, 2]);
        let side = 1.5f32.sqrt();
        for (got, want) in out.iter().zip([-side, 0.0, 0.0, 0.0, side, 0.0]) {
            assert!((got - want).abs() < 1e-4, "{out:?}");
        }
        assert_eq!(fitted.std[1], 1.0);
    }

    #[test]
    fn missing_values_are_left_out_and_become_the_mean() {
        let values = Values::F32(vec![1.0, f32::NAN, 3.0, 5.0, f32::NAN, 7.0]);
        let set = Examples { values, shape: vec![2], labels: vec![0; 3] };
        let fitted = Standardiser::fit(&set);
        assert_eq!((&fitted.mean[..], &fitted.std[..]), (&[2.0, 6.0][..], &[1.0, 1.0][..]));
        assert_eq!(fitted.apply(&set).gather(&[0, 1, 2]), [-1.0, 0.0, 1.0, -1.0, 0.0, 1.0]);
    }

    #[test]
    fn test_data_uses_the_training_moments() {
        let table = |values: Vec<f32>| {
            let labels = vec![0; values.len()];
            Examples::new(Values::F32(values), vec![1], labels, "set").unwrap()
        };
        let fitted = Standardiser::fit(&table(vec![0.0, 2.0]));
        assert_eq!(fitted.apply(&table(vec![5.0])).gather(&[0]), [4.0]);
    }
}
