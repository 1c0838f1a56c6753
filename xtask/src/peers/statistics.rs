//! Medians, and how sure one can be of them.

/// With fewer values than these, no two of them enclose the median in 95 % of all cases.
pub const FEWEST_FOR_AN_INTERVAL: usize = 6;

/// The middle value, or the mean of the two in the middle.
///
/// # Panics
/// Without values.
pub fn median(values: &[f64]) -> f64 {
    let values = sorted(values);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// What a program's time is divided by another's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Median over the rounds.
    pub median: f64,
    /// Interval that holds the true median in at least 95 % of all cases.
    pub interval: [f64; 2],
}

/// The ratio of `times` to `reference`, round by round: what slows a whole round slows both.
///
/// # Panics
/// With fewer rounds than [`FEWEST_FOR_AN_INTERVAL`].
pub fn ratio(times: &[f64], reference: &[f64]) -> Ratio {
    let ratios: Vec<f64> = times.iter().zip(reference).map(|(time, unit)| time / unit).collect();
    let rank = rank(ratios.len());
    assert!(rank > 0, "{} rounds are too few for an interval", ratios.len());
    let sorted = sorted(&ratios);
    let interval = [sorted[rank - 1], sorted[sorted.len() - rank]];
    Ratio { median: median(&ratios), interval }
}

/// The largest `k` for which the `k`-th smallest and the `k`-th largest of `count` values enclose the median
/// with a probability of 95 % or more; 0 if there is none. Each value lies below the median with
/// probability 1/2, so the `k`-th smallest lies above it with probability `P(Binomial(count, 1/2) < k)`.
/// That assumes nothing about how the values are distributed.
fn rank(count: usize) -> usize {
    let mut term = 0.5_f64.powi(count as i32);
    let mut below = 0.0;
    let mut rank = 0;
    while rank < count {
        below += term;
        if below > 0.025 {
            break;
        }
        term *= (count - rank) as f64 / (rank + 1) as f64;
        rank += 1;
    }
    rank
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_depend_on_the_order() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(&[4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < 1e-12);
    }

    /// The published table of the sign test: two-sided critical ranks at 5 %.
    #[test]
    fn ranks_are_those_of_the_sign_test() {
        let ranks = [6, 8, 9, 11, 12, 15, 17, 20, 25, 30, 50].map(rank);
        assert_eq!(ranks, [1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 18]);
        assert!((0..FEWEST_FOR_AN_INTERVAL).all(|count| rank(count) == 0));
    }

    #[test]
    fn what_slows_a_whole_round_cancels() {
        let reference: Vec<f64> = (0..15).map(|round| 100.0 + f64::from(round * round)).collect();
        let times: Vec<f64> = reference.iter().map(|time| time * 0.5).collect();
        let half = ratio(&times, &reference);
        assert!((half.median - 0.5).abs() < 1e-12);
        assert!(half.interval.iter().all(|end| (end - 0.5).abs() < 1e-12));
    }

    #[test]
    fn the_interval_leaves_out_the_outermost_rounds() {
        let times: Vec<f64> = (1..=15).rev().map(f64::from).collect();
        let ratio = ratio(&times, &[1.0; 15]);
        assert_eq!(ratio, Ratio { median: 8.0, interval: [4.0, 12.0] });
    }
}
