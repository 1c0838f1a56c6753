//! Linear Gaussian models on the host in double precision, whose every marginal and posterior is exact, and
//! networks set by hand to say the same.

use std::collections::BTreeMap;

use burn::tensor::Device;
use gleaner_core::checkpoint::{Checkpoint, Parameter};
use gleaner_core::models::ModelConfig;
use gleaner_core::noise::Noise;

use crate::modules::parameters;

/// One variable given others: `N(intercept + Σ weights * others, variance)`.
#[derive(Clone, Debug)]
pub struct Conditional {
    /// Of the others, in their order.
    pub weights: Vec<f64>,
    /// Mean where all others are zero.
    pub intercept: f64,
    /// What the others leave open.
    pub variance: f64,
}

/// A joint distribution of variables, each a linear function of earlier ones plus a noise of its own.
#[derive(Clone, Debug, Default)]
pub struct Joint {
    mean: Vec<f64>,
    /// Each variable's share in every noise: `covariance = paths pathsᵀ`.
    paths: Vec<Vec<f64>>,
}

impl Joint {
    /// Adds a variable that depends on the others named, and returns the whole.
    #[must_use]
    pub fn and(mut self, on: &[(usize, f64)], intercept: f64, variance: f64) -> Self {
        let count = self.mean.len();
        let mut path = vec![0.0; count + 1];
        path[count] = variance.sqrt();
        let mut mean = intercept;
        for &(other, weight) in on {
            mean += weight * self.mean[other];
            for (share, of_other) in path.iter_mut().zip(&self.paths[other]) {
                *share += weight * of_other;
            }
        }
        self.mean.push(mean);
        self.paths.push(path);
        self
    }

    fn covariance(&self, a: usize, b: usize) -> f64 {
        self.paths[a].iter().zip(&self.paths[b]).map(|(a, b)| a * b).sum()
    }

    /// A variable given the others named; its marginal if none is.
    pub fn given(&self, target: usize, others: &[usize]) -> Conditional {
        let with_target: Vec<f64> = others.iter().map(|&i| self.covariance(i, target)).collect();
        let rows = others.iter().zip(&with_target).map(|(&i, &right)| {
            others.iter().map(|&j| self.covariance(i, j)).chain([right]).collect()
        });
        let weights = solve(rows.collect());
        let explained: f64 = weights.iter().zip(&with_target).map(|(w, c)| w * c).sum();
        let means: f64 = weights.iter().zip(others).map(|(w, &i)| w * self.mean[i]).sum();
        Conditional {
            weights,
            intercept: self.mean[target] - means,
            variance: self.covariance(target, target) - explained,
        }
    }

    /// Log-density of some variables, one after the other: nats.
    pub fn log_density(&self, variables: &[usize], values: &[f64]) -> f64 {
        let term = |i: usize| {
            let Conditional { weights, intercept, variance } =
                self.given(variables[i], &variables[..i]);
            let mean: f64 = weights.iter().zip(values).map(|(w, v)| w * v).sum::<f64>() + intercept;
            let apart = (values[i] - mean).powi(2) / variance;
            -0.5 * (apart + (std::f64::consts::TAU * variance).ln())
        };
        (0..variables.len()).map(term).sum()
    }
}

/// Solves a symmetric positive definite system given as rows `[matrix | right-hand side]`.
fn solve(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    for pivot in 0..n {
        let line = rows[pivot].clone();
        for (i, row) in rows.iter_mut().enumerate() {
            let factor = if i == pivot { 0.0 } else { row[pivot] / line[pivot] };
            row.iter_mut().zip(&line).for_each(|(value, of_line)| *value -= factor * of_line);
        }
    }
    (0..n).map(|i| rows[i][n] / rows[i][i]).collect()
}

/// The parameters of a model with the identity for a nonlinearity, to be set one Gaussian at a time.
///
/// The first layer of each network hands its inputs on, one hidden unit each, in the order vector, second
/// vector, class; so hidden layers are as wide as all inputs of the widest network.
pub struct ByHand {
    config: ModelConfig,
    parameters: BTreeMap<String, Parameter>,
}

