//! How probable a sample at least as odd would be, had it come from the distribution that it should come from.

/// Cells that are expected to hold fewer draws than this are put together, so that a count is nearly normal.
const FEWEST: f64 = 10.0;

/// Pearson's test of counts against probabilities, which add up to one: the p-value.
pub fn chi_square(counts: &[usize], probabilities: &[f64]) -> f64 {
    assert_eq!(counts.len(), probabilities.len(), "a probability for each cell");
    let draws = counts.iter().sum::<usize>() as f64;
    let (mut statistic, mut cells, mut rest) = (0.0, 0, [0.0, 0.0]);
    let mut add = |[count, expected]: [f64; 2]| {
        statistic += (count - expected).powi(2) / expected;
        cells += 1;
    };
    for (&count, probability) in counts.iter().zip(probabilities) {
        let cell = [count as f64, probability * draws];
        if cell[1] < FEWEST {
            rest = [rest[0] + cell[0], rest[1] + cell[1]];
        } else {
            add(cell);
        }
    }
    if rest[1] >= 1.0 {
        add(rest);
    }
    assert!(cells > 1, "too few draws to tell");
    upper_gamma((cells - 1) as f64 / 2.0, statistic / 2.0)
}

/// Kolmogorov and Smirnov's test of a sample against a distribution function: the p-value, by Stephens' approximation (1970).
pub fn kolmogorov(mut sample: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let count = sample.len() as f64;
    let apart = sample.iter().enumerate().map(|(i, &value)| {
        let share = distribution(value);
        (share - i as f64 / count).max((i + 1) as f64 / count - share)
    });
    let largest = apart.fold(0.0, |a: f64, b| if b.is_nan() { f64::INFINITY } else { a.max(b) });
    let scaled = largest * (count.sqrt() + 0.12 + 0.11 / count.sqrt());
    // The series alternates too slowly where nothing is odd.
    if scaled < 0.3 {
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * (f64::from(k) * scaled).powi(2)).exp()
    };
    (1..=50).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// The distribution function of N(0, 1).
pub fn normal_distribution(x: f64) -> f64 {
    let tail = 0.5 * upper_gamma(0.5, 0.5 * x * x);
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// A mean and its standard error.
pub fn mean_and_error(draws: &[f64]) -> (f64, f64) {
    let count = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / count;
    let square = draws.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (square / count).sqrt())
}

/// The regularised upper incomplete gamma function `Q(a, x)`: a series below `a + 1`, Lentz's continued fraction above.
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let scale = (a * x.ln() - x - log_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..10_000 {
            term *= x / (a + f64::from(n));
            sum += term;
        }
        return 1.0 - scale * sum;
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut fraction = d;
    for n in 1..10_000 {
        let n = f64::from(n);
        let factor = n * (a - n);
        b += 2.0;
        d = 1.0 / nonzero(factor * d + b, tiny);
        c = nonzero(b + factor / c, tiny);
        fraction *= d * c;
    }
    scale * fraction
}

fn nonzero(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}

/// Stirling's series, after the argument has been raised to where it is exact.
fn log_gamma(mut x: f64) -> f64 {
    let mut shift = 0.0;
    while x < 20.0 {
        shift += x.ln();
        x += 1.0;
    }
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_tables() {
        // Chi-square of 1, 5, 10 and 100 degrees of freedom: Abramowitz and Stegun, table 26.8.
        for (degrees, statistic, tail) in [
            (1.0, 3.841_459, 0.05),
            (5.0, 20.515, 0.001),
            (10.0, 18.307, 0.05),
            (100.0, 135.807, 0.01),
        ] {
            let found: f64 = upper_gamma(degrees / 2.0, statistic / 2.0);
            assert!((found / tail - 1.0).abs() < 1e-4, "{degrees}: {found}");
        }
        for (x, share) in [(0.0, 0.5), (1.959_963_985, 0.975), (-3.090_232_306, 0.001)] {
            assert!((normal_distribution(x) - share).abs() < 1e-9, "{x}");
        }
        assert!((log_gamma(5.0) - 24.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn even_samples_pass_and_crooked_ones_do_not() {
        let even: Vec<f64> = (0..1000).map(|i| (f64::from(i) + 0.5) / 1000.0).collect();
        assert!(kolmogorov(even.clone(), |x| x) > 0.99);
        // Smirnov's table: 1.358 is the point of 5 %.
        let shifted: Vec<f64> = even.iter().map(|x| x + 1.358 / 1000.0_f64.sqrt()).collect();
        let p = kolmogorov(shifted, |x| x.min(1.0));
        assert!((p - 0.05).abs() < 0.01, "{p}");
        assert!(chi_square(&[250, 251, 249, 250], &[0.25; 4]) > 0.99);
        // (30² + 30²) / 250 = 7.2 with 3 degrees of freedom.
        let p = chi_square(&[280, 220, 250, 250], &[0.25; 4]);
        assert!((p - 0.0658).abs() < 1e-3, "{p}");
    }
}
