//! The latent energy-based model of symbol-vector coupling (Pang et al. 2021, "svebm"; E21).
//!
//! ```text
//! (y, z) ~ p(y, z) = exp(F(z)[y]) N(z; 0, I) / Z      x ~ p(x | z)      q(z | x) = N(mean(x), diag(exp(log_var(x))))
//! ```
//!
//! `z` knows the class: a classifier is the energy at what the encoder makes of an example, and an example of a class is
//! what the decoder makes of a chain that ran in the energy of the class.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::architecture::architecture;
use super::blocks::{Emission, GaussianNet, Pair};
use super::check::{at_least_one, widths};
use super::common::configuration;
use super::generative::{Bound, Classify, Divergence, Generative, Look, SharedPart, Widths};
use super::latent_posterior::PosteriorDensity;
use super::latent_prior::{Annealing, LatentPrior, PriorDensity, Target};
use super::latent_transfer::TransferDensity;
use super::observation::Observation;
use super::shard::{Shard, rows_of};
use super::view::View;
use crate::data::one_hot;
use crate::dist::Gaussian;
use crate::error::{Error, Result};
use crate::nets::{Activation, Classes, Convolution, Inputs, Training};
use crate::noise::Noise;
use crate::sampler::{Chains, Convention, Langevin, StepSize, Walk, whole_blocks};
use crate::workers::{InTurn, Workers};

configuration! {
    /// Shape of a [`LatentEbm`].
    pub struct LatentEbmConfig {
        /// What most configurations say; the hidden layers are those of encoder and decoder (the decoder's in reverse).
        pub common: Common,
        /// Dimensions of `z`.
        pub latent: usize,
        /// Widths of the hidden layers of the energy.
        pub energy_hidden: Vec<usize>,
        /// Nonlinearity of the energy.
        pub energy_activation: Activation,
        /// How `z` is drawn from the prior.
        #[serde(default)]
        pub langevin: LangevinConfig,
        /// Where examples are classified in training.
        #[serde(default)]
        pub classified: Classified,
        /// Convolutions in encoder and decoder, for images.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub convolution: Option<Convolution>,
    }
}

architecture!(LatentEbmConfig, baseline: common.hidden, convolution);

/// The `z` at which training asks an example for its class. A trained model is asked at the mean of `q(z|x)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Classified {
    /// A draw of `q(z|x)`: with `q(y|x) = p(y|z)` there, the bound is svebm's (9).
    #[default]
    Draw,
    /// Its mean, as the authors released it. A mean is nearer to the origin than draws are, and the energies there are
    /// flatter: what was learnt at draws alone is less sure of means.
    Mean,
}

/// Steps of a chain at most.
const MOST_STEPS: usize = 1_000_000;

/// Chains that start at N(0, I).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LangevinConfig {
    /// Steps of a chain.
    pub steps: usize,
    /// Size of a step.
    pub step_size: f64,
    /// What that size means.
    pub convention: Convention,
    /// Of the target: below 1, chains keep to where the energy is lowest.
    pub temperature: f64,
    /// Whether moves are accepted by Metropolis and Hastings' rule.
    pub adjusted: bool,
}

/// Root mean square of the coordinates of a `z` from which on its chain counts as lost, in standard deviations of N(0, I), or of
/// what a temperature above 1 makes of it. Chains of a step size that is just small enough stay below 10.
const LOST: f64 = 30.0;

impl Default for LangevinConfig {
    fn default() -> Self {
        Self {
            steps: 60,
            step_size: 0.4,
            convention: Convention::Pang,
            temperature: 1.0,
            adjusted: false,
        }
    }
}

