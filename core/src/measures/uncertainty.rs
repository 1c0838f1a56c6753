//! How far an accuracy on few examples can be trusted (E44, E45).

use serde::{Deserialize, Serialize};

/// The 97.5 % quantile of the standard normal: 95 % lie within plus and minus it.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % interval of a share that was measured on `count` independent examples (E44, Wilson 1927). Unlike the share
/// plus and minus its standard error, it stays within [0, 1] and does not vanish where all or none are right.
#[must_use]
pub fn interval(share: f64, count: usize) -> [f64; 2] {
    let n = count.max(1) as f64;
    let centre = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    [(centre - half) / scale, (centre + half) / scale].map(|bound| bound.clamp(0.0, 1.0))
}

/// How two classifiers do on the same examples: on how many of them which one is right. Fractions where several rounds
/// over the same examples are averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Both.
    pub both: f64,
    /// The first one alone.
    pub first_alone: f64,
    /// The second one alone.
    pub second_alone: f64,
    /// Neither.
    pub neither: f64,
}

impl Paired {
    /// Counts over examples.
    #[must_use]
    pub fn count(first: &[bool], second: &[bool]) -> Self {
        let mut paired = Self::default();
        for (&first, &second) in first.iter().zip(second) {
            let cell = match (first, second) {
                (true, true) => &mut paired.both,
                (true, false) => &mut paired.first_alone,
                (false, true) => &mut paired.second_alone,
                (false, false) => &mut paired.neither,
            };
            *cell += 1.0;
        }
        paired
    }

    /// Counts of both, times a factor.
    #[must_use]
    pub fn plus(self, other: Self, factor: f64) -> Self {
        Self {
            both: self.both + factor * other.both,
            first_alone: self.first_alone + factor * other.first_alone,
            second_alone: self.second_alone + factor * other.second_alone,
            neither: self.neither + factor * other.neither,
        }
    }

    /// The 95 % interval of the first one's accuracy minus the second one's: Wald's with half an example added to each
    /// of the four counts, which is good for few examples (E45, Agresti and Min 2005).
    #[must_use]
    pub fn difference(&self) -> [f64; 2] {
        let [b, c] = [self.first_alone + 0.5, self.second_alone + 0.5];
        let n = self.both + self.neither + 1.0 + b + c;
        let difference = (b - c) / n;
        let half = Z * ((b + c) - (b - c).powi(2) / n).sqrt() / n;
        [difference - half, difference + half]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // SciPy 1.17, binomtest(right, count).proportion_ci(method="wilson").
        for (right, count, low, high) in [
            (18, 20, 0.698_966_4, 0.972_133_5),
            (7, 7, 0.645_669_6, 1.0),
            (140, 150, 0.881_637_6, 0.963_388_1),
            (0, 10, 0.0, 0.277_532_8),
        ] {
            let [a, b] = interval(f64::from(right) / f64::from(count), count as usize);
            assert!(
                (a - low).abs() < 1e-6 && (b - high).abs() < 1e-6,
                "{right} of {count}: {a} {b}"
            );
        }
    }

    #[test]
    fn it_covers_the_truth_as_often_as_it_says() {
        let mut noise = crate::noise::Noise::new(0);
        let (truth, count, rounds) = (0.85, 40, 4000);
        let covered = (0..rounds).filter(|_| {
            let right = noise.uniform(count).iter().filter(|&&u| f64::from(u) < truth).count();
            let [low, high] = interval(right as f64 / count as f64, count);
            (low..=high).contains(&truth)
        });
        let share = covered.count() as f64 / f64::from(rounds);
        assert!((0.92..0.98).contains(&share), "{share}");
    }

    #[test]
    fn a_difference_is_seen_if_it_is_there() {
        let first: Vec<bool> = (0..100).map(|row| row % 10 != 0).collect();
        let second: Vec<bool> = (0..100).map(|row| row % 10 != 0 && row % 4 != 0).collect();
        let paired = Paired::count(&first, &second);
        assert_eq!((paired.both + paired.first_alone, paired.second_alone), (90.0, 0.0));
        let [low, high] = paired.difference();
        let truth = paired.first_alone / 100.0;
        assert!(low > 0.0 && low < truth && truth < high, "{low} {high}");
        let [low, high] = Paired::count(&first, &first).difference();
        assert!(low < 0.0 && high > 0.0 && (low + high).abs() < 1e-12);
        let twice = paired.plus(paired, 1.0);
        assert_eq!(twice.plus(paired, -1.0), paired);
    }
}
