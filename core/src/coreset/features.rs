//! The features of a sample that CRAIG and AdaCore compare: its gradient, as it is (E23) or by curvature (E24).

use super::curvature::Curvature;
use super::plane::Plane;
use super::points::Points;
use crate::error::{Error, Result};
use crate::measures::predictions::Predictions;

/// Coordinates of all points of a class at most: 2 GiB.
const MOST_COORDINATES: usize = 1 << 29;

/// What the last layer of the classifier sees of the samples, `[n, width]`, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Hidden<'a> {
    values: &'a [f32],
    width: usize,
}

impl<'a> Hidden<'a> {
    /// One row for each of `rows` samples.
    ///
    /// # Errors
    /// Another number of rows, or a value that is not finite.
    pub fn new(values: &'a [f32], width: usize, rows: usize) -> Result<Self> {
        if width == 0 || values.len() != rows * width {
            let problem = format!("{rows} samples need {rows} rows of features");
            return Err(Error::config("features", format!("{} values", values.len()), problem));
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let problem = format!("row {} is not finite", at / width);
            return Err(Error::config("features", values[at], problem));
        }
        Ok(Self { values, width })
    }

    fn row(&self, row: usize) -> &'a [f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }
}

/// The features of every sample, computed when they are asked for.
#[derive(Debug)]
pub(super) struct Features<'a> {
    predictions: &'a Predictions,
    hidden: Option<Hidden<'a>>,
    divisors: Vec<f64>,
}

impl<'a> Features<'a> {
    /// Gradients by the logits, `p - e_y` (E23).
    pub(super) fn gradients(predictions: &'a Predictions) -> Self {
        Self { predictions, hidden: None, divisors: vec![1.0; predictions.classes()] }
    }

    /// Gradients divided by the averaged curvature, into which the present one is taken (E24, E32): by the logits, or,
    /// where the last hidden layer `h` is known, by the weights of the last layer: `(p - e_y) h^T`, whose Hessian has the
    /// diagonal `p (1 - p) (h^2)^T`. Curvatures are means over all samples: the loss has one Hessian.
    ///
    /// # Errors
    /// `curvature` is that of another layer.
    pub(super) fn preconditioned(
        predictions: &'a Predictions,
        hidden: Option<Hidden<'a>>,
        curvature: &mut Curvature,
    ) -> Result<Self> {
        let mut features = Self { predictions, hidden, divisors: Vec::new() };
        let dims = predictions.classes() * hidden.map_or(1, |hidden| hidden.width);
        if curvature.refreshes() > 0 && curvature.dims() != dims {
            let problem =
                format!("these samples have {dims}; keep one curvature for each classifier");
            return Err(Error::config("curvature", curvature.dims(), problem));
        }
        let mut diagonal = vec![0.0; dims];
        let mut by_class = vec![0.0; predictions.classes()];
        for row in 0..predictions.len() {
            predictions.curvature(row, &mut by_class);
            features.expand(row, &by_class, |h| h * h, |at, value| diagonal[at] += value);
        }
        diagonal.iter_mut().for_each(|sum| *sum /= predictions.len() as f64);
        curvature.refresh(&diagonal);
        features.divisors = curvature.divisors();
        Ok(features)
    }

    /// The samples `rows` as points.
    ///
    /// # Errors
    /// More coordinates than memory should be filled with.
    pub(super) fn points(&self, rows: &[usize]) -> Result<Points> {
        let dims = self.divisors.len();
        if rows.len().saturating_mul(dims) > MOST_COORDINATES {
            let problem = format!(
                "{} samples of a class are too many for these; leave the array features out, filter, or draw fewer",
                rows.len()
            );
            return Err(Error::config("features", format!("{dims} coordinates"), problem));
        }
        Points::new(rows.len(), dims, |point, out| {
            let mut by_class = vec![0.0; self.predictions.classes()];
            self.coordinates(rows[point], &mut by_class, out);
        })
    }

    /// The samples `rows` on a plane.
    pub(super) fn plane(&self, rows: &[usize]) -> Plane {
        let dims = self.divisors.len();
        let mut values = vec![0.0; rows.len() * dims];
        let mut by_class = vec![0.0; self.predictions.classes()];
        for (&row, out) in rows.iter().zip(values.chunks_exact_mut(dims)) {
            self.coordinates(row, &mut by_class, out);
        }
        Plane::of(&values, dims)
    }

    /// The features of a sample, into `out`; `by_class` is room to work in.
    fn coordinates(&self, row: usize, by_class: &mut [f64], out: &mut [f64]) {
        self.predictions.gradient(row, by_class);
        let divisors = &self.divisors;
        self.expand(row, by_class, |h| h, |at, value| out[at] = value / divisors[at]);
    }

