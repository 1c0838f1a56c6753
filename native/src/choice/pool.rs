//! The rows of a comparison, and fitting methods to them.

use std::sync::Mutex;

use anyhow::{Context as _, Result};
use gleaner_core::noise::Noise;
use ndarray::{Array2, Axis, concatenate};

use super::encoder::{Encoded, Metric};
use super::fitted::{Fitted, flat, numbers};
use super::graphs::Graphs;
use super::moved::COPIES;
use super::variants::{MOST_DIMENSIONS, Variant, several};
use super::watch::Watch;
use crate::classical::Rows;
use crate::classical::graph::Spreading;
use crate::classical::logistic::{self, LogisticRegression};
use crate::classical::mixture::{Mixture, Problem, Settings, Shrink};
use crate::classical::network::{self, Ensemble};
use crate::classical::self_training::{self, self_training};
use crate::data::rows::evenly;

/// Steps of a network.
const NETWORK_STEPS: usize = 150;

/// Networks of an ensemble while methods are compared, and of one that is kept.
const NETWORKS: [usize; 2] = [2, 8];

/// The graph that a mixture's first beliefs are spread over.
const FIRST_BELIEFS: (usize, f64) = (12, 0.9);

/// Rows that are held out to tell mixtures apart, at least.
const FEWEST_HELD: usize = 10;

/// Unlabelled rows that a mixture learns from: more would drown the labels.
const MOST_IN_MIXTURE: usize = 1000;

/// The rows of a contest: those with labels first.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Labelled, then unlabelled.
    pub rows: Encoded,
    /// The class of each labelled row.
    pub labels: Vec<usize>,
    /// [`COPIES`] of each labelled row, if they are pictures that are moved.
    pub moved: Option<Encoded>,
    /// Number of classes.
    pub classes: usize,
    /// Where what is drawn comes from.
    pub noise: Noise,
}

impl Pool {
    /// Labelled rows.
    #[must_use]
    pub fn labelled(&self) -> usize {
        self.labels.len()
    }

    /// Log-probabilities of every labelled row as it is predicted by what was fitted without its part, `[labelled, classes]`, for each
    /// variant. `part` says of every labelled row which one it is in.
    ///
    /// # Errors
    /// If a thread is stopped.
    pub fn out_of_fold(
        &self,
        variants: &[Variant],
        part: &[usize],
        watch: &Watch<'_>,
    ) -> Result<Vec<Array2<f64>>> {
        let parts = part.iter().max().map_or(0, |&last| last + 1);
        watch.begin(parts * variants.len());
        let one = |number: usize| self.held_out(variants, part, number, watch);
        let found = Mutex::new((0..parts).map(|_| None).collect::<Vec<_>>());
        watch.workers.run(parts, &|number| {
            let told = one(number);
            if let Ok(mut found) = found.lock() {
                found[number] = Some(told);
            }
        });
        watch.end();
        let mut all = vec![Array2::zeros((self.labelled(), self.classes)); variants.len()];
        for told in found.into_inner().ok().context("a thread was stopped")? {
            let (held, told) = told.context("a part is missing")??;
            put(&mut all, told, &held);
        }
        Ok(all)
    }

    /// The labelled rows of a part, and what each variant says of them that was fitted to the others; one that cannot be fitted says that all
    /// classes are alike.
    fn held_out(
        &self,
        variants: &[Variant],
        part: &[usize],
        number: usize,
        watch: &Watch<'_>,
    ) -> Result<(Vec<usize>, Vec<Array2<f64>>)> {
        let (held, kept): (Vec<usize>, Vec<usize>) =
            (0..self.labelled()).partition(|&row| part[row] == number);
        let mut rest = kept.clone();
        rest.extend(self.labelled()..self.rows.count());
        let pool = Self {
            rows: self.rows.pick(&rest),
            labels: kept.iter().map(|&row| self.labels[row]).collect(),
            moved: self.moved.as_ref().map(|moved| {
                let copies = |&row: &usize| row * COPIES..(row + 1) * COPIES;
                moved.pick(&kept.iter().flat_map(copies).collect::<Vec<_>>())
            }),
            classes: self.classes,
            noise: self.noise.at(number as u64 + 1),
        };
        let queries = self.rows.pick(&held);
        let mut graphs = Graphs::default();
        let alike = -(self.classes as f64).ln();
        let mut all = Vec::with_capacity(variants.len());
        for variant in variants {
            watch.step();
            let fitted = pool.fit(variant, NETWORKS[0], &mut graphs);
            let told =
                fitted.and_then(|fitted| fitted.log_probs(&queries)).unwrap_or_else(|error| {
                    watch.failed(variant.method(), &error);
                    None
                });
            all.push(told.unwrap_or_else(|| Array2::from_elem((held.len(), self.classes), alike)));
        }
        Ok((held, all))
    }

