//! Means over label draws, with what is known of their uncertainty.

/// 97.5 % quantiles of Student's t with 1, 2, ... degrees of freedom.
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

/// A mean and half the width of its 95 % interval, which a single value has not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Mean.
    pub mean: f64,
    /// Half the width of the 95 % interval (Student's t).
    pub half_width: Option<f64>,
    /// Values behind it.
    pub count: usize,
}

impl Estimate {
    /// Of some values; `None` of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let half_width = (count > 1).then(|| {
            let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            let error = (squares / (count - 1) as f64 / count as f64).sqrt();
            T.get(count - 2).copied().unwrap_or(1.96) * error
        });
        Some(Self { mean, half_width, count })
    }

    /// `+0.42 ± 0.75`.
    pub fn signed(&self, digits: usize) -> String {
        let sign = if self.mean < 0.0 { "" } else { "+" };
        format!("{sign}{}", self.text(digits))
    }

    /// `81.90 ± 0.75`.
    pub fn text(&self, digits: usize) -> String {
        match self.half_width {
            Some(half) => format!("{:.digits$} ± {half:.digits$}", self.mean),
            None => format!("{:.digits$}", self.mean),
        }
    }
}

/// The mean difference between two rows over the draws that both have.
pub fn paired(of: &[(u64, f64)], against: &[(u64, f64)]) -> Option<Estimate> {
    let differences: Vec<f64> = of
        .iter()
        .filter_map(|(seed, a)| {
            let (_, b) = against.iter().find(|(other, _)| other == seed)?;
            Some(a - b)
        })
        .collect();
    Estimate::of(&differences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_values_have_a_wide_interval() {
        // By hand: standard deviation 1, error 1 / sqrt(3), times 4.303.
        let estimate = Estimate::of(&[1.0, 2.0, 3.0]).unwrap();
        assert_eq!(estimate.mean, 2.0);
        assert!((estimate.half_width.unwrap() - 2.4843).abs() < 1e-4);
        assert_eq!(estimate.text(1), "2.0 ± 2.5");
        assert_eq!(Estimate::of(&[5.0]).unwrap().text(2), "5.00");
        assert_eq!(Estimate::of(&[]), None);
    }

    #[test]
    fn only_draws_that_both_have_are_compared() {
        let difference = paired(&[(0, 5.0), (1, 7.0), (2, 9.0)], &[(2, 6.0), (0, 4.0)]).unwrap();
        assert_eq!((difference.mean, difference.count), (2.0, 2));
    }
}
