//! The entropy filter (E30): of samples drawn for a class, those that the classifier is sure of.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::measures::predictions::Predictions;

/// Which samples to keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EntropyFilter {
    max_entropy: f64,
    keep_agreeing: bool,
}

/// What became of the samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Filtered {
    /// Rows kept, in the order of the file.
    pub kept: Vec<usize>,
    /// Entropy of every row, nats.
    pub entropy: Vec<f64>,
    /// Counts by class, classes without a sample included.
    pub classes: Vec<ClassCounts>,
}

/// What became of the samples of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassCounts {
    /// The class that they were drawn for.
    pub class: usize,
    /// How many there were.
    pub drawn: usize,
    /// How many of these the classifier takes for the class.
    pub agreed: usize,
    /// How many were kept.
    pub kept: usize,
}

impl EntropyFilter {
    /// Keeps the samples whose entropy is below `max_entropy` nats; with `keep_agreeing`, only those of them whose most
    /// probable class is the one they were drawn for.
    ///
    /// # Errors
    /// A threshold that is not above 0, which no entropy is below.
    pub fn new(max_entropy: f64, keep_agreeing: bool) -> Result<Self> {
        if max_entropy.is_nan() || max_entropy <= 0.0 {
            let problem = "no entropy is below it: give a number of nats above 0";
            return Err(Error::config("max-entropy", max_entropy, problem));
        }
        Ok(Self { max_entropy, keep_agreeing })
    }

    /// Sorts the samples out.
    #[must_use]
    pub fn apply(&self, predictions: &Predictions) -> Filtered {
        let mut classes: Vec<ClassCounts> = (0..predictions.classes())
            .map(|class| ClassCounts { class, ..ClassCounts::default() })
            .collect();
        let entropy: Vec<f64> =
            (0..predictions.len()).map(|row| predictions.entropy(row)).collect();
        let mut kept = Vec::new();
        for (row, &label) in predictions.labels().iter().enumerate() {
            let agrees = predictions.agrees(row);
            let keep = entropy[row] < self.max_entropy && (agrees || !self.keep_agreeing);
            let counts = &mut classes[label];
            counts.drawn += 1;
            counts.agreed += usize::from(agrees);
            counts.kept += usize::from(keep);
            if keep {
                kept.push(row);
            }
        }
        Filtered { kept, entropy, classes }
    }
}

/// Where a logarithmic axis of entropies begins, in nats: a power of ten that one in fifty lies below, or lies not much above; not above
/// 1e-4 and not below 1e-60, which only a classifier comes near that is sure of everything.
pub fn axis_start(entropies: &[f64]) -> f64 {
    let mut sorted = entropies.to_vec();
    sorted.sort_by(f64::total_cmp);
    let low = sorted.get(sorted.len() / 50).copied().unwrap_or(1.0);
    10_f64.powf(low.log10().floor().clamp(-60.0, -4.0))
}

