//! The gradient of a sample's loss by the logits, as it is (E23) or by curvature (E24).

use super::super::curvature::Curvature;
use super::{Compared, Dims};
use crate::error::{Error, Result};
use crate::measures::predictions::Predictions;

/// `p - e_y`, divided.
#[derive(Debug)]
pub(in super::super) struct Gradient<'a> {
    predictions: &'a Predictions,
    divisors: Vec<f64>,
}

impl<'a> Gradient<'a> {
    /// As it is.
    pub(in super::super) fn new(predictions: &'a Predictions) -> Self {
        Self { predictions, divisors: vec![1.0; predictions.classes()] }
    }

    /// Divided by the averaged curvature, into which the present one is taken (E32).
    ///
    /// # Errors
    /// `curvature` is that of another layer.
    pub(in super::super) fn preconditioned(
        predictions: &'a Predictions,
        curvature: &mut Curvature,
    ) -> Result<Self> {
        ensure_dims(curvature, predictions.classes())?;
        curvature.refresh(&mean_curvature(predictions));
        Ok(Self { predictions, divisors: curvature.divisors() })
    }

    /// Divided by these.
    pub(super) fn divided(predictions: &'a Predictions, divisors: Vec<f64>) -> Self {
        Self { predictions, divisors }
    }
}

impl Compared for Gradient<'_> {
    fn dims(&self) -> Dims {
        Dims::Point(self.divisors.len())
    }

    fn write(&self, row: usize, out: &mut [f64]) {
        self.predictions.gradient(row, out);
        out.iter_mut().zip(&self.divisors).for_each(|(value, divisor)| *value /= divisor);
    }
}

/// The diagonal of the Hessian by the logits, `p_k (1 - p_k)`: the mean over all samples, since the loss has one Hessian.
pub(super) fn mean_curvature(predictions: &Predictions) -> Vec<f64> {
    let mut mean = vec![0.0; predictions.classes()];
    let mut of_row = mean.clone();
    for row in 0..predictions.len() {
        predictions.curvature(row, &mut of_row);
        mean.iter_mut().zip(&of_row).for_each(|(sum, value)| *sum += value);
    }
    mean.iter_mut().for_each(|sum| *sum /= predictions.len() as f64);
    mean
}

/// # Errors
/// `curvature` has averaged something else.
pub(super) fn ensure_dims(curvature: &Curvature, dims: usize) -> Result<()> {
    if curvature.refreshes() > 0 && curvature.dims() != dims {
        let problem = format!("these samples have {dims}; keep one curvature for each classifier");
        return Err(Error::config("curvature", curvature.dims(), problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_distance, gradient, predictions, softmax, squared};
    use super::*;

    #[test]
    fn craig_compares_probabilities_minus_one_hot() {
        let predictions = predictions();
        assert_distance(&Gradient::new(&predictions), squared([0, 1].map(gradient)));
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
        let space = Gradient::preconditioned(&predictions, &mut curvature).unwrap();
        assert_distance(&space, squared([0, 1].map(feature)));
        assert_eq!(curvature.refreshes(), 1);
    }

    #[test]
    fn the_curvature_of_another_layer_is_refused() {
        let mut other = Curvature::default();
        other.refresh(&[1.0; 4]);
        let error = Gradient::preconditioned(&predictions(), &mut other).unwrap_err();
        assert!(error.to_string().contains("curvature = 4"), "{error}");
    }
}
