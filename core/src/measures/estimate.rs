//! Numbers with their standard errors, and the digits that these leave of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Draws that weights have to be worth at the least for their spread to say how well their mean is known.
const LEAST_DRAWS: f64 = 10.0;

/// A number that was estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its standard error; `None` where nothing says how large that is.
    pub error: Option<f64>,
}

impl Estimate {
    /// The mean of independent values, and the standard error of that; of a single value nothing is known.
    #[must_use]
    pub fn mean(values: &[f32]) -> Self {
        let count = values.len() as f64;
        let value = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
        let squares = values.iter().map(|&v| (f64::from(v) - value).powi(2)).sum::<f64>();
        let error = (squares / (count - 1.0) / count).sqrt();
        Self { value, error: (values.len() > 1).then_some(error) }
    }

    /// The same with an error added that all values have in common; `None` is one that nothing is known of.
    #[must_use]
    pub fn with_common(self, error: Option<f64>) -> Self {
        let error = self.error.zip(error).map(|(own, common)| own.hypot(common));
        Self { error, ..self }
    }

    /// The mean of estimates on parts of the data, each with its share of all, where each example was in `rounds` of the parts: to
    /// look at the same examples again does not make the error smaller.
    #[must_use]
    pub fn of_parts(parts: &[(f64, Self)], rounds: usize) -> Self {
        let value = parts.iter().map(|(share, part)| share * part.value).sum();
        let squares = parts.iter().map(|(share, part)| Some((share * part.error?).powi(2)));
        let squares: Option<f64> = squares.sum();
        Self { value, error: squares.map(|squares| (rounds as f64 * squares).sqrt()) }
    }
}

impl fmt::Display for Estimate {
    /// `-23.8 ± 0.3`: the error to one digit, to two if the first is a 1, and the number as far as that. Without an error, `about -24`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.error else { return write!(f, "about {:.0}", self.value) };
        // Nothing that is added up in single precision is known to more digits than that has.
        let error = error.max(self.value.abs() * f64::from(f32::EPSILON)).max(1e-6);
        let first = error.log10().floor();
        let place = if error < 1.95 * 10_f64.powf(first) { first - 1.0 } else { first };
        let unit = 10_f64.powf(place);
        let [value, error] = [self.value, error].map(|number| (number / unit).round() * unit);
        let decimals = (-place).max(0.0) as usize;
        write!(f, "{value:.decimals$} ± {error:.decimals$}")
    }
}

/// The standard error of `log(mean(exp(log_weights)))`, by the spread of the weights; `None` where a few weights are nearly all of the
/// sum, so that the spread of what was not drawn is anybody's guess.
#[must_use]
pub fn log_mean_error(log_weights: &[f32]) -> Option<f64> {
    let largest = log_weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> =
        log_weights.iter().map(|&log| (f64::from(log) - f64::from(largest)).exp()).collect();
    let count = weights.len() as f64;
    let sum: f64 = weights.iter().sum();
    let worth = sum * sum / weights.iter().map(|weight| weight * weight).sum::<f64>();
    if worth.is_nan() || worth < LEAST_DRAWS {
        return None;
    }
    let mean = sum / count;
    let squares = weights.iter().map(|weight| (weight / mean - 1.0).powi(2)).sum::<f64>();
    Some((squares / (count - 1.0) / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_has_the_error_of_its_values() {
        // By hand: standard deviation 1, over the root of 3.
        let mean = Estimate::mean(&[1.0, 2.0, 3.0]);
        assert_eq!(mean.value, 2.0);
        assert!((mean.error.unwrap() - 3.0_f64.sqrt().recip()).abs() < 1e-12);
        assert_eq!(Estimate::mean(&[5.0]), Estimate { value: 5.0, error: None });
        let common = mean.with_common(Some(1.0)).error.unwrap();
        assert!((common - (1.0_f64 / 3.0 + 1.0).sqrt()).abs() < 1e-12);
        assert_eq!(mean.with_common(None).error, None);
    }

    #[test]
    fn parts_make_the_whole_and_rounds_do_not_count_twice() {
        let values: Vec<f32> = (0..40).map(|at| (at as f32 * 0.7).sin()).collect();
        let parts = |rounds: usize| {
            let parts = values.chunks(10).map(|part| (0.25 / rounds as f64, Estimate::mean(part)));
            let parts: Vec<_> = std::iter::repeat_n(parts.collect::<Vec<_>>(), rounds).collect();
            Estimate::of_parts(&parts.concat(), rounds)
        };
        let (whole, once, twice) = (Estimate::mean(&values), parts(1), parts(2));
        assert!((once.value - whole.value).abs() < 1e-6);
        assert!((once.error.unwrap() / whole.error.unwrap() - 1.0).abs() < 0.1);
        assert!((twice.error.unwrap() / once.error.unwrap() - 1.0).abs() < 1e-12);
        let unknown = [(0.5, whole), (0.5, Estimate { error: None, ..whole })];
        assert_eq!(Estimate::of_parts(&unknown, 1).error, None);
    }

    #[test]
    fn digits_end_where_the_error_begins() {
        for (value, error, said) in [
            (-23.7712, Some(0.31), "-23.8 ± 0.3"),
            (-23.7712, Some(0.14), "-23.77 ± 0.14"),
            (-23.7712, Some(0.096), "-23.77 ± 0.10"),
            (-523.4, Some(47.2), "-520 ± 50"),
            (-523.4, Some(12.4), "-523 ± 12"),
            (7.0, Some(2.0), "7 ± 2"),
            (-23.7712, None, "about -24"),
            (-0.5, Some(0.0), "-0.5000000 ± 0.0000010"),
        ] {
            assert_eq!(Estimate { value, error }.to_string(), said);
        }
    }

    #[test]
    fn the_error_of_a_log_mean_is_that_of_repeating_it() {
        let mut noise = crate::noise::Noise::new(3);
        let (count, repeats) = (256, 400);
        let log_means: Vec<f64> = (0..repeats)
            .map(|_| {
                let weights = noise.normal(count).into_iter().map(|z| f64::from(z).exp());
                (weights.sum::<f64>() / count as f64).ln()
            })
            .collect();
        let mean = log_means.iter().sum::<f64>() / f64::from(repeats);
        let spread = log_means.iter().map(|m| (m - mean).powi(2)).sum::<f64>();
        let spread = (spread / f64::from(repeats)).sqrt();
        let said = log_mean_error(&noise.normal(count)).unwrap();
        // The spread of 256 weights with heavy tails is itself known to a quarter or so.
        assert!((said / spread - 1.0).abs() < 0.4, "{said} {spread}");
        let uneven: Vec<f32> = noise.normal(count).into_iter().map(|z| 20.0 * z).collect();
        assert_eq!(log_mean_error(&uneven), None);
        assert_eq!(log_mean_error(&[f32::NAN; 20]), None);
    }
}
