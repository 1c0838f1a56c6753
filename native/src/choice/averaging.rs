//! Probabilities of several methods as one: each made as sure as it is right (temperature scaling, Guo et al. 2017; E51), then
//! averaged with weights by how probable they made labels that they had not seen (pseudo Bayesian model averaging, Yao et al.
//! 2018; E52).

use ndarray::{Array1, Array2};

/// Share of a probability that goes to all classes alike: no method is certain.
const SMOOTHING: f64 = 0.02;

/// Powers that are tried, from less sure to surer.
const POWERS: [f64; 2] = [0.25, 8.0];

/// Standard deviation of the logarithm of a power, before labels are seen.
const PRIOR_SD: f64 = 1.5;

/// The probabilities to the power `power`, smoothed: `[rows, classes]`, of log-probabilities.
#[must_use]
pub fn tempered(log_probs: &Array2<f64>, power: f64) -> Array2<f64> {
    let classes = log_probs.ncols().max(1) as f64;
    let mut probabilities = log_probs * power;
    for mut row in probabilities.rows_mut() {
        let largest = row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        row.mapv_inplace(|value| (value - largest).exp());
        let sum = row.sum();
        row.mapv_inplace(|value| (1.0 - SMOOTHING) * value / sum + SMOOTHING / classes);
    }
    probabilities
}

/// The negative log-probability of each label, nats.
#[must_use]
pub fn losses(probabilities: &Array2<f64>, labels: &[usize]) -> Array1<f64> {
    probabilities
        .rows()
        .into_iter()
        .zip(labels)
        .map(|(row, &label)| -row[label].max(1e-300).ln())
        .collect()
}

/// The power under which labels are the most probable, with a prior that it is near 1: by golden section over its logarithm.
#[must_use]
pub fn power(log_probs: &Array2<f64>, labels: &[usize]) -> f64 {
    let cost = |log_power: f64| {
        let prior = 0.5 * (log_power / PRIOR_SD).powi(2) / labels.len().max(1) as f64;
        losses(&tempered(log_probs, log_power.exp()), labels).mean().unwrap_or_default() + prior
    };
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let [mut low, mut high] = POWERS.map(f64::ln);
    for _ in 0..40 {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if cost(left) <= cost(right) { high = right } else { low = left }
    }
    (0.5 * (low + high)).exp()
}

/// Weights below this share are not worth fitting and keeping a variant for.
const LEAST_WEIGHT: f64 = 0.01;

/// The largest weights, at most so many and none below a hundredth; they add up to 1, the others are 0.
#[must_use]
pub fn pruned(weights: &[f64], most: usize) -> Vec<f64> {
    let mut falling: Vec<usize> = (0..weights.len()).collect();
    falling.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let mut kept = vec![0.0; weights.len()];
    for (rank, &at) in falling.iter().take(most).enumerate() {
        if rank == 0 || weights[at] >= LEAST_WEIGHT {
            kept[at] = weights[at];
        }
    }
    let sum: f64 = kept.iter().sum();
    kept.into_iter().map(|weight| weight / sum.max(f64::MIN_POSITIVE)).collect()
}

/// Weights by the mean log-losses on `labels` labels, which add up to 1.
#[must_use]
pub fn weights(losses: &[f64], labels: usize) -> Vec<f64> {
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let raw: Vec<f64> =
        losses.iter().map(|loss| (-(labels as f64) * (loss - best)).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|weight| weight / sum).collect()
}

/// The weighted sum of probabilities.
#[must_use]
pub fn average(all: &[Array2<f64>], weights: &[f64]) -> Array2<f64> {
    let mut pairs = all.iter().zip(weights);
    let Some((first, weight)) = pairs.next() else { return Array2::zeros((0, 0)) };
    pairs.fold(first * *weight, |sum, (next, weight)| sum + next * *weight)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn an_overconfident_method_is_made_less_sure() {
        // Right 7 times of 10, and always 90 % sure.
        let sure = [0.9f64.ln(), 0.1f64.ln()];
        let rows = Array2::from_shape_fn((1000, 2), |(_, class)| sure[class]);
        let labels: Vec<usize> = (0..1000).map(|row| usize::from(row % 10 >= 7)).collect();
        let found = power(&rows, &labels);
        let told = tempered(&rows, found)[[0, 0]];
        assert!((told - 0.7).abs() < 0.01, "{told}");
        // One that is as sure as it is right stays so.
        let honest = Array2::from_shape_fn((1000, 2), |(_, class)| [0.7f64, 0.3][class].ln());
        assert!((tempered(&honest, power(&honest, &labels))[[0, 0]] - 0.7).abs() < 0.01);
    }

    #[test]
    fn few_labels_move_a_power_little() {
        let rows = Array2::from_shape_fn((2, 2), |(_, class)| [0.6f64, 0.4][class].ln());
        let found = power(&rows, &[0, 0]);
        assert!(found > 1.0 && found < POWERS[1], "{found}");
    }

    #[test]
    fn weights_are_those_of_bayes_rule() {
        let found = weights(&[0.5, 0.6], 10);
        assert!((found[0] / found[1] - 1f64.exp()).abs() < 1e-9, "{found:?}");
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let mixed = average(&[array![[1.0, 0.0]], array![[0.0, 1.0]]], &found);
        assert_eq!(mixed, array![[found[0], found[1]]]);
    }

    #[test]
    fn the_largest_weights_stay() {
        assert_eq!(pruned(&[0.125, 0.25, 0.75], 2), [0.0, 0.25, 0.75]);
        assert_eq!(pruned(&[0.25; 4], 2), [0.5, 0.5, 0.0, 0.0]);
        assert_eq!(pruned(&[0.005, 0.99, 0.005], 3), [0.0, 1.0, 0.0]);
        assert!(pruned(&[], 3).is_empty());
    }

    #[test]
    fn tempered_probabilities_are_some() {
        let rows = array![[0.0, -800.0, -3.0], [f64::NEG_INFINITY, 0.0, -1.0]];
        for power in [0.25, 1.0, 8.0] {
            let found = tempered(&rows, power);
            assert!(found.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
            assert!(found.iter().all(|&p| p > 0.006));
        }
    }
}
