//! Methods compared on labels that each of them did not see, their average, and which of them is kept.

use anyhow::Result;
use gleaner_core::measures::eval::classification;
use ndarray::{Array1, Array2, Axis};

use super::averaging::{average, losses, power, tempered, weights};
use super::methods::{Fitted, Method, Pool, Variant};
use crate::run::measure::Answered;

/// Weights below this share are not worth fitting and keeping a variant for.
const LEAST_WEIGHT: f64 = 0.01;

/// Standard errors by which a method must be better than another to be called so: few labels have few outliers, and an error that is
/// estimated from them is often too small.
const ERRORS: f64 = 2.0;

/// Nats that are not worth a choice however sure they are: 5 % in the probability of a label.
const TOO_LITTLE: f64 = 0.05;

/// What each variant of each method says of the labelled rows, each row told by what did not see its label.
#[derive(Clone, Debug)]
pub struct Told {
    of_methods: Vec<(Method, Vec<(Variant, Array2<f64>)>)>,
    labels: Vec<usize>,
    part: Vec<usize>,
}

/// What is learnt from such rows: how sure each variant may be, and how much it counts.
#[derive(Clone, Debug)]
struct Learnt {
    of_methods: Vec<(Method, Vec<(Variant, f64, f64)>)>,
    /// Weight in the average; 0 of a method that is not in it.
    weights: Vec<f64>,
}

/// A candidate: a method, or the average (`None`).
pub type Candidate = Option<Method>;

/// How a candidate did.
#[derive(Clone, Debug)]
pub struct Score {
    /// Which one.
    pub candidate: Candidate,
    /// Probabilities of the labelled rows, `[labelled, classes]`, by weights and powers that were learnt from other parts.
    pub probabilities: Array2<f64>,
    /// Negative log-probability of each label, nats.
    pub losses: Array1<f64>,
    /// Whether each is told right.
    pub right: Vec<bool>,
}

impl Score {
    /// How it did with probabilities to this power.
    ///
    /// # Errors
    /// There are no labels.
    pub fn answered(&self, labels: &[usize], power: f64) -> Result<Answered> {
        let probabilities = tempered(&self.probabilities.mapv(f64::ln), power);
        let logits: Vec<f32> = probabilities.iter().map(|p| p.ln() as f32).collect();
        let labels: Vec<i64> = labels.iter().map(|&label| label as i64).collect();
        Answered::of(&logits, &labels, probabilities.ncols())
    }
}

/// A variant that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Which one.
    pub variant: Variant,
    /// The power of its probabilities.
    pub power: f64,
    /// Its weight; all add up to 1.
    pub weight: f64,
}

impl Told {
    /// Asks every method but the run's model, whose logits are given if it takes part.
    ///
    /// # Errors
    /// If a method cannot be fitted.
    pub fn ask(pool: &Pool, part: Vec<usize>, model: Option<Array2<f64>>) -> Result<Self> {
        let mut of_methods = Vec::new();
        for method in Method::ALL {
            let told = match (method, &model) {
                (Method::Model, None) => continue,
                (Method::Model, Some(told)) => vec![(Variant::Model, told.clone())],
                _ => {
                    let variants = pool.supported(method.variants(&pool.rows, pool.classes))?;
                    let told = pool.out_of_fold(&variants, &part)?;
                    variants.into_iter().zip(told).collect()
                }
            };
            of_methods.push((method, told));
        }
        Ok(Self { of_methods, labels: pool.labels.clone(), part })
    }

    /// Every candidate, the average first, then the methods from the simplest on.
    #[must_use]
    pub fn scores(&self) -> Vec<Score> {
        let classes = self.of_methods[0].1[0].1.ncols();
        let mut all = vec![Array2::zeros((self.labels.len(), classes)); self.of_methods.len() + 1];
        for part in 0..=self.part.iter().copied().max().unwrap_or(0) {
            let (held, rest): (Vec<usize>, Vec<usize>) =
                (0..self.labels.len()).partition(|&row| self.part[row] == part);
            let told = self.learn(&rest).apply(self, &held);
            for (all, told) in all.iter_mut().zip(told) {
                for (&row, told) in held.iter().zip(told.rows()) {
                    all.row_mut(row).assign(&told);
                }
            }
        }
        let candidates =
            [None].into_iter().chain(self.of_methods.iter().map(|(method, _)| Some(*method)));
        let score = |(candidate, probabilities): (Candidate, Array2<f64>)| {
            let rows = probabilities.rows().into_iter().zip(&self.labels);
            let right = rows.map(|(row, &label)| row.iter().all(|&p| p <= row[label])).collect();
            Score { candidate, losses: losses(&probabilities, &self.labels), right, probabilities }
        };
        candidates.zip(all).map(score).collect()
    }

    fn learn(&self, rows: &[usize]) -> Learnt {
        let labels: Vec<usize> = rows.iter().map(|&row| self.labels[row]).collect();
        let loss =
            |probabilities: &Array2<f64>| losses(probabilities, &labels).mean().unwrap_or_default();
        let mut of_methods = Vec::new();
        let mut of_average = Vec::new();
        for (method, told) in &self.of_methods {
            let picked: Vec<Array2<f64>> =
                told.iter().map(|(_, all)| all.select(Axis(0), rows)).collect();
            let powers: Vec<f64> =
                picked.iter().map(|log_probs| power(log_probs, &labels)).collect();
            let tempered: Vec<Array2<f64>> = picked
                .iter()
                .zip(&powers)
                .map(|(log_probs, &power)| tempered(log_probs, power))
                .collect();
            let each: Vec<f64> = tempered.iter().map(loss).collect();
            let shares = weights(&each, labels.len());
            if method.prior() > 0.0 {
                let of_method = loss(&average(&tempered, &shares));
                of_average.push(of_method - method.prior().ln() / labels.len() as f64);
            }
            let variants = told.iter().map(|(variant, _)| *variant);
            let known = variants
                .zip(powers)
                .zip(shares)
                .map(|((variant, power), share)| (variant, power, share));
            of_methods.push((*method, known.collect()));
        }
        let mut shares = weights(&of_average, labels.len()).into_iter();
        let weight = |(method, _): &(Method, Vec<_>)| match method.prior() > 0.0 {
            true => shares.next().unwrap_or_default(),
            false => 0.0,
        };
        let weights = of_methods.iter().map(weight).collect();
        Learnt { of_methods, weights }
    }

