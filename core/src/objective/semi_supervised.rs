//! The semi-supervised objective of the whole family (Kingma et al. 2014, eqs. 6 to 9): the bound of the
//! labelled examples, that of the others with the class summed over, a classifier's cross-entropy, and MIER.
//! What a model is made of is its own affair: see [`Generative`].

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::augment::Augmentation;
use super::marginalize::{Marginalize, Picks};
use super::mier::{MierConfig, log_marginal, summed_probs, surprise};
use super::ramp::{Elapsed, Ramp};
use super::terms::{Objective, Terms};
use crate::data::{Labelled, Part, SemiBatch, Weighted};
use crate::dist::{Categorical, log_sum_exp};
use crate::models::{Bound, Divergence, Generative, Look};
use crate::nets::{Classes, Training};
use crate::noise::Noise;

/// How the bounds are combined.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SemiSupervisedConfig {
    /// Weight of the cross-entropy of one labelled example against its bound: see [`effective_alpha`].
    pub alpha: f64,
    /// Weight of the labelled half of a batch, bound and cross-entropy, against the unlabelled half. One
    /// lets 100 labelled images weigh as much as all others; `N_labelled / N` counts every image once, as
    /// Kingma et al. 2014 do.
    pub labelled_weight: f64,
    /// Weight of every divergence from a prior.
    pub kl: Ramp,
    /// Factor of the gradient that `U(x)` sends to the classifier; its other gradients stay whole. One is
    /// the gradient of `J`. With few labels it is the larger part by far, and while encoder and decoder know
    /// little of `y` it takes the classifier wherever the first images happened to go.
    pub classifier_gradient: Ramp,
    /// How the cross-entropy is averaged where `q(y|x)` depends on a draw.
    pub supervision: Supervision,
    /// How the classifier's input is disturbed in training.
    pub augmentation: Augmentation,
    /// How the sum over the classes of an unlabelled example is taken.
    pub marginalize: Marginalize,
    /// MIER's terms on the unlabelled examples, if wanted.
    pub mier: Option<MierConfig>,
    /// Weight of the cross-entropy of an augmented example against that of a labelled one.
    pub augment_weight: f64,
}

impl SemiSupervisedConfig {
    /// `J` as published, with means over both halves of a batch: nothing slowed, no noise, no MIER.
    pub fn exact(alpha: f64) -> Self {
        Self {
            alpha,
            labelled_weight: 1.0,
            kl: Ramp::constant(1.0),
            classifier_gradient: Ramp::constant(1.0),
            supervision: Supervision::default(),
            augmentation: Augmentation::default(),
            marginalize: Marginalize::Exact,
            mier: None,
            augment_weight: 0.0,
        }
    }
}

/// The cross-entropy of labelled examples where `q(y|a,x)` depends on a draw of `a` (E18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supervision {
    /// Draws of `a` for each labelled example.
    pub draws: usize,
    /// What is averaged over them.
    pub average: Average,
}

impl Default for Supervision {
    fn default() -> Self {
        Self { draws: 1, average: Average::Probability }
    }
}

/// What is averaged over draws of `a`. With one draw there is no difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Average {
    /// `-log mean_a q(y|a,x)`, as the authors of ADGM released it.
    #[default]
    Probability,
    /// `mean_a -log q(y|a,x)`, as they published it; never smaller, by Jensen's inequality.
    Logarithm,
}

impl Supervision {
    /// Cross-entropy of `q [draws * batch, classes]`, draw-major, against one-hot `y [batch, classes]`:
    /// `[batch]`, nats.
    fn cross_entropy(self, q: &Categorical, y: Tensor<2>) -> Tensor<1> {
        let [rows, classes] = q.log_probs().dims();
        let [batch, _] = y.dims();
        let draws = rows / batch;
        if draws == 1 {
            return q.log_prob(y).neg();
        }
        let of_label = q.log_probs().reshape([draws, batch, classes]) * y.unsqueeze::<3>();
        let log_probs = of_label.sum_dim(2).reshape([draws, batch]);
        match self.average {
            Average::Probability => (log_sum_exp(log_probs, 0) - (draws as f64).ln()).neg(),
            Average::Logarithm => log_probs.mean_dim(0).squeeze_dim::<1>(0).neg(),
        }
    }
}

/// `alpha = scale * examples / labelled` (E3): Kingma's `0.1 N`, shared out over the labelled examples.
pub fn effective_alpha(scale: f64, examples: usize, labelled: usize) -> f64 {
    scale * examples as f64 / labelled as f64
}

/// The terms of `L(x, y)` of labelled examples (E1).
///
/// # Shapes
/// - `x`: `[batch, features]`; `y`: `[batch, classes]`, one-hot; `epsilon`: `[batch, widths().row]`
pub fn labelled_bound(
    model: &impl Generative,
    x: Tensor<2>,
    y: Tensor<2>,
    look: &Look,
    epsilon: Tensor<2>,
) -> Bound {
    model.bound(x, look, &Classes::Given(y), epsilon, Divergence::Closed)
}

