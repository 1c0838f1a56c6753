//! Comparison of single-precision results with double-precision references.

/// How far a result may be from its reference: `absolute + relative * |reference|`.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// Share of the reference's size.
    pub relative: f64,
    /// Added to it, for references near zero.
    pub absolute: f64,
}

/// Checks `actual` against `expected`, element by element, and returns the largest difference in units of
/// what was allowed (1 is the limit).
///
/// # Panics
/// If the lengths differ, or any element is NaN or too far away; the message names the worst one.
pub fn assert_close(what: &str, actual: &[f32], expected: &[f64], tolerance: Tolerance) -> f64 {
    assert_eq!(actual.len(), expected.len(), "{what}: number of values");
    let Tolerance { relative, absolute } = tolerance;
    let mut worst = (0.0, 0);
    for (index, (&a, &e)) in actual.iter().zip(expected).enumerate() {
        let excess = (f64::from(a) - e).abs() / (absolute + relative * e.abs());
        // NaN counts as the worst.
        if excess.is_nan() || excess > worst.0 {
            worst = (excess, index);
        }
        if excess.is_nan() {
            break;
        }
    }
    let (excess, index) = worst;
    assert!(
        excess <= 1.0,
        "{what}: element {index} of {} is {:e}, expected {:e}: {excess:.2} times the allowed \
         {relative:.0e} relative + {absolute:.0e}",
        actual.len(),
        actual[index],
        expected[index],
    );
    excess
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: Tolerance = Tolerance { relative: 1e-3, absolute: 1e-6 };

    #[test]
    fn close_values_pass_and_report_their_share_of_the_tolerance() {
        let share = assert_close("x", &[1.0, 2.001], &[1.0, 2.0], TOLERANCE);
        assert!((share - 0.5).abs() < 1e-3, "{share}");
    }

    #[test]
    #[should_panic(expected = "element 2 of 3")]
    fn the_worst_element_is_named() {
        assert_close("x", &[1.002, 1.0, 5.0], &[1.0, 1.0, 1.0], TOLERANCE);
    }

    #[test]
    #[should_panic(expected = "element 1 of 2 is NaN")]
    fn nan_is_never_close() {
        assert_close("x", &[1.0, f32::NAN], &[1.0, 1.0], TOLERANCE);
    }
}
