//! Forward and reverse bounds together (Gemp, Mahadevan, Parente, eqs. 3 to 8 and 17; E20).

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::ramp::Elapsed;
use super::terms::{Objective, Terms};
use crate::data::Part;
use crate::dist::{Bernoulli, Categorical, Concrete, log_uniform};
use crate::models::{Classify, Generative, Look, Observation, Untapped};
use crate::nets::Classes;
use crate::noise::Noise;

/// How the terms are combined.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct UntappedWeights {
    /// Of the reverse bound; at 0 what is left is M2 with this architecture.
    pub reverse: f64,
    /// Of the cross-entropy of labelled examples (`alpha_f^d`).
    pub classifier: f64,
    /// Of the distance between labelled examples and what their classes decode to (`alpha_r^d`).
    pub decoder: f64,
    /// Temperature of the Concrete `y`.
    pub temperature: f64,
    /// What a label without an example gives to all the other classes together.
    pub smoothing: f64,
    /// What the reverse bound knows of `z`.
    pub z: UnfeaturedZ,
    /// Whether the classifier's gradient reaches the decoder through the bits drawn, as if they were their
    /// probabilities. Released without: there the decoder does not learn from the reverse bound.
    pub straight_through: bool,
}

impl Default for UntappedWeights {
    fn default() -> Self {
        Self {
            reverse: 1.0,
            classifier: 10.0,
            decoder: 0.1,
            temperature: 1.0,
            smoothing: 0.05,
            z: UnfeaturedZ::Fixed,
            straight_through: false,
        }
    }
}

/// The `z` that goes with a label without an example, always uniform on the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnfeaturedZ {
    /// Observed, one for each label, drawn once and for all: the data are as many pairs as there are classes, as
    /// released. A class is held to one picture. Elsewhere in the box it may still draw what has no labels, and
    /// the classifier is not told to call that by its name.
    Fixed,
    /// Observed, another at every step (their algorithm 1).
    Drawn,
    /// Latent, another at every step (their eq. 5).
    Latent,
}

/// The objective: labels and examples, examples alone, labels alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UntappedObjective {
    /// Weights of its terms.
    pub weights: UntappedWeights,
    /// Of the `z` that are drawn once and for all.
    pub noise: Noise,
}

/// The reverse bound at one draw of `x`, one value per row, in nats.
#[derive(Clone, Debug)]
pub struct ReverseBound {
    /// `log q(y|x)`.
    pub y: Tensor<1>,
    /// `log q(z|x,y)`.
    pub z: Tensor<1>,
    /// `log p(x|y,z)`.
    pub x: Tensor<1>,
    /// `log q(x)`.
    pub log_prior_x: f64,
    /// `log p(z)`, which is taken off where `z` is latent.
    pub log_prior_z: f64,
}

impl ReverseBound {
    /// `log q(y|x) + log q(z|x,y) - log p(x|y,z) + log q(x)` (E20), less `log p(z)` where `z` is latent.
    pub fn value(&self, z: UnfeaturedZ) -> Tensor<1> {
        let value = self.y.clone() + self.z.clone() - self.x.clone() + self.log_prior_x;
        match z {
            UnfeaturedZ::Fixed | UnfeaturedZ::Drawn => value,
            UnfeaturedZ::Latent => value - self.log_prior_z,
        }
    }
}