    /// Every coordinate of a sample from what it is by class and by hidden unit.
    fn expand(
        &self,
        row: usize,
        by_class: &[f64],
        of_hidden: impl Fn(f64) -> f64,
        mut each: impl FnMut(usize, f64),
    ) {
        let Some(hidden) = self.hidden else {
            by_class.iter().enumerate().for_each(|(at, &value)| each(at, value));
            return;
        };
        let hidden = hidden.row(row);
        for (class, value) in by_class.iter().enumerate() {
            for (unit, &h) in hidden.iter().enumerate() {
                each(class * hidden.len() + unit, value * of_hidden(f64::from(h)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::predictions::Scale;

    const LOGITS: [f32; 6] = [1.0, -0.5, 0.25, 0.0, 2.0, -1.0];
    const HIDDEN: [f32; 4] = [0.5, -2.0, 1.5, 1.0];

    fn predictions() -> Predictions {
        Predictions::new(LOGITS.to_vec(), Scale::Logits, 3, &[0, 1], "f").unwrap()
    }

    /// Squared distance of the two samples by coordinates computed here.
    fn squared(coordinates: [Vec<f64>; 2]) -> f64 {
        let [a, b] = coordinates;
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
    }

    fn softmax(row: usize) -> Vec<f64> {
        let exps = LOGITS[row * 3..row * 3 + 3].iter().map(|&l| f64::from(l).exp());
        let exps: Vec<f64> = exps.collect();
        exps.iter().map(|exp| exp / exps.iter().sum::<f64>()).collect()
    }

    fn gradient(row: usize) -> Vec<f64> {
        let one_hot = |class: usize| f64::from(u8::from(class == row));
        softmax(row).iter().enumerate().map(|(class, p)| p - one_hot(class)).collect()
    }

    fn assert_distance(features: &Features<'_>, expected: f64) {
        let points = features.points(&[0, 1]).unwrap();
        let distance = f64::from(points.distance(0, 1)) * points.unit();
        assert!((distance / expected.sqrt() - 1.0).abs() < 1e-6, "{distance}");
    }

    #[test]
    fn craig_compares_probabilities_minus_one_hot() {
        let predictions = predictions();
        assert_distance(&Features::gradients(&predictions), squared([0, 1].map(gradient)));
    }

    #[test]
    fn adacore_divides_by_the_mean_curvature_of_the_logits() {
        let predictions = predictions();
        let mean = |class: usize| -> f64 {
            [0, 1].map(|row| softmax(row)[class] * (1.0 - softmax(row)[class])).iter().sum::<f64>()
                / 2.0
        };
        let largest = (0..3).map(mean).fold(0.0, f64::max);
        let feature = |row: usize| {
            let of_class = |(class, g)| g / (mean(class) + 1e-4 * largest);
            gradient(row).into_iter().enumerate().map(of_class).collect()
        };
        let mut curvature = Curvature::default();
        let features = Features::preconditioned(&predictions, None, &mut curvature).unwrap();
        assert_distance(&features, squared([0, 1].map(feature)));
        assert_eq!(curvature.refreshes(), 1);
    }

    #[test]
    fn with_hidden_units_the_gradient_is_that_of_the_last_weights() {
        let predictions = predictions();
        let hidden = Hidden::new(&HIDDEN, 2, 2).unwrap();
        let unit = |row: usize, unit: usize| f64::from(HIDDEN[row * 2 + unit]);
        let mean = |class: usize, at: usize| -> f64 {
            let of_row =
                |row| softmax(row)[class] * (1.0 - softmax(row)[class]) * unit(row, at).powi(2);
            [0, 1].map(of_row).iter().sum::<f64>() / 2.0
        };
        let all = || (0..3).flat_map(|class| (0..2).map(move |at| (class, at)));
        let largest = all().map(|(class, at)| mean(class, at)).fold(0.0, f64::max);
        let feature = |row: usize| {
            let each = |(class, at)| {
                gradient(row)[class] * unit(row, at) / (mean(class, at) + 1e-4 * largest)
            };
            all().map(each).collect()
        };
        let features =
            Features::preconditioned(&predictions, Some(hidden), &mut Curvature::default());
        assert_distance(&features.unwrap(), squared([0, 1].map(feature)));
    }

    #[test]
    fn features_that_do_not_fit_are_refused() {
        assert!(Hidden::new(&HIDDEN, 2, 3).unwrap_err().to_string().contains("3 rows"));
        let nan = Hidden::new(&[0.0, f32::NAN], 1, 2).unwrap_err().to_string();
        assert!(nan.contains("row 1 is not finite"), "{nan}");
        let mut other = Curvature::default();
        other.refresh(&[1.0; 4]);
        let predictions = predictions();
        let error = Features::preconditioned(&predictions, None, &mut other).unwrap_err();
        assert!(error.to_string().contains("curvature = 4"), "{error}");
    }
}
