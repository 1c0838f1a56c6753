//! A coreset of samples, class by class.

use serde::{Deserialize, Serialize};

use super::budget::{Balance, budgets};
use super::curvature::Curvature;
use super::facility::Facility;
use super::greedy::follow;
use super::optimizer::{Optimizer, select, upper_bound};
use super::plane::Plane;
use super::space::{Compared, Embedding, Gradient, LastLayer, Rows, Space};
use crate::error::{Error, Result};
use crate::measures::predictions::Predictions;
use crate::noise::Noise;
use crate::workers::Workers;

/// By what samples are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Facility location (E23).
    Craig,
    /// Facility location on gradients that are divided by curvatures (E24, E32).
    Adacore,
    /// At random, every choice equally likely: what a method has to beat.
    Random,
    /// The highest probabilities of the class that a sample was drawn for, the first of equals.
    Confidence,
}

/// What is selected from.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// What the classifier says of each, and the class that it was drawn for.
    pub predictions: &'a Predictions,
    /// The array that the space needs.
    pub rows: Option<Rows<'a>>,
    /// How many samples each stands for already, at least 1 and 2^36 in all, where they were chosen before.
    pub weights: Option<&'a [u32]>,
}

/// What to select.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// By what.
    pub method: Method,
    /// What samples are compared by.
    pub space: Space,
    /// How the greedy methods search; the others do not.
    pub optimizer: Optimizer,
    /// How many samples in all.
    pub size: usize,
    /// How they are shared out among classes.
    pub balance: Balance,
}

/// Chosen samples, class after class, within a class in order of selection.
#[derive(Clone, Debug, PartialEq)]
pub struct Coreset {
    /// The samples.
    pub picks: Vec<Pick>,
    /// What each class came to; classes without samples are left out.
    pub classes: Vec<ClassOutcome>,
    /// The averaged curvature that AdaCore divided by, this selection's included; empty with other methods.
    pub curvature: Curvature,
}

/// A chosen sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// Its row.
    pub row: usize,
    /// What it added to the objective when it was chosen, in units of the features.
    pub gain: f64,
    /// How many samples of its class it stands for: those that are nearest to it, itself included.
    pub weight: u64,
}

/// What a class came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassOutcome {
    /// The class.
    pub class: usize,
    /// Its samples.
    pub rows: usize,
    /// How many samples these stand for.
    pub stand_for: u64,
    /// How many of them were chosen.
    pub chosen: usize,
    /// `f(S)` (E23), in units of the features.
    pub objective: f64,
    /// What no choice of as many samples exceeds (E31).
    pub bound: f64,
}

impl Coreset {
    /// `f(S)` over all classes.
    #[must_use]
    pub fn objective(&self) -> f64 {
        self.classes.iter().map(|class| class.objective).sum()
    }

    /// The upper bound over all classes.
    #[must_use]
    pub fn bound(&self) -> f64 {
        self.classes.iter().map(|class| class.bound).sum()
    }

    /// How much of the best possible objective was reached at least. Everything, where all samples are equal.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.bound() > 0.0 { self.objective() / self.bound() } else { 1.0 }
    }
}

impl Samples<'_> {
    fn weight(&self, row: usize) -> u64 {
        self.weights.map_or(1, |weights| u64::from(weights[row]))
    }
}

/// What a space is called in settings.
fn name(space: Space) -> &'static str {
    match space {
        Space::Gradient => "gradient",
        Space::LastLayer => "last-layer",
        Space::Embedding | Space::Cosine => "embedding",
        Space::Latent => "latent",
    }
}

impl Settings {
    /// Whether the settings go together.
    ///
    /// # Errors
    /// An epsilon outside (0, 1), or a space that does not go with the method.
    pub fn check(&self) -> Result<()> {
        match (self.optimizer, self.space) {
            (Optimizer::Stochastic { epsilon }, _) if !(epsilon > 0.0 && epsilon < 1.0) => {
                Err(Error::config("epsilon", epsilon, "it must be between 0 and 1"))
            }
            (_, Space::Embedding | Space::Cosine | Space::Latent)
                if self.method == Method::Adacore =>
            {
                let problem = "adacore divides gradients by curvature: use gradient or last-layer, or another method";
                Err(Error::config("space", name(self.space), problem))
            }
            _ => Ok(()),
        }
    }

    /// Selects. `curvature` holds what AdaCore averaged before; `on_chosen` is called for every sample.
    ///
    /// Weights follow one rule for all methods: every sample of a class counts for the chosen one that is nearest in the space.
    ///
    /// # Errors
    /// A size that cannot be shared out, an epsilon outside (0, 1), or a space that lacks its array or does not go with the method.
    pub fn select(
        &self,
        samples: &Samples<'_>,
        mut curvature: Curvature,
        noise: &Noise,
        workers: &dyn Workers,
        on_chosen: &mut dyn FnMut(),
    ) -> Result<Coreset> {
        self.check()?;
        let predictions = samples.predictions;
        let classes: Vec<Vec<usize>> =
            (0..predictions.classes()).map(|class| predictions.rows_of(class)).collect();
        let counts: Vec<[u64; 2]> = classes
            .iter()
            .map(|rows| [rows.len() as u64, rows.iter().map(|&row| samples.weight(row)).sum()])
            .collect();
        let budgets = budgets(&counts, self.size, self.balance)?;
        let space = self.compared(samples, &mut curvature)?;
        let mut coreset = Coreset { picks: Vec::new(), classes: Vec::new(), curvature };
        for (class, budget) in budgets.into_iter().enumerate().filter(|&(_, budget)| budget > 0) {
            let rows = &classes[class];
            let mut points = space.points(rows)?;
            if let Some(weights) = samples.weights {
                points = points.weighted(&rows.iter().map(|&row| weights[row]).collect::<Vec<_>>());
            }
            let noise = noise.split("coreset").at(class as u64);
            let order = self.order(predictions, rows, budget, &noise);
            let (mut facility, gains) = match order {
                Some(order) => {
                    let mut facility = Facility::unmeasured(&points, workers);
                    let gains = follow(&mut facility, &order, on_chosen);
                    (facility, gains)
                }
                None => select(&points, self.optimizer, budget, &noise, workers, on_chosen),
            };
            let weights = facility.cluster_sizes();
            let chosen = facility.selected().iter().zip(gains).zip(weights);
            coreset.picks.extend(chosen.map(|((&point, gain), weight)| Pick {
                row: rows[point],
                gain: gain as f64 * points.unit(),
                weight,
            }));
            coreset.classes.push(ClassOutcome {
                class,
                rows: rows.len(),
                stand_for: points.total(),
                chosen: budget,
                objective: facility.objective() as f64 * points.unit(),
                bound: upper_bound(&mut facility, budget) as f64 * points.unit(),
            });
        }
        Ok(coreset)
    }

