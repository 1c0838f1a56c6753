//! What a classifier says of samples that were drawn for a class: the part of a sample file that filter and coreset
//! read. Everything is computed in double precision, and so that a probability near 1 keeps the digits of what it
//! lacks.

use crate::error::{Error, Result};
use crate::measures::eval::{arg_max, entropy_of_logits, entropy_of_probabilities};

/// Probabilities of a row may add up to this much more or less than 1: half precision, rounded ten times.
const SUM_TOLERANCE: f64 = 5e-3;

/// What the numbers of a prediction are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Unnormalised logarithms. Negative infinity stands for a probability of 0.
    Logits,
    /// Probabilities. In single precision, one near 1 is known to 6e-8 only, and is not looked at for that reason:
    /// what it lacks is the sum of the others. Where those were rounded to 0, nobody can know what they were, and the
    /// entropy of the row is 0.
    Probabilities,
}

/// Predictions for samples, and the class that each was drawn for.
#[derive(Clone, Debug)]
pub struct Predictions {
    values: Vec<f32>,
    scale: Scale,
    classes: usize,
    labels: Vec<usize>,
}

impl Predictions {
    /// Puts `values` `[n, classes]`, row-major, and `labels` `[n]` together.
    ///
    /// # Errors
    /// `source_name` with what is wrong: no sample, fewer than two classes, lengths that differ, a label that is no class,
    /// a logit that is NaN or infinite, probabilities that are negative or do not sum to 1.
    pub fn new(
        values: Vec<f32>,
        scale: Scale,
        classes: usize,
        labels: &[i64],
        source_name: &str,
    ) -> Result<Self> {
        if classes < 2 {
            let problem =
                format!("predictions of {classes} class, so every sample is equally certain");
            return Err(Error::data(
                source_name,
                problem,
                "give a classifier of two classes or more",
            ));
        }
        if labels.is_empty() {
            return Err(Error::data(source_name, "there are no samples", "draw some first"));
        }
        if values.len() != labels.len() * classes {
            let rows = values.len() / classes;
            let problem = format!("{} labels for {rows} predictions", labels.len());
            return Err(Error::data(source_name, problem, "y needs one label for each row"));
        }
        for (row, values) in values.chunks_exact(classes).enumerate() {
            if let Some(problem) = scale.problem(values) {
                let problem = format!("row {row} of the predictions {problem}");
                return Err(Error::data(source_name, problem, scale.remedy()));
            }
        }
        let labels = checked(labels, classes, source_name)?;
        Ok(Self { values, scale, classes, labels })
    }

    /// These, then others of the same classes.
    ///
    /// # Errors
    /// What differs: the number of classes, or logits on one side and probabilities on the other.
    pub fn with(mut self, others: Self) -> std::result::Result<Self, String> {
        if self.classes != others.classes {
            let (some, other) = (self.classes, others.classes);
            return Err(format!(
                "predictions for {some} classes and for {other}; give files of the same classes"
            ));
        }
        if self.scale != others.scale {
            return Err("logits in one and probs in the other; give the same in all".to_owned());
        }
        self.values.extend(others.values);
        self.labels.extend(others.labels);
        Ok(self)
    }

    /// How many samples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never: there is at least one sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Classes of the classifier.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The class that each sample was drawn for.
    #[must_use]
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// The samples drawn for `class`, in the order of the file.
    #[must_use]
    pub fn rows_of(&self, class: usize) -> Vec<usize> {
        (0..self.len()).filter(|&row| self.labels[row] == class).collect()
    }

    /// The most probable class of a sample, the first of equals.
    #[must_use]
    pub fn predicted(&self, row: usize) -> usize {
        arg_max(self.row(row))
    }

    /// Whether the most probable class is the one that the sample was drawn for.
    #[must_use]
    pub fn agrees(&self, row: usize) -> bool {
        self.predicted(row) == self.labels[row]
    }

    /// Entropy of a prediction in nats (E9).
    #[must_use]
    pub fn entropy(&self, row: usize) -> f64 {
        match self.scale {
            Scale::Logits => entropy_of_logits(self.row(row)),
            Scale::Probabilities => entropy_of_probabilities(self.row(row)),
        }
    }

    /// `log((1 - p) / p)` for the probability `p` of the class that the sample was drawn for: lower is surer, and it tells
    /// probabilities apart that single precision rounds to 1.
    #[must_use]
    pub fn log_odds_against(&self, row: usize) -> f64 {
        let (label, masses) = (self.labels[row], self.masses(row));
        let others: f64 = without(&masses, label).sum();
        match self.scale {
            Scale::Probabilities => others.ln() - masses[label].ln(),
            Scale::Logits => {
                let values = self.row(row);
                let own = f64::from(values[label]);
                let others = || without(values, label).map(|value| f64::from(value) - own);
                let largest = others().fold(f64::NEG_INFINITY, f64::max);
                if largest.is_infinite() {
                    return largest;
                }
                largest + others().map(|gap| (gap - largest).exp()).sum::<f64>().ln()
            }
        }
    }