impl LangevinConfig {
    /// Whether chains can be run so.
    ///
    /// # Errors
    /// A step size or a temperature that is negative or no number, or more steps than anyone waits for.
    pub fn check(&self) -> Result<()> {
        for (field, value) in [("step-size", self.step_size), ("temperature", self.temperature)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::config(field, value, "it must be zero or more"));
            }
        }
        if self.steps > MOST_STEPS {
            let rule = format!("a chain has at most {MOST_STEPS} steps; the papers take 60");
            return Err(Error::config("steps", self.steps, rule));
        }
        Ok(())
    }

    /// The mean square of the coordinates of `z` that no chain of these settings reaches unless it diverges.
    pub fn out_of_reach(self) -> f64 {
        LOST * LOST * self.temperature.max(1.0)
    }

    /// Whether chains have stayed where the density is, given their ends `z [chains, dimensions]`, row-major.
    ///
    /// # Errors
    /// [`Error::Diverged`] if some have not.
    pub fn check_ends(self, z: &[f32], dimensions: usize) -> Result<()> {
        let ends = || z.chunks_exact(dimensions);
        let mean_square = |end: &[f32]| {
            end.iter().map(|&z| f64::from(z).powi(2)).sum::<f64>() / dimensions as f64
        };
        let is_lost = |end: &[f32]| {
            let square = mean_square(end);
            square.is_nan() || square >= self.out_of_reach()
        };
        let Some(first) = ends().position(is_lost) else { return Ok(()) };
        let lost = ends().filter(|end| is_lost(end)).count();
        let step_size = self.step_size.to_string();
        Err(Error::Diverged { lost, chains: z.len() / dimensions, first, step_size })
    }

    /// The chains.
    pub fn chains(self) -> Chains {
        let Self { steps, step_size, convention, temperature, adjusted } = self;
        let step = StepSize::new(step_size, convention);
        Chains { sampler: Langevin { step, temperature, adjusted }, steps }
    }
}

/// The model: `p(y, z)`, `p(x|z)` and `q(z|x)`.
#[derive(Module, Debug)]
pub struct LatentEbm {
    /// `p(y, z)`.
    pub prior: LatentPrior,
    /// `q(z|x)`.
    pub encoder: GaussianNet,
    /// `p(x|z)`.
    pub decoder: Emission,
    #[module(skip)]
    classes: usize,
    #[module(skip)]
    view: View,
    /// How `z` is drawn from the prior.
    #[module(skip)]
    pub langevin: LangevinConfig,
    #[module(skip)]
    classified: Classified,
}

impl LatentEbm {
    /// Builds the model, with weights from `noise`.
    ///
    /// # Errors
    /// If a size is zero or there are fewer than two classes.
    pub fn new(config: &LatentEbmConfig, noise: &Noise, device: &Device) -> Result<Self> {
        config.common.check()?;
        config.langevin.check()?;
        widths("model.energy-hidden", &config.energy_hidden)?;
        at_least_one("model.latent", config.latent)?;
        let pair = Pair {
            common: &config.common,
            classes: 0,
            latent: config.latent,
            convolution: config.convolution.as_ref(),
        };
        let (encoder, decoder) = pair.init(noise, device)?;
        let (classes, view) = (config.common.classes, View::new(&config.common));
        let LatentEbmConfig { latent, energy_activation, langevin, classified, .. } = *config;
        let energy = &config.energy_hidden;
        let prior = LatentPrior::new(latent, energy, classes, energy_activation, noise, device);
        Ok(Self { prior, encoder, decoder, classes, view, langevin, classified })
    }

    /// `q(z|x)`: `[batch, features]` to `[batch, latent]`.
    pub fn posterior(&self, x: Tensor<2>, training: Option<&Training>) -> Gaussian {
        let x = self.encoder.look(self.view.of(x, training), training);
        self.encoder.forward(Inputs::shared(x, &Classes::Every))
    }

    /// The same, unless it is known already.
    fn posterior_at(&self, x: Tensor<2>, look: &Look) -> Gaussian {
        let known = look.inferred.clone();
        known.unwrap_or_else(|| self.posterior(x, look.training.as_ref()))
    }

