//! The log-probability of a row in double precision, written down anew from the formulas (E46 to E49).

use burn::tensor::{Device, Tensor};
use gleaner_core::dist::Mixed;
use gleaner_core::noise::Noise;
use gleaner_tests::small::matrix;
use gleaner_tests::{Tolerance, assert_close, values};

use super::{NUMBERS, at, every_kind, seen_count};

/// Rounding of single precision in sums of about ten terms of size 10.
const VALUE: Tolerance = Tolerance { relative: 3e-5, absolute: 3e-5 };

/// What the parameters of a row give each cell of `row`, nats; `None` where the cell is missing.
pub fn log_probs(output: &[f64], spread: &[f64], row: &[f32]) -> Vec<f64> {
    let x: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
    let gaussian = |place: usize, least: f64| {
        let variance = (2.0 * spread[place]).exp() + least * least;
        -0.5 * ((2.0 * std::f64::consts::PI * variance).ln()
            + (x[place] - output[place]).powi(2) / variance)
    };
    let words = || {
        let logits = &output[at::WORDS..at::WORDS + 3];
        let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
        let chosen = (0..3).find(|&word| x[at::WORDS + word] == 1.0).unwrap();
        logits[chosen] - total.ln()
    };
    let bounded = |raw: f64| 8.0 * (raw / 8.0).tanh();
    let rate = |place: usize, mean: f64, sd: f64| (mean + sd * bounded(output[place])).exp();
    let count = |place: usize, mean: f64, sd: f64| (x[place] * sd + mean).exp_m1().round();
    let negative_binomial = || {
        let place = at::NEGATIVE_BINOMIAL;
        let (m, k) = (rate(place, 1.2, 0.6), count(place, 1.2, 0.6));
        let r = bounded(spread[place]).exp();
        // Γ(k + r) / (Γ(r) k!) as a product, without any gamma function.
        let ways: f64 = (0..k as usize).map(|i| ((r + i as f64) / (i + 1) as f64).ln()).sum();
        ways + r * (r / (r + m)).ln() + k * (m / (r + m)).ln()
    };
    let poisson = || {
        let (m, k) = (rate(at::POISSON, 0.8, 0.5), count(at::POISSON, 0.8, 0.5));
        k * m.ln() - m - (1..=k as usize).map(|i| (i as f64).ln()).sum::<f64>()
    };
    let ordinal = |place: usize, levels: &[f64], counts: &[f64]| {
        let total: f64 = counts.iter().sum();
        let nearest = |x: f64| {
            (0..levels.len())
                .min_by(|&a, &b| (levels[a] - x).abs().total_cmp(&(levels[b] - x).abs()))
                .unwrap()
        };
        let level = nearest(x[place]);
        let below = |levels: usize| -> f64 {
            let share = counts[..levels].iter().sum::<f64>() / total;
            let threshold = (share / (1.0 - share)).ln();
            1.0 / (1.0 + (-spread[place].exp() * (threshold - output[place])).exp())
        };
        let upper = if level + 1 == levels.len() { 1.0 } else { below(level + 1) };
        let lower = if level == 0 { 0.0 } else { below(level) };
        (upper - lower).ln()
    };
    let yes = 1.0 / (1.0 + (-output[at::YES_NO]).exp());
    let cells = [
        (at::GAUSSIAN, gaussian(at::GAUSSIAN, 0.3)),
        (at::WORDS, if x[at::WORDS].is_nan() { 0.0 } else { words() }),
        (at::NEGATIVE_BINOMIAL, negative_binomial()),
        (at::YES_NO, if x[at::YES_NO] == 1.0 { yes.ln() } else { (1.0 - yes).ln() }),
        (at::ORDINAL, ordinal(at::ORDINAL, &[-1.0, 0.25, 0.5, 2.0], &[4.0, 10.0, 3.0, 3.0])),
        (at::NARROW, gaussian(at::NARROW, 0.05)),
        (at::POISSON, poisson()),
        (at::TWO_LEVELS, ordinal(at::TWO_LEVELS, &[0.0, 1.0], &[1.0, 3.0])),
    ];
    cells.into_iter().map(|(place, nats)| if x[place].is_nan() { 0.0 } else { nats }).collect()
}

/// Rows with a cell of every value that matters, and with cells missing.
pub fn rows() -> Vec<[f32; NUMBERS]> {
    let n = f32::NAN;
    let nb = |count| seen_count(count, 1.2, 0.6);
    let po = |count| seen_count(count, 0.8, 0.5);
    vec![
        [0.4, 1.0, 0.0, 0.0, nb(0.0), 1.0, -1.0, 0.1, po(0.0), 0.0],
        [-1.3, 0.0, 1.0, 0.0, nb(3.0), 0.0, 0.25, -0.2, po(4.0), 1.0],
        [2.1, 0.0, 0.0, 1.0, nb(40.0), 1.0, 2.0, 0.0, po(17.0), 1.0],
        [n, 0.0, 0.0, 1.0, n, 1.0, 0.5, n, po(1.0), n],
        [0.0, n, n, n, nb(1.0), n, n, 0.3, n, 0.0],
        [n; NUMBERS],
    ]
}

