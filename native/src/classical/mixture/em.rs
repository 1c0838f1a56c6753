//! Expectation and maximisation (Dempster, Laird and Rubin 1977) of components that belong to classes:
//! a labelled row is shared among the components of its class only, as in Nigam et al. (2000).

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::Shrink;
use super::gaussian::{Gaussian, Moments};
use super::rows::Rows;
use super::words::{Words, shares};

/// Added to the variance of every numeric column, and to the tied one once more: standardised columns
/// have variance 1.
const RIDGE: f64 = 0.01;

/// The fitted components: those of class 0, then those of class 1, and so on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Fit {
    /// `[components of all classes]`.
    log_weights: Array1<f64>,
    gaussians: Vec<Gaussian>,
    /// One for each column of words.
    words: Vec<Words>,
}

impl Fit {
    /// Whether it has components of each class, which are of rows with so many numbers and `values` of words.
    pub fn is_whole(&self, classes: usize, dims: usize, values: &[usize]) -> bool {
        let components = self.gaussians.len();
        let of_words = |(words, &values): (&Words, &usize)| words.is_of(components, values);
        components > 0
            && components.is_multiple_of(classes)
            && self.log_weights.len() == components
            && self.gaussians.iter().all(|gaussian| gaussian.is_of(dims))
            && self.words.len() == values.len()
            && self.words.iter().zip(values).all(of_words)
    }
}

/// What stays the same over the steps of a fit.
pub(super) struct Setting<'a> {
    pub rows: &'a Rows,
    /// The class of each row that has one.
    pub labels: &'a [Option<usize>],
    /// Components of each class.
    pub components: usize,
    /// For each column of words the shares of its values over all rows.
    pub pooled: Vec<Array1<f64>>,
}

impl<'a> Setting<'a> {
    /// `values` counts the values of each column of words.
    pub fn new(
        rows: &'a Rows,
        labels: &'a [Option<usize>],
        components: usize,
        values: &[usize],
    ) -> Self {
        let pooled = rows.words.iter().zip(values).map(|(column, &count)| shares(column, count));
        Self { rows, labels, components, pooled: pooled.collect() }
    }

    /// Runs `steps` maximisations from the responsibilities `shares`, `[rows, components of all classes]`,
    /// and a Gaussian that stands in for missing cells at the first.
    pub fn run(
        &self,
        mut shares: Array2<f64>,
        start: &Gaussian,
        shrink: Shrink,
        steps: usize,
    ) -> Fit {
        self.clamp(&mut shares, 0.0);
        let starts = vec![start.clone(); shares.ncols()];
        let covariances = |moments: &[Moments]| covariances(moments, shrink);
        let mut fit = self.maximise(&shares, &starts, covariances);
        for _ in 1..steps {
            shares = self.expect(&fit);
            fit = self.maximise(&shares, &fit.gaussians, covariances);
        }
        fit
    }

    /// The responsibilities `[rows, components]` under `fit`; each row sums to 1.
    fn expect(&self, fit: &Fit) -> Array2<f64> {
        let mut shares = fit.log_joint(self.rows);
        self.clamp(&mut shares, f64::NEG_INFINITY);
        for mut row in shares.rows_mut() {
            let total = log_sum(row.iter().copied());
            row.mapv_inplace(|log| (log - total).exp());
        }
        shares
    }

    /// Puts `nothing` where a labelled row meets components of other classes.
    fn clamp(&self, shares: &mut Array2<f64>, nothing: f64) {
        for (mut row, label) in shares.rows_mut().into_iter().zip(self.labels) {
            let Some(label) = label else { continue };
            for (class, mut shares) in
                row.axis_chunks_iter_mut(Axis(0), self.components).enumerate()
            {
                if class != *label {
                    shares.fill(nothing);
                }
            }
        }
    }

    /// The components that explain the rows best by their responsibilities. `earlier` Gaussians say what
    /// missing cells were expected to be; `covariances` makes covariances of the components' moments.
    fn maximise(
        &self,
        shares: &Array2<f64>,
        earlier: &[Gaussian],
        covariances: impl Fn(&[Moments]) -> Vec<Array2<f64>>,
    ) -> Fit {
        let moments: Vec<Moments> = earlier
            .iter()
            .zip(shares.columns())
            .map(|(earlier, shares)| earlier.moments(self.rows, &shares.to_owned()))
            .collect();
        // One row more for every component, so that none vanishes.
        let weights = shares.sum_axis(Axis(0)) + 1.0;
        let total = weights.sum();
        let gaussians = moments.iter().zip(covariances(&moments));
        let words = self.rows.words.iter().zip(&self.pooled);
        Fit {
            log_weights: weights.mapv(|weight| (weight / total).ln()),
            gaussians: gaussians
                .map(|(moments, covariance)| Gaussian { mean: moments.mean.clone(), covariance })
                .collect(),
            words: words.map(|(column, pooled)| Words::fit(column, pooled, shares)).collect(),
        }
    }
}

impl Fit {
    /// `[rows, components]`: the log-density of each row together with each component.
    pub fn log_joint(&self, rows: &Rows) -> Array2<f64> {
        let mut logs = Array2::zeros((rows.count, self.gaussians.len()));
        for (mut column, (gaussian, weight)) in
            logs.columns_mut().into_iter().zip(self.gaussians.iter().zip(&self.log_weights))
        {
            column.assign(&(gaussian.log_density(rows) + *weight));
        }
        for (words, column) in self.words.iter().zip(&rows.words) {
            words.add_to(&mut logs, column);
        }
        logs
    }
}

/// The covariance that all components share: their scatters over all rows.
fn tied(moments: &[Moments]) -> Array2<f64> {
    let mut sum = Array2::zeros(moments[0].scatter.raw_dim());
    for moments in moments {
        sum += &moments.scatter;
    }
    let weight: f64 = moments.iter().map(|moments| moments.weight).sum();
    sum / weight.max(f64::MIN_POSITIVE)
}

/// The covariance of one component that counts as `prior` rows with the covariance `target`.
fn shrunk(moments: &Moments, target: &Array2<f64>, prior: f64) -> Array2<f64> {
    (&moments.scatter + &(target * prior)) / (moments.weight + prior)
}

fn covariances(moments: &[Moments], shrink: Shrink) -> Vec<Array2<f64>> {
    let ridge = Array2::from_diag_elem(moments[0].mean.len(), RIDGE);
    let tied = tied(moments) + &ridge;
    let one = |moments: &Moments| match shrink {
        Shrink::Tied => &tied + &ridge,
        Shrink::ToTied(prior) => shrunk(moments, &tied, prior) + &ridge,
    };
    moments.iter().map(one).collect()
}

/// The logarithm of the sum of exponentials.
pub(super) fn log_sum(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + logs.map(|log| (log - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests;
