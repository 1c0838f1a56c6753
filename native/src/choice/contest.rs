//! Methods compared on labels that each of them did not see, their average, and which of them is kept.

use anyhow::{Result, ensure};
use gleaner_core::measures::eval::classification;
use ndarray::{Array1, Array2, Axis};

use super::averaging::{average, losses, power, pruned, tempered, weights};
use super::fitted::Fitted;
use super::methods::Method;
use super::pool::{Pool, put};
use super::variants::Variant;
use super::watch::Watch;
use crate::run::measure::Answered;

/// Variants of a method that are averaged, at most: each is fitted to all labels and kept.
const MOST_VARIANTS: usize = 4;

/// Standard errors by which a method must be better than another to be called so: few labels have few outliers, and an error that is
/// estimated from them is often too small.
const ERRORS: f64 = 2.0;

/// Nats that are not worth a choice however sure they are: 5 % in the probability of a label.
const TOO_LITTLE: f64 = 0.05;

/// What each variant of each method says of the labelled rows, each row told by what did not see its label.
#[derive(Clone, Debug)]
pub struct Told {
    methods: Vec<ToldBy>,
    labels: Vec<usize>,
    part: Vec<usize>,
    /// What is learnt from all rows.
    whole: Vec<Learnt>,
}

/// What the variants of a method say.
#[derive(Clone, Debug)]
struct ToldBy {
    method: Method,
    variants: Vec<Variant>,
    /// Of each variant log-probabilities, `[labelled, classes]`.
    log_probs: Vec<Array2<f64>>,
}

/// What is learnt from such rows of a method: how sure its variants may be, and how much they count.
#[derive(Clone, Debug)]
struct Learnt {
    method: Method,
    /// Weights add up to 1.
    shares: Vec<Share>,
    /// Weight in the average of methods; 0 of one that is not in it.
    weight: f64,
}

/// A candidate: a method, or the average (`None`).
pub type Candidate = Option<Method>;

/// How a candidate did.
#[derive(Clone, Debug)]
pub struct Score {
    /// Which one.
    pub candidate: Candidate,
    /// What it says of the labelled rows, by weights and powers that were learnt from other parts.
    pub answered: Answered,
    /// Probabilities, `[labelled, classes]`, as the methods give them, without any powers.
    pub raw: Array2<f64>,
    /// Negative log-probability of each label, nats.
    pub losses: Array1<f64>,
}

impl Score {
    /// Whether it makes the labels more probable than another candidate, by more than chance explains and by enough to count.
    fn is_clearly_better_than(&self, other: &Self) -> bool {
        let apart = &other.losses - &self.losses;
        let error = apart.std(1.0) / (apart.len() as f64).sqrt();
        apart.mean().unwrap_or_default() > (ERRORS * error).max(TOO_LITTLE)
    }
}