    /// The samples `rows` as this method sees them, on a plane.
    ///
    /// # Errors
    /// As [`Settings::select`].
    pub fn plane(&self, samples: &Samples<'_>, rows: &[usize]) -> Result<Plane> {
        self.check()?;
        Ok(self.compared(samples, &mut Curvature::default())?.plane(rows))
    }

    /// What distances are taken in.
    fn compared<'a>(
        &self,
        samples: &Samples<'a>,
        curvature: &mut Curvature,
    ) -> Result<Box<dyn Compared + 'a>> {
        let predictions = samples.predictions;
        let rows = || {
            let missing = "it needs an array with a row for each sample";
            samples.rows.ok_or_else(|| Error::config("space", name(self.space), missing))
        };
        let by_curvature = self.method == Method::Adacore;
        Ok(match self.space {
            Space::Gradient if by_curvature => {
                Box::new(Gradient::preconditioned(predictions, curvature)?)
            }
            Space::Gradient => Box::new(Gradient::new(predictions)),
            Space::LastLayer if by_curvature => {
                Box::new(LastLayer::preconditioned(predictions, rows()?, curvature)?)
            }
            Space::LastLayer => Box::new(LastLayer::new(predictions, rows()?)),
            Space::Embedding | Space::Latent => Box::new(Embedding::new(rows()?)),
            Space::Cosine => Box::new(Embedding::directions(rows()?)?),
        })
    }

    /// Which of `rows` are chosen, by the methods that know without looking at distances.
    fn order(
        &self,
        predictions: &Predictions,
        rows: &[usize],
        budget: usize,
        noise: &Noise,
    ) -> Option<Vec<usize>> {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        match self.method {
            Method::Craig | Method::Adacore => return None,
            Method::Random => noise.clone().draw_to_front(&mut order, budget),
            Method::Confidence => {
                let odds: Vec<f64> =
                    rows.iter().map(|&row| predictions.log_odds_against(row)).collect();
                order.sort_by(|&a, &b| odds[a].total_cmp(&odds[b]));
            }
        }
        order.truncate(budget);
        Some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::predictions::Scale;
    use crate::workers::InTurn;

    const SETTINGS: Settings = Settings {
        method: Method::Confidence,
        space: Space::Gradient,
        optimizer: Optimizer::Lazy,
        size: 4,
        balance: Balance::Equal,
    };

    fn select(settings: Settings, logits: &[f32], curvature: Curvature) -> Coreset {
        let rows = logits.len() / 2;
        let labels: Vec<i64> = (0..rows).map(|row| (row % 2) as i64).collect();
        let logits = logits.to_vec();
        let predictions = Predictions::new(logits, Scale::Logits, 2, &labels, "f").unwrap();
        let samples = Samples { predictions: &predictions, rows: None, weights: None };
        let noise = Noise::new(0);
        settings.select(&samples, curvature, &noise, &InTurn, &mut || ()).unwrap()
    }

    #[test]
    fn confidence_tells_apart_what_single_precision_rounds_to_one() {
        // Gaps of 18 and more: 1 - p is below 2e-8, and p is 1 in single precision.
        let gaps = [18.0, 20.0, 19.0, 18.5, 30.0, 18.0, 25.0, 19.0];
        let logits: Vec<f32> = gaps
            .iter()
            .enumerate()
            .flat_map(|(row, &gap)| if row % 2 == 0 { [gap, 0.0] } else { [0.0, gap] })
            .collect();
        let coreset = select(SETTINGS, &logits, Curvature::default());
        let rows: Vec<usize> = coreset.picks.iter().map(|pick| pick.row).collect();
        assert_eq!(rows, [4, 6, 1, 7]);
        assert_eq!(coreset.picks.iter().map(|pick| pick.weight).sum::<u64>(), 8);
        let ratios = coreset.classes.iter().map(|class| class.objective / class.bound);
        assert!(ratios.into_iter().all(|ratio| ratio > 0.0 && ratio <= 1.0));
    }

    #[test]
    fn adacore_hands_its_curvature_on_and_nothing_else_touches_it() {
        let logits = Noise::new(2).normal(40);
        let adacore = Settings { method: Method::Adacore, ..SETTINGS };
        let first = select(adacore, &logits, Curvature::default());
        let second = select(adacore, &logits, first.curvature.clone());
        assert_eq!((first.curvature.refreshes(), second.curvature.refreshes()), (1, 2));
        // The same samples again change no average.
        assert_eq!(first.picks, second.picks);
        assert_eq!(select(SETTINGS, &logits, Curvature::default()).curvature.refreshes(), 0);
    }
}
