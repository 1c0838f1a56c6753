//! The variational bounds of M2 (Kingma et al. 2014, eqs. 6 to 9).

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::augment::Augmentation;
use super::marginalize::{Marginalize, Picks};
use super::mier::{MierConfig, log_marginal, summed_probs, surprise};
use super::terms::{Objective, Terms, WarmUp};
use crate::data::{Part, SemiBatch};
use crate::dist::{Categorical, Gaussian, log_sum_exp};
use crate::models::M2;
use crate::noise::Noise;

/// How the bounds are combined.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct M2ObjectiveConfig {
    /// Weight of the cross-entropy of one labelled example against its bound: see [`effective_alpha`].
    pub alpha: f64,
    /// Weight of the labelled half of a batch, bound and cross-entropy, against the unlabelled half. One
    /// lets 100 labelled images weigh as much as all others; `N_labelled / N` counts every image once, as
    /// Kingma et al. 2014 do.
    pub labelled_weight: f64,
    /// Factor of the gradient that `U(x)` sends to the classifier; its other gradients stay whole. One is
    /// the gradient of `J`. With few labels it is the larger part by far, and while encoder and decoder know
    /// little of `y` it takes the classifier wherever the first images happened to go.
    pub classifier_gradient: f64,
    /// How the classifier's input is disturbed in training.
    pub augmentation: Augmentation,
    /// How the sum over the classes of an unlabelled example is taken.
    pub marginalize: Marginalize,
    /// MIER's terms on the unlabelled examples, if wanted.
    pub mier: Option<MierConfig>,
}

impl M2ObjectiveConfig {
    /// `J` as published, with means over both halves of a batch: nothing slowed, no noise, no MIER.
    pub fn exact(alpha: f64) -> Self {
        Self {
            alpha,
            labelled_weight: 1.0,
            classifier_gradient: 1.0,
            augmentation: Augmentation::default(),
            marginalize: Marginalize::Exact,
            mier: None,
        }
    }
}

/// `alpha = scale * examples / labelled` (E3): Kingma's `0.1 N`, shared out over the labelled examples.
pub fn effective_alpha(scale: f64, examples: usize, labelled: usize) -> f64 {
    scale * examples as f64 / labelled as f64
}

/// The terms of `L(x, y)`, one value per row, in nats.
#[derive(Clone, Debug)]
pub struct LabelledBound {
    /// `log p(x|y,z)` at one draw of `z`.
    pub reconstruction: Tensor<1>,
    /// `KL(q(z|x,y) || p(z))`.
    pub kl: Tensor<1>,
    /// `log p(y)`, the same for every class.
    pub log_prior_y: f64,
}

impl LabelledBound {
    /// `L(x, y) = log p(x|y,z) + log p(y) - kl_weight KL` (E1), `[rows]`.
    pub fn value(&self, kl_weight: f64) -> Tensor<1> {
        self.reconstruction.clone() - self.kl.clone() * kl_weight + self.log_prior_y
    }
}

/// `L(x, y)` of labelled examples.
///
/// # Shapes
/// - `x`: `[batch, features]`; `y`: `[batch, classes]`, one-hot; `epsilon`: `[batch, latent]`
pub fn labelled_bound(model: &M2, x: Tensor<2>, y: Tensor<2>, epsilon: Tensor<2>) -> LabelledBound {
    let [_, classes] = y.dims();
    let q = model.encode(x.clone(), y.clone());
    let z = q.sample(epsilon);
    bound(&q, model.decode(z, y).log_prob(x), classes)
}

/// The terms of `U(x)`.
#[derive(Clone, Debug)]
pub struct UnlabelledBound {
    /// `q(y|x)`.
    pub q: Categorical,
    /// `L(x, y)` for every class, `[batch, classes]`, nats.
    pub by_class: Tensor<2>,
    /// `KL(q(z|x,y) || p(z))` averaged under `q(y|x)`, `[batch]`.
    pub kl: Tensor<1>,
    /// `H(q(y|x))`, `[batch]`.
    pub entropy: Tensor<1>,
}

impl UnlabelledBound {
    /// `U(x) = Σ_y q(y|x) L(x, y) + H(q(y|x))` (E2), `[batch]`.
    pub fn value(&self) -> Tensor<1> {
        expectation(&self.q, self.by_class.clone()) + self.entropy.clone()
    }
}

/// `U(x)` of unlabelled examples, the sum over classes taken exactly.
///
/// # Shapes
/// - `x`: `[batch, features]`
/// - `epsilon`: `[classes * batch, latent]`, class-major: one draw per class and example
pub fn unlabelled_bound(
    model: &M2,
    x: Tensor<2>,
    epsilon: Tensor<2>,
    kl_weight: f64,
) -> UnlabelledBound {
    let q = Categorical::from_logits(model.classify(x.clone()));
    unlabelled_bound_under(model, q, x, epsilon, kl_weight)
}

