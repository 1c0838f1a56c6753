//! How the numbers of a column become those that a model sees, chosen from the data, and back: standardised, by their logarithm, or by
//! normal scores; counts by `log(1 + count)`; few whole numbers as levels.

use serde::{Deserialize, Serialize};

use super::features::Kind;
use crate::quantile::normal_quantile;

/// Standard deviations of what a model sees stay above this: what is finer is noise to it.
const LEAST_SD: f32 = 0.03;

/// Whole numbers of at most so many different values are levels.
const MOST_LEVELS: usize = 12;

/// Nats by which another transform, or a distribution of counts, must describe a column better than standardising.
const MARGIN: f64 = 3.0;

/// Counts up to here have a likelihood of counts: in single precision, the log-gamma function of larger ones is off by nats.
const LARGEST_COUNT: f64 = 1e5;

/// Excess kurtosis, and skewness, from which a column is ranked: a few cells would be most of its variance.
const HEAVY: [f64; 2] = [7.0, 2.0];

/// Values of a column that its normal scores are kept for.
const MOST_KNOTS: usize = 200;

/// More decimals than this are no rounding.
const MOST_DECIMALS: i32 = 6;

/// What is done with a column of numbers, and what is known of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transform {
    /// From a number to what a model sees.
    #[serde(flatten)]
    pub way: Way,
    /// Decimals that the numbers are given to, if they are rounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimals: Option<i32>,
    /// The lowest number, where none is negative and the way back could give negative ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest: Option<f64>,
}

/// From a number to what a model sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "kebab-case")]
pub enum Way {
    /// The number itself: 1 or 0.
    AsIs,
    /// `(value - mean) / sd`.
    Standardised {
        /// Mean.
        mean: f64,
        /// Standard deviation, positive.
        sd: f64,
    },
    /// `(log value - mean) / sd` of positive numbers.
    Log {
        /// Mean of the logarithms.
        mean: f64,
        /// Their standard deviation, positive.
        sd: f64,
    },
    /// The standard normal quantile of the share of cells below (van der Waerden 1952), linear between these.
    NormalScores {
        /// Values, increasing.
        values: Vec<f64>,
        /// Their scores, increasing.
        scores: Vec<f64>,
    },
    /// `(log(1 + count) - mean) / sd`.
    Counts {
        /// Mean of `log(1 + count)`.
        mean: f64,
        /// Its standard deviation, positive.
        sd: f64,
        /// Whether they vary by more than Poisson counts.
        overdispersed: bool,
    },
    /// `(value - mean) / sd` of few different values.
    Levels {
        /// Mean.
        mean: f64,
        /// Standard deviation, positive.
        sd: f64,
        /// The values, increasing.
        values: Vec<f64>,
        /// How often each occurs.
        counts: Vec<usize>,
    },
}

impl Transform {
    /// Chooses from the cells of a column, NaN where one is missing.
    #[must_use]
    pub fn choose(kind: &Kind, cells: &[f32]) -> Self {
        // Decimal fractions are rounded once more as f32: their shortest text says what was meant.
        let meant = |&cell: &f32| cell.to_string().parse().unwrap_or(f64::from(cell));
        let mut values: Vec<f64> = cells.iter().filter(|cell| !cell.is_nan()).map(meant).collect();
        values.sort_by(f64::total_cmp);
        let way = match kind {
            Kind::YesNo { .. } | Kind::Words { .. } => Way::AsIs,
            Kind::WholeNumber => of_whole_numbers(&values),
            Kind::Measurement | Kind::Pixel => of_measurements(&values),
        };
        let decimals = match way {
            Way::AsIs => None,
            _ => decimals(&values),
        };
        let lowest = match way {
            Way::Standardised { .. } => values.first().copied().filter(|&lowest| lowest >= 0.0),
            _ => None,
        };
        Self { way, decimals, lowest }
    }

