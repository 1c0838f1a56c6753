//! A latent energy-based model of one or two dimensions on the host, in double precision: its energy by plain loops, its
//! gradients by the chain rule, its integrals by a sum over a grid.

use std::collections::BTreeMap;

use gleaner_core::checkpoint::Parameter;
use gleaner_core::nets::Activation;

/// `F(z)`: weights `[inputs, outputs]`, row-major, and biases, input side first.
#[derive(Clone, Debug)]
pub struct Energy {
    /// The layers.
    pub layers: Vec<(Vec<f64>, Vec<f64>)>,
    /// Between them.
    pub activation: Activation,
}

/// The gradient over `z`, and over every weight and bias in the order of [`Energy::weights`].
#[derive(Clone, Debug)]
pub struct Slopes {
    /// Over `z`.
    pub z: Vec<f64>,
    /// Over the weights.
    pub weights: Vec<f64>,
}

impl Energy {
    /// That of a model's parameters, by path.
    pub fn of(parameters: &BTreeMap<String, Parameter>, activation: Activation) -> Self {
        let hidden = (0..).map(|i| format!("prior.energy.hidden.{i}"));
        let hidden = hidden.take_while(|name| parameters.contains_key(&format!("{name}.weight")));
        let layer = |name: String| {
            let part = |part: &str| {
                let values = &parameters[&format!("{name}.{part}")].values;
                values.iter().map(|&v| f64::from(v)).collect()
            };
            (part("weight"), part("bias"))
        };
        let names = hidden.chain(["prior.energy.output".to_owned()]);
        Self { layers: names.map(layer).collect(), activation }
    }

    /// Names of the parameters, in the order of [`Energy::weights`].
    pub fn names(&self) -> Vec<String> {
        let last = self.layers.len() - 1;
        let name = |i: usize| if i == last { "output".to_owned() } else { format!("hidden.{i}") };
        let parts = |i| ["weight", "bias"].map(|part| format!("prior.energy.{}.{part}", name(i)));
        (0..=last).flat_map(parts).collect()
    }

    /// Every weight and bias, layer by layer.
    pub fn weights(&self) -> Vec<f64> {
        self.layers.iter().flat_map(|(w, b)| w.iter().chain(b).copied()).collect()
    }

    /// The same energy with one weight moved.
    #[must_use]
    pub fn moved(&self, index: usize, by: f64) -> Self {
        let mut moved = self.clone();
        let all = moved.layers.iter_mut().flat_map(|(w, b)| w.iter_mut().chain(b));
        *all.into_iter().nth(index).expect("a weight") += by;
        moved
    }

    /// `F(z)`.
    pub fn logits(&self, z: &[f64]) -> Vec<f64> {
        self.forward(z).pop().expect("an output").1
    }

    /// `f(z)`.
    pub fn tilt(&self, z: &[f64]) -> f64 {
        log_sum_exp(&self.logits(z))
    }

    /// `f(z)`, or `F(z)[y]`, and its gradients.
    pub fn differentiate(&self, z: &[f64], class: Option<usize>) -> (f64, Slopes) {
        let steps = self.forward(z);
        let logits = &steps.last().expect("an output").1;
        let tilt = log_sum_exp(logits);
        let (value, mut gradient): (f64, Vec<f64>) = match class {
            None => (tilt, logits.iter().map(|l| (l - tilt).exp()).collect()),
            Some(y) => {
                (logits[y], (0..logits.len()).map(|k| f64::from(u8::from(k == y))).collect())
            }
        };
        let mut weights: Vec<Vec<f64>> = Vec::new();
        for (i, ((weight, _), (input, raw))) in self.layers.iter().zip(&steps).enumerate().rev() {
            if i + 1 < self.layers.len() {
                for (g, &r) in gradient.iter_mut().zip(raw) {
                    *g *= slope(self.activation, r);
                }
            }
            let outer = input.iter().flat_map(|x| gradient.iter().map(move |g| x * g));
            weights.push(outer.chain(gradient.iter().copied()).collect());
            let rows = weight.chunks_exact(gradient.len());
            gradient =
                rows.map(|row| row.iter().zip(&gradient).map(|(w, g)| w * g).sum()).collect();
        }
        (value, Slopes { z: gradient, weights: weights.into_iter().rev().flatten().collect() })
    }