    /// Gradient of the cross-entropy by the logits, `p - e_y` (E23), into `out` `[classes]`.
    pub fn gradient(&self, row: usize, out: &mut [f64]) {
        let (label, masses) = (self.labels[row], self.masses(row));
        let sum: f64 = masses.iter().sum();
        for (class, out) in out.iter_mut().enumerate() {
            *out = masses[class] / sum;
        }
        out[label] = -without(&masses, label).sum::<f64>() / sum;
    }

    /// Diagonal of the Hessian of the cross-entropy by the logits, `p_k (1 - p_k)` (E24), into `out` `[classes]`.
    pub fn curvature(&self, row: usize, out: &mut [f64]) {
        let masses = self.masses(row);
        let sum: f64 = masses.iter().sum();
        let top = self.predicted(row);
        for (class, out) in out.iter_mut().enumerate() {
            // Only the largest can be so near to 1 that the difference loses digits.
            let others =
                if class == top { without(&masses, top).sum() } else { sum - masses[class] };
            *out = masses[class] / sum * (others / sum);
        }
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.classes..(row + 1) * self.classes]
    }

    /// Probabilities up to a common factor.
    fn masses(&self, row: usize) -> Vec<f64> {
        let values = self.row(row);
        match self.scale {
            Scale::Probabilities => values.iter().map(|&value| f64::from(value)).collect(),
            Scale::Logits => {
                let top = f64::from(values[arg_max(values)]);
                values.iter().map(|&value| (f64::from(value) - top).exp()).collect()
            }
        }
    }
}

/// Labels as numbers of classes.
fn checked(labels: &[i64], classes: usize, source_name: &str) -> Result<Vec<usize>> {
    let is_class = |label: i64| usize::try_from(label).is_ok_and(|label| label < classes);
    let Some(row) = labels.iter().position(|&label| !is_class(label)) else {
        return Ok(labels.iter().map(|&label| label as usize).collect());
    };
    let (least, largest) = labels.iter().fold((i64::MAX, i64::MIN), |(least, largest), &label| {
        (least.min(label), largest.max(label))
    });
    let way = match least {
        1.. if largest == classes as i64 => "these count from 1: save y - 1",
        0.. => "save numpy.unique(y, return_inverse=True)[1] if every class is among them",
        _ => "leave samples without a class out",
    };
    let problem = format!("label {} of row {row} is not a class", labels[row]);
    let last = classes - 1;
    let remedy =
        format!("y must hold the class that each sample was drawn for, 0 to {last}: {way}");
    Err(Error::data(source_name, problem, remedy))
}

/// Whether logits `[n, classes]`, row-major, are probabilities by the looks of them: every row between 0 and 1, and with the
/// sum 1, up to what half precision rounds.
#[must_use]
pub fn are_probabilities(values: &[f32], classes: usize) -> bool {
    let rows = values.chunks_exact(classes.max(1));
    rows.len() > 0 && rows.into_iter().all(|row| Scale::Probabilities.problem(row).is_none())
}

/// All but one.
fn without<T: Copy>(values: &[T], one: usize) -> impl Iterator<Item = T> {
    let others = values.iter().enumerate().filter(move |&(at, _)| at != one);
    others.map(|(_, &value)| value)
}