/// The terms of `U(x)`.
#[derive(Clone, Debug)]
pub struct UnlabelledBound {
    /// `U(x) = Σ_y q(y|x) L(x, y) + H(q(y|x))` (E2), `[batch]`.
    pub value: Tensor<1>,
    /// The divergence of each layer of latent variables, averaged under `q(y|x)`, `[batch]`.
    pub divergences: Vec<(&'static str, Tensor<1>)>,
    /// `L(x, y)` of each class that was looked at, `[looked_at, batch]`, nats.
    pub by_class: Tensor<2>,
}

/// `U(x)` of unlabelled examples, the sum over classes taken exactly.
///
/// # Shapes
/// - `x`: `[batch, features]`
/// - `epsilon`: `[classes * batch, widths().row]`, class-major: one draw per class and example
pub fn unlabelled_bound(
    model: &impl Generative,
    x: Tensor<2>,
    look: &Look,
    epsilon: Tensor<2>,
    kl_weight: f64,
) -> UnlabelledBound {
    let look = look.clone().inferring(model, x.clone());
    let q = Categorical::from_logits(model.logits(x.clone(), &look));
    unlabelled_bound_under(model, &q, None, x, &look, epsilon, kl_weight)
}

/// [`unlabelled_bound`] with `q(y|x)` given, one row for each of `x`, and estimated from the classes picked if
/// some were.
///
/// # Shapes
/// - `epsilon`: `[looked_at * batch, widths().row]`, in the order of the picks
pub fn unlabelled_bound_under(
    model: &impl Generative,
    q: &Categorical,
    picks: Option<&Picks>,
    x: Tensor<2>,
    look: &Look,
    epsilon: Tensor<2>,
    kl_weight: f64,
) -> UnlabelledBound {
    let [batch, _] = q.log_probs().dims();
    let classes = picks.map_or(Classes::Every, |picks| Classes::Picked(picks.classes.clone()));
    let bound = model.bound(x, look, &classes, epsilon, Divergence::Closed);
    let by_class = |rows: Tensor<1>| {
        let [count] = rows.dims();
        rows.reshape([count / batch, batch])
    };
    let expectation = |f: Tensor<2>| match picks {
        Some(picks) => picks.expectation(q, f),
        None => q.expectation(f.transpose()),
    };
    let values = by_class(bound.value(kl_weight));
    let layers = bound.divergences.into_iter();
    UnlabelledBound {
        value: expectation(values.clone()) + q.entropy(),
        divergences: layers
            .map(|(name, kl)| (name, expectation(by_class(kl.detach())).detach()))
            .collect(),
        by_class: values,
    }
}

/// One importance sample of `log p(x)` per example with the sum over classes taken exactly (E12):
/// `log Σ_y p(x|y,z_y) p(z_y) p(y) / q(z_y|x,y)`, `[batch]`. The log of the mean of `K` exponentials of
/// these is the IWAE-K bound (Burda et al. 2016).
///
/// # Shapes
/// - `x`: `[batch, features]`; `epsilon`: `[classes * batch, widths().row]`, class-major
pub fn importance_log_weights(
    model: &impl Generative,
    x: Tensor<2>,
    look: &Look,
    epsilon: Tensor<2>,
) -> Tensor<1> {
    let [batch, _] = x.dims();
    let bound = model.bound(x.clone(), look, &Classes::Every, epsilon, Divergence::Drawn);
    let sum = log_sum_exp(bound.value(1.0).reshape([model.classes(), batch]), 0);
    match model.frozen(x, look) {
        Some(frozen) => sum + frozen,
        None => sum,
    }
}

/// The objective, with or without MIER.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SemiSupervised {
    config: SemiSupervisedConfig,
}

impl SemiSupervised {
    /// From its weights.
    pub fn new(config: SemiSupervisedConfig) -> Self {
        Self { config }
    }

    /// `J = mean_u -U(x) + w mean_l [-L(x,y) - alpha log q(y|x)]` (E3), and with MIER
    /// `- gamma I(y;x) + beta mean_u H(q(y|x))` (E10), at the given draws.
    pub fn terms_at(
        &self,
        model: &impl Generative,
        batch: &SemiBatch,
        elapsed: Elapsed,
        draws: Draws,
    ) -> Terms {
        let part = Part::whole(batch.clone());
        let seen = draws.seen.unwrap_or_else(|| Seen::undisturbed(batch));
        let begun = Begun::classify(model, seen, draws.looks);
        let sums = summed_probs(&begun.unlabelled);
        self.contribution(model, &part, &begun, sums, elapsed, draws.latent)
    }