    /// `p(z|x)`, or `p(z|x,y)`, as a target of chains: what `q(z|x)` stands in for. The model is without autodiff.
    ///
    /// # Shapes
    /// - `x`: `[chains, features]`
    pub fn posterior_density(
        &self,
        x: Tensor<2>,
        target: Target,
    ) -> PosteriorDensity<'_, PriorDensity<'_>> {
        PosteriorDensity::new(self.prior.density(target), &self.decoder, x)
    }

    /// `z` of an example as it is classified; the mean, too, where there is no noise to draw with.
    fn seen(&self, x: Tensor<2>, look: &Look) -> Tensor<2> {
        let q = self.posterior_at(x, look);
        match (&look.epsilon, self.classified) {
            (Some(epsilon), Classified::Draw) => q.sample(epsilon.clone()),
            _ => q.mean,
        }
    }

    /// Every class so often, one-hot, class-major: `[classes * each, classes]`.
    fn every_class(&self, each: usize, device: &Device) -> Tensor<2> {
        let labels = (0..self.classes).flat_map(|y| std::iter::repeat_n(y as i64, each));
        one_hot(labels, self.classes, device)
    }

    /// Draws of `z` given classes, one-hot, `[rows, classes]`, by chains that start at N(0, I). Row `i` draws what `noise` has for
    /// number `numbers[i]`.
    pub fn draw_given(
        &self,
        y: Tensor<2>,
        numbers: &[usize],
        noise: &Noise,
        workers: &dyn Workers,
    ) -> Tensor<2> {
        let start = self.starts(numbers, noise, &y.device());
        let (chains, density) = (self.langevin.chains(), self.prior.density(Target::Given(y)));
        chains.run_numbered(&density, start, numbers, &noise.split("chains"), workers)
    }

    /// Where the chains of [`LatentEbm::draw_given`] start, `[rows, latent]`.
    pub fn starts(&self, numbers: &[usize], noise: &Noise, device: &Device) -> Tensor<2> {
        let (starts, latent) = (noise.split("start"), self.latent());
        let row = |&number: &usize| starts.at(number as u64).normal(latent);
        let start: Vec<f32> = numbers.iter().flat_map(row).collect();
        Tensor::from_data(TensorData::new(start, [numbers.len(), latent]), device)
    }

    /// The chains of [`LatentEbm::draw_given`] at their start, one for each row of `y`: chain `i` is number `numbers[i]` of those.
    pub fn walk_given(&self, y: Tensor<2>, numbers: &[usize], noise: &Noise) -> Walk {
        let start = self.starts(numbers, noise, &y.device());
        let density = self.prior.density(Target::Given(y));
        Walk::start(self.langevin.chains(), &density, &start, numbers, &noise.split("chains"))
    }
}

impl Classify for LatentEbm {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.prior.logits(self.posterior(x, None).mean)
    }
}

impl Generative for LatentEbm {
    fn classes(&self) -> usize {
        self.classes
    }

    /// One draw of `z` serves all classes: `x` and `y` meet in it alone.
    fn widths(&self) -> Widths {
        Widths { example: self.latent(), row: 0 }
    }

    fn infer(&self, x: Tensor<2>, look: &Look) -> Option<Gaussian> {
        Some(self.posterior(x, look.training.as_ref()))
    }

    fn logits(&self, x: Tensor<2>, look: &Look) -> Tensor<2> {
        self.prior.logits(self.seen(x, look))
    }

    fn features(&self, x: Tensor<2>) -> Tensor<2> {
        self.prior.energy.features(self.posterior(x, None).mean)
    }