    /// Whether nothing is missing that applying or undoing it takes.
    pub(super) fn is_whole(&self) -> bool {
        match &self.way {
            Way::NormalScores { values, scores } => {
                values.len() > 1 && values.len() == scores.len()
            }
            Way::Levels { values, counts, .. } => {
                !values.is_empty() && values.len() == counts.len()
            }
            Way::AsIs | Way::Standardised { .. } | Way::Log { .. } | Way::Counts { .. } => true,
        }
    }

    /// What a model sees of a number; NaN stays NaN.
    #[must_use]
    pub fn apply(&self, value: f32) -> f32 {
        let value = f64::from(value);
        let seen = match &self.way {
            Way::AsIs => value,
            Way::Standardised { mean, sd } | Way::Levels { mean, sd, .. } => (value - mean) / sd,
            // What training did not have is as far away as the smallest positive number.
            Way::Log { mean, sd } => (value.max(f64::from(f32::MIN_POSITIVE)).ln() - mean) / sd,
            Way::NormalScores { values, scores } => interpolated(values, scores, value),
            Way::Counts { mean, sd, .. } => (value.max(0.0).ln_1p() - mean) / sd,
        };
        // `max` above takes a number where one of two is missing.
        if value.is_nan() { f32::NAN } else { seen as f32 }
    }

    /// The number that a model sees so, as finely as the column has it; NaN stays NaN.
    #[must_use]
    pub fn undo(&self, seen: f32) -> f32 {
        if seen.is_nan() {
            return f32::NAN;
        }
        let seen = f64::from(seen);
        let value = match &self.way {
            Way::AsIs => seen,
            Way::Standardised { mean, sd } | Way::Levels { mean, sd, .. } => mean + seen * sd,
            Way::Log { mean, sd } => (mean + seen * sd).exp(),
            Way::NormalScores { values, scores } => interpolated(scores, values, seen),
            Way::Counts { mean, sd, .. } => (mean + seen * sd).exp_m1(),
        };
        match self.decimals {
            Some(decimals) => {
                let factor = 10f64.powi(decimals);
                ((value * factor).round() / factor) as f32
            }
            None => value as f32,
        }
    }

    /// What the standard deviation of a model of this column stays above: that of rounding, in the units that the model sees.
    #[must_use]
    pub fn least_sd(&self) -> f32 {
        let step = self.decimals.map_or(0.0, |decimals| 10f64.powi(-decimals));
        let scale = match &self.way {
            Way::Standardised { sd, .. } => *sd,
            // Where most cells are: a step is a share of the value there.
            Way::Log { mean, sd } => sd * mean.exp(),
            Way::NormalScores { values, scores } => {
                let quarter = |share: f64| interpolated(scores, values, share);
                (quarter(0.674) - quarter(-0.674)) / (2.0 * 0.674)
            }
            Way::AsIs | Way::Counts { .. } | Way::Levels { .. } => return LEAST_SD,
        };
        let rounding = step / 12f64.sqrt() / scale;
        if rounding.is_finite() { LEAST_SD.max(rounding as f32) } else { LEAST_SD }
    }

    /// What draws of a model of this column do not go below, as the model sees it: heights and prices are not negative.
    #[must_use]
    pub fn lowest(&self) -> Option<f32> {
        self.lowest.map(|lowest| self.apply(lowest as f32))
    }

    /// What it is called in a profile.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.way {
            Way::AsIs => "as they are",
            Way::Standardised { .. } => "standardised",
            Way::Log { .. } => "logarithm",
            Way::NormalScores { .. } => "normal scores",
            Way::Counts { .. } => "counts",
            Way::Levels { .. } => "levels",
        }
    }
}

/// Mean and standard deviation; 1 where all values are the same.
fn moments(values: &[f64]) -> [f64; 2] {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let sd = variance.sqrt();
    [mean, if sd > 1e-9 * mean.abs().max(1e-9) { sd } else { 1.0 }]
}

/// The density of values with that standard deviation at its best, nats: the log-likelihood of a normal distribution.
fn normal_fit(count: usize, sd: f64) -> f64 {
    -(count as f64) * (sd.ln() + 0.5 * (1.0 + (2.0 * std::f64::consts::PI).ln()))
}