/// How many entropies lie in each of `bins` parts of equal width on the logarithmic axis from one end to the other, in nats. What
/// lies beyond an end counts in the part at that end, an entropy of 0 in the first.
pub fn log_histogram(
    entropies: impl Iterator<Item = f64>,
    [low, high]: [f64; 2],
    bins: usize,
) -> Vec<usize> {
    let mut counts = vec![0; bins];
    let Some(last) = bins.checked_sub(1) else { return counts };
    for entropy in entropies {
        let share = (entropy / low).ln() / (high / low).ln();
        // A conversion to whole numbers takes what is below zero for zero.
        counts[((share * bins as f64) as usize).min(last)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::predictions::Scale;

    /// Logits of two classes, `gap` apart, and the entropy of their softmax by the series of E9.
    fn exactly(gap: f64) -> f64 {
        let rest = (-gap).exp();
        rest.ln_1p() + gap * rest / (1.0 + rest)
    }

    fn filtered(gaps: &[f32], labels: &[i64], max: f64, keep_agreeing: bool) -> Filtered {
        let values = gaps.iter().flat_map(|&gap| [gap, 0.0]).collect();
        let predictions = Predictions::new(values, Scale::Logits, 2, labels, "f").unwrap();
        EntropyFilter::new(max, keep_agreeing).unwrap().apply(&predictions)
    }

    #[test]
    fn entropies_are_exact_down_to_a_billionth_of_a_nat() {
        // Computed with 60 digits: gap 0 is log 2; 19 lies at the paper's threshold; 24 at 1e-9.
        for (gap, entropy) in [
            (0.0, std::f64::consts::LN_2),
            (1.0, 0.582_203_108_888_217_9),
            (19.0, 1.120_559_281_386_144_6e-7),
            (24.0, 9.437_836_360_348_58e-10),
            (40.0, 1.741_825_244_669_551_4e-16),
        ] {
            let got = filtered(&[gap], &[0], 1.0, false).entropy[0];
            assert!((got / entropy - 1.0).abs() < 1e-13, "{gap}: {got:e}, exactly {entropy:e}");
        }
    }

    #[test]
    fn a_threshold_separates_neighbours_in_single_precision() {
        // Two gaps one unit in the last place apart, and a threshold between their entropies.
        let (low, high) = (16.5_f32, 16.5_f32.next_up());
        let between = f64::midpoint(exactly(f64::from(low)), exactly(f64::from(high)));
        assert_eq!(filtered(&[low, high], &[0, 0], between, false).kept, [1]);
        // Below, not at.
        let at = exactly(f64::from(low));
        assert_eq!(filtered(&[low], &[0], at, false).kept, [0; 0]);
        assert_eq!(filtered(&[low], &[0], at.next_up(), false).kept, [0]);
    }

    #[test]
    fn what_was_drawn_agreed_and_was_kept_is_counted_by_class() {
        let gaps = [9.0, -9.0, 0.5, -9.0, 9.0];
        let labels = [0, 0, 0, 1, 1];
        let all = filtered(&gaps, &labels, 0.1, false);
        assert_eq!(all.kept, [0, 1, 3, 4]);
        let counts = |class, drawn, agreed, kept| ClassCounts { class, drawn, agreed, kept };
        assert_eq!(all.classes, [counts(0, 3, 2, 2), counts(1, 2, 1, 2)]);
        let agreeing = filtered(&gaps, &labels, 0.1, true);
        assert_eq!(agreeing.kept, [0, 3]);
        assert_eq!(agreeing.classes, [counts(0, 3, 2, 1), counts(1, 2, 1, 1)]);
    }

    #[test]
    fn thresholds_that_keep_nothing_are_refused() {
        for threshold in [0.0, -1.0, f64::NAN] {
            assert!(EntropyFilter::new(threshold, false).is_err(), "{threshold}");
        }
        assert!(EntropyFilter::new(f64::INFINITY, false).is_ok());
    }

    #[test]
    fn an_axis_begins_where_the_entropies_do() {
        let many: Vec<f64> = (0..100).map(|power| 10_f64.powi(-power) * 2.0).collect();
        // Two of a hundred are left out: those of 1e-99 and 1e-98; then the limits.
        assert_eq!(axis_start(&many[..40]), 1e-39);
        assert!((axis_start(&many[..51]) / 1e-49 - 1.0).abs() < 1e-12);
        assert_eq!(axis_start(&many), 1e-60);
        assert_eq!(axis_start(&[0.5, 0.7]), 1e-4);
        assert_eq!(axis_start(&[0.0]), 1e-60);
        assert_eq!(axis_start(&[]), 1e-4);
    }

    #[test]
    fn a_logarithmic_axis_has_a_place_for_everything() {
        let entropies = [0.0, 1e-9, 1.1e-8, 9e-7, 1.1e-6, 0.5, 0.9, 2.3];
        let counts = log_histogram(entropies.into_iter(), [1e-8, 1.0], 4);
        // Ends of the parts: 1e-8, 1e-6, 1e-4, 1e-2, 1.
        assert_eq!(counts, [4, 1, 0, 3]);
        assert_eq!(log_histogram([1.0].into_iter(), [1e-8, 1.0], 0), [0; 0]);
    }
}
