//! Which part of a curve a chart shows: all of it, unless a few outliers would press the rest flat.

/// A curve of fewer values is shown as a whole: one of them is no exception yet.
const FEWEST: usize = 20;
/// What lies farther from the others than so many times their range is an outlier: they keep a quarter of the height.
const REACH: f64 = 3.0;

/// The lowest and highest value to show: of all finite values that are no outliers beside the middle 96 % of them and the last one.
pub(super) fn shown(values: &[f64]) -> Option<[f64; 2]> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let last = values.iter().copied().rfind(|value| value.is_finite())?;
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len();
    let outer = if count < FEWEST { 0 } else { count.div_ceil(50) };
    let (low, high) = (sorted[outer].min(last), sorted[count - 1 - outer].max(last));
    let reach = REACH * (high - low);
    let near = low - reach..=high + reach;
    let mut inner = sorted.into_iter().filter(|value| near.contains(value));
    let lowest = inner.next()?;
    Some([lowest, inner.next_back().unwrap_or(lowest)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_is_left_out_and_a_steep_beginning_is_not() {
        let curve = |epoch: u32| 10.0 + 15.0 / f64::from(epoch + 2).sqrt();
        let mut values: Vec<f64> = (0..100).map(curve).collect();
        let ends = Some([curve(99), curve(0)]);
        assert_eq!(shown(&values), ends, "steep, and its own");
        values[40] = 900.0;
        assert_eq!(shown(&values), ends, "but for the spike");
        values[99] = -300.0;
        assert_eq!(shown(&values).unwrap()[0], -300.0, "the last value is what a reader asks for");
        values.push(f64::NAN);
        assert_eq!(shown(&values).unwrap()[0], -300.0, "a gap is no value");
    }

    #[test]
    fn few_values_are_all_shown() {
        assert_eq!(shown(&[1.0, 1.0, 90.0, 1.0]), Some([1.0, 90.0]));
        assert_eq!(shown(&[f64::NAN]), None);
        let mut level = vec![2.0; 50];
        level[7] = 3.0;
        assert_eq!(shown(&level), Some([2.0, 2.0]));
    }
}