/// A variant that is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// If a thread is stopped.
    pub fn ask(
        pool: &Pool,
        part: Vec<usize>,
        model: Array2<f64>,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let tried = |method| {
            let all = Variant::all(method, &pool.rows, pool.classes);
            let supported = pool.supported(all.clone()).unwrap_or_else(|error| {
                watch.failed(method, &error);
                all
            });
            (method, supported)
        };
        let plain = Method::ALL.into_iter().filter(|method| *method != Method::Model);
        let by_method: Vec<(Method, Vec<Variant>)> = plain.map(tried).collect();
        let all: Vec<Variant> =
            by_method.iter().flat_map(|(_, variants)| variants.clone()).collect();
        let mut log_probs = pool.out_of_fold(&all, &part, watch)?.into_iter();
        let told_by = |(method, variants): (Method, Vec<Variant>)| {
            let log_probs = log_probs.by_ref().take(variants.len()).collect();
            ToldBy { method, variants, log_probs }
        };
        let mut methods: Vec<ToldBy> = by_method.into_iter().map(told_by).collect();
        let (method, variants) = (Method::Model, vec![Variant::Model]);
        methods.push(ToldBy { method, variants, log_probs: vec![model] });
        let whole = learn(&methods, &pool.labels, &(0..pool.labelled()).collect::<Vec<_>>());
        Ok(Self { methods, labels: pool.labels.clone(), part, whole })
    }

    /// Every candidate, the average first, then the methods from the simplest on.
    ///
    /// # Errors
    /// There are no labels.
    pub fn scores(&self) -> Result<Vec<Score>> {
        let classes = self.methods.first().map_or(0, |told| told.log_probs[0].ncols());
        let blank = vec![Array2::zeros((self.labels.len(), classes)); self.methods.len() + 1];
        let (mut all, mut raw) = (blank.clone(), blank);
        for part in 0..=self.part.iter().copied().max().unwrap_or(0) {
            let (held, rest): (Vec<usize>, Vec<usize>) =
                (0..self.labels.len()).partition(|&row| self.part[row] == part);
            let learnt = learn(&self.methods, &self.labels, &rest);
            put(&mut all, self.apply(&learnt, &held, |share| share.power), &held);
            put(&mut raw, self.apply(&learnt, &held, |_| 1.0), &held);
        }
        let candidates =
            [None].into_iter().chain(self.methods.iter().map(|told| Some(told.method)));
        let labels: Vec<i64> = self.labels.iter().map(|&label| label as i64).collect();
        let score = |((candidate, probabilities), raw): ((Candidate, Array2<f64>), Array2<f64>)| {
            let losses = losses(&probabilities, &self.labels);
            let answered = Answered::of(&logits(&probabilities), &labels, classes)?;
            Ok(Score { candidate, answered, raw, losses })
        };
        candidates.zip(all).zip(raw).map(score).collect()
    }

    /// The average, then each method, on some rows.
    fn apply(
        &self,
        learnt: &[Learnt],
        rows: &[usize],
        power: impl Fn(&Share) -> f64,
    ) -> Vec<Array2<f64>> {
        let of_method = |(learnt, told): (&Learnt, &ToldBy)| {
            let pairs = learnt.shares.iter().zip(&told.log_probs);
            let sure = pairs.map(|(share, all)| tempered(&all.select(Axis(0), rows), power(share)));
            let weights: Vec<f64> = learnt.shares.iter().map(|share| share.weight).collect();
            average(&sure.collect::<Vec<_>>(), &weights)
        };
        let methods: Vec<Array2<f64>> = learnt.iter().zip(&self.methods).map(of_method).collect();
        let weights: Vec<f64> = learnt.iter().map(|learnt| learnt.weight).collect();
        [vec![average(&methods, &weights)], methods].concat()
    }

    /// Which candidate is kept: the average, unless single methods make the labels more probable, each by more than two standard errors
    /// of the difference and by more than is too little to count (E53). Of several such methods it is the simplest that is not as clearly
    /// worse than the best of them.
    #[must_use]
    pub fn keep(scores: &[Score]) -> Candidate {
        let average = scores.iter().find(|score| score.candidate.is_none())?;
        let better: Vec<&Score> =
            scores.iter().filter(|score| score.is_clearly_better_than(average)).collect();
        let mean = |score: &Score| score.losses.mean().unwrap_or(f64::INFINITY);
        let best = better.iter().min_by(|a, b| mean(a).total_cmp(&mean(b)))?;
        let simplest = better.iter().find(|score| !best.is_clearly_better_than(score));
        simplest.and_then(|score| score.candidate)
    }

    /// The variants that a candidate is made of.
    #[must_use]
    pub fn shares(&self, candidate: Candidate) -> Vec<Share> {
        let of_method = |Learnt { method, shares, weight }: &Learnt| {
            let weight = match candidate {
                None => *weight,
                Some(kept) => f64::from(u8::from(kept == *method)),
            };
            let share = move |&share: &Share| Share { weight: weight * share.weight, ..share };
            shares.iter().map(share).collect::<Vec<_>>()
        };
        self.whole.iter().flat_map(of_method).filter(|share| share.weight > 0.0).collect()
    }

    /// Weight of each method in the average.
    #[must_use]
    pub fn weights(&self) -> Vec<(Method, f64)> {
        self.whole.iter().map(|learnt| (learnt.method, learnt.weight)).collect()
    }
}