    /// Each layer's input, and its output before the nonlinearity.
    fn forward(&self, z: &[f64]) -> Vec<(Vec<f64>, Vec<f64>)> {
        let mut steps: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
        for (weight, bias) in &self.layers {
            let input = match steps.last() {
                None => z.to_vec(),
                Some((_, raw)) => raw.iter().map(|&r| value(self.activation, r)).collect(),
            };
            let mut raw = bias.clone();
            for (row, x) in weight.chunks_exact(bias.len()).zip(&input) {
                raw.iter_mut().zip(row).for_each(|(sum, w)| *sum += x * w);
            }
            steps.push((input, raw));
        }
        steps
    }
}

/// `log Σ exp`.
pub fn log_sum_exp(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + values.iter().map(|v| (v - top).exp()).sum::<f64>().ln()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn value(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu => x.max(0.2 * x),
        Activation::Silu => x * sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Identity => x,
    }
}

fn slope(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Softplus => sigmoid(x),
        Activation::Relu => f64::from(u8::from(x > 0.0)),
        Activation::LeakyRelu => {
            if x > 0.0 {
                1.0
            } else {
                0.2
            }
        }
        Activation::Silu => sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x))),
        Activation::Tanh => 1.0 - x.tanh().powi(2),
        Activation::Identity => 1.0,
    }
}

/// Points a step apart over a box that holds all of N(0, I) but 1e-10 of it: a sum over them is an integral, by the trapezoid
/// rule, whose error is far below rounding for what is smooth and falls off.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The points, the last coordinate changing fastest.
    pub points: Vec<Vec<f64>>,
    /// Points along each axis.
    pub side: usize,
    log_volume: f64,
}

impl Grid {
    /// Half the length of the box.
    pub const REACH: f64 = 7.0;

    /// A grid of `side` points along each of one or two axes.
    pub fn new(dimensions: usize, side: usize) -> Self {
        let step = 2.0 * Self::REACH / side as f64;
        // The middles of cells, so that cells can be put together to larger ones.
        let axis: Vec<f64> = (0..side).map(|i| (i as f64 + 0.5) * step - Self::REACH).collect();
        let points = match dimensions {
            1 => axis.iter().map(|&a| vec![a]).collect(),
            _ => axis.iter().flat_map(|&a| axis.iter().map(move |&b| vec![a, b])).collect(),
        };
        Self { points, side, log_volume: dimensions as f64 * step.ln() }
    }

    /// `log Z`, of all classes or of one (E21).
    pub fn log_partition(&self, energy: &Energy, class: Option<usize>) -> f64 {
        log_sum_exp(&self.log_terms(energy, class)) + self.log_volume
    }

    /// How probable each point's cell is.
    pub fn probabilities(&self, energy: &Energy, class: Option<usize>) -> Vec<f64> {
        let terms = self.log_terms(energy, class);
        let sum = log_sum_exp(&terms);
        terms.iter().map(|term| (term - sum).exp()).collect()
    }

    fn log_terms(&self, energy: &Energy, class: Option<usize>) -> Vec<f64> {
        let term = |z: &Vec<f64>| {
            let tilt = class.map_or_else(|| energy.tilt(z), |y| energy.logits(z)[y]);
            let square: f64 = z.iter().map(|v| v * v + std::f64::consts::TAU.ln()).sum();
            tilt - 0.5 * square
        };
        self.points.iter().map(term).collect()
    }

    /// Which of `side` cells along each axis a point lies in, those beyond the box in its outermost ones.
    pub fn cell(z: &[f64], side: usize) -> usize {
        let along = |v: &f64| {
            let share = (v + Self::REACH) / (2.0 * Self::REACH);
            ((share * side as f64).max(0.0) as usize).min(side - 1)
        };
        z.iter().fold(0, |cell, v| cell * side + along(v))
    }

    /// Probabilities of `side` larger cells along each axis.
    pub fn coarse(&self, probabilities: &[f64], side: usize) -> Vec<f64> {
        let dimensions = self.points[0].len() as u32;
        let mut cells = vec![0.0; side.pow(dimensions)];
        for (z, probability) in self.points.iter().zip(probabilities) {
            cells[Self::cell(z, side)] += probability;
        }
        cells
    }
}
