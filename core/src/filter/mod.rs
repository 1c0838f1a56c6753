//! The filter: which samples are worth keeping.

mod support;

use serde::Serialize;

pub use support::{COPY, Standing, standings};

use crate::error::{Error, Result};
use crate::measures::predictions::Predictions;

/// Which samples to keep. Every criterion that is asked for has to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Filter {
    /// The entropy has to be below so many nats (E30).
    pub max_entropy: Option<f64>,
    /// The most probable class has to be the one that a sample was drawn for.
    pub keep_agreeing: bool,
    /// Of those, how many of each class.
    pub surest: Surest,
    /// At least so many of each class, the surest, even if their entropy is not below `max_entropy`.
    pub at_least: usize,
}

/// How many samples of a class are kept, those of the smallest entropy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Surest {
    /// All that the other criteria leave.
    #[default]
    All,
    /// This share of those that were drawn for the class, rounded up.
    Share(f64),
    /// So many.
    Count(usize),
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
    /// How many have an entropy below the threshold; all without one.
    pub sure: usize,
    /// How many lie outside the support of real examples.
    pub outside: usize,
    /// How many are near copies of a real example.
    pub memorised: usize,
    /// How many were kept.
    pub kept: usize,
}

impl Filter {
    /// Keeps the samples whose entropy is below `max_entropy` nats; with `keep_agreeing`, only those of them whose most
    /// probable class is the one they were drawn for.
    ///
    /// # Errors
    /// As [`Filter::checked`].
    pub fn by_entropy(max_entropy: f64, keep_agreeing: bool) -> Result<Self> {
        Self { max_entropy: Some(max_entropy), keep_agreeing, ..Self::default() }.checked()
    }

    /// The same, if it can keep anything.
    ///
    /// # Errors
    /// A threshold that is not above 0, which no entropy is below; a share that is not above 0 and at most 1; 0 of each class; at
    /// least more of each class than at most.
    pub fn checked(self) -> Result<Self> {
        if let Some(max_entropy) = self.max_entropy
            && (max_entropy.is_nan() || max_entropy <= 0.0)
        {
            let problem = "no entropy is below it: give a number of nats above 0";
            return Err(Error::config("max-entropy", max_entropy, problem));
        }
        match self.surest {
            Surest::Share(share) if !(share > 0.0 && share <= 1.0) => {
                Err(Error::config("keep", share, "give a share above 0 and at most 1"))
            }
            Surest::Count(count) if self.at_least > count.max(1) => {
                let problem = format!(
                    "of a class, at most {count} are kept; give at most that, or keep more of each"
                );
                Err(Error::config("at-least", self.at_least, problem))
            }
            Surest::Count(0) => {
                Err(Error::config("keep-per-class", 0, "nothing would be kept: give 1 or more"))
            }
            _ => Ok(self),
        }
    }

    /// Sorts the samples out. `standings` says how each stands to real examples, if that is asked for.
    ///
    /// # Panics
    /// Another number of standings than of samples.
    #[must_use]
    pub fn apply(&self, predictions: &Predictions, standings: Option<&[Standing]>) -> Filtered {
        let count = predictions.len();
        assert!(standings.is_none_or(|all| all.len() == count), "one standing for each sample");
        let entropy: Vec<f64> = (0..count).map(|row| predictions.entropy(row)).collect();
        let standing = |row: usize| standings.map_or(Standing::Inside, |all| all[row]);
        let mut kept = Vec::new();
        let of_class = |class: usize| {
            let rows = predictions.rows_of(class);
            let number = |of: &dyn Fn(usize) -> bool| rows.iter().filter(|&&row| of(row)).count();
            let mine = self.surest_of(predictions, &rows, &entropy, standing);
            let counts = ClassCounts {
                class,
                drawn: rows.len(),
                agreed: number(&|row| predictions.agrees(row)),
                sure: number(&|row| self.is_sure(entropy[row])),
                outside: number(&|row| standing(row) == Standing::Outside),
                memorised: number(&|row| standing(row) == Standing::Copy),
                kept: mine.len(),
            };
            kept.extend(mine);
            counts
        };
        let classes = (0..predictions.classes()).map(of_class).collect();
        kept.sort_unstable();
        Filtered { kept, entropy, classes }
    }

    /// Those of the rows of a class that are kept.
    fn surest_of(
        &self,
        predictions: &Predictions,
        rows: &[usize],
        entropy: &[f64],
        standing: impl Fn(usize) -> Standing,
    ) -> Vec<usize> {
        let fits = |&row: &usize| {
            standing(row) == Standing::Inside && (!self.keep_agreeing || predictions.agrees(row))
        };
        let mut left: Vec<usize> = rows.iter().copied().filter(fits).collect();
        // The first of equals.
        left.sort_by(|&a, &b| entropy[a].total_cmp(&entropy[b]));
        let sure = left.iter().filter(|&&row| self.is_sure(entropy[row])).count();
        let most = match self.surest {
            Surest::All => left.len(),
            Surest::Share(share) => rounded_up(share * rows.len() as f64),
            Surest::Count(count) => count,
        };
        left.truncate(sure.min(most).max(self.at_least));
        left
    }

