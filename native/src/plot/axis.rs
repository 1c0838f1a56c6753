//! One axis of a chart: the range it covers, its round tick values, and where a value lies on it.

/// A linear axis from `low` to `high`, drawn between two coordinates.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Axis {
    /// An axis that shows every finite value with a little air, drawn from `start` to `end` (pixels;
    /// `end < start` draws upwards). Air never reaches beyond `limits`: a share has no place above 1.
    pub(super) fn covering(
        values: impl Iterator<Item = f64>,
        limits: [f64; 2],
        [start, end]: [f64; 2],
    ) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let air = if high > low { 0.06 * (high - low) } else { (0.05 * high.abs()).max(1e-3) };
        let [floor, ceiling] = limits;
        let low = (low - air).max(floor.min(low));
        let high = (high + air).min(ceiling.max(high));
        Self { low, high, start, end }
    }

    /// An axis without air: the first and last value lie on its ends.
    pub(super) fn exact(low: f64, high: f64, [start, end]: [f64; 2]) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, start, end }
    }

    /// The pixel coordinate of `value`.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
    }

    /// About `count` round values on the axis, at least `finest` apart, with the decimals they need.
    pub(super) fn ticks(&self, count: usize, finest: f64) -> (Vec<f64>, usize) {
        let step = round_step((self.high - self.low) / count as f64).max(finest);
        let (first, last) = ((self.low / step).ceil() as i64, (self.high / step).floor() as i64);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        ((first..=last).map(|k| k as f64 * step).collect(), decimals)
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= rough * 0.999).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        for (low, high, expected) in [
            (0.0, 1.0, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            (-130.0, -70.0, vec![-120.0, -100.0, -80.0]),
            (0.93, 0.952, vec![0.93, 0.935, 0.94, 0.945, 0.95]),
        ] {
            let (ticks, _) = Axis::exact(low, high, [0.0, 1.0]).ticks(5, 0.0);
            assert_eq!(ticks.len(), expected.len(), "{ticks:?}");
            assert!(ticks.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-9), "{ticks:?}");
        }
        let (epochs, decimals) = Axis::exact(1.0, 3.0, [0.0, 1.0]).ticks(8, 1.0);
        assert_eq!((epochs, decimals), (vec![1.0, 2.0, 3.0], 0));
    }

    #[test]
    fn an_axis_maps_its_ends_and_stays_within_limits() {
        let axis = Axis::covering([0.5, 0.99, f64::NAN].into_iter(), [0.0, 1.0], [100.0, 0.0]);
        assert!(axis.at(1.0).abs() < 1e-9, "the top is 1, not more");
        assert!(axis.at(0.5) < 100.0 && axis.at(0.99) > 0.0);
        let constant = Axis::covering([2.0].into_iter(), [f64::MIN, f64::MAX], [0.0, 10.0]);
        assert!((constant.at(2.0) - 5.0).abs() < 1e-9);
    }
}