/// How sure each variant may be and how much it counts, from some rows.
fn learn(methods: &[ToldBy], labels: &[usize], rows: &[usize]) -> Vec<Learnt> {
    let labels: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
    let mean_loss =
        |probabilities: &Array2<f64>| losses(probabilities, &labels).mean().unwrap_or_default();
    let mut of_methods = Vec::new();
    let mut of_average = Vec::new();
    for ToldBy { method, variants, log_probs } in methods {
        let picked: Vec<Array2<f64>> =
            log_probs.iter().map(|all| all.select(Axis(0), rows)).collect();
        let powers: Vec<f64> = picked.iter().map(|picked| power(picked, &labels)).collect();
        let pairs = picked.iter().zip(&powers);
        let sure: Vec<Array2<f64>> = pairs.map(|(all, &power)| tempered(all, power)).collect();
        let of_variants: Vec<f64> = sure.iter().map(mean_loss).collect();
        let of_variants = pruned(&weights(&of_variants, labels.len()), MOST_VARIANTS);
        if method.prior() > 0.0 {
            let prior = method.prior().ln() / labels.len() as f64;
            of_average.push(mean_loss(&average(&sure, &of_variants)) - prior);
        }
        let shares = variants.iter().zip(powers).zip(of_variants);
        let share =
            |((&variant, power), weight): ((&Variant, f64), f64)| Share { variant, power, weight };
        let shares = shares.map(share).collect();
        of_methods.push(Learnt { method: *method, shares, weight: 0.0 });
    }
    let averaged = of_methods.iter_mut().filter(|learnt| learnt.method.prior() > 0.0);
    let of_average = weights(&of_average, labels.len());
    for (learnt, weight) in averaged.zip(pruned(&of_average, Method::ALL.len())) {
        learnt.weight = weight;
    }
    of_methods
}

/// Expected calibration error of probabilities.
#[must_use]
pub fn calibration_error(probabilities: &Array2<f64>, labels: &[usize]) -> Option<f64> {
    let labels: Vec<i64> = labels.iter().map(|&label| label as i64).collect();
    let measured = classification(&logits(probabilities), &labels, probabilities.ncols());
    measured.map(|measured| measured.ece)
}

/// Logarithms, row-major.
fn logits(probabilities: &Array2<f64>) -> Vec<f32> {
    probabilities.iter().map(|p| p.max(1e-30).ln() as f32).collect()
}

/// Fits the variants that are kept to all labels. Those that can be fitted share the weight of those that cannot.
///
/// # Errors
/// If none can be fitted.
pub fn fit(pool: &Pool, shares: Vec<Share>, watch: &Watch<'_>) -> Result<Vec<(Share, Fitted)>> {
    let variants: Vec<Variant> = shares.iter().map(|share| share.variant).collect();
    let fitted = pool.fit_all(&variants, watch);
    let mut fitted: Vec<(Share, Fitted)> = shares
        .into_iter()
        .zip(fitted)
        .filter_map(|(share, fitted)| Some((share, fitted?)))
        .collect();
    let sum: f64 = fitted.iter().map(|(share, _)| share.weight).sum();
    ensure!(sum > 0.0, "none of the methods that were chosen can be fitted to all labels");
    fitted.iter_mut().for_each(|(share, _)| share.weight /= sum);
    Ok(fitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(candidate: Candidate, losses: &[f64]) -> Score {
        let losses = Array1::from_vec(losses.to_vec());
        let answered = Answered::of(&[0.0; 8], &[0; 4], 2).unwrap();
        Score { candidate, answered, raw: Array2::zeros((4, 2)), losses }
    }

    #[test]
    fn the_average_is_kept_unless_one_method_is_clearly_better() {
        let average = score(None, &[0.5, 0.6, 0.7, 0.4]);
        let near = score(Some(Method::Logistic), &[0.1, 1.0, 0.2, 0.8]);
        assert_eq!(Told::keep(&[average.clone(), near]), None);
        let better = score(Some(Method::Mixture), &[0.2, 0.3, 0.4, 0.15]);
        let as_good = score(Some(Method::Network), &[0.25, 0.3, 0.35, 0.16]);
        // One that is far from sure to be worse than the best is not kept for that: it must be better than the average.
        let unsure = score(Some(Method::Logistic), &[0.1, 1.9, 0.1, 1.2]);
        assert_eq!(Told::keep(&[average.clone(), unsure, better.clone()]), Some(Method::Mixture));
        // Of two that are as good, the simpler one.
        assert_eq!(Told::keep(&[average.clone(), as_good, better.clone()]), Some(Method::Network));
        assert_eq!(Told::keep(&[average, better]), Some(Method::Mixture));
    }
}