/// Standardised, or by the logarithm where that describes the values better; ranked where some lie far from all others even so.
fn of_measurements(values: &[f64]) -> Way {
    let [mean, sd] = moments(values);
    let plain = (normal_fit(values.len(), sd), Way::Standardised { mean, sd }, values.to_vec());
    let (_, way, seen) = match values.first() {
        Some(&lowest) if lowest > 0.0 => {
            let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
            let [mean, sd] = moments(&logarithms);
            let fit = normal_fit(values.len(), sd) - logarithms.iter().sum::<f64>();
            match fit > plain.0 + MARGIN {
                true => (fit, Way::Log { mean, sd }, logarithms),
                false => plain,
            }
        }
        _ => plain,
    };
    let [mean, sd] = moments(&seen);
    let moment = |power: i32| {
        seen.iter().map(|value| ((value - mean) / sd).powi(power)).sum::<f64>() / seen.len() as f64
    };
    let heavy = moment(4) - 3.0 > HEAVY[0] || moment(3).abs() > HEAVY[1];
    match heavy {
        true => normal_scores(values).unwrap_or(way),
        false => way,
    }
}

/// Levels of few values, counts where a distribution of counts describes them best, measurements otherwise.
fn of_whole_numbers(values: &[f64]) -> Way {
    let [mean, sd] = moments(values);
    let levels = levels(values);
    if levels.len() < 2 {
        return Way::Standardised { mean, sd };
    }
    if levels.len() <= MOST_LEVELS {
        let (values, counts) = levels.into_iter().unzip();
        return Way::Levels { mean, sd, values, counts };
    }
    let measured = of_measurements(values);
    if values.first().is_none_or(|&lowest| lowest < 0.0)
        || values.last().is_some_and(|&largest| largest > LARGEST_COUNT)
    {
        return measured;
    }
    let as_measured = match &measured {
        Way::Log { sd, .. } => {
            normal_fit(values.len(), *sd) - values.iter().map(|value| value.ln()).sum::<f64>()
        }
        _ => normal_fit(values.len(), sd),
    };
    let (poisson, negative_binomial) =
        (poisson_fit(values, mean), negative_binomial_fit(values, [mean, sd]));
    match poisson.max(negative_binomial) > as_measured + MARGIN {
        true => {
            let logarithms: Vec<f64> = values.iter().map(|value| value.ln_1p()).collect();
            let [mean, sd] = moments(&logarithms);
            Way::Counts { mean, sd, overdispersed: negative_binomial > poisson + MARGIN }
        }
        false => measured,
    }
}

/// The log-likelihood of counts under a Poisson distribution with their mean, nats.
fn poisson_fit(counts: &[f64], mean: f64) -> f64 {
    let each = |&count: &f64| count * mean.ln() - mean - libm::lgamma(count + 1.0);
    counts.iter().map(each).sum()
}

/// The same under a negative binomial distribution with their mean and standard deviation; none where they vary by less than Poisson counts.
fn negative_binomial_fit(counts: &[f64], [mean, sd]: [f64; 2]) -> f64 {
    let excess = sd * sd - mean;
    if excess <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let shape = mean * mean / excess;
    let [log_rest, log_share] = [shape, mean].map(|part| (part / (shape + mean)).ln());
    let each = |&count: &f64| {
        libm::lgamma(count + shape) - libm::lgamma(shape) - libm::lgamma(count + 1.0)
            + shape * log_rest
            + count * log_share
    };
    counts.iter().map(each).sum()
}

/// The different values with their counts, increasing.
fn levels(sorted: &[f64]) -> Vec<(f64, usize)> {
    sorted.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len())).collect()
}