fn parameters(groups: usize, rows: usize) -> (Vec<f32>, Vec<f32>) {
    let noise = Noise::new(9);
    (noise.split("output").normal(groups * rows * NUMBERS), noise.split("spread").normal(NUMBERS))
}

fn mixed(output: Vec<f32>, spread: &[f32]) -> Mixed {
    let device = Device::flex();
    Mixed {
        columns: every_kind(),
        output: matrix(output, NUMBERS, &device),
        spread: Tensor::from_floats(spread, &device),
    }
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

#[test]
fn every_column_has_the_log_probability_of_its_formula_and_missing_cells_have_none() {
    let (groups, rows) = (2, rows());
    let (output, spread) = parameters(groups, rows.len());
    let x = matrix(rows.concat(), NUMBERS, &Device::flex());
    let found = values(mixed(output.clone(), &spread).log_prob(x));
    let each = doubles(&output);
    let wanted: Vec<f64> = each
        .chunks_exact(NUMBERS)
        .zip(rows.iter().cycle())
        .map(|(output, row)| log_probs(output, &doubles(&spread), row).iter().sum())
        .collect();
    assert_close("log-probability", &found, &wanted, VALUE);
    assert_eq!(found[5], 0.0, "nothing of a row without cells is scored");
}

/// Sums over all values of the discrete columns: the probabilities are some.
#[test]
fn the_probabilities_of_all_values_add_up_to_one() {
    let (output, spread) = parameters(1, 1);
    let of = |change: &dyn Fn(&mut [f32; NUMBERS])| {
        let mut row = [f32::NAN; NUMBERS];
        change(&mut row);
        let x = matrix(row.to_vec(), NUMBERS, &Device::flex());
        f64::from(values(mixed(output.clone(), &spread).log_prob(x))[0]).exp()
    };
    let sums = [
        (0..3)
            .map(|word| of(&|row| (0..3).for_each(|at| row[1 + at] = f32::from(at == word))))
            .sum::<f64>(),
        (0..400)
            .map(|k| of(&|row| row[at::NEGATIVE_BINOMIAL] = seen_count(f64::from(k), 1.2, 0.6)))
            .sum(),
        (0..2).map(|yes| of(&|row| row[at::YES_NO] = yes as f32)).sum(),
        [-1.0, 0.25, 0.5, 2.0].map(|level| of(&|row| row[at::ORDINAL] = level)).iter().sum(),
        (0..100).map(|k| of(&|row| row[at::POISSON] = seen_count(f64::from(k), 0.8, 0.5))).sum(),
    ];
    for sum in sums {
        assert!((sum - 1.0).abs() < 1e-4, "{sums:?}");
    }
}

/// Slopes of parameters by double precision differences of the formulas.
#[test]
fn gradients_are_those_of_the_formulas() {
    let rows = rows();
    let (output, spread) = parameters(1, rows.len());
    let device = Device::flex().autodiff();
    let leaf = |values: &[f32], columns| matrix(values.to_vec(), columns, &device).require_grad();
    let (out, spr) = (leaf(&output, NUMBERS), leaf(&spread, NUMBERS));
    let mixed = Mixed {
        columns: every_kind(),
        output: out.clone(),
        spread: spr.clone().squeeze_dim::<1>(0),
    };
    let x = matrix(rows.concat(), NUMBERS, &device);
    let grads = mixed.log_prob(x).sum().backward();
    let total = |output: &[f64], spread: &[f64]| -> f64 {
        let rows = output.chunks_exact(NUMBERS).zip(&rows);
        rows.map(|(output, row)| log_probs(output, spread, row).iter().sum::<f64>()).sum()
    };
    let (output, spread) = (doubles(&output), doubles(&spread));
    let slope = |at: usize, of_spread: bool| {
        let moved = |by: f64| {
            let (mut output, mut spread) = (output.clone(), spread.clone());
            if of_spread {
                spread[at] += by;
            } else {
                output[at] += by;
            }
            total(&output, &spread)
        };
        (moved(1e-5) - moved(-1e-5)) / 2e-5
    };
    let tolerance = Tolerance { relative: 1e-4, absolute: 1e-4 };
    let wanted: Vec<f64> = (0..output.len()).map(|at| slope(at, false)).collect();
    assert_close("outputs", &values(out.grad(&grads).unwrap()), &wanted, tolerance);
    let wanted: Vec<f64> = (0..NUMBERS).map(|at| slope(at, true)).collect();
    assert_close("spreads", &values(spr.grad(&grads).unwrap()), &wanted, tolerance);
}