impl UntappedObjective {
    /// The terms of the reverse bound of labels and latent vectors.
    ///
    /// # Shapes
    /// - `log_y`: `[rows, classes]`, inside the simplex; `z`: `[rows, latent]`
    /// - `uniform`: `[rows, features]`, from [0, 1): decides each bit of `x`
    pub fn reverse_bound(
        &self,
        model: &Untapped,
        log_y: Tensor<2>,
        z: Tensor<2>,
        uniform: Tensor<2>,
    ) -> ReverseBound {
        let ([_, features], [_, latent]) = (uniform.dims(), z.dims());
        let y = log_y.clone().exp();
        let p_x = bernoulli(model.decode(z.clone(), &Classes::Given(y.clone())));
        let probs = p_x.mean();
        let bits = uniform.lower(probs.clone().detach()).float();
        // Whichever bits are drawn, the mean of the gradient of their log-probability is zero.
        let log_p = p_x.log_prob(bits.clone()).detach();
        let x = match self.weights.straight_through {
            true => bits + (probs.clone() - probs.detach()),
            false => bits,
        };
        let q_y =
            Concrete { logits: model.classify(x.clone()), temperature: self.weights.temperature };
        let before = model.before_flow(x, y);
        let flow = model.flow();
        ReverseBound {
            y: q_y.log_prob(log_y),
            z: flow.log_prob_at(&before, flow.inverse(z)),
            x: log_p,
            log_prior_x: -(features as f64) * 2f64.ln(),
            log_prior_z: flow.log_uniform(latent),
        }
    }

    /// The forward bound of examples without labels at a Concrete draw of their class, `[rows]`.
    ///
    /// # Shapes
    /// - `q`: logits `[rows, classes]`; `uniform`: `[rows, classes]`; `epsilon`: `[rows, latent]`
    pub fn relaxed_bound(
        &self,
        model: &Untapped,
        logits: Tensor<2>,
        x: Tensor<2>,
        uniform: Tensor<2>,
        epsilon: Tensor<2>,
    ) -> Tensor<1> {
        let [_, classes] = logits.dims();
        let q_y = Concrete { logits, temperature: self.weights.temperature };
        let log_y = q_y.sample_log(uniform);
        let y = Classes::Given(log_y.clone().exp());
        let bound = model.bound(x, &Look::default(), &y, epsilon, crate::models::Divergence::Drawn);
        // Here p(y) is a density on the simplex, uniform like the probabilities of the classes.
        bound.value(1.0) - bound.log_prior_y + log_uniform(classes) - q_y.log_prob(log_y)
    }

    /// Logarithms of the labels that rows `first`, `first + 1`, ... of a batch have without an example: every
    /// class in turn, smoothed.
    fn labels(&self, first: usize, rows: usize, classes: usize, device: &Device) -> Tensor<2> {
        let others = self.weights.smoothing / (classes - 1) as f64;
        let own = 1.0 - self.weights.smoothing;
        let value = |row: usize, class: usize| {
            (if (first + row) % classes == class { own } else { others }).ln() as f32
        };
        let values: Vec<f32> =
            (0..rows * classes).map(|i| value(i / classes, i % classes)).collect();
        Tensor::from_data(TensorData::new(values, [rows, classes]), device)
    }

    /// The `z` of these labels, `[rows, latent]`, uniform on [0, 1); `step` is the noise of this step.
    fn places(
        &self,
        step: &Noise,
        first: usize,
        [rows, classes]: [usize; 2],
        latent: usize,
        device: &Device,
    ) -> Tensor<2> {
        if self.weights.z != UnfeaturedZ::Fixed {
            return step.split("reverse z").uniform_by_example(first, [rows, latent], device);
        }
        let own = self.noise.split("reverse z").uniform_tensor([classes, latent], device);
        let class = (first..first + rows).map(|row| (row % classes) as i32).collect();
        own.select(0, Tensor::<1, Int>::from_data(TensorData::new::<i32, _>(class, [rows]), device))
    }
}

impl Objective<Untapped> for UntappedObjective {
    type Begun = ();

    fn begin(&self, _: &Untapped, _: &Part, _: &Noise) -> ((), Option<Tensor<1>>) {
        ((), None)
    }