    /// Fits variants to the whole pool, to be kept; those that cannot be are left out.
    pub fn fit_all(&self, variants: &[Variant], watch: &Watch<'_>) -> Vec<Option<Fitted>> {
        let mut graphs = Graphs::default();
        let mut one = |variant: &Variant| {
            watch.step();
            let fitted = self.fit(variant, NETWORKS[1], &mut graphs);
            fitted.map_err(|error| watch.failed(variant.method(), &error)).ok()
        };
        variants.iter().map(&mut one).collect()
    }

    fn fit(&self, variant: &Variant, networks: usize, graphs: &mut Graphs) -> Result<Fitted> {
        Ok(match *variant {
            Variant::Logistic { metric, penalty } => {
                Fitted::Logistic { metric, regression: self.regression(metric, penalty)? }
            }
            Variant::Network { metric, hidden, noise } => {
                let (rows, labels) = self.supervised(metric)?;
                let steps = NETWORK_STEPS * if self.moved.is_some() { 2 } else { 1 };
                let settings = network::Settings { hidden, noise, decay: 0.01, steps, networks };
                let noise = self.noise.split("network");
                let networks = Ensemble::fit(&rows, &labels, self.classes, &settings, &noise)?;
                Fitted::Network { metric, networks }
            }
            Variant::SelfTraining { metric } => {
                Fitted::Logistic { metric, regression: self.self_trained(metric)? }
            }
            Variant::LabelSpreading { metric, neighbours, alpha } => {
                let rows = self.rows.on(metric);
                let graph = graphs.of(rows, metric, neighbours)?;
                let beliefs = graph.spread(&self.pairs(), self.classes, alpha)?;
                Fitted::LabelSpreading { metric, spreading: Spreading::new(rows, graph, &beliefs)? }
            }
            Variant::Mixture { metric, components, tied, dims } => {
                let beliefs = self.first_beliefs(graphs)?;
                let shrink = match tied {
                    true => Shrink::Tied,
                    false => Shrink::ToTied(dims as f64 + 5.0),
                };
                let settings = Settings { components, shrink, restarts: 3, steps: 15, dims };
                let mixture = self.mixture(&self.few(), metric, &beliefs, &settings)?;
                Fitted::Mixture { metric, mixture }
            }
            Variant::Model => Fitted::Model,
        })
    }

    fn regression(&self, metric: Metric, penalty: f64) -> Result<LogisticRegression> {
        let (rows, labels) = self.supervised(metric)?;
        let (values, width) = flat(&rows);
        let settings = logistic::Settings { penalty, ..logistic::Settings::default() };
        LogisticRegression::fit(Rows::new(&values, width)?, &labels, self.classes, &settings)
    }

    /// Labelled rows with their classes, and their copies.
    fn supervised(&self, metric: Metric) -> Result<(Array2<f64>, Vec<usize>)> {
        let labelled: Vec<usize> = (0..self.labelled()).collect();
        let rows = self.rows.on(metric).select(Axis(0), &labelled);
        let Some(moved) = &self.moved else { return Ok((rows, self.labels.clone())) };
        let rows = concatenate(Axis(0), &[rows.view(), moved.on(metric).view()])?;
        let copies = self.labels.iter().flat_map(|&label| [label; COPIES]);
        Ok((rows, self.labels.iter().copied().chain(copies).collect()))
    }

