//! Hutchinson's estimate of the diagonal of a Hessian (E33), for layers where it has no closed form.
//!
//! The framework has no second derivatives, so the product of Hessian and vector is a central difference of two
//! gradients. The gradient is a function that is handed over: whoever has a model knows how to compute it.

use crate::noise::Noise;

/// The difference is taken this far to each side, in units of the largest coordinate or 1: the cube root of the precision
/// of a gradient computed in single precision, where truncation and rounding are about equal.
pub const STEP: f64 = 5e-3;

/// `H v` at `at` by central differences of `gradient`, which are `step` times the scale of `at` apart on each side.
pub fn hessian_vector(
    gradient: &mut dyn FnMut(&[f64]) -> Vec<f64>,
    at: &[f64],
    vector: &[f64],
    step: f64,
) -> Vec<f64> {
    let largest = at.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    let step = step * largest;
    let mut moved = |sign: f64| {
        let there: Vec<f64> = at.iter().zip(vector).map(|(a, v)| a + sign * step * v).collect();
        gradient(&there)
    };
    let (ahead, behind) = (moved(1.0), moved(-1.0));
    ahead.iter().zip(behind).map(|(ahead, behind)| (ahead - behind) / (2.0 * step)).collect()
}

/// The mean of `v * (H v)` over the vectors `v` of signs: the diagonal of `H`, exactly if these are all that there are.
pub fn diagonal(
    gradient: &mut dyn FnMut(&[f64]) -> Vec<f64>,
    at: &[f64],
    signs: impl IntoIterator<Item = Vec<f64>>,
    step: f64,
) -> Vec<f64> {
    let mut sums = vec![0.0; at.len()];
    let mut count = 0.0;
    for signs in signs {
        let product = hessian_vector(gradient, at, &signs, step);
        for ((sum, sign), product) in sums.iter_mut().zip(&signs).zip(product) {
            *sum += sign * product;
        }
        count += 1.0;
    }
    sums.iter().map(|sum| sum / f64::max(count, 1.0)).collect()
}

/// `probes` vectors of random signs.
pub fn random_signs(
    noise: &Noise,
    dims: usize,
    probes: usize,
) -> impl Iterator<Item = Vec<f64>> + use<> {
    let noise = noise.split("signs");
    (0..probes as u64).map(move |probe| {
        let draws = noise.at(probe).uniform(dims);
        draws.into_iter().map(|draw| if draw < 0.5 { -1.0 } else { 1.0 }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::predictions::{Predictions, Scale};

    /// Mean cross-entropy of a linear classifier as a function of its weights `[inputs, classes]`: a Hessian that is known
    /// and not diagonal.
    struct Linear {
        inputs: Vec<[f32; 3]>,
        labels: Vec<i64>,
    }

    const CLASSES: usize = 3;
    const WEIGHTS: [f64; 9] = [0.5, -0.25, 1.0, -1.0, 0.75, 0.5, 0.25, 1.5, -0.5];

    impl Linear {
        fn small() -> Self {
            let inputs = vec![[1.0, -0.5, 2.0], [0.25, 1.0, -1.0], [-1.5, 0.5, 0.5]];
            Self { inputs, labels: vec![0, 2, 1] }
        }

        fn predictions(&self, weights: &[f64]) -> Predictions {
            let logit = |input: &[f32; 3], class: usize| -> f64 {
                (0..3).map(|i| f64::from(input[i]) * weights[i * CLASSES + class]).sum()
            };
            let logits = self.inputs.iter().flat_map(|x| (0..CLASSES).map(move |k| logit(x, k)));
            let logits = logits.map(|logit| logit as f32).collect();
            Predictions::new(logits, Scale::Logits, CLASSES, &self.labels, "f").unwrap()
        }

        fn gradient(&self, weights: &[f64]) -> Vec<f64> {
            self.sum(weights, Predictions::gradient, |x| x)
        }

        /// In closed form: `mean_i p_k (1 - p_k) x_i^2`.
        fn exact_diagonal(&self, weights: &[f64]) -> Vec<f64> {
            self.sum(weights, Predictions::curvature, |x| x * x)
        }

        fn sum(
            &self,
            weights: &[f64],
            of_row: fn(&Predictions, usize, &mut [f64]),
            of_input: fn(f64) -> f64,
        ) -> Vec<f64> {
            let predictions = self.predictions(weights);
            let mut sums = vec![0.0; 9];
            for (row, input) in self.inputs.iter().enumerate() {
                let mut by_class = [0.0; CLASSES];
                of_row(&predictions, row, &mut by_class);
                for (at, sum) in sums.iter_mut().enumerate() {
                    let input = of_input(f64::from(input[at / CLASSES]));
                    *sum += by_class[at % CLASSES] * input / 3.0;
                }
            }
            sums
        }
    }

    fn every_sign(dims: usize) -> impl Iterator<Item = Vec<f64>> {
        let sign = |bits: u32, dim: usize| if bits >> dim & 1 == 0 { -1.0 } else { 1.0 };
        (0..1_u32 << dims).map(move |bits| (0..dims).map(|dim| sign(bits, dim)).collect())
    }

    #[test]
    fn over_all_signs_the_estimate_is_the_diagonal_in_closed_form() {
        let linear = Linear::small();
        let exact = linear.exact_diagonal(&WEIGHTS);
        let estimate = diagonal(&mut |at| linear.gradient(at), &WEIGHTS, every_sign(9), STEP);
        for (estimate, exact) in estimate.iter().zip(&exact) {
            // Logits in single precision over a step of 0.0075, and its square.
            assert!((estimate - exact).abs() < 2e-4, "{estimate} {exact}");
        }
    }

    #[test]
    fn a_step_too_long_is_seen() {
        let linear = Linear::small();
        let exact = linear.exact_diagonal(&WEIGHTS);
        let estimate = diagonal(&mut |at| linear.gradient(at), &WEIGHTS, every_sign(9), 1.0);
        assert!(estimate.iter().zip(&exact).any(|(a, b)| (a - b).abs() > 0.01));
    }

    #[test]
    fn random_signs_come_as_near_as_their_number_allows() {
        let linear = Linear::small();
        let exact = linear.exact_diagonal(&WEIGHTS);
        let mut gradient = |at: &[f64]| linear.gradient(at);
        // The variance of one probe in coordinate i is the sum of squares of row i off the diagonal.
        let unit = |i: usize| (0..9).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>();
        let rows: Vec<_> =
            (0..9).map(|i| hessian_vector(&mut gradient, &WEIGHTS, &unit(i), STEP)).collect();
        let probes = 400;
        let signs = random_signs(&Noise::new(1), 9, probes);
        let estimate = diagonal(&mut gradient, &WEIGHTS, signs, STEP);
        let mut surprise = 0.0;
        for i in 0..9 {
            let square: f64 = (0..9).filter(|&j| j != i).map(|j| rows[i][j].powi(2)).sum();
            let deviation = (square / probes as f64).sqrt();
            let error = (estimate[i] - exact[i]) / deviation;
            assert!(error.abs() < 4.5, "{i}: {error} standard errors");
            surprise += error * error;
        }
        // Errors much smaller than that would mean that the signs are not random.
        assert!(surprise > 0.9, "{surprise}");
    }
}
