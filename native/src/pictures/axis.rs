//! One axis of a chart: the range it covers, its round tick values, and where a value lies on it.

/// How values become distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally far apart.
    Linear,
    /// Equal ratios are equally far apart; values that are not positive have no place.
    Logarithmic,
}

impl Scale {
    fn of(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic => value.ln(),
        }
    }
}

/// An axis from `low` to `high`, drawn between two coordinates.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    scale: Scale,
    /// On the scale.
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Axis {
    /// An axis that shows every value that has a place with a little air, drawn from `start` to `end`
    /// (pixels; `end < start` draws upwards). Air never reaches beyond `limits`: a share has no place above 1.
    pub(super) fn covering(
        values: impl Iterator<Item = f64>,
        limits: [f64; 2],
        scale: Scale,
        [start, end]: [f64; 2],
    ) -> Self {
        let (low, high) = values
            .map(|value| scale.of(value))
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let air = if high > low { 0.06 * (high - low) } else { (0.05 * high.abs()).max(1e-3) };
        let (low, high) = match scale {
            Scale::Linear => {
                let [floor, ceiling] = limits;
                ((low - air).max(floor.min(low)), (high + air).min(ceiling.max(high)))
            }
            Scale::Logarithmic => (low - air, high + air),
        };
        Self { scale, low, high, start, end }
    }

    /// An axis without air: the first and last value lie on its ends.
    pub(super) fn exact(low: f64, high: f64, scale: Scale, [start, end]: [f64; 2]) -> Self {
        let (low, high) = (scale.of(low), scale.of(high));
        let high = if high > low { high } else { low + 1.0 };
        Self { scale, low, high, start, end }
    }

    /// The pixel coordinate of `value`.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (self.scale.of(value) - self.low) / (self.high - self.low);
        self.start + share * (self.end - self.start)
    }

    /// About `count` round values on the axis, at least `finest` apart, with the decimals they need.
    pub(super) fn ticks(&self, count: usize, finest: f64) -> (Vec<f64>, usize) {
        match self.scale {
            Scale::Linear => self.even_ticks(count, finest),
            Scale::Logarithmic => self.powers(count),
        }
    }

    fn even_ticks(&self, count: usize, finest: f64) -> (Vec<f64>, usize) {
        let step = round_step((self.high - self.low) / count as f64).max(finest);
        let (first, last) = ((self.low / step).ceil() as i64, (self.high / step).floor() as i64);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        ((first..=last).map(|k| k as f64 * step).collect(), decimals)
    }

    /// Powers of ten, and their halves or doubles and halves while they are not too many.
    fn powers(&self, count: usize) -> (Vec<f64>, usize) {
        // The ends belong to the axis, through the rounding of logarithms.
        let [low, high] = [self.low - 1e-9, self.high + 1e-9].map(f64::exp);
        let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let within = |factors: &[f64]| -> Vec<f64> {
            let values = decades
                .clone()
                .flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
            values.filter(|value| (low..=high).contains(value)).collect()
        };
        let choices = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]].map(within);
        let [finest, ..] = &choices;
        let fitting = choices.iter().find(|ticks| ticks.len() <= 2 * count).unwrap_or(finest);
        let smallest = fitting.first().copied().unwrap_or(1.0);
        (fitting.clone(), (-smallest.log10().floor()).max(0.0) as usize)
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
            let (ticks, _) = Axis::exact(low, high, Scale::Linear, [0.0, 1.0]).ticks(5, 0.0);
            assert_eq!(ticks.len(), expected.len(), "{ticks:?}");
            assert!(ticks.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-9), "{ticks:?}");
        }
        let (epochs, decimals) = Axis::exact(1.0, 3.0, Scale::Linear, [0.0, 1.0]).ticks(8, 1.0);
        assert_eq!((epochs, decimals), (vec![1.0, 2.0, 3.0], 0));
    }

    #[test]
    fn an_axis_maps_its_ends_and_stays_within_limits() {
        let values = [0.5, 0.99, f64::NAN].into_iter();
        let axis = Axis::covering(values, [0.0, 1.0], Scale::Linear, [100.0, 0.0]);
        assert!(axis.at(1.0).abs() < 1e-9, "the top is 1, not more");
        assert!(axis.at(0.5) < 100.0 && axis.at(0.99) > 0.0);
        let constant =
            Axis::covering([2.0].into_iter(), [f64::MIN, f64::MAX], Scale::Linear, [0.0, 10.0]);
        assert!((constant.at(2.0) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn a_logarithmic_axis_shows_equal_ratios_equally_far_apart() {
        let axis = Axis::exact(10.0, 1000.0, Scale::Logarithmic, [0.0, 100.0]);
        assert!((axis.at(100.0) - 50.0).abs() < 1e-9);
        let (ticks, decimals) = axis.ticks(5, 0.0);
        assert_eq!((ticks, decimals), (vec![10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0], 0));
        let zero = [0.0, 0.5, 2.0].into_iter();
        let axis = Axis::covering(zero, [0.0, 9.0], Scale::Logarithmic, [0.0, 1.0]);
        assert!(axis.at(0.5) > 0.0 && axis.at(2.0) < 1.0, "zero has no place, and asks for none");
        assert_eq!(axis.ticks(5, 0.0), (vec![0.5, 1.0, 2.0], 1));
    }
}