/// The scores of the different values: a value that occurs several times has the middle of its ranks. `None` of a single value.
fn normal_scores(sorted: &[f64]) -> Option<Way> {
    let mut below = 0;
    let mut knots: Vec<(f64, f64)> = Vec::new();
    for (value, count) in levels(sorted) {
        let middle = (below as f64 + count as f64 / 2.0) / sorted.len() as f64;
        knots.push((value, normal_quantile(middle)));
        below += count;
    }
    let stride = knots.len().div_ceil(MOST_KNOTS).max(1);
    let last = knots.len().checked_sub(1)?;
    let kept = knots.iter().enumerate().filter(|(at, _)| at % stride == 0 || *at == last);
    let (values, scores): (Vec<f64>, Vec<f64>) = kept.map(|(_, &knot)| knot).unzip();
    (values.len() > 1).then_some(Way::NormalScores { values, scores })
}

/// The value at `x` of a line through points, those at the ends beyond them.
fn interpolated(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    let above = xs.partition_point(|&known| known < x);
    match above {
        0 => ys[0],
        _ if above == xs.len() => ys[above - 1],
        _ => {
            let share = (x - xs[above - 1]) / (xs[above] - xs[above - 1]);
            ys[above - 1] + share * (ys[above] - ys[above - 1])
        }
    }
}