impl Scale {
    fn problem(self, values: &[f32]) -> Option<String> {
        let bad = |value: &&f32| match self {
            Self::Logits => value.is_nan() || **value == f32::INFINITY,
            Self::Probabilities => !(0.0..=1.0 + SUM_TOLERANCE as f32).contains(*value),
        };
        if let Some(value) = values.iter().find(bad) {
            return Some(format!("holds {value}"));
        }
        let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
        match self {
            Self::Logits => values
                .iter()
                .all(|&value| value == f32::NEG_INFINITY)
                .then(|| "holds no finite logit".to_owned()),
            Self::Probabilities => {
                ((sum - 1.0).abs() > SUM_TOLERANCE).then(|| format!("sums to {sum:.6}, not to 1"))
            }
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Logits => "logits must be finite numbers: leave such rows out",
            Self::Probabilities => {
                "probs must hold probabilities: leave such rows out, or call the array logits if these are logits"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits(rows: &[&[f32]], labels: &[i64]) -> Predictions {
        Predictions::new(rows.concat(), Scale::Logits, rows[0].len(), labels, "f").unwrap()
    }

    /// Softmax without any care, good where no probability is near 1.
    fn softmax(row: &[f32]) -> Vec<f64> {
        let exps: Vec<f64> = row.iter().map(|&value| f64::from(value).exp()).collect();
        exps.iter().map(|exp| exp / exps.iter().sum::<f64>()).collect()
    }

    #[test]
    fn gradients_and_curvatures_are_those_of_the_cross_entropy() {
        let row = [0.5, -1.0, 2.0, 0.0];
        let loss = |logits: &[f64], label: usize| {
            logits.iter().map(|l| l.exp()).sum::<f64>().ln() - logits[label]
        };
        let step = 1e-4;
        for label in 0..4 {
            let predictions = logits(&[&row], &[label as i64]);
            let (mut gradient, mut curvature) = ([0.0; 4], [0.0; 4]);
            predictions.gradient(0, &mut gradient);
            predictions.curvature(0, &mut curvature);
            for class in 0..4 {
                let at = |offset: f64| {
                    let mut moved = row.map(f64::from);
                    moved[class] += offset;
                    loss(&moved, label)
                };
                // Central differences: truncation step^2, rounding 1e-16 / step and 1e-16 / step^2.
                let first = (at(step) - at(-step)) / (2.0 * step);
                let second = (at(step) - 2.0 * at(0.0) + at(-step)) / (step * step);
                assert!((gradient[class] - first).abs() < 1e-8, "{class}");
                assert!((curvature[class] - second).abs() < 1e-6, "{class}");
            }
        }
    }

    #[test]
    fn what_a_probability_near_one_lacks_keeps_its_digits() {
        let predictions = logits(&[&[30.0, 0.0, -1.0]], &[0]);
        let others = (-30.0_f64).exp() + (-31.0_f64).exp();
        let lacking = others / (1.0 + others);
        let mut gradient = [0.0; 3];
        predictions.gradient(0, &mut gradient);
        assert!((gradient[0] / -lacking - 1.0).abs() < 1e-12);
        predictions.curvature(0, &mut gradient);
        assert!((gradient[0] / (lacking * (1.0 - lacking)) - 1.0).abs() < 1e-12);
        assert!((predictions.log_odds_against(0) - others.ln()).abs() < 1e-12);
    }

    #[test]
    fn probabilities_and_their_logits_say_the_same() {
        let rows: [&[f32]; 3] = [&[0.5, -1.0, 2.0], &[-3.0, 4.0, 0.0], &[9.0, 0.0, 1.0]];
        let labels = [0, 1, 2];
        let from_logits = logits(&rows, &labels);
        let probs = rows.iter().flat_map(|row| softmax(row)).map(|p| p as f32).collect();
        let from_probs = Predictions::new(probs, Scale::Probabilities, 3, &labels, "f").unwrap();
        for row in 0..3 {
            let (mut a, mut b) = ([0.0; 3], [0.0; 3]);
            from_logits.gradient(row, &mut a);
            from_probs.gradient(row, &mut b);
            // Each probability is rounded to single precision.
            assert!(a.iter().zip(b).all(|(a, b)| (a / b - 1.0).abs() < 1e-6), "{a:?} {b:?}");
            let (a, b) = (from_logits.entropy(row), from_probs.entropy(row));
            assert!((a / b - 1.0).abs() < 1e-6, "{a} {b}");
            let (a, b) = (from_logits.log_odds_against(row), from_probs.log_odds_against(row));
            assert!((a - b).abs() < 1e-6, "{a} {b}");
            assert_eq!(from_logits.predicted(row), from_probs.predicted(row));
        }
    }

    #[test]
    fn probabilities_are_told_from_logits_by_all_rows() {
        assert!(are_probabilities(&[0.25, 0.75, 1.0, 0.0], 2));
        // Rounded to half precision: a tenth is 0.099976.
        assert!(are_probabilities(&[0.099_976; 10], 10));
        assert!(!are_probabilities(&[0.25, 0.75, 2.0, 0.0], 2));
        assert!(!are_probabilities(&[0.25, 0.75, 0.5, 0.4], 2));
        assert!(!are_probabilities(&[-0.25, 1.25], 2));
        assert!(!are_probabilities(&[f32::NAN, 1.0], 2));
        assert!(!are_probabilities(&[], 2));
    }

    #[test]
    fn what_cannot_be_a_prediction_is_refused_by_row() {
        let message = |values: &[f32], scale, labels: &[i64]| {
            let made = Predictions::new(values.to_vec(), scale, 2, labels, "f.npz");
            made.unwrap_err().to_string()
        };
        use Scale::{Logits, Probabilities};
        let nan = message(&[0.0, 1.0, f32::NAN, 0.0], Logits, &[0, 1]);
        assert!(nan.contains("f.npz: row 1 of the predictions holds NaN"), "{nan}");
        assert!(message(&[f32::INFINITY, 0.0], Logits, &[0]).contains("holds inf"));
        assert!(message(&[f32::NEG_INFINITY; 2], Logits, &[0]).contains("no finite logit"));
        assert!(message(&[0.5, 0.4], Probabilities, &[0]).contains("sums to 0.9"));
        assert!(message(&[1.5, -0.5], Probabilities, &[0]).contains("holds 1.5"));
        assert!(message(&[0.0, 0.0], Logits, &[-1]).contains("label -1 of row 0"));
        assert!(message(&[0.0, 0.0], Logits, &[5]).contains("0 to 1: save numpy.unique"));
        assert!(message(&[0.0; 4], Logits, &[1, 2]).contains("count from 1: save y - 1"));
        assert!(message(&[0.0; 4], Logits, &[-1, 2]).contains("leave samples without a class out"));
        assert!(message(&[0.0, 0.0], Logits, &[0, 1]).contains("2 labels for 1 predictions"));
        assert!(message(&[], Logits, &[]).contains("no samples"));
        let one = Predictions::new(vec![0.0], Logits, 1, &[0], "f").unwrap_err().to_string();
        assert!(one.contains("1 class"), "{one}");
    }
}