    /// Weight of `log Z` in the objective of a model whose bounds have one: once for each half of a batch.
    pub(super) fn log_partition_weight(&self, elapsed: Elapsed) -> f64 {
        (1.0 + self.config.labelled_weight) * self.config.kl.at(elapsed)
    }

    /// What some examples of a batch contribute to its terms; `sums` is `Σ_x q(y|x)` over all of it.
    fn contribution(
        &self,
        model: &impl Generative,
        part: &Part,
        q: &Begun,
        sums: Tensor<1>,
        elapsed: Elapsed,
        draws: LatentDraws,
    ) -> Terms {
        let SemiSupervisedConfig { alpha, labelled_weight, supervision, mier, .. } = self.config;
        let kl_weight = self.config.kl.at(elapsed);
        let (x, y) = (part.batch.labelled.x.clone(), part.batch.labelled.y.clone());
        let cross_entropy = part.labelled_mean(supervision.cross_entropy(&q.labelled, y.clone()));
        let look = q.looks.labelled.first(part.batch.labelled.y.dims()[0]);
        let labelled = labelled_bound(model, x, y, &look, draws.labelled).value(kl_weight);
        let labelled = part.labelled_mean(labelled);

        let slowed = q.unlabelled.clone();
        let slowed = slowed.scale_gradient(self.config.classifier_gradient.at(elapsed));
        let bound = unlabelled_bound_under(
            model,
            &slowed,
            draws.picks.as_ref(),
            part.batch.unlabelled.clone(),
            &q.looks.unlabelled,
            draws.unlabelled,
            kl_weight,
        );
        let unlabelled = part.unlabelled_mean(bound.value);
        let entropy = part.unlabelled_mean(q.unlabelled.entropy());
        let surprise = surprise(&q.unlabelled, log_marginal(sums, part.of[1]));
        let information = part.unlabelled_mean(surprise);
        let supervised = cross_entropy.clone() * alpha - labelled.clone();
        // What is multiplied by one is the same without.
        let supervised = match labelled_weight {
            1.0 => supervised,
            weight => supervised * weight,
        };
        let mut total = supervised - unlabelled.clone();
        let weighted = mier.map(|MierConfig { beta, gamma }| {
            [information.clone() * -gamma.at(elapsed), entropy.clone() * beta.at(elapsed)]
        });
        if let Some([information, entropy]) = &weighted {
            total = total + information.clone() + entropy.clone();
        }
        let mut terms = Terms::new(total)
            .with("unlabelled_bound", unlabelled)
            .with("labelled_bound", labelled)
            .with("cross_entropy", cross_entropy)
            .with("entropy", entropy)
            .with("mutual_information", information);
        if let Some([information, entropy]) = weighted {
            terms = terms.with("mier_information", information).with("mier_entropy", entropy);
        }
        if let Some(cross_entropy) = &q.augmented {
            // A share of what labelled examples weigh (coreset, algorithm 1, step 8).
            let weight = self.config.augment_weight * alpha * labelled_weight;
            let cross_entropy = part.augmented_mean(cross_entropy.clone());
            terms = terms.plus("augmented_cross_entropy", cross_entropy, weight);
        }
        terms.with_layers(bound.divergences, |kl| part.unlabelled_mean(kl))
    }

    /// The weighted cross-entropy of augmented examples, `[batch]`: they are seen as labelled ones are.
    fn augmented(&self, model: &impl Generative, part: &Part, noise: &Noise) -> Option<Tensor<1>> {
        let Weighted { examples: Labelled { x, y }, weight } = part.batch.augmented.clone()?;
        let ([rows, _], first, device) = (x.dims(), part.first[2], x.device());
        let width = model.widths().example;
        let epsilon =
            (width > 0).then(|| noise.normal_by_example(first, [rows, width], 1, &device));
        let training = Some(Training { noise: noise.split("networks"), first });
        let look = Look { epsilon, training, inferred: None };
        let seen = self.config.augmentation.apply(x, first, noise);
        let q = Categorical::from_logits(model.logits(seen, &look));
        Some(q.log_prob(y).neg() * weight)
    }
}

/// `q(y|x)` of the labelled and of the unlabelled examples, and how they were looked at.
#[derive(Clone, Debug)]
pub struct Begun {
    labelled: Categorical,
    unlabelled: Categorical,
    looks: Looks,
    /// Weighted cross-entropies, `[augmented]`.
    augmented: Option<Tensor<1>>,
}

impl Begun {
    /// How the unlabelled examples are looked at.
    pub(super) fn unlabelled_look(&self) -> &Look {
        &self.looks.unlabelled
    }

