//! AdaCore's preconditioner (E32): how far a gradient's coordinates are worth, by the curvature of the loss.
//!
//! AdaCore (Pooladzandi, Davini, Mirzasoleiman 2022) divides gradients by an average of the diagonal of the Hessian over
//! the course of training, as AdaHessian (Yao et al. 2021) does for updates. Gradients of single examples are not
//! averaged here: samples are drawn afresh for each coreset, so none of them has a past.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Decay of the average, that of AdaHessian and Adam.
pub const DECAY: f64 = 0.999;

/// What is added to every divisor, as a share of the largest. A share and not a number: samples that a classifier
/// is sure of have curvatures of 1e-6 and less, next to which any fixed number is too large.
pub const DAMPING: f64 = 1e-4;

/// An exponential average of the squared diagonal of a Hessian over refreshes. Empty before the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curvature {
    squares: Vec<f64>,
    refreshes: u32,
}

impl Curvature {
    /// Takes in the diagonal of the present Hessian.
    ///
    /// # Panics
    /// It has another length than the one before.
    pub fn refresh(&mut self, diagonal: &[f64]) {
        if self.refreshes == 0 {
            self.squares = vec![0.0; diagonal.len()];
        }
        assert_eq!(self.squares.len(), diagonal.len(), "dimensions of the Hessian");
        for (square, &value) in self.squares.iter_mut().zip(diagonal) {
            *square = DECAY * *square + (1.0 - DECAY) * value * value;
        }
        self.refreshes += 1;
    }

    /// How many diagonals were taken in.
    #[must_use]
    pub fn refreshes(&self) -> u32 {
        self.refreshes
    }

    /// Coordinates of the Hessian; 0 before the first refresh.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.squares.len()
    }

    /// What the coordinates of a gradient are divided by: roots of the averages, corrected for starting at 0, damped.
    /// Ones where there is no curvature at all.
    #[must_use]
    pub fn divisors(&self) -> Vec<f64> {
        self.divisors_of(0..self.dims())
    }

    /// The same of some coordinates, damped by the largest of these.
    #[must_use]
    pub fn divisors_of(&self, dims: Range<usize>) -> Vec<f64> {
        let correction = 1.0 - DECAY.powf(f64::from(self.refreshes));
        let roots = self.squares[dims].iter().map(|square| (square / correction).sqrt());
        let roots: Vec<f64> = roots.collect();
        let largest = roots.iter().copied().fold(0.0, f64::max);
        let damped = |root: f64| if largest > 0.0 { root + DAMPING * largest } else { 1.0 };
        roots.into_iter().map(damped).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_refresh_divides_by_the_diagonal_itself_whatever_its_sign() {
        let mut curvature = Curvature::default();
        curvature.refresh(&[4.0, -2.0, 1e-9]);
        let divisors = curvature.divisors();
        let exactly = [4.0 + 4e-4, 2.0 + 4e-4, 1e-9 + 4e-4];
        assert!(divisors.iter().zip(exactly).all(|(a, b)| (a / b - 1.0).abs() < 1e-12));
    }

    #[test]
    fn an_average_over_refreshes_is_the_weighted_mean_and_can_be_kept() {
        let mut curvature = Curvature::default();
        let values = [3.0, 1.0, 2.0];
        for value in values {
            // Kept and read again in between.
            let text = serde_json::to_string(&curvature).unwrap();
            curvature = serde_json::from_str(&text).unwrap();
            curvature.refresh(&[value]);
        }
        // Weights 0.999^(age), normalised: what bias correction amounts to.
        let weights = [DECAY * DECAY, DECAY, 1.0];
        let mean: f64 = weights.iter().zip(values).map(|(w, v)| w * v * v).sum::<f64>()
            / weights.iter().sum::<f64>();
        let root = mean.sqrt() * (1.0 + DAMPING);
        assert!((curvature.divisors()[0] / root - 1.0).abs() < 1e-12);
        assert_eq!((curvature.refreshes(), curvature.dims()), (3, 1));
    }

    #[test]
    fn without_curvature_nothing_is_scaled() {
        let mut curvature = Curvature::default();
        curvature.refresh(&[0.0, 0.0]);
        assert_eq!(curvature.divisors(), [1.0, 1.0]);
    }
}