    fn self_trained(&self, metric: Metric) -> Result<LogisticRegression> {
        let (values, width) = flat(self.rows.on(metric));
        let (labelled, unlabelled) = values.split_at(self.labelled() * width);
        let settings = logistic::Settings::default();
        let fit = |rows: Rows<'_>, labels: &[usize]| {
            LogisticRegression::fit(rows, labels, self.classes, &settings)
        };
        let trained = self_training(
            Rows::new(labelled, width)?,
            &self.labels,
            Rows::new(unlabelled, width)?,
            self.classes,
            &self_training::Settings::default(),
            fit,
        )?;
        Ok(trained.model)
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        self.labels.iter().copied().enumerate().collect()
    }

    /// All labelled rows, and as many others as a mixture learns from, taken evenly.
    fn few(&self) -> Vec<usize> {
        let others: Vec<usize> = (self.labelled()..self.rows.count()).collect();
        let others = evenly(&others, MOST_IN_MIXTURE);
        (0..self.labelled()).chain(others).collect()
    }

    /// What spreading labels says of every row, squared, so that a mixture begins with what is sure.
    fn first_beliefs(&self, graphs: &mut Graphs) -> Result<Array2<f64>> {
        let ((neighbours, alpha), metric) = (FIRST_BELIEFS, self.rows.linear);
        let graph = graphs.of(self.rows.on(metric), metric, neighbours)?;
        let mut beliefs = graph.spread(&self.pairs(), self.classes, alpha)?;
        beliefs.mapv_inplace(|belief| belief * belief);
        Ok(beliefs)
    }

    fn mixture(
        &self,
        rows: &[usize],
        metric: Metric,
        beliefs: &Array2<f64>,
        settings: &Settings,
    ) -> Result<Mixture> {
        let picked = self.rows.pick(rows);
        let labels: Vec<Option<usize>> =
            rows.iter().map(|&row| self.labels.get(row).copied()).collect();
        let problem = Problem {
            numbers: numbers(&picked, metric),
            categories: &picked.categories,
            values: &picked.values,
            labels: &labels,
            classes: self.classes,
            beliefs: &beliefs.select(Axis(0), rows),
        };
        Mixture::fit(&problem, settings, &self.noise)
    }

    /// Without the mixtures of one component for each class, or those of several, where rows that were held out are clearly less probable
    /// under them: by more than two standard errors of the difference in log-density. No label is looked at: labels that choose what is
    /// tried are no longer unseen.
    ///
    /// # Errors
    /// If a mixture cannot be fitted.
    pub fn supported(&self, variants: Vec<Variant>) -> Result<Vec<Variant>> {
        let several = several(self.classes);
        let competes = variants
            .iter()
            .any(|v| matches!(v, Variant::Mixture { components, .. } if *components == several));
        let others: Vec<usize> = (self.labelled()..self.rows.count()).collect();
        let (held, kept): (Vec<usize>, Vec<usize>) =
            evenly(&others, MOST_IN_MIXTURE).into_iter().partition(|row| row % 5 == 0);
        if !competes || held.len() < FEWEST_HELD {
            return Ok(variants);
        }
        let (held, kept) = (self.rows.pick(&held), self.rows.pick(&kept));
        let dims = self.rows.numbers.ncols().clamp(1, MOST_DIMENSIONS);
        let density = |components| {
            let shrink = Shrink::ToTied(dims as f64 + 5.0);
            // All components in one class, since no class is known.
            let components = components * self.classes;
            let settings = Settings { components, shrink, restarts: 3, steps: 15, dims };
            let problem = Problem {
                numbers: numbers(&kept, Metric::Standard),
                categories: &kept.categories,
                values: &kept.values,
                labels: &vec![None; kept.count()],
                classes: 1,
                beliefs: &Array2::ones((kept.count(), 1)),
            };
            let mixture = Mixture::fit(&problem, &settings, &self.noise)?;
            mixture.log_density(numbers(&held, Metric::Standard), &held.categories)
        };
        let gain = density(several)? - density(1)?;
        let mean = gain.mean().unwrap_or_default();
        let error = gain.std(1.0) / (gain.len() as f64).sqrt();
        let keeps = |variant: &Variant| match variant {
            Variant::Mixture { components, .. } if *components == several => mean > -2.0 * error,
            Variant::Mixture { .. } => mean < 2.0 * error,
            _ => true,
        };
        Ok(variants.into_iter().filter(keeps).collect())
    }
}

