//! M2 as the papers write it, on the host in double precision: one row at a time, first layers over the
//! concatenation with a one-hot vector. Slow, and independent of how the core enumerates classes.

use std::collections::BTreeMap;

use gleaner_core::checkpoint::Parameter;

/// `log p(x|y,z)` and `KL(q(z|x,y) || p(z))` of one row of a Bernoulli M2 with softplus layers.
pub fn bernoulli_row(
    parameters: &BTreeMap<String, Parameter>,
    classes: usize,
    x: &[f32],
    class: usize,
    epsilon: &[f32],
) -> (f64, f64) {
    let net = Net { parameters, classes };
    let x: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
    let h = net.trunk("encoder", &x, class);
    let mean = net.linear("encoder.mean", &h);
    let log_var: Vec<f64> =
        net.linear("encoder.log_var", &h).iter().map(|raw| 8.0 * (raw / 8.0).tanh()).collect();
    let z: Vec<f64> = mean
        .iter()
        .zip(&log_var)
        .zip(epsilon)
        .map(|((m, v), &e)| m + (0.5 * v).exp() * f64::from(e))
        .collect();
    let g = net.trunk("decoder", &z, class);
    let logits = net.linear("decoder.output", &g);
    let log_px = x.iter().zip(&logits).map(|(x, l)| x * l - softplus(*l)).sum();
    let kl = mean.iter().zip(&log_var).map(|(m, v)| 0.5 * (m * m + v.exp() - v - 1.0)).sum();
    (log_px, kl)
}

struct Net<'a> {
    parameters: &'a BTreeMap<String, Parameter>,
    classes: usize,
}

impl Net<'_> {
    fn values(&self, name: &str) -> &Parameter {
        self.parameters.get(name).unwrap_or_else(|| panic!("no parameter {name}"))
    }

    /// `[v; e_y] [W_v; W_y] + b`, then the hidden layers.
    fn trunk(&self, part: &str, v: &[f64], class: usize) -> Vec<f64> {
        let features = self.values(&format!("{part}.input.features.weight"));
        let by_class = self.values(&format!("{part}.input.classes"));
        let joined = [features.values.as_slice(), &by_class.values].concat();
        let one_hot = (0..self.classes).map(|k| f64::from(u8::from(k == class)));
        let input: Vec<f64> = v.iter().copied().chain(one_hot).collect();
        let bias = &self.values(&format!("{part}.input.features.bias")).values;
        let mut h = activate(product(&input, &joined, bias));
        let mut depth = 0;
        while self.parameters.contains_key(&format!("{part}.hidden.{depth}.weight")) {
            h = activate(self.linear(&format!("{part}.hidden.{depth}"), &h));
            depth += 1;
        }
        h
    }

    fn linear(&self, name: &str, v: &[f64]) -> Vec<f64> {
        let weight = &self.values(&format!("{name}.weight")).values;
        product(v, weight, &self.values(&format!("{name}.bias")).values)
    }
}

fn product(v: &[f64], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    let mut sums: Vec<f64> = bias.iter().map(|&b| f64::from(b)).collect();
    assert_eq!(weight.len(), v.len() * sums.len(), "a weight of another shape");
    for (row, value) in weight.chunks_exact(sums.len()).zip(v) {
        for (sum, &w) in sums.iter_mut().zip(row) {
            *sum += value * f64::from(w);
        }
    }
    sums
}

fn activate(values: Vec<f64>) -> Vec<f64> {
    values.into_iter().map(softplus).collect()
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
