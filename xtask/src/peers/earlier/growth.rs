//! How fast times grow.

/// The power of `x` that `y` grows as: the slope of the straight line through the logarithms, by least squares. `None` of fewer
/// than two different `x`.
pub fn exponent(points: &[[f64; 2]]) -> Option<f64> {
    let count = points.len() as f64;
    let logs: Vec<[f64; 2]> = points.iter().map(|point| point.map(f64::ln)).collect();
    let mean = |axis: usize| logs.iter().map(|log| log[axis]).sum::<f64>() / count;
    let [middle, height] = [mean(0), mean(1)];
    let spread: f64 = logs.iter().map(|[x, _]| (x - middle).powi(2)).sum();
    let rise: f64 = logs.iter().map(|[x, y]| (x - middle) * (y - height)).sum();
    // Written so that NaN, the mean of nothing, does not pass.
    (spread > 0.0).then(|| rise / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(power: f64, wobble: [f64; 3]) -> f64 {
        let points = [1e4_f64, 1e5, 1e6].map(|x| [x, 3e-7 * x.powf(power)]);
        let points: Vec<[f64; 2]> =
            points.iter().zip(wobble).map(|([x, y], wobble)| [*x, y * wobble]).collect();
        exponent(&points).unwrap()
    }

    #[test]
    fn a_power_is_found() {
        for power in [0.0, 1.0, 1.37, 2.0] {
            assert!((of(power, [1.0; 3]) - power).abs() < 1e-9, "{power}");
        }
    }

    #[test]
    fn what_is_off_in_the_middle_does_not_tilt_the_line_and_an_end_does() {
        assert!((of(1.0, [1.0, 2.0, 1.0]) - 1.0).abs() < 1e-9);
        // Half of what the last two points alone would say.
        assert!((of(1.0, [1.0, 1.0, 10.0]) - 1.5).abs() < 1e-9);
    }

    #[test]
    fn one_size_says_nothing_about_growth() {
        assert_eq!(exponent(&[]), None);
        assert_eq!(exponent(&[[10.0, 1.0], [10.0, 2.0]]), None);
    }
}
