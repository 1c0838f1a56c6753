//! How many samples each stands for: whole numbers, which sums of distances are multiplied by exactly.

use anyhow::{Result, bail, ensure};

/// Samples that all may stand for together.
const MOST_IN_ALL: f64 = (1_u64 << 36) as f64;

/// The largest weight is this many parts, where weights are no whole numbers.
const PARTS: f64 = 65_536.0;

/// Weights as whole numbers of parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Of each sample, at least 1.
    pub parts: Vec<u32>,
    /// What a part is.
    pub part: f64,
}

/// Weights of samples, each with its file and row.
///
/// # Errors
/// One is not above 0, or together they stand for too many.
pub fn weights(all: &[(String, usize, f32)]) -> Result<Weights> {
    for (path, row, value) in all {
        ensure!(
            *value > 0.0 && value.is_finite(),
            "{path}: weight of row {row} is {value}; a weight says for how many samples a sample stands and must be above 0: mend it, or \
             ignore weights with --unweighted"
        );
    }
    let largest = all.iter().fold(0.0_f32, |largest, (.., value)| largest.max(*value));
    let are_whole = all.iter().all(|(.., value)| value.fract() == 0.0);
    let part = if are_whole { 1.0 } else { f64::from(largest) / PARTS };
    let parts: Vec<f64> =
        all.iter().map(|(.., value)| (f64::from(*value) / part).round().max(1.0)).collect();
    let total: f64 = parts.iter().sum();
    if total > MOST_IN_ALL || parts.iter().any(|&parts| parts > f64::from(u32::MAX)) {
        bail!(
            "the weights add up to {total:.3e}, too many to count; divide them by a number, or ignore them with --unweighted"
        );
    }
    Ok(Weights { parts: parts.into_iter().map(|parts| parts as u32).collect(), part })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> Result<Weights> {
        let named = |(row, &value)| ("f.npz".to_owned(), row, value);
        weights(&values.iter().enumerate().map(named).collect::<Vec<_>>())
    }

    #[test]
    fn whole_weights_stay_and_others_keep_their_ratios() {
        assert_eq!(of(&[1.0, 7.0, 3.0]).unwrap(), Weights { parts: vec![1, 7, 3], part: 1.0 });
        let Weights { parts, part } = of(&[0.5, 1.25, 2.0]).unwrap();
        let back: Vec<f64> = parts.iter().map(|&parts| f64::from(parts) * part).collect();
        assert_eq!(back, [0.5, 1.25, 2.0]);
        // Next to nothing is still something.
        assert_eq!(of(&[1e-9, 1.0]).unwrap().parts[0], 1);
    }

    #[test]
    fn weights_that_cannot_be_are_refused() {
        for bad in [-1.0, 0.0, f32::NAN, f32::INFINITY] {
            let error = of(&[1.0, bad]).unwrap_err().to_string();
            assert!(error.starts_with("f.npz: weight of row 1"), "{error}");
        }
        assert!(of(&[4e9; 40]).unwrap_err().to_string().contains("too many to count"));
    }
}