    /// Which candidate is kept: the average, unless a single method makes the labels more probable by more than two standard errors of
    /// the difference, and by more than is too little to count (E53). Of several such methods the simplest that is as near to the best.
    #[must_use]
    pub fn keep(scores: &[Score]) -> Candidate {
        let mean = |score: &Score| score.losses.mean().unwrap_or(f64::INFINITY);
        let Some(best) = scores.iter().min_by(|a, b| mean(a).total_cmp(&mean(b))) else {
            return None;
        };
        let within = |score: &&Score| {
            let apart = &score.losses - &best.losses;
            let error = apart.std(1.0) / (apart.len() as f64).sqrt();
            !(apart.mean().unwrap_or_default() > (ERRORS * error).max(TOO_LITTLE))
        };
        scores.iter().find(within).and_then(|score| score.candidate)
    }

    /// The variants that a candidate is made of.
    #[must_use]
    pub fn shares(&self, candidate: Candidate) -> Vec<Share> {
        let Learnt { of_methods, weights } =
            self.learn(&(0..self.labels.len()).collect::<Vec<_>>());
        let of_method = |(method, variants): &(Method, Vec<(Variant, f64, f64)>), weight: f64| {
            let weight = match candidate {
                None => weight,
                Some(kept) => f64::from(u8::from(kept == *method)),
            };
            let share = |&(variant, power, share): &(Variant, f64, f64)| Share {
                variant,
                power,
                weight: weight * share,
            };
            variants.iter().map(share).collect::<Vec<_>>()
        };
        let all: Vec<Share> = of_methods
            .iter()
            .zip(weights)
            .flat_map(|(method, weight)| of_method(method, weight))
            .collect();
        let kept: Vec<Share> =
            all.into_iter().filter(|share| share.weight >= LEAST_WEIGHT).collect();
        let sum: f64 = kept.iter().map(|share| share.weight).sum();
        kept.into_iter().map(|share| Share { weight: share.weight / sum, ..share }).collect()
    }

    /// Weight of each method in the average.
    #[must_use]
    pub fn weights(&self) -> Vec<(Method, f64)> {
        let learnt = self.learn(&(0..self.labels.len()).collect::<Vec<_>>());
        self.of_methods.iter().map(|(method, _)| *method).zip(learnt.weights).collect()
    }
}

impl Learnt {
    /// The average, then each method, on some rows.
    fn apply(&self, told: &Told, rows: &[usize]) -> Vec<Array2<f64>> {
        let of_method = |((_, known), (_, told)): (
            &(Method, Vec<(Variant, f64, f64)>),
            &(Method, Vec<(Variant, Array2<f64>)>),
        )| {
            let tempered: Vec<Array2<f64>> = known
                .iter()
                .zip(told)
                .map(|((_, power, _), (_, all))| tempered(&all.select(Axis(0), rows), *power))
                .collect();
            let shares: Vec<f64> = known.iter().map(|(_, _, share)| *share).collect();
            average(&tempered, &shares)
        };
        let methods: Vec<Array2<f64>> =
            self.of_methods.iter().zip(&told.of_methods).map(of_method).collect();
        [vec![average(&methods, &self.weights)], methods].concat()
    }
}

/// Expected calibration error of probabilities.
#[must_use]
pub fn calibration_error(probabilities: &Array2<f64>, labels: &[usize]) -> Option<f64> {
    let logits: Vec<f32> = probabilities.iter().map(|&p| p.max(1e-30).ln() as f32).collect();
    let labels: Vec<i64> = labels.iter().map(|&label| label as i64).collect();
    classification(&logits, &labels, probabilities.ncols()).map(|measured| measured.ece)
}

/// Fits the variants that are kept to all labels.
///
/// # Errors
/// If one cannot be fitted.
pub fn fit(pool: &Pool, shares: &[Share]) -> Result<Vec<Fitted>> {
    let variants: Vec<Variant> = shares.iter().map(|share| share.variant).collect();
    pool.fit_all(&variants)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(candidate: Candidate, losses: &[f64]) -> Score {
        let losses = Array1::from_vec(losses.to_vec());
        Score {
            candidate,
            probabilities: Array2::zeros((losses.len(), 2)),
            right: Vec::new(),
            losses,
        }
    }

    #[test]
    fn the_average_is_kept_unless_one_method_is_clearly_better() {
        let average = score(None, &[0.5, 0.6, 0.7, 0.4]);
        let near = score(Some(Method::Logistic), &[0.1, 1.0, 0.2, 0.8]);
        assert_eq!(Told::keep(&[average.clone(), near]), None);
        let better = score(Some(Method::Mixture), &[0.2, 0.3, 0.4, 0.15]);
        let as_good = score(Some(Method::Network), &[0.25, 0.3, 0.35, 0.16]);
        // Of two that are as good, the simpler one.
        assert_eq!(Told::keep(&[average.clone(), as_good, better.clone()]), Some(Method::Network));
        assert_eq!(Told::keep(&[average, better]), Some(Method::Mixture));
    }
}
