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
    let (mut right, mut nll, mut brier, mut entropy) = (0.0, 0.0, 0.0, 0.0);
    for (row, &label) in logits.chunks_exact(classes).zip(labels) {
        let log_probs = log_softmax(row);
        let predicted = arg_max(row);
        right += f64::from(u8::from(predicted as i64 == label));
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
        ece: reliability(logits, labels, classes).iter().map(Bin::gap).sum::<f64>() / count,
        brier: brier / count,
        entropy: entropy / count,
    })
}

/// The bins behind the calibration error (E16): `[rows, classes]` logits by their confidence, which is the
/// probability of the most probable class.
pub fn reliability(logits: &[f32], labels: &[i64], classes: usize) -> [Bin; ECE_BINS] {
    let mut bins = [Bin::default(); ECE_BINS];
    for (row, &label) in logits.chunks_exact(classes).zip(labels) {
        let predicted = arg_max(row);
        let confidence = log_softmax(row)[predicted].exp();
        let bin = &mut bins[((confidence * ECE_BINS as f64) as usize).min(ECE_BINS - 1)];
        bin.add(confidence, predicted as i64 == label);
    }
    bins
}

/// How often each class (outer) is taken for each class (inner).
pub fn confusion(logits: &[f32], labels: &[i64], classes: usize) -> Vec<Vec<usize>> {
    let mut counts = vec![vec![0; classes]; classes];
    for (row, &label) in logits.chunks_exact(classes).zip(labels) {
        counts[label as usize][arg_max(row)] += 1;
    }
    counts
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

/// Entropy of probabilities in nats (E9). They are taken relative to their sum, and the largest is not looked at but
/// taken for what the others leave: near 1, single precision knows it less well than them.
pub fn entropy_of_probabilities(probabilities: &[f32]) -> f64 {
    let top = arg_max(probabilities);
    let others = || {
        let others = probabilities.iter().enumerate().filter(move |&(class, _)| class != top);
        others.map(|(_, &p)| f64::from(p))
    };
    let sum = f64::from(probabilities[top]) + others().sum::<f64>();
    let rest = others().sum::<f64>() / sum;
    let weighted: f64 =
        others().map(|p| p / sum).map(|p| if p > 0.0 { p * -p.ln() } else { 0.0 }).sum();
    (1.0 - rest) * -(-rest).ln_1p() + weighted
}

/// The probabilities that logits stand for, in double precision.
#[must_use]
pub fn probabilities(logits: &[f32]) -> Vec<f64> {
    let top = f64::from(logits[arg_max(logits)]);
    let masses: Vec<f64> = logits.iter().map(|&logit| (f64::from(logit) - top).exp()).collect();
    let sum: f64 = masses.iter().sum();
    masses.into_iter().map(|mass| mass / sum).collect()
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

/// Predictions of about the same confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    count: usize,
    confidence: f64,
    right: f64,
}

impl Bin {
    /// Predictions in it.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Their mean confidence; not a number if there are none.
    pub fn confidence(&self) -> f64 {
        self.confidence / self.count as f64
    }

    /// Share of them that is right; not a number if there are none.
    pub fn accuracy(&self) -> f64 {
        self.right / self.count as f64
    }

    fn add(&mut self, confidence: f64, hit: bool) {
        self.count += 1;
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
    fn probabilities_are_those_of_the_logits() {
        // e^0, e^1 and e^-30 of their sum; a common shift, however large, changes nothing.
        let sum = 1.0 + std::f64::consts::E + (-30.0_f64).exp();
        let wanted = [1.0 / sum, std::f64::consts::E / sum, (-30.0_f64).exp() / sum];
        for shift in [0.0, 1000.0, -1000.0] {
            let found = probabilities(&[shift, 1.0 + shift, shift - 30.0]);
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((found / wanted - 1.0).abs() < 1e-14, "{shift}: {found} {wanted}");
            }
        }
    }

    #[test]
    fn probabilities_keep_the_digits_that_their_small_ones_have() {
        assert!((entropy_of_probabilities(&[0.25; 4]) - 4.0_f64.ln()).abs() < 1e-12);
        assert_eq!(entropy_of_probabilities(&[0.0, 1.0]), 0.0);
        // The same as from logits 20 apart, although the larger probability is 1 in single precision.
        let small = (-20.0_f64).exp() / (1.0 + (-20.0_f64).exp());
        let entropy = entropy_of_probabilities(&[1.0, small as f32]);
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

    /// Logits of two classes that give the first this probability.
    fn odds(probability: f64) -> [f32; 2] {
        [(probability / (1.0 - probability)).ln() as f32, 0.0]
    }

    #[test]
    fn predictions_are_counted_in_the_bin_of_their_confidence() {
        // Confidences 0.6, 0.62 (bin 9 of 15: 0.6 to 0.667), 0.9 (bin 13) and 1 (the last, not one beyond).
        let logits = [odds(0.605), odds(0.62), odds(0.9), [200.0, 0.0]].concat();
        let labels = [0, 1, 0, 0];
        let bins = reliability(&logits, &labels, 2);
        let counts: Vec<usize> = bins.iter().map(Bin::count).collect();
        assert_eq!(counts, [0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 1]);
        assert!((bins[9].confidence() - 0.6125).abs() < 1e-7);
        assert_eq!((bins[9].accuracy(), bins[14].accuracy()), (0.5, 1.0));
        assert!(bins[0].accuracy().is_nan());
        // (2 |0.5 - 0.6125| + |1 - 0.9| + |1 - 1|) / 4.
        let ece = classification(&logits, &labels, 2).map(|measured| measured.ece);
        assert!((ece.unwrap() - (2.0 * 0.1125 + 0.1) / 4.0).abs() < 1e-7);
    }

    #[test]
    fn confusion_has_a_row_for_each_true_class() {
        let logits = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 5.0, 0.0, 2.0, 0.0];
        let counts = confusion(&logits, &[0, 0, 2, 1], 3);
        assert_eq!(counts, [[1, 1, 0], [0, 1, 0], [0, 0, 1]]);
    }

    #[test]
    fn nothing_to_measure_is_no_measure() {
        assert_eq!(classification(&[], &[], 3), None);
    }
}
