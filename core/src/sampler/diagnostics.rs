//! How far chains can be trusted, on the host, in double precision.

/// The positions of several chains along one coordinate, or any other number that a state gives: `[chain][step]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace(pub Vec<Vec<f64>>);

/// Mean and variance over all chains and steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Mean.
    pub mean: f64,
    /// Variance, by `n - 1`.
    pub variance: f64,
}

/// Whether chains have met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Convergence {
    /// Split R-hat (Gelman et al. 2013, section 11.4; E37): 1 where every half of every chain looks alike.
    pub r_hat: f64,
    /// Independent draws that the chains are worth (Geyer 1992; Stan's reference manual, section 16.4; E38).
    pub effective_sample_size: f64,
}

impl Trace {
    /// Moments of all that was drawn; `None` of fewer than two draws.
    pub fn moments(&self) -> Option<Moments> {
        let draws: Vec<f64> = self.0.iter().flatten().copied().collect();
        moments(&draws)
    }

    /// Split R-hat and effective sample size; `None` if chains differ in length or have fewer than four steps, or nothing
    /// moves at all.
    pub fn convergence(&self) -> Option<Convergence> {
        let steps = self.0.first()?.len();
        if steps < 4 || self.0.iter().any(|chain| chain.len() != steps) {
            return None;
        }
        // Of equal numbers the variance may be that of rounding.
        let first = self.0[0][0];
        if self.0.iter().flatten().all(|&draw| draw == first) {
            return None;
        }
        // An odd step in the middle belongs to neither half.
        let half = steps / 2;
        let halves: Vec<&[f64]> =
            self.0.iter().flat_map(|chain| [&chain[..half], &chain[steps - half..]]).collect();
        let each: Vec<Moments> = halves.iter().filter_map(|chain| moments(chain)).collect();
        let within = mean(each.iter().map(|m| m.variance));
        let means: Vec<f64> = each.iter().map(|m| m.mean).collect();
        let between = moments(&means)?.variance;
        let n = half as f64;
        let pooled = within * (n - 1.0) / n + between;
        if pooled <= 0.0 || !pooled.is_finite() {
            return None;
        }
        let r_hat = (pooled / within).sqrt();
        let draws = n * halves.len() as f64;
        let effective_sample_size = draws / correlation_time(&halves, within, pooled);
        Some(Convergence { r_hat, effective_sample_size })
    }
}

/// `1 + 2 Σ_t ρ_t`: steps that are worth one independent draw. The sum ends where two neighbouring autocorrelations, which
/// together are positive in a reversible chain, sum to less than zero, and does not rise (Geyer's initial monotone sequence).
fn correlation_time(chains: &[&[f64]], within: f64, pooled: f64) -> f64 {
    let correlation = |lag: usize| {
        let covariance = mean(chains.iter().map(|chain| autocovariance(chain, lag)));
        1.0 - (within - covariance) / pooled
    };
    let (mut sum, mut last) = (0.0, f64::INFINITY);
    let mut lag = 0;
    while lag + 1 < chains[0].len() {
        let pair = (correlation(lag) + correlation(lag + 1)).min(last);
        if pair < 0.0 {
            break;
        }
        sum += pair;
        last = pair;
        lag += 2;
    }
    // Of draws that alternate, more can be worth than there are; not more than their number times its logarithm.
    let draws = (chains.len() * chains[0].len()) as f64;
    (2.0 * sum - 1.0).max(1.0 / draws.log10().max(1.0))
}

fn autocovariance(chain: &[f64], lag: usize) -> f64 {
    let centre = mean(chain.iter().copied());
    let products = chain.iter().zip(&chain[lag..]).map(|(a, b)| (a - centre) * (b - centre));
    products.sum::<f64>() / (chain.len() - 1) as f64
}

fn moments(values: &[f64]) -> Option<Moments> {
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values.iter().copied());
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    Some(Moments { mean, variance: squares / (values.len() - 1) as f64 })
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