    /// `q(y|x)` as training sees it.
    fn classify(model: &impl Generative, seen: Seen, looks: Looks) -> Self {
        let Seen { labelled, unlabelled, disturbed } = seen;
        let draws = looks.labelled.draws(labelled.dims()[0]);
        let labelled = if draws == 1 { labelled } else { labelled.repeat_dim(0, draws) };
        // What bounds are taken of is never disturbed: else the two have nothing in common.
        let looks = if disturbed {
            looks
        } else {
            Looks {
                labelled: looks.labelled.inferring(model, labelled.clone()),
                unlabelled: looks.unlabelled.inferring(model, unlabelled.clone()),
            }
        };
        let q = |x, look| Categorical::from_logits(model.logits(x, look));
        Self {
            labelled: q(labelled, &looks.labelled),
            unlabelled: q(unlabelled, &looks.unlabelled),
            looks,
            augmented: None,
        }
    }
}

/// The randomness of one evaluation of the objective.
#[derive(Clone, Debug)]
pub struct Draws {
    /// What the classes of an example share.
    pub looks: Looks,
    /// Noise of the latent variables.
    pub latent: LatentDraws,
    /// What the classifier sees, if not the batch itself.
    pub seen: Option<Seen>,
}

/// How both halves of a batch are looked at. The labelled half may be looked at several times, `epsilon`
/// `[draws * labelled, widths().example]`, draw-major: all draws are classified, the bound takes the first.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// The labelled half.
    pub labelled: Look,
    /// The unlabelled half.
    pub unlabelled: Look,
}

/// The noise of latent variables, standard normal, and of `y`.
#[derive(Clone, Debug)]
pub struct LatentDraws {
    /// `[labelled, widths().row]`.
    pub labelled: Tensor<2>,
    /// `[classes * unlabelled, widths().row]`, class-major; with [`LatentDraws::picks`], in their order.
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
    /// Whether they are.
    pub disturbed: bool,
}

impl Seen {
    fn undisturbed(batch: &SemiBatch) -> Self {
        let (labelled, unlabelled) = (batch.labelled.x.clone(), batch.unlabelled.clone());
        Self { labelled, unlabelled, disturbed: false }
    }
}

impl<M: Module + Generative> Objective<M> for SemiSupervised {
    type Begun = Begun;

    fn begin(&self, model: &M, part: &Part, noise: &Noise) -> (Begun, Option<Tensor<1>>) {
        let [l, u, _] = part.first;
        let Seen { labelled, unlabelled, .. } = Seen::undisturbed(&part.batch);
        let augmentation = &self.config.augmentation;
        let look = |purpose: &str, x: &Tensor<2>, first: usize, draws: usize| {
            let ([rows, _], width) = (x.dims(), model.widths().example);
            let noise = noise.split(purpose);
            let epsilon = (width > 0)
                .then(|| noise.normal_by_example(first, [rows, width], draws, &x.device()));
            let training = Some(Training { noise: noise.split("networks"), first });
            Look { epsilon, training, inferred: None }
        };
        let looks = Looks {
            labelled: look("labelled look", &labelled, l, self.config.supervision.draws),
            unlabelled: look("unlabelled look", &unlabelled, u, 1),
        };
        let seen = Seen {
            labelled: augmentation.apply(labelled, l, &noise.split("labelled")),
            unlabelled: augmentation.apply(unlabelled, u, &noise.split("unlabelled")),
            disturbed: !augmentation.is_none(),
        };
        let augmented = self.augmented(model, part, &noise.split("augmented"));
        let begun = Begun { augmented, ..Begun::classify(model, seen, looks) };
        let sums = summed_probs(&begun.unlabelled);
        (begun, Some(sums))
    }

    fn finish(
        &self,
        model: &M,
        part: &Part,
        q: Begun,
        sums: Option<Tensor<1>>,
        elapsed: Elapsed,
        noise: &Noise,
    ) -> Terms {
        let sums = sums.unwrap_or_else(|| summed_probs(&q.unlabelled));
        let device = part.batch.unlabelled.device();
        let [unlabelled, _] = part.batch.unlabelled.dims();
        let [labelled, classes] = part.batch.labelled.y.dims();
        let [l, u, _] = part.first;
        let draw = |purpose: &str, first, rows, groups| {
            let noise = noise.split(purpose);
            noise.normal_by_example(first, [rows, model.widths().row], groups, &device)
        };
        let looked_at = self.config.marginalize.looked_at(classes);
        let picks = (looked_at < classes).then(|| {
            let noise = noise.split("sampled class");
            let uniform = noise.uniform_by_example(u, [unlabelled, 1], &device);
            Picks::draw(&q.unlabelled, looked_at - 1, uniform)
        });
        let draws = LatentDraws {
            labelled: draw("labelled", l, labelled, 1),
            unlabelled: draw("unlabelled", u, unlabelled, looked_at),
            picks,
        };
        self.contribution(model, part, &q, sums, elapsed, draws)
    }
}