/// Writes rows of each matrix to where they belong.
pub fn put(all: &mut [Array2<f64>], told: Vec<Array2<f64>>, rows: &[usize]) {
    for (all, told) in all.iter_mut().zip(told) {
        for (&row, told) in rows.iter().zip(told.rows()) {
            all.row_mut(row).assign(&told);
        }
    }
}

#[cfg(test)]
mod tests {
    use gleaner_core::data::schema::{Input, Scaling, Schema};
    use gleaner_core::data::{Examples, Values};

    use super::super::encoder::Encoder;
    use super::super::methods::Method;
    use super::super::moved;
    use super::*;

    /// Two pictures of 4 x 4 pixels, of classes 1 and 0.
    fn pictures() -> (Schema, Examples) {
        let values: Vec<f32> = (0..32).map(|at| ((at * 7 + at / 16) % 11) as f32 / 10.0).collect();
        let schema = Schema {
            classes: vec!["a".into(), "b".into()],
            label: None,
            input: Input::Pictures([4, 4, 1]),
            scaling: Scaling::None,
        };
        let shape = vec![4, 4, 1];
        (schema, Examples { values: Values::F32(values), shape, labels: vec![1, 0] })
    }

    #[test]
    fn supervised_methods_learn_from_copies_with_the_class_of_their_picture() {
        let (schema, examples) = pictures();
        let encoder = Encoder::fit(&schema, &examples, &[0, 1]);
        let copies = moved::copies(&examples, &[0, 1], 1).unwrap();
        let all: Vec<usize> = (0..copies.len()).collect();
        let pool = Pool {
            rows: encoder.encode(&examples, &[0, 1]),
            labels: vec![1, 0],
            moved: Some(encoder.encode(&copies, &all)),
            classes: 2,
            noise: Noise::new(0),
        };
        let (rows, labels) = pool.supervised(Metric::Common).unwrap();
        assert_eq!(rows.nrows(), 2 + 2 * COPIES);
        assert_eq!(labels, [[1, 0].to_vec(), vec![1; COPIES], vec![0; COPIES]].concat());
        // The class of a copy is that of the picture that it was made of.
        let wanted: Vec<usize> = copies.labels.iter().map(|&label| label as usize).collect();
        assert_eq!(labels[2..], wanted);
        assert_eq!(rows.row(2), pool.moved.as_ref().unwrap().on(Metric::Common).row(0));
    }

    /// Rows of 200 numbers, each a little larger in class 1 than in class 0 beside its noise: of the 64 components one tells the classes apart.
    fn wide(rows: usize) -> (Schema, Examples) {
        let draws = Noise::new(3).normal(rows * 200);
        let shift = |row: usize| if row % 2 == 1 { 0.4 } else { -0.4 };
        let values = draws.iter().enumerate().map(|(at, draw)| draw + shift(at / 200)).collect();
        let schema = Schema {
            classes: vec!["a".into(), "b".into()],
            label: None,
            input: Input::Array(vec![200]),
            scaling: Scaling::None,
        };
        let labels = (0..rows).map(|row| (row % 2) as i64).collect();
        (schema, Examples { values: Values::F32(values), shape: vec![200], labels })
    }

