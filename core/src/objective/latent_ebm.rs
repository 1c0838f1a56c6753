//! The objective of the latent energy-based model: the shared objective, and negative Langevin chains for the gradient of
//! `log Z` (svebm eqs. 9 to 12; E21, E40).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::ramp::Elapsed;
use super::semi_supervised::{Begun, SemiSupervised};
use super::terms::{Objective, Terms};
use crate::data::{Part, one_hot};
use crate::dist::{Categorical, Gaussian};
use crate::models::{Generative, LangevinConfig, LatentEbm, Look, Target};
use crate::nets::Training;
use crate::noise::Noise;
use crate::workers::InTurn;

/// How the prior is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LatentEbmSettings {
    /// Where chains start.
    pub start: Start,
    /// What they do.
    pub chains: LangevinConfig,
    /// Chains that last, for every unlabelled example of a batch: one of them is moved in a step.
    pub persistent: usize,
    /// Factor of the learning rate for the energy.
    pub energy_rate: f64,
    /// Weight of `f(z)²`, which keeps the energy from running away.
    pub energy_penalty: f64,
    /// Weight of the cross-entropy of classes that are drawn, generated and inferred again: `y -> z -> x -> z -> y` (coreset,
    /// appendix D; E41).
    pub implicit_augmentation: f64,
}

impl Default for LatentEbmSettings {
    fn default() -> Self {
        Self {
            start: Start::Prior,
            chains: LangevinConfig::default(),
            persistent: 50,
            energy_rate: 1.0,
            energy_penalty: 0.0,
            implicit_augmentation: 0.0,
        }
    }
}

/// Where the chains that stand for the model's own `z` start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// At N(0, I), anew in every step: short-run chains (Nijkamp et al. 2019; Pang et al. 2020).
    Prior,
    /// At a draw of `q(z|x)` for each unlabelled example (coreset, algorithm 1).
    Posterior,
    /// Where they ended when their turn last came: persistent chains (svebm, algorithm 1).
    Persistent,
}

/// The objective.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LatentEbmObjective {
    /// Bounds, cross-entropy, MIER.
    pub family: SemiSupervised,
    /// The prior.
    pub settings: LatentEbmSettings,
}

impl LatentEbmObjective {
    /// Where chains begin for the unlabelled examples of a part, without a tape.
    fn start(&self, model: &LatentEbm, part: &Part, look: &Look, noise: &Noise) -> Tensor<2> {
        let [rows, _] = part.batch.unlabelled.dims();
        let device = part.batch.unlabelled.device().inner();
        match (self.settings.start, &part.chains, &look.epsilon) {
            (Start::Persistent, Some(chains), _) => chains.clone(),
            (Start::Posterior, _, Some(epsilon)) => {
                let q = match look.inferred.clone() {
                    Some(q) => Gaussian { mean: q.mean.inner(), log_var: q.log_var.inner() },
                    None => {
                        let x = part.batch.unlabelled.clone().inner();
                        model.posterior(x, look.training.as_ref())
                    }
                };
                q.sample(epsilon.clone().inner())
            }
            _ => noise.normal_by_example(part.first[1], [rows, model.latent()], 1, &device),
        }
    }

    /// The cross-entropy of classes in what the model itself makes of them, `[rows]`. The chains are held constant; what
    /// follows them is not.
    fn implicit(&self, model: &LatentEbm, part: &Part, noise: &Noise) -> Tensor<1> {
        let ([rows, _], device) = (part.batch.unlabelled.dims(), part.batch.unlabelled.device());
        let (first, classes) = (part.first[1], model.classes());
        let labels = (first..first + rows).map(|row| {
            let [draw] = noise.split("class").at(row as u64).uniform(1)[..] else { return 0 };
            (f64::from(draw) * classes as f64) as i64
        });
        let y = one_hot(labels, classes, &device);
        let start = noise.split("start");
        let start =
            start.normal_by_example(first, [rows, model.latent()], 1, &device.clone().inner());
        let still = model.valid();
        let density = still.prior.density(Target::Given(y.clone().inner()));
        let chains = self.settings.chains.chains();
        let z = chains.run_shifted(&density, start, first, &noise.split("chains"), &InTurn);
        let x = model.emit(Tensor::from_inner(z)).mean();
        let epsilon = noise.split("again");
        let epsilon = epsilon.normal_by_example(first, [rows, model.latent()], 1, &device);
        let training = Some(Training { noise: noise.split("networks"), first });
        let look = Look { epsilon: Some(epsilon), training, inferred: None };
        Categorical::from_logits(model.logits(x, &look)).log_prob(y).neg()
    }
}