/// Decimals that all values are given to.
fn decimals(values: &[f64]) -> Option<i32> {
    (0..=MOST_DECIMALS).find(|&decimals| {
        let factor = 10f64.powi(decimals);
        let rounded = |value: &f64| {
            let scaled = value * factor;
            (scaled - scaled.round()).abs() <= 1e-9 * scaled.abs().max(1.0)
        };
        values.iter().all(rounded)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    fn choose(kind: &Kind, cells: &[f32]) -> Transform {
        Transform::choose(kind, cells)
    }

    fn normal(count: usize, of: impl Fn(f32) -> f32) -> Vec<f32> {
        Noise::new(3).normal(count).into_iter().map(of).collect()
    }

    #[test]
    fn measurements_are_standardised_logged_or_ranked() {
        let plain = choose(&Kind::Measurement, &normal(500, |z| 10.0 + z));
        assert_eq!(plain.name(), "standardised");
        let log = choose(&Kind::Measurement, &normal(500, |z| (2.0 + 0.8 * z).exp()));
        assert_eq!(log.name(), "logarithm");
        let Way::Log { mean, sd } = log.way else { unreachable!() };
        assert!((mean - 2.0).abs() < 0.1 && (sd - 0.8).abs() < 0.1, "{mean} {sd}");
        // Both signs, and a tail on each side.
        let heavy = choose(&Kind::Measurement, &normal(500, |z| z.powi(5)));
        assert_eq!(heavy.name(), "normal scores");
        // The scores of what is normal but for a monotone change are what it was.
        let seen = heavy.apply(1.5f32.powi(5));
        assert!((seen - 1.5).abs() < 0.15, "{seen}");
    }

    #[test]
    fn a_transform_without_its_scores_is_not_whole() {
        let heavy = choose(&Kind::Measurement, &normal(400, |z| z.powi(5)));
        let mut written = serde_json::to_value(&heavy).unwrap();
        assert!(heavy.is_whole());
        written["scores"].as_array_mut().unwrap().clear();
        assert!(!serde_json::from_value::<Transform>(written).unwrap().is_whole());
    }

    #[test]
    fn whole_numbers_are_levels_counts_or_measurements() {
        let years: Vec<f32> = (0..90).map(|row| 2007.0 + (row % 3) as f32).collect();
        assert_eq!(choose(&Kind::WholeNumber, &years).name(), "levels");
        // Geometric counts: a negative binomial of shape 1.
        let draws = Noise::new(5).uniform(800);
        let geometric: Vec<f32> =
            draws.iter().map(|u| (u.max(1e-6).ln() / 0.9f32.ln()).floor()).collect();
        let found = choose(&Kind::WholeNumber, &geometric);
        assert!(matches!(found.way, Way::Counts { overdispersed: true, .. }), "{found:?}");
        // The number of 40 uniform draws below 1/4 is nearly Poisson, a little narrower.
        let mut noise = Noise::new(6);
        let few: Vec<f32> = (0..800)
            .map(|_| noise.uniform(200).iter().filter(|&&u| u < 0.05).count() as f32)
            .collect();
        let found = choose(&Kind::WholeNumber, &few);
        assert!(matches!(found.way, Way::Counts { overdispersed: false, .. }), "{found:?}");
        // Counts whose likelihood single precision cannot hold.
        let large: Vec<f32> = geometric.iter().map(|count| count * 1e5).collect();
        assert!(!matches!(choose(&Kind::WholeNumber, &large).way, Way::Counts { .. }));
        let pressure = normal(300, |z| (130.0 + 5.0 * z).round());
        assert_eq!(choose(&Kind::WholeNumber, &pressure).name(), "standardised");
    }

    #[test]
    fn every_transform_is_undone_to_the_decimals_of_the_column() {
        let measured = normal(400, |z| ((5.0 + z) * 10.0).round() / 10.0);
        let skewed = normal(400, |z| ((1.5 * z).exp() * 100.0).round() / 100.0 + 0.01);
        let heavy = normal(400, |z| z.powi(5));
        let counts: Vec<f32> = skewed.iter().map(|value| value.round()).collect();
        let levels: Vec<f32> = (0..40).map(|row| (row % 4) as f32).collect();
        let yes_no = Kind::YesNo { no: "0".into(), yes: "1".into() };
        for (kind, cells) in [
            (&Kind::Measurement, measured),
            (&Kind::Measurement, skewed),
            (&Kind::Measurement, heavy),
            (&Kind::WholeNumber, counts),
            (&Kind::WholeNumber, levels),
            (&yes_no, vec![0.0, 1.0, 1.0]),
        ] {
            let transform = choose(kind, &cells);
            for &cell in &cells {
                let back = transform.undo(transform.apply(cell));
                let close = 1e-5 * (1.0 + cell.abs());
                assert!((back - cell).abs() <= close, "{}: {cell} is {back}", transform.name());
            }
            assert!(transform.apply(f32::NAN).is_nan() && transform.undo(f32::NAN).is_nan());
            let written = serde_json::to_string(&transform).unwrap();
            assert_eq!(serde_json::from_str::<Transform>(&written).unwrap(), transform);
        }
    }

    #[test]
    fn rounding_sets_the_least_standard_deviation() {
        // Steps of 1 where the standard deviation is about 2: 1 / √12 / 2.
        let coarse = choose(&Kind::Measurement, &normal(2000, |z| (50.0 + 2.0 * z).round()));
        assert!((coarse.least_sd() - 0.144).abs() < 0.01, "{}", coarse.least_sd());
        let fine = choose(&Kind::Measurement, &normal(2000, |z| 50.0 + 2.0 * z));
        assert_eq!(fine.least_sd(), LEAST_SD);
    }

    #[test]
    fn draws_of_what_is_never_negative_have_a_lowest_number() {
        let heights = choose(&Kind::Measurement, &normal(500, |z| (z * 0.5 + 0.6).max(0.0)));
        assert_eq!(heights.name(), "standardised");
        let lowest = heights.lowest().unwrap();
        assert!(heights.undo(lowest).abs() < 1e-6, "{heights:?}");
        assert_eq!(choose(&Kind::Measurement, &normal(500, |z| z)).lowest(), None);
        // A logarithm gives positive numbers alone.
        assert_eq!(choose(&Kind::Measurement, &normal(500, |z| z.exp())).lowest(), None);
    }

    #[test]
    fn a_column_that_is_empty_or_constant_is_no_trouble() {
        for cells in [vec![], vec![f32::NAN], vec![3.25], vec![7.0; 5]] {
            for kind in [Kind::Measurement, Kind::WholeNumber] {
                let transform = choose(&kind, &cells);
                assert!(transform.apply(3.0).is_finite(), "{transform:?}");
                assert!(transform.least_sd() > 0.0);
            }
        }
    }
}
