//! How many samples each stands for: whole numbers, which sums of distances are multiplied by exactly.

use anyhow::{Result, bail, ensure};

/// Samples that all may stand for together.
const MOST_IN_ALL: f64 = (1_u64 << 36) as f64;

/// Where weights are no whole numbers, all together are at most so many parts, and the largest is at most so many.
const PARTS: [f64; 2] = [(1_u64 << 35) as f64, (1_u64 << 31) as f64];

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
            "{path}: weight of row {row} is {value} (the first row is 0); a weight says for how many samples a sample stands and must be above 0: mend it, or \
             ignore weights with --unweighted"
        );
    }
    let are_whole = all.iter().all(|(.., value)| value.fract() == 0.0);
    let part = if are_whole { 1.0 } else { part(all) };
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

/// A power of two, so that halves and quarters are whole numbers of parts.
fn part(all: &[(String, usize, f32)]) -> f64 {
    let values = all.iter().map(|(.., value)| f64::from(*value));
    let (sum, largest) =
        values.fold((0.0, 0.0_f64), |(sum, largest), value| (sum + value, largest.max(value)));
    let least = (sum / PARTS[0]).max(largest / PARTS[1]);
    least.log2().ceil().exp2()
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
        // Small ones beside large ones, too.
        let (mut values, mut sum) = (vec![1e-4; 196], 196.0 * f64::from(1e-4_f32));
        values.extend([2000.5; 4]);
        sum += 4.0 * 2000.5;
        let Weights { parts, part } = of(&values).unwrap();
        let back = parts.iter().map(|&parts| f64::from(parts) * part).sum::<f64>();
        assert!((back - sum).abs() < 1e-8 * sum, "{back} {sum}");
        // Next to nothing is still something.
        assert_eq!(of(&[1e-12, 1.0]).unwrap().parts[0], 1);
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