    #[test]
    fn methods_that_weigh_columns_see_how_much_a_component_says() {
        let (schema, examples) = wide(600);
        let all: Vec<usize> = (0..600).collect();
        let rows = Encoder::fit(&schema, &examples, &all).encode(&examples, &all);
        assert_eq!(rows.on(rows.linear).ncols(), 64);
        let labels: Vec<usize> = (0..20).map(|row| row % 2).collect();
        let pool = Pool { rows, labels, moved: None, classes: 2, noise: Noise::new(0) };
        let right = |fitted: &Fitted| {
            let told = fitted.log_probs(&pool.rows).unwrap().unwrap();
            let hit = |&row: &usize| (told[[row, 1]] > told[[row, 0]]) == (row % 2 == 1);
            (20..600).filter(hit).count() as f64 / 580.0
        };
        let fit = |variant: &Variant| pool.fit(variant, 2, &mut Graphs::default()).unwrap();
        for method in [Method::Logistic, Method::Network, Method::SelfTraining] {
            for variant in Variant::all(method, &pool.rows, 2) {
                assert!(right(&fit(&variant)) > 0.95, "{variant:?}: {}", right(&fit(&variant)));
            }
        }
        let beliefs = pool.first_beliefs(&mut Graphs::default()).unwrap();
        let believed = |&row: &usize| (beliefs[[row, 1]] > beliefs[[row, 0]]) == (row % 2 == 1);
        let share = (20..600).filter(believed).count() as f64 / 580.0;
        assert!(share > 0.95, "a mixture begins with {share}");
        // Were each component of variance 1, noise would be as loud as the classes.
        let whitened = fit(&Variant::Logistic { metric: Metric::Standard, penalty: 1.0 });
        assert!(right(&whitened) < 0.85, "{}", right(&whitened));
    }

    #[test]
    fn a_regression_keeps_its_scale_and_has_the_first_one_without_it() {
        let (schema, examples) = wide(40);
        let all: Vec<usize> = (0..40).collect();
        let rows = Encoder::fit(&schema, &examples, &all).encode(&examples, &all);
        let labels = (0..40).map(|row| row % 2).collect();
        let pool = Pool { rows, labels, moved: None, classes: 2, noise: Noise::new(0) };
        let variant = Variant::Logistic { metric: Metric::Common, penalty: 1.0 };
        let fitted = pool.fit(&variant, 2, &mut Graphs::default()).unwrap();
        let mut written = serde_json::to_value(&fitted).unwrap();
        let read = |value: &serde_json::Value| {
            let read: Fitted = serde_json::from_value(value.clone()).unwrap();
            read.log_probs(&pool.rows).unwrap().unwrap()
        };
        assert_eq!(read(&written), fitted.log_probs(&pool.rows).unwrap().unwrap());
        written["logistic"].as_object_mut().unwrap().remove("metric").unwrap();
        let Fitted::Logistic { regression, .. } = fitted else { panic!("a regression") };
        let standard = Fitted::Logistic { metric: Metric::Standard, regression };
        assert_eq!(read(&written), standard.log_probs(&pool.rows).unwrap().unwrap());
    }

    #[test]
    fn what_is_tried_is_decided_by_density_and_not_by_labels() {
        // Two classes, each one blob or each six: as many numbers either way.
        let rows = |blobs: usize| {
            let draws = Noise::new(7).normal(1200);
            let values: Vec<f32> = (0..1200)
                .map(|at| {
                    let blob = (at / 2 % blobs) as f32;
                    let place = [blob * 8.0, (blob * 5.0) % 12.0][at % 2];
                    place + 0.5 * draws[at]
                })
                .collect();
            let examples =
                Examples { values: Values::F32(values), shape: vec![2], labels: vec![0; 600] };
            let schema = Schema {
                classes: vec!["a".into(), "b".into()],
                label: None,
                input: Input::Array(vec![2]),
                scaling: Scaling::None,
            };
            let all: Vec<usize> = (0..600).collect();
            Encoder::fit(&schema, &examples, &all).encode(&examples, &all)
        };
        let several_of = |blobs: usize, labels: Vec<usize>| {
            let pool =
                Pool { rows: rows(blobs), labels, moved: None, classes: 2, noise: Noise::new(0) };
            let all = Variant::all(Method::Mixture, &pool.rows, 2);
            let kept = pool.supported(all).unwrap();
            let several = |v: &&Variant| matches!(v, Variant::Mixture { components: 6, .. });
            (kept.iter().filter(several).count(), kept.len())
        };
        let (several, all) = several_of(12, vec![0, 1, 0, 1]);
        assert_eq!(several, all, "twelve blobs are no two Gaussians");
        let (several, all) = several_of(2, vec![0, 1, 0, 1]);
        assert!(several < all, "two blobs are two Gaussians");
        assert_eq!(several_of(12, vec![0, 1, 0, 1]), several_of(12, vec![1, 1, 0, 0]));
    }
}