    /// The divergence is that of `q(z|x)` from `p(y, z)`, in two parts: `KL(q(z|x) || p0(z))`, and `log Z - F(z)[y]`. With `q(y|x) = p(y|z)` at the
    /// same draw, `U(x)` is svebm's bound (9): `log p(x|z) - KL(q(z|x) || p0(z)) + f(z) - log Z`.
    fn bound(
        &self,
        x: Tensor<2>,
        look: &Look,
        y: &Classes,
        _: Tensor<2>,
        divergence: Divergence,
    ) -> Bound {
        let q = self.posterior_at(x.clone(), look);
        let z = match &look.epsilon {
            Some(epsilon) => q.sample(epsilon.clone()),
            None => q.mean.clone(),
        };
        let from_normal = divergence.from_standard(&q, &z);
        let each =
            |shared: Tensor<1>| y.spread(shared.unsqueeze_dim(1), self.classes).squeeze_dim::<1>(1);
        let tilt = self.prior.log_partition() - y.pick(self.prior.logits(z.clone()));
        Bound {
            divergences: vec![("kl_normal", each(from_normal)), ("kl_tilt", tilt)],
            reconstruction: each(self.emit(z).log_prob(x)),
            log_prior_y: 0.0,
        }
    }

    fn measure(&mut self, x: Tensor<2>) {
        self.encoder.measure(x);
        self.prior.measure();
    }

    fn shared_part(&self) -> Option<SharedPart> {
        let log_weights = self.prior.annealed(Annealing::FINE, &Noise::new(0).split("shared part"));
        Some(SharedPart { subtracted: self.prior.log_partition(), log_weights })
    }

    fn latent(&self) -> usize {
        self.encoder.outputs()
    }

    /// Draws of `p(z)`, the class left open.
    fn prior(&self, rows: usize, noise: &mut Noise, device: &Device) -> Tensor<2> {
        let start = noise.normal_tensor([rows, self.latent()], device);
        let density = self.prior.density(Target::Marginal);
        self.langevin.chains().run(&density, start, &noise.split("chains"), &InTurn)
    }

    fn prior_by_class(
        &self,
        shard: &Shard,
        noise: &mut Noise,
        device: &Device,
        workers: &dyn Workers,
    ) -> Tensor<2> {
        let per_class = shard.per_class();
        let wanted = shard.numbers(self.classes);
        let numbers = whole_blocks(&wanted, self.classes * per_class, device);
        let classes = numbers.iter().map(|number| (number / per_class) as i64);
        let y = one_hot(classes, self.classes, device);
        let z = self.draw_given(y, &numbers, noise, workers);
        if numbers.len() == wanted.len() {
            return z;
        }
        let place = |number: &usize| numbers.partition_point(|other| other < number);
        rows_of(z, &wanted.iter().map(place).collect::<Vec<_>>())
    }

    fn check_drawn(&self, z: &[f32]) -> Result<()> {
        self.langevin.check_ends(z, self.latent())
    }

    fn encode(&self, x: Tensor<2>, _: &Classes) -> Tensor<2> {
        self.posterior(x, None).mean
    }

    /// The nearest `z` of each class.
    fn in_every_class(&self, z: Tensor<2>) -> Tensor<2> {
        let [rows, _] = z.dims();
        let y = self.every_class(rows, &z.device());
        TransferDensity::new(&self.prior, z.repeat_dim(0, self.classes), y).climb()
    }

    /// The entropy of `p(y|z)` is what the filter goes by (coreset eq. 4).
    fn judge(&self, z: Tensor<2>, _: Tensor<2>) -> Tensor<2> {
        self.prior.logits(z)
    }

    fn judged_by(&self, z: Tensor<2>, _: Tensor<2>) -> Tensor<2> {
        self.prior.energy.features(z)
    }

    fn decode(&self, z: Tensor<2>, _: &Classes) -> Observation {
        self.emit(z)
    }
}

impl LatentEbm {
    /// `p(x|z)`: `[rows, latent]` to `[rows, features]`.
    pub fn emit(&self, z: Tensor<2>) -> Observation {
        self.decoder.forward(Inputs::own(z, &Classes::Every))
    }
}