/// [`unlabelled_bound`] with `q(y|x)` given, one row for each of `x`.
pub fn unlabelled_bound_under(
    model: &M2,
    q: Categorical,
    x: Tensor<2>,
    epsilon: Tensor<2>,
    kl_weight: f64,
) -> UnlabelledBound {
    let [batch, classes] = q.log_probs().dims();
    let q_z = model.encode_every_class(x.clone());
    let reconstruction = model.decode_every_class(q_z.sample(epsilon)).log_prob(x);
    let bound = bound(&q_z, reconstruction, classes);
    let by_example = |rows: Tensor<1>| rows.reshape([classes, batch]).transpose();
    UnlabelledBound {
        kl: expectation(&q, by_example(bound.kl.clone())),
        by_class: by_example(bound.value(kl_weight)),
        entropy: q.entropy(),
        q,
    }
}

/// `U(x)` estimated from the classes that were picked, and the divergence averaged likewise: `[batch]` each.
///
/// # Shapes
/// - `x`: `[batch, features]`
/// - `epsilon`: `[looked_at * batch, latent]`, in the order of the picks
pub fn estimated_bound_under(
    model: &M2,
    q: &Categorical,
    picks: &Picks,
    x: Tensor<2>,
    epsilon: Tensor<2>,
    kl_weight: f64,
) -> [Tensor<1>; 2] {
    let [_, classes] = q.log_probs().dims();
    let shape = picks.stands_for.dims();
    let q_z = model.encode_picked(x.clone(), picks.classes.clone());
    let z = q_z.sample(epsilon);
    let reconstruction = model.decode_picked(z, picks.classes.clone()).log_prob(x);
    let bound = bound(&q_z, reconstruction, classes);
    let value = picks.expectation(q, bound.value(kl_weight).reshape(shape)) + q.entropy();
    [value, picks.expectation(q, bound.kl.detach().reshape(shape))]
}

/// One importance sample of `log p(x)` per example with the sum over classes taken exactly (E12):
/// `log Σ_y p(x|y,z_y) p(z_y) p(y) / q(z_y|x,y)`, `[batch]`. The log of the mean of `K` exponentials of
/// these is the IWAE-K bound (Burda et al. 2016).
///
/// # Shapes
/// - `x`: `[batch, features]`; `epsilon`: `[classes * batch, latent]`, class-major
pub fn importance_log_weights(
    model: &M2,
    x: Tensor<2>,
    epsilon: Tensor<2>,
    classes: usize,
) -> Tensor<1> {
    let [batch, _] = x.dims();
    let q_z = model.encode_every_class(x.clone());
    let z = q_z.sample(epsilon);
    let log_joint = model.decode_every_class(z.clone()).log_prob(x)
        + Gaussian::standard_log_prob(z.clone())
        - (classes as f64).ln();
    let log_weights = (log_joint - q_z.log_prob(z)).reshape([classes, batch]);
    log_sum_exp(log_weights, 0)
}

/// M2's objective, with or without MIER.
#[derive(Clone, Debug)]
pub struct M2Objective {
    config: M2ObjectiveConfig,
}

impl M2Objective {
    /// From its weights.
    pub fn new(config: M2ObjectiveConfig) -> Self {
        Self { config }
    }

    /// `J = mean_u -U(x) + w mean_l [-L(x,y) - alpha log q(y|x)]` (E3), and with MIER
    /// `- gamma I(y;x) + beta mean_u H(q(y|x))` (E10), at the given draws.
    pub fn terms_at(
        &self,
        model: &M2,
        batch: &SemiBatch,
        warm_up: WarmUp,
        draws: M2Draws,
    ) -> Terms {
        let part = Part::whole(batch.clone());
        let q = classify(model, draws.seen.unwrap_or_else(|| Seen::undisturbed(batch)));
        let sums = summed_probs(&q.unlabelled);
        self.contribution(model, &part, &q, sums, warm_up, draws.latent)
    }

    /// What some examples of a batch contribute to its terms; `sums` is `Σ_x q(y|x)` over all of it.
    fn contribution(
        &self,
        model: &M2,
        part: &Part,
        q: &Predictions,
        sums: Tensor<1>,
        warm_up: WarmUp,
        draws: LatentDraws,
    ) -> Terms {
        let M2ObjectiveConfig { alpha, labelled_weight, classifier_gradient, mier, .. } =
            self.config;
        let (x, y) = (part.batch.labelled.x.clone(), part.batch.labelled.y.clone());
        let cross_entropy = part.labelled_mean(q.labelled.log_prob(y.clone()).neg());
        let labelled = labelled_bound(model, x, y, draws.labelled).value(warm_up.kl);
        let labelled = part.labelled_mean(labelled);

        let slowed = q.unlabelled.clone().scale_gradient(classifier_gradient * warm_up.classifier);
        let x = part.batch.unlabelled.clone();
        let [value, kl] = match &draws.picks {
            None => {
                let u = unlabelled_bound_under(model, slowed, x, draws.unlabelled, warm_up.kl);
                [u.value(), u.kl]
            }
            Some(picks) => {
                estimated_bound_under(model, &slowed, picks, x, draws.unlabelled, warm_up.kl)
            }
        };
        let unlabelled = part.unlabelled_mean(value);
        let entropy = part.unlabelled_mean(q.unlabelled.entropy());
        let surprise = surprise(&q.unlabelled, log_marginal(sums, part.of[1]));
        let information = part.unlabelled_mean(surprise);
        let supervision = cross_entropy.clone() * alpha - labelled.clone();
        let mut total = supervision * labelled_weight - unlabelled.clone();
        if let Some(MierConfig { beta, gamma }) = mier {
            total = total - information.clone() * gamma + entropy.clone() * beta;
        }
        Terms::new(total)
            .with("unlabelled_bound", unlabelled)
            .with("labelled_bound", labelled)
            .with("cross_entropy", cross_entropy)
            .with("kl", part.unlabelled_mean(kl))
            .with("entropy", entropy)
            .with("mutual_information", information)
    }
}

