//! Two samples of three classes, with what follows from them by definition.

use super::Compared;
use crate::measures::predictions::{Predictions, Scale};

const LOGITS: [f32; 6] = [1.0, -0.5, 0.25, 0.0, 2.0, -1.0];

/// Drawn for classes 0 and 1.
pub(super) fn predictions() -> Predictions {
    Predictions::new(LOGITS.to_vec(), Scale::Logits, 3, &[0, 1], "f").unwrap()
}

pub(super) fn softmax(row: usize) -> Vec<f64> {
    let exps: Vec<f64> = LOGITS[row * 3..row * 3 + 3].iter().map(|&l| f64::from(l).exp()).collect();
    exps.iter().map(|exp| exp / exps.iter().sum::<f64>()).collect()
}

pub(super) fn gradient(row: usize) -> Vec<f64> {
    let one_hot = |class: usize| f64::from(u8::from(class == row));
    softmax(row).iter().enumerate().map(|(class, p)| p - one_hot(class)).collect()
}

/// Squared distance of two rows.
pub(super) fn squared([a, b]: [Vec<f64>; 2]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

pub(super) fn assert_distance(space: &dyn Compared, squared: f64) {
    let points = space.points(&[0, 1]).unwrap();
    let distance = f64::from(points.distance(0, 1)) * points.unit();
    assert!((distance / squared.sqrt() - 1.0).abs() < 1e-6, "{distance} {}", squared.sqrt());
}
