//! Measures of a classifier from its logits, on the host in double precision.

use serde::{Deserialize, Serialize};

/// Bins of the calibration error.
pub const ECE_BINS: usize = 15;

/// How good and how honest predictions are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// Share of examples whose most probable class is right; the first of equals counts.
    pub accuracy: f64,
    /// Mean negative log-probability of the right class, nats.
    pub nll: f64,
    /// Expected calibration error over [`ECE_BINS`] equal bins of confidence (E16).
    pub ece: f64,
    /// Brier score: squared distance from the one-hot truth, summed over classes (E17).
    pub brier: f64,
    /// Mean entropy of the predictions, nats.
    pub entropy: f64,
}

/// Measures `[rows, classes]` logits against the right classes, all of them known.
///
/// `None` if there is nothing to measure.
pub fn classification(logits: &[f32], labels: &[i64], classes: usize) -> Option<Classification> {
    if labels.is_empty() {
        return None;
    }
    let mut bins = vec![Bin::default(); ECE_BINS];
    let (mut right, mut nll, mut brier, mut entropy) = (0.0, 0.0, 0.0, 0.0);
    for (row, &label) in logits.chunks_exact(classes).zip(labels) {
        let log_probs = log_softmax(row);
        let predicted = arg_max(row);
        let hit = predicted as i64 == label;
        let confidence = log_probs[predicted].exp();
        bins[((confidence * ECE_BINS as f64) as usize).min(ECE_BINS - 1)].add(confidence, hit);
        right += f64::from(u8::from(hit));
        nll -= log_probs[label as usize];
        entropy += entropy_of_logits(row);
        brier += log_probs
            .iter()
            .enumerate()
            .map(|(class, p)| (p.exp() - f64::from(u8::from(class as i64 == label))).powi(2))
            .sum::<f64>();
    }
    let count = labels.len() as f64;
    Some(Classification {
        accuracy: right / count,
        nll: nll / count,
        ece: bins.iter().map(Bin::gap).sum::<f64>() / count,
        brier: brier / count,
        entropy: entropy / count,
    })
}

/// Entropy of `softmax(logits)` in nats (E9), accurate where one class has nearly everything: the leading
/// term is `log1p` of the rest, so a gap of 20 between logits costs no digits.
pub fn entropy_of_logits(logits: &[f32]) -> f64 {
    let top = arg_max(logits);
    let gaps = || {
        let others = logits.iter().enumerate().filter(move |&(class, _)| class != top);
        others.map(|(_, &l)| f64::from(logits[top]) - f64::from(l))
    };
    let rest: f64 = gaps().map(|gap| (-gap).exp()).sum();
    let weighted: f64 =
        gaps().map(|gap| if gap.is_finite() { gap * (-gap).exp() } else { 0.0 }).sum();
    rest.ln_1p() + weighted / (1.0 + rest)
}

/// Index of the largest value, the first of equals.
pub fn arg_max(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let max = f64::from(logits[arg_max(logits)]);
    let log_sum = logits.iter().map(|&l| (f64::from(l) - max).exp()).sum::<f64>().ln();
    logits.iter().map(|&l| f64::from(l) - max - log_sum).collect()
}

#[derive(Clone, Copy, Default)]
struct Bin {
    confidence: f64,
    right: f64,
}

impl Bin {
    fn add(&mut self, confidence: f64, hit: bool) {
        self.confidence += confidence;
        self.right += f64::from(u8::from(hit));
    }

    /// `count * |accuracy - mean confidence|` of the bin.
    fn gap(&self) -> f64 {
        (self.right - self.confidence).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_logits_have_the_entropy_of_a_fair_die() {
        assert!((entropy_of_logits(&[3.0; 6]) - 6.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn entropy_keeps_its_digits_where_a_naive_softmax_loses_them() {
        // Two classes, gap 20: H = log1p(e^-20) + 20 e^-20 / (1 + e^-20) = 4.3284e-8.
        let entropy = entropy_of_logits(&[20.0, 0.0]);
        assert!((entropy / 4.328_422_598_4e-8 - 1.0).abs() < 1e-6, "{entropy:e}");
    }

    #[test]
    fn a_confident_and_right_classifier_is_perfect() {
        let perfect = classification(&[30.0, -30.0, -30.0, 30.0], &[0, 1], 2).unwrap();
        assert_eq!(perfect.accuracy, 1.0);
        assert!(perfect.ece < 1e-9 && perfect.brier < 1e-9 && perfect.nll < 1e-9);
    }

    #[test]
    fn an_even_guess_is_calibrated_and_has_its_known_scores() {
        // Always class 0 at one half each, right half the time: ECE 0, Brier 1/2, NLL log 2.
        let guess = classification(&[0.0; 8], &[0, 1, 0, 1], 2).unwrap();
        assert_eq!(guess.accuracy, 0.5);
        assert!(guess.ece.abs() < 1e-12);
        assert!((guess.brier - 0.5).abs() < 1e-12);
        assert!((guess.nll - 2.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn nothing_to_measure_is_no_measure() {
        assert_eq!(classification(&[], &[], 3), None);
    }
}
