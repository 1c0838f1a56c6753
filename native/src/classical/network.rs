//! A network with one hidden layer on few labelled rows: several from different starts, whose probabilities are averaged
//! (Lakshminarayanan et al. 2017), trained by AdamW (Loshchilov and Hutter 2019) on noisy inputs (Bishop 1995).

use anyhow::{Result, ensure};
use gleaner_core::noise::Noise;
use ndarray::{Array1, Array2, Axis, s};
use serde::{Deserialize, Serialize};

/// Rows of a step, at most.
const BATCH: usize = 256;

/// Learning rate at the start; it falls to zero over the second half of the steps.
const RATE: f64 = 0.01;

/// Adam's averages and the least denominator.
const BETAS: [f64; 2] = [0.9, 0.999];
const LEAST: f64 = 1e-8;

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Units of the hidden layer.
    pub hidden: usize,
    /// Standard deviation of the noise on the inputs, which are standardised.
    pub noise: f64,
    /// What weights lose in a step, as a share of the learning rate.
    pub decay: f64,
    /// Steps of each network.
    pub steps: usize,
    /// Networks whose probabilities are averaged.
    pub networks: usize,
}

/// Networks that are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ensemble(Vec<Network>);

/// `softmax(relu(x A + a) B + b)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Network {
    /// `[columns + 1, hidden]`: the last row is the intercepts'.
    input: Array2<f64>,
    /// `[hidden + 1, classes]`.
    output: Array2<f64>,
}

impl Ensemble {
    /// Trains on rows `[rows, columns]` with a class each.
    ///
    /// # Errors
    /// There are no rows, a class is not below `classes`, or the settings are of no use.
    pub fn fit(
        rows: &Array2<f64>,
        labels: &[usize],
        classes: usize,
        settings: &Settings,
        noise: &Noise,
    ) -> Result<Self> {
        ensure!(
            rows.nrows() == labels.len() && !labels.is_empty(),
            "a network needs labelled rows"
        );
        ensure!(labels.iter().all(|&label| label < classes), "a label is not below {classes}");
        ensure!(settings.hidden > 0 && settings.networks > 0, "a network needs hidden units");
        let train = |number| Network::train(rows, labels, classes, settings, &noise.at(number));
        Ok(Self((0..settings.networks as u64).map(train).collect()))
    }

    /// Whether there are networks, and they tell so many classes apart.
    #[must_use]
    pub fn is_whole(&self, classes: usize) -> bool {
        let whole = |network: &Network| {
            network.output.ncols() == classes && network.output.nrows() == network.input.ncols() + 1
        };
        !self.0.is_empty() && self.0.iter().all(whole)
    }

    /// Whether it takes rows of so many columns.
    #[must_use]
    pub fn fits(&self, columns: usize) -> bool {
        let fits = |network: &Network| {
            network.input.nrows() == columns + 1
                && network.output.nrows() == network.input.ncols() + 1
        };
        self.0.iter().all(fits)
    }

    /// The mean probability of each class, `[rows, classes]`.
    #[must_use]
    pub fn probabilities(&self, rows: &Array2<f64>) -> Array2<f64> {
        let mut sum = self.0.iter().map(|network| network.probabilities(&network.hidden(rows)));
        let first = sum.next().unwrap_or_else(|| Array2::zeros((rows.nrows(), 0)));
        sum.fold(first, |a, b| a + b) / self.0.len().max(1) as f64
    }
}

impl Network {
    fn train(
        rows: &Array2<f64>,
        labels: &[usize],
        classes: usize,
        settings: &Settings,
        noise: &Noise,
    ) -> Self {
        let columns = rows.ncols();
        let layer = |purpose: &str, from: usize, to: usize| {
            let scale = (2.0 / from.max(1) as f64).sqrt();
            let draws = noise.split(purpose).normal(from * to);
            let mut weights = Array2::zeros((from + 1, to));
            weights.slice_mut(s![..from, ..]).iter_mut().zip(draws).for_each(|(w, draw)| {
                *w = scale * f64::from(draw);
            });
            weights
        };
        let mut network = Self {
            input: layer("input", columns, settings.hidden),
            output: layer("output", settings.hidden, classes),
        };
        let mut moments = [Moments::of(&network.input), Moments::of(&network.output)];
        let mut draws = noise.split("rows");
        let mut jitter = noise.split("jitter");
        for step in 0..settings.steps {
            let batch = batch(rows.nrows(), &mut draws);
            let labels: Vec<usize> = batch.iter().map(|&row| labels[row]).collect();
            let mut x = rows.select(Axis(0), &batch);
            if settings.noise > 0.0 {
                let draws = jitter.normal(x.len());
                x.iter_mut()
                    .zip(draws)
                    .for_each(|(x, draw)| *x += settings.noise * f64::from(draw));
            }
            let left = 2.0 * (1.0 - step as f64 / settings.steps as f64);
            let rate = RATE * left.min(1.0);
            let [of_input, of_output] = network.gradients(&x, &labels);
            let pairs = [(&mut network.input, of_input), (&mut network.output, of_output)];
            for ((weights, gradient), moments) in pairs.into_iter().zip(&mut moments) {
                moments.step(weights, &gradient, rate, settings.decay, step + 1);
            }
        }
        network
    }

    /// `[rows, hidden]`.
    fn hidden(&self, rows: &Array2<f64>) -> Array2<f64> {
        affine(rows, &self.input).mapv_into(|value| value.max(0.0))
    }

    fn probabilities(&self, hidden: &Array2<f64>) -> Array2<f64> {
        let mut scores = affine(hidden, &self.output);
        for mut row in scores.rows_mut() {
            let largest = row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
            row.mapv_inplace(|score| (score - largest).exp());
            let sum = row.sum();
            row /= sum;
        }
        scores
    }