impl Objective<LatentEbm> for LatentEbmObjective {
    type Begun = Begun;

    fn begin(
        &self,
        model: &LatentEbm,
        part: &Part,
        noise: &Noise,
    ) -> (Self::Begun, Option<Tensor<1>>) {
        self.family.begin(model, part, noise)
    }

    fn finish(
        &self,
        model: &LatentEbm,
        part: &Part,
        begun: Begun,
        sums: Option<Tensor<1>>,
        elapsed: Elapsed,
        noise: &Noise,
    ) -> Terms {
        let LatentEbmSettings { chains, energy_penalty, implicit_augmentation, .. } = self.settings;
        let still = model.valid();
        let noise_of = noise.split("negative phase");
        let start = self.start(&still, part, begun.unlabelled_look(), &noise_of.split("start"));
        let density = still.prior.density(Target::Marginal);
        let ends = chains.chains().run_shifted(
            &density,
            start,
            part.first[1],
            &noise_of.split("chains"),
            &InTurn,
        );
        let mut terms = self.family.finish(model, part, begun, sums, elapsed, noise);
        let square = ends.clone().square().mean_dim(1).squeeze_dim::<1>(1);
        // Of chains that diverged there is nothing to learn: no number, so that the step is taken back.
        let lost = square.clone().greater_elem(chains.out_of_reach());
        let tilt = model.prior.tilt(Tensor::from_inner(ends.clone()));
        let tilt = tilt.mask_fill(Tensor::from_inner(lost), f32::NAN);
        let negative = part.unlabelled_mean(tilt.clone());
        // Both halves of a batch have a bound with a log Z in it.
        terms = terms.plus("negative_phase", negative, self.family.log_partition_weight(elapsed));
        terms = terms.with("chain_variance", part.unlabelled_mean(Tensor::from_inner(square)));
        if energy_penalty > 0.0 {
            terms =
                terms.plus("energy_square", part.unlabelled_mean(tilt.square()), energy_penalty);
        }
        if implicit_augmentation > 0.0 {
            let again = self.implicit(model, part, &noise.split("implicit augmentation"));
            let again = part.unlabelled_mean(again);
            terms = terms.plus("implicit_cross_entropy", again, implicit_augmentation);
        }
        match self.settings.start {
            Start::Persistent => Terms { chains: Some(ends), ..terms },
            _ => terms,
        }
    }

    fn rate(&self, path: &str) -> f64 {
        if path.starts_with("prior.") { self.settings.energy_rate } else { 1.0 }
    }

    fn remedy(&self, term: &str) -> Option<String> {
        let of_chains =
            ["negative_phase", "chain_variance", "energy_square", "implicit_cross_entropy"];
        let size = self.settings.chains.step_size;
        of_chains.contains(&term).then(|| {
            format!(
                "the chains diverge at objective.latent-ebm.chains.step-size = {size}; try a smaller one, or a smaller --lr"
            )
        })
    }

    fn chains(
        &self,
        model: &LatentEbm,
        unlabelled: usize,
        noise: &Noise,
        device: &Device,
    ) -> Option<Tensor<2>> {
        (self.settings.start == Start::Persistent).then(|| {
            let rows = unlabelled * self.settings.persistent.max(1);
            noise.normal_by_example(0, [rows, model.latent()], 1, device)
        })
    }
}