impl ByHand {
    /// From a configuration as a checkpoint holds it: nothing depends on anything.
    ///
    /// # Panics
    /// If there is no such model.
    pub fn new(config: serde_json::Value) -> Self {
        let config: ModelConfig = serde_json::from_value(config).expect("a configuration");
        let model = config.init(&Noise::new(0), &Device::flex()).expect("a model");
        let mut parameters = parameters(&model);
        parameters.values_mut().for_each(|parameter| parameter.values.fill(0.0));
        let mut hand = Self { config, parameters };
        let names: Vec<String> = hand.parameters.keys().cloned().collect();
        for part in names.iter().filter_map(|name| name.strip_suffix(".input.features.weight")) {
            let mut unit = 0;
            for kind in ["features.weight", "beside", "classes"] {
                let name = format!("{part}.input.{kind}");
                for input in 0..hand.rows(&name) {
                    hand.set(&name, input, unit, 1.0);
                    unit += 1;
                }
            }
        }
        hand
    }

    /// Rows of a matrix; none if the model does not have it.
    fn rows(&self, name: &str) -> usize {
        self.parameters.get(name).map_or(0, |parameter| parameter.shape[0])
    }

    /// Sets one number of a matrix or, in row 0, of a vector.
    ///
    /// # Panics
    /// If the model has no such parameter.
    pub fn set(&mut self, name: &str, row: usize, column: usize, value: f64) {
        let parameter = self.parameters.get_mut(name).unwrap_or_else(|| panic!("no {name}"));
        let columns = parameter.shape[parameter.shape.len() - 1];
        parameter.values[row * columns + column] = value as f32;
    }

    /// Makes a network say of dimension `of` what these conditionals say, one for each class, which may differ
    /// in nothing but the intercept. `head` names the layer of the means.
    ///
    /// # Panics
    /// If they differ in more, or the network does not see the class and they differ at all.
    pub fn say(&mut self, (part, head): (&str, &str), of: usize, by_class: &[Conditional]) {
        self.say_mean((part, head), of, by_class);
        // The inverse of the soft clamp (E8).
        let raw = 8.0 * (by_class[0].variance.ln() / 8.0).atanh();
        self.set(&format!("{part}.log_var.bias"), 0, of, raw);
    }

    /// The same for the mean alone, where a network has no log-variances.
    ///
    /// # Panics
    /// As [`ByHand::say`].
    pub fn say_mean(&mut self, (part, head): (&str, &str), of: usize, by_class: &[Conditional]) {
        let Conditional { weights, variance, .. } = &by_class[0];
        let weight = format!("{part}.{head}.weight");
        for (unit, &value) in weights.iter().enumerate() {
            self.set(&weight, unit, of, value);
        }
        let inputs = ["features.weight", "beside"].map(|kind| format!("{part}.input.{kind}"));
        let first: usize = inputs.iter().map(|name| self.rows(name)).sum();
        let sees_classes = self.rows(&format!("{part}.input.classes")) > 0;
        for (class, one) in by_class.iter().enumerate() {
            let apart = one.weights.iter().zip(weights).map(|(a, b)| (a - b).abs());
            let apart = apart.fold((one.variance - variance).abs(), f64::max);
            assert!(apart < 1e-12, "{part}: classes differ in more than the intercept");
            if sees_classes {
                self.set(&weight, first + class, of, one.intercept);
            } else {
                let apart = (one.intercept - by_class[0].intercept).abs();
                assert!(apart < 1e-12, "{part} does not see the class");
                self.set(&format!("{part}.{head}.bias"), 0, of, one.intercept);
            }
        }
    }

    /// What has been set.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { config: self.config.clone(), data: None, parameters: self.parameters.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_variables_does_not_change_their_density() {
        let joint = Joint::default().and(&[], 0.3, 2.0).and(&[(0, 0.7)], -1.0, 0.5);
        let joint = joint.and(&[(0, -0.4), (1, 1.5)], 0.2, 0.1);
        let one = joint.log_density(&[0, 1, 2], &[0.1, -0.6, 0.4]);
        let other = joint.log_density(&[2, 0, 1], &[0.4, 0.1, -0.6]);
        assert!((one - other).abs() < 1e-12, "{one} {other}");
        // As it was put together.
        let Conditional { weights, intercept, variance } = joint.given(2, &[0, 1]);
        for (found, expected) in
            [(weights[0], -0.4), (weights[1], 1.5), (intercept, 0.2), (variance, 0.1)]
        {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
    }
}