    /// Of the mean cross-entropy, in both layers.
    fn gradients(&self, rows: &Array2<f64>, labels: &[usize]) -> [Array2<f64>; 2] {
        let hidden = self.hidden(rows);
        let mut errors = self.probabilities(&hidden);
        for (mut row, &label) in errors.rows_mut().into_iter().zip(labels) {
            row[label] -= 1.0;
        }
        errors /= labels.len() as f64;
        let width = self.output.nrows() - 1;
        let mut behind = errors.dot(&self.output.slice(s![..width, ..]).t());
        behind.zip_mut_with(&hidden, |slope, &value| {
            if value <= 0.0 {
                *slope = 0.0;
            }
        });
        [slopes(rows, &behind), slopes(&hidden, &errors)]
    }
}

/// Rows of one step: all of few, else a draw.
fn batch(rows: usize, draws: &mut Noise) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    if rows > BATCH {
        draws.draw_to_front(&mut order, BATCH);
        order.truncate(BATCH);
    }
    order
}

/// `x W + w`, with `w` the last row of the weights.
fn affine(x: &Array2<f64>, weights: &Array2<f64>) -> Array2<f64> {
    let width = weights.nrows() - 1;
    x.dot(&weights.slice(s![..width, ..])) + weights.row(width)
}

/// What a layer's weights get of the slopes behind it; the intercepts' last.
fn slopes(x: &Array2<f64>, behind: &Array2<f64>) -> Array2<f64> {
    let mut all = Array2::zeros((x.ncols() + 1, behind.ncols()));
    all.slice_mut(s![..x.ncols(), ..]).assign(&x.t().dot(behind));
    all.row_mut(x.ncols()).assign(&behind.sum_axis(Axis(0)));
    all
}

/// Adam's running averages of one layer.
struct Moments {
    first: Array2<f64>,
    second: Array2<f64>,
}

impl Moments {
    fn of(weights: &Array2<f64>) -> Self {
        Self { first: Array2::zeros(weights.dim()), second: Array2::zeros(weights.dim()) }
    }

    fn step(
        &mut self,
        weights: &mut Array2<f64>,
        gradient: &Array2<f64>,
        rate: f64,
        decay: f64,
        step: usize,
    ) {
        let [a, b] = BETAS;
        self.first = &self.first * a + &(gradient * (1.0 - a));
        self.second = &self.second * b + &(gradient * gradient * (1.0 - b));
        let unbias: Array1<f64> = BETAS.iter().map(|beta| 1.0 - beta.powi(step as i32)).collect();
        let pairs = self.first.iter().zip(&self.second);
        for (weight, (first, second)) in weights.iter_mut().zip(pairs) {
            let move_by = first / unbias[0] / ((second / unbias[1]).sqrt() + LEAST);
            *weight -= rate * (move_by + decay * *weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::moons;
    use super::*;

    const SETTINGS: Settings =
        Settings { hidden: 32, noise: 0.1, decay: 0.01, steps: 300, networks: 3 };

    fn rows(values: &[f32]) -> Array2<f64> {
        let values: Vec<f64> = values.iter().copied().map(f64::from).collect();
        Array2::from_shape_vec((values.len() / 2, 2), values).unwrap()
    }

    #[test]
    fn moons_are_learnt_and_probabilities_add_up() {
        let (values, labels) = moons(40);
        let rows = rows(&values);
        let networks = Ensemble::fit(&rows, &labels, 2, &SETTINGS, &Noise::new(1)).unwrap();
        let found = networks.probabilities(&rows);
        let right = found.rows().into_iter().zip(&labels);
        let right = right.filter(|(row, label)| row[**label] > 0.5).count();
        assert!(right >= 76, "{right} of 80");
        assert!(found.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
    }

    #[test]
    fn gradients_are_differences() {
        let x = rows(&[0.3, -1.0, 0.8, 0.2, -0.5, 0.9]);
        let labels = [0, 2, 1];
        let few = Settings { hidden: 5, steps: 0, networks: 1, ..SETTINGS };
        let network = Ensemble::fit(&x, &labels, 3, &few, &Noise::new(2)).unwrap().0.remove(0);
        let loss = |network: &Network| {
            let found = network.probabilities(&network.hidden(&x));
            let rows = found.rows().into_iter().zip(labels);
            -rows.map(|(row, label)| row[label].ln()).sum::<f64>() / 3.0
        };
        let [of_input, of_output] = network.gradients(&x, &labels);
        let check = |at: [usize; 2], of_output_layer: bool, gradient: f64| {
            let moved = |by: f64| {
                let mut network = network.clone();
                let layer = if of_output_layer { &mut network.output } else { &mut network.input };
                layer[at] += by;
                loss(&network)
            };
            let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((slope - gradient).abs() < 1e-6, "{at:?}: {slope} for {gradient}");
        };
        of_input.indexed_iter().for_each(|((i, j), &g)| check([i, j], false, g));
        of_output.indexed_iter().for_each(|((i, j), &g)| check([i, j], true, g));
    }

    #[test]
    fn the_same_noise_gives_the_same_networks_and_bad_input_is_refused() {
        let (values, labels) = moons(200);
        let rows = rows(&values);
        let few = Settings { steps: 20, ..SETTINGS };
        let fit = || Ensemble::fit(&rows, &labels, 2, &few, &Noise::new(4)).unwrap();
        assert_eq!(fit(), fit());
        assert!(Ensemble::fit(&rows, &labels[1..], 2, &few, &Noise::new(4)).is_err());
        assert!(Ensemble::fit(&rows, &labels, 1, &few, &Noise::new(4)).is_err());
    }
}