    fn finish(
        &self,
        model: &Untapped,
        part: &Part,
        (): (),
        _sums: Option<Tensor<1>>,
        _elapsed: Elapsed,
        noise: &Noise,
    ) -> Terms {
        let UntappedWeights { reverse, classifier, decoder, .. } = self.weights;
        let (x, y) = (part.batch.labelled.x.clone(), part.batch.labelled.y.clone());
        let ([l, u, _], device) = (part.first, x.device());
        let ([labelled, features], [_, classes]) = (x.dims(), y.dims());
        let latent = model.latent();
        let stream = |purpose: &str| noise.split(purpose);
        let epsilon = stream("labelled").normal_by_example(l, [labelled, latent], 1, &device);
        let given = Classes::Given(y.clone());
        let before = model.before_flow(x.clone(), y.clone());
        let before_z = before.sample(epsilon);
        let p_x = bernoulli(model.decode(model.flow().forward(before_z.clone()), &given));
        let kl = model.flow().log_prob_at(&before, before_z) - model.flow().log_uniform(latent);
        let labelled_bound = p_x.log_prob(x.clone()) - kl - (classes as f64).ln();
        let apart = (x.clone() - p_x.mean()).square().sum_dim(1).squeeze_dim::<1>(1);
        let distance = part.labelled_mean((apart + 1e-12).sqrt());
        let cross_entropy = Categorical::from_logits(model.classify(x)).log_prob(y).neg();
        let cross_entropy = part.labelled_mean(cross_entropy);
        let labelled_bound = part.labelled_mean(labelled_bound);

        let x = part.batch.unlabelled.clone();
        let [unlabelled, _] = x.dims();
        let logits = model.classify(x.clone());
        let entropy = Categorical::from_logits(logits.clone()).entropy();
        let uniform = |purpose: &str, columns| {
            stream(purpose).uniform_by_example(u, [unlabelled, columns], &device)
        };
        let epsilon = stream("unlabelled").normal_by_example(u, [unlabelled, latent], 1, &device);
        let unlabelled_bound =
            self.relaxed_bound(model, logits, x, uniform("class", classes), epsilon);
        let unlabelled_bound = part.unlabelled_mean(unlabelled_bound);

        let mut total = distance.clone() * decoder + cross_entropy.clone() * classifier
            - labelled_bound.clone()
            - unlabelled_bound.clone();
        let flow = model.flow();
        let reversed = (reverse > 0.0).then(|| {
            let log_y = self.labels(u, unlabelled, classes, &device);
            let z = self.places(noise, u, [unlabelled, classes], latent, &device);
            let z = z * (flow.high - flow.low) + flow.low;
            let bits = uniform("reverse x", features);
            let bound = self.reverse_bound(model, log_y, z, bits);
            part.unlabelled_mean(bound.value(self.weights.z))
        });
        if let Some(bound) = &reversed {
            total = total - bound.clone() * reverse;
        }
        let terms = Terms::new(total)
            .with("unlabelled_bound", unlabelled_bound)
            .with("labelled_bound", labelled_bound)
            .with("cross_entropy", cross_entropy)
            .with("distance", distance)
            .with("entropy", part.unlabelled_mean(entropy));
        match reversed {
            Some(bound) => terms.with("reverse_bound", bound),
            None => terms,
        }
    }
}

/// Untapped's examples are bits.
fn bernoulli(observation: Observation) -> Bernoulli {
    match observation {
        Observation::Bernoulli(bits) => bits,
        Observation::Gaussian(values) => Bernoulli { logits: values.mean },
        Observation::Multinomial(words) => Bernoulli { logits: words.logits },
        Observation::IsotropicGaussian(values) => Bernoulli { logits: values.mean },
        Observation::Mixed(columns) => Bernoulli { logits: columns.output },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_keeps_its_fixed_place_in_every_step_and_part() {
        let device = Device::flex();
        let weights = UntappedWeights::default();
        let objective = UntappedObjective { weights, noise: Noise::new(3) };
        let places = |step: u64, first, rows| {
            let step = Noise::new(4).at(step);
            objective
                .places(&step, first, [rows, 3], 2, &device)
                .into_data()
                .try_to_vec::<f32>()
                .unwrap()
        };
        let whole = places(0, 0, 7);
        assert_eq!(whole[..6], places(9, 0, 3));
        assert_eq!(whole[6..12], whole[..6], "the second round of labels");
        assert_eq!(whole[4..14], places(9, 2, 5));
        assert_ne!(whole[..2], whole[2..4]);
    }
}
