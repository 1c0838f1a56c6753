//! The gradient of a sample's loss by the weights of the last layer, `(p - e_y) h^T` (E55): what a sample would teach, not only how
//! wrong the classifier is about it. The product is never multiplied out.

use super::super::curvature::Curvature;
use super::gradient::{Gradient, ensure_dims, mean_curvature};
use super::{Compared, Dims, Rows};
use crate::error::Result;
use crate::measures::predictions::Predictions;

/// `(p - e_y) h^T`, both vectors divided.
#[derive(Debug)]
pub(in super::super) struct LastLayer<'a> {
    gradient: Gradient<'a>,
    classes: usize,
    hidden: Rows<'a>,
    divisors: Vec<f64>,
}

impl<'a> LastLayer<'a> {
    /// As it is.
    pub(in super::super) fn new(predictions: &'a Predictions, hidden: Rows<'a>) -> Self {
        Self {
            gradient: Gradient::new(predictions),
            classes: predictions.classes(),
            hidden,
            divisors: vec![1.0; hidden.width()],
        }
    }

    /// Divided by the averaged curvature, into which the present one is taken. The diagonal of the Hessian, the mean of `p_k (1 - p_k) h_u^2`
    /// over all samples, is taken for the product of two means, as Martens and Grosse (2015) do: a divisor of each vector.
    ///
    /// # Errors
    /// `curvature` is that of another layer.
    pub(in super::super) fn preconditioned(
        predictions: &'a Predictions,
        hidden: Rows<'a>,
        curvature: &mut Curvature,
    ) -> Result<Self> {
        let (classes, width) = (predictions.classes(), hidden.width());
        ensure_dims(curvature, classes + width)?;
        let mut means = mean_curvature(predictions);
        means.resize(classes + width, 0.0);
        for row in 0..hidden.len() {
            let squares = hidden.row(row).iter().map(|&h| f64::from(h).powi(2));
            means[classes..].iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
        }
        means[classes..].iter_mut().for_each(|sum| *sum /= hidden.len() as f64);
        curvature.refresh(&means);
        let gradient = Gradient::divided(predictions, curvature.divisors_of(0..classes));
        let divisors = curvature.divisors_of(classes..classes + width);
        Ok(Self { gradient, classes, hidden, divisors })
    }
}

impl Compared for LastLayer<'_> {
    fn dims(&self) -> Dims {
        Dims::Product([self.classes, self.hidden.width()])
    }

    fn write(&self, row: usize, out: &mut [f64]) {
        let (gradient, hidden) = out.split_at_mut(self.classes);
        self.gradient.write(row, gradient);
        let values = self.hidden.row(row).iter().zip(&self.divisors);
        hidden.iter_mut().zip(values).for_each(|(out, (&h, d))| *out = f64::from(h) / d);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_distance, gradient, predictions, softmax, squared};
    use super::*;

    const HIDDEN: [f32; 4] = [0.5, -2.0, 1.5, 1.0];

    fn hidden() -> Rows<'static> {
        Rows::new("features", &HIDDEN, 2, 2).unwrap()
    }

    fn unit(row: usize, unit: usize) -> f64 {
        f64::from(HIDDEN[row * 2 + unit])
    }

    /// Every product of a row, `of_class` by `of_unit`.
    fn products(of_class: &[f64], of_unit: [f64; 2]) -> Vec<f64> {
        of_class.iter().flat_map(|g| of_unit.map(|h| g * h)).collect()
    }

    #[test]
    fn the_gradient_is_that_of_the_last_weights() {
        let predictions = predictions();
        let feature = |row| products(&gradient(row), [unit(row, 0), unit(row, 1)]);
        assert_distance(&LastLayer::new(&predictions, hidden()), squared([0, 1].map(feature)));
    }

    #[test]
    fn adacore_divides_each_vector_by_its_mean_curvature() {
        let predictions = predictions();
        let mean = |of: &dyn Fn(usize) -> f64| [0, 1].map(of).iter().sum::<f64>() / 2.0;
        let of_class = |k: usize| mean(&|row| softmax(row)[k] * (1.0 - softmax(row)[k]));
        let of_unit = |u: usize| mean(&|row| unit(row, u).powi(2));
        let damped =
            |value: f64, all: &[f64]| value + 1e-4 * all.iter().copied().fold(0.0, f64::max);
        let (classes, units) = ([0, 1, 2].map(of_class), [0, 1].map(of_unit));
        let feature = |row: usize| {
            let g: Vec<f64> =
                (0..3).map(|k| gradient(row)[k] / damped(classes[k], &classes)).collect();
            products(&g, [0, 1].map(|u| unit(row, u) / damped(units[u], &units)))
        };
        let mut curvature = Curvature::default();
        let space = LastLayer::preconditioned(&predictions, hidden(), &mut curvature).unwrap();
        assert_distance(&space, squared([0, 1].map(feature)));
        assert_eq!((curvature.refreshes(), curvature.dims()), (1, 5));
    }
}