/// `q(y|x)` of the labelled and of the unlabelled examples.
#[derive(Clone, Debug)]
pub struct Predictions {
    labelled: Categorical,
    unlabelled: Categorical,
}

/// The randomness of one evaluation of the objective.
#[derive(Clone, Debug)]
pub struct M2Draws {
    /// Noise of `z`.
    pub latent: LatentDraws,
    /// What the classifier sees, if not the batch itself.
    pub seen: Option<Seen>,
}

/// The noise of `z`, standard normal, and of `y`.
#[derive(Clone, Debug)]
pub struct LatentDraws {
    /// `[labelled, latent]`.
    pub labelled: Tensor<2>,
    /// `[classes * unlabelled, latent]`, class-major; with [`LatentDraws::picks`], in their order.
    pub unlabelled: Tensor<2>,
    /// The classes of the unlabelled examples that are looked at, if not all.
    pub picks: Option<Picks>,
}

/// The classifier's inputs: the examples of a batch, disturbed or not.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `[labelled, features]`.
    pub labelled: Tensor<2>,
    /// `[unlabelled, features]`.
    pub unlabelled: Tensor<2>,
}

impl Seen {
    fn undisturbed(batch: &SemiBatch) -> Self {
        Self { labelled: batch.labelled.x.clone(), unlabelled: batch.unlabelled.clone() }
    }
}

impl Objective<M2> for M2Objective {
    type Begun = Predictions;

    fn begin(&self, model: &M2, part: &Part, noise: &Noise) -> (Predictions, Option<Tensor<1>>) {
        let [l, u] = part.first;
        let Seen { labelled, unlabelled } = Seen::undisturbed(&part.batch);
        let augmentation = &self.config.augmentation;
        let q = classify(
            model,
            Seen {
                labelled: augmentation.apply(labelled, l, &noise.split("labelled")),
                unlabelled: augmentation.apply(unlabelled, u, &noise.split("unlabelled")),
            },
        );
        let sums = summed_probs(&q.unlabelled);
        (q, Some(sums))
    }

    fn finish(
        &self,
        model: &M2,
        part: &Part,
        q: Predictions,
        sums: Option<Tensor<1>>,
        warm_up: WarmUp,
        noise: &Noise,
    ) -> Terms {
        let sums = sums.unwrap_or_else(|| summed_probs(&q.unlabelled));
        let device = part.batch.unlabelled.device();
        let [unlabelled, _] = part.batch.unlabelled.dims();
        let [labelled, classes] = part.batch.labelled.y.dims();
        let [l, u] = part.first;
        let draw = |purpose: &str, first, rows, groups| {
            let noise = noise.split(purpose);
            noise.normal_by_example(first, [rows, model.latent()], groups, &device)
        };
        let looked_at = self.config.marginalize.looked_at(classes);
        let picks = (looked_at < classes).then(|| {
            let noise = noise.split("sampled class");
            let uniform = noise.uniform_by_example(u, unlabelled, &device);
            Picks::draw(&q.unlabelled, looked_at - 1, uniform)
        });
        let draws = LatentDraws {
            labelled: draw("labelled", l, labelled, 1),
            unlabelled: draw("unlabelled", u, unlabelled, looked_at),
            picks,
        };
        self.contribution(model, part, &q, sums, warm_up, draws)
    }
}

/// `q(y|x)` as training sees it.
fn classify(model: &M2, Seen { labelled, unlabelled }: Seen) -> Predictions {
    let q = |x| Categorical::from_logits(model.classify(x));
    Predictions { labelled: q(labelled), unlabelled: q(unlabelled) }
}

fn bound(q_z: &Gaussian, reconstruction: Tensor<1>, classes: usize) -> LabelledBound {
    LabelledBound {
        reconstruction,
        kl: q_z.kl_from_standard(),
        log_prior_y: -(classes as f64).ln(),
    }
}

/// `Σ_y q(y|x) f(x, y)` for `f [batch, classes]`: `[batch]`.
fn expectation(q: &Categorical, f: Tensor<2>) -> Tensor<1> {
    (q.probs() * f).sum_dim(1).squeeze_dim::<1>(1)
}