    fn is_sure(&self, entropy: f64) -> bool {
        self.max_entropy.is_none_or(|most| entropy < most)
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

/// The next whole number; the same for what is one but for its last digits, as 0.14 times 50.
fn rounded_up(value: f64) -> usize {
    let nearest = value.round();
    let is_whole = (value - nearest).abs() <= 1e-12 * nearest;
    if is_whole { nearest as usize } else { value.ceil() as usize }
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
        Filter::by_entropy(max, keep_agreeing).unwrap().apply(&predictions, None)
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
        let counts = |[class, drawn, agreed, sure, kept]: [usize; 5]| ClassCounts {
            class,
            drawn,
            agreed,
            sure,
            kept,
            ..ClassCounts::default()
        };
        assert_eq!(all.classes, [[0, 3, 2, 2, 2], [1, 2, 1, 2, 2]].map(counts));
        let agreeing = filtered(&gaps, &labels, 0.1, true);
        assert_eq!(agreeing.kept, [0, 3]);
        assert_eq!(agreeing.classes, [[0, 3, 2, 2, 1], [1, 2, 1, 2, 1]].map(counts));
    }

    #[test]
    fn thresholds_that_keep_nothing_are_refused() {
        for threshold in [0.0, -1.0, f64::NAN] {
            assert!(Filter::by_entropy(threshold, false).is_err(), "{threshold}");
            let surest = Surest::Share(threshold);
            assert!(Filter { surest, ..Filter::default() }.checked().is_err(), "{threshold}");
        }
        assert!(Filter::by_entropy(f64::INFINITY, false).is_ok());
        assert!(Filter { surest: Surest::Share(1.1), ..Filter::default() }.checked().is_err());
        assert!(Filter { surest: Surest::Count(0), ..Filter::default() }.checked().is_err());
        let more = Filter { surest: Surest::Count(2), at_least: 3, ..Filter::default() };
        assert!(more.checked().is_err());
        assert!(Filter { at_least: 2, ..more }.checked().is_ok());
    }

    /// Gaps of two classes: the first class is sure of four, the second of none.
    const GAPS: [f32; 8] = [9.0, 7.0, 8.0, 6.0, 0.1, 0.3, -0.2, 0.2];
    const LABELS: [i64; 8] = [0, 0, 0, 0, 1, 1, 1, 1];

    fn kept(filter: Filter, standings: Option<&[Standing]>) -> Vec<usize> {
        let values = GAPS.iter().flat_map(|&gap| [gap, 0.0]).collect();
        let predictions = Predictions::new(values, Scale::Logits, 2, &LABELS, "f").unwrap();
        filter.checked().unwrap().apply(&predictions, standings).kept
    }

    #[test]
    fn the_surest_of_each_class_stay_and_no_class_vanishes() {
        let surest = |surest| Filter { surest, ..Filter::default() };
        assert_eq!(kept(surest(Surest::Count(1)), None), [0, 5]);
        assert_eq!(kept(surest(Surest::Count(9)), None), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(kept(surest(Surest::Share(0.5)), None), [0, 2, 5, 6]);
        // A share is rounded up.
        assert_eq!(kept(surest(Surest::Share(0.01)), None), [0, 5]);
        // As they are written: 0.14 times 50 is a little more than 7.
        let rounded = [(0.14, 50), (0.28, 50), (0.07, 100), (0.071, 100), (1.0, 3)];
        let up = rounded.map(|(share, of)| rounded_up(share * f64::from(of)));
        assert_eq!(up, [7, 14, 7, 8, 3]);
        // The threshold holds as well, unless a least number is asked for.
        let below = Filter { max_entropy: Some(0.01), ..surest(Surest::Count(3)) };
        assert_eq!(kept(below, None), [0, 1, 2]);
        assert_eq!(kept(Filter { at_least: 2, ..below }, None), [0, 1, 2, 5, 6]);
        // What another class is more probable for is not needed so badly.
        let agreeing = Filter { keep_agreeing: true, at_least: 2, ..below };
        assert_eq!(kept(agreeing, None), [0, 1, 2, 6]);
    }

    #[test]
    fn what_is_no_real_thing_or_too_much_of_one_is_dropped_and_counted() {
        use Standing::{Copy, Inside, Outside};
        let standings = [Inside, Copy, Inside, Outside, Inside, Outside, Outside, Inside];
        let all = Filter { at_least: 4, ..Filter::default() };
        assert_eq!(kept(all, Some(&standings)), [0, 2, 4, 7]);
        let values = GAPS.iter().flat_map(|&gap| [gap, 0.0]).collect();
        let predictions = Predictions::new(values, Scale::Logits, 2, &LABELS, "f").unwrap();
        let classes = all.apply(&predictions, Some(&standings)).classes;
        let found = classes.iter().map(|class| [class.outside, class.memorised, class.kept]);
        assert_eq!(found.collect::<Vec<_>>(), [[1, 1, 2], [2, 0, 2]]);
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
