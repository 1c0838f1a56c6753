//! The prior of a latent energy-based model: a small network tilts a normal density, for every class its own way (E21).
//!
//! ```text
//! p(y, z) = exp(F(z)[y]) p0(z) / Z      p(y | z) = softmax F(z)      p(z) = exp(f(z)) p0(z) / Z      f = logsumexp F
//! ```

use std::ops::Range;

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor, activation};

use crate::dist::{Gaussian, log_sum_exp};
use crate::nets::{Activation, InputGradient, Mlp};
use crate::noise::Noise;
use crate::sampler::{ChainState, Evaluation, Langevin, LogDensity, StepSize};

/// How `Z` is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Annealing {
    /// Chains, each of which gives a weight.
    pub chains: usize,
    /// Temperatures that they are cooled through.
    pub temperatures: usize,
}

impl Annealing {
    /// For the bounds that a run is watched by.
    pub const QUICK: Self = Self { chains: 256, temperatures: 100 };

    /// For a bound that is reported.
    pub const FINE: Self = Self { chains: 1024, temperatures: 400 };
}

/// Factor of the gradient in a step between two of them. Moves are accepted or not, so it need not be small.
const ANNEALED_DRIFT: f64 = 0.08;

/// The prior.
#[derive(Module, Debug)]
pub struct LatentPrior {
    /// `F`: `[rows, latent]` to `[rows, classes]`, the logits of `p(y|z)`.
    pub energy: Mlp,
    /// `log Z`, `[1]`, as it was last measured; no gradient reaches it, and it changes none.
    log_partition: Param<Tensor<1>>,
}

impl LatentPrior {
    /// A prior with weights from `noise`.
    pub fn new(
        latent: usize,
        hidden: &[usize],
        classes: usize,
        activation: Activation,
        noise: &Noise,
        device: &Device,
    ) -> Self {
        let mut noise = noise.split("energy");
        let zero = Tensor::zeros([1], device);
        Self {
            energy: Mlp::new(latent, hidden, classes, activation, &mut noise, device),
            log_partition: Param::initialized(ParamId::new(), zero),
        }
    }

    /// `F(z)`: `[rows, latent]` to `[rows, classes]`.
    pub fn logits(&self, z: Tensor<2>) -> Tensor<2> {
        self.energy.forward(z)
    }

    /// `f(z)`, the negative free energy: `[rows, latent]` to `[rows]`, nats.
    pub fn tilt(&self, z: Tensor<2>) -> Tensor<1> {
        log_sum_exp(self.logits(z), 1)
    }

    /// `log Z` as it was last measured, `[1]`. Cut from the tape: training treats every parameter alike, and would lower this
    /// one for ever. Chains tell the energy of its gradient (E40).
    pub fn log_partition(&self) -> Tensor<1> {
        self.log_partition.val().detach()
    }

    /// `log p(z)` or `log p(y, z)`, as a target of chains: without `Z`.
    pub fn density(&self, target: Target) -> PriorDensity<'_> {
        PriorDensity { energy: InputGradient::new(&self.energy), target, strength: 1.0 }
    }

    /// Measures `log Z` by annealed importance sampling (Neal 2001; E39): chains start at `p0`, where `Z` is 1, and are led to
    /// `p` by way of `p0 exp(b f)`, `b` from 0 to 1. The mean of their weights is `Z`; its logarithm is below `log Z` on average.
    pub fn measure(&mut self) {
        let noise = Noise::new(0).split("log partition");
        let log_partition = self.estimate_log_partition(Annealing::QUICK, &noise);
        self.log_partition = self.log_partition.clone().map(|_| log_partition);
    }

    /// One estimate of `log Z`, `[1]`: `Z` on average over `noise`.
    pub fn estimate_log_partition(&self, annealing: Annealing, noise: &Noise) -> Tensor<1> {
        log_mean(self.annealed(annealing, noise))
    }

    /// The logarithms of the weights of annealed chains, `[chains]`.
    pub fn annealed(&self, annealing: Annealing, noise: &Noise) -> Tensor<1> {
        let Annealing { chains, temperatures } = annealing;
        let weight = &self.energy.output.weight;
        let ([latent, _], device) = (self.latent_dims(), weight.device());
        let mut streams = noise.streams(0, chains);
        let sampler =
            Langevin { step: StepSize { drift: ANNEALED_DRIFT }, temperature: 1.0, adjusted: true };
        let mut z = streams.normal(latent, &device);
        let mut log_weight = Tensor::<1>::zeros([chains], &device);
        let mut density = self.density(Target::Marginal);
        for level in 0..temperatures {
            log_weight = log_weight + self.tilt(z.clone()) / temperatures as f64;
            density.strength = (level + 1) as f64 / temperatures as f64;
            let state: ChainState = sampler.init(&density, z, 0..chains);
            z = sampler.step(&density, state, 0..chains, &mut streams).0.z;
        }
        log_weight
    }

    fn latent_dims(&self) -> [usize; 2] {
        self.energy.hidden.first().unwrap_or(&self.energy.output).weight.dims()
    }
}

/// `log(mean(exp(log_weights)))`, `[1]`.
fn log_mean(log_weights: Tensor<1>) -> Tensor<1> {
    let [chains] = log_weights.dims();
    log_sum_exp(log_weights.unsqueeze::<2>(), 1) - (chains as f64).ln()
}

/// Which density chains are to follow.
#[derive(Clone, Debug)]
pub enum Target {
    /// `p(z)`.
    Marginal,
    /// `p(z|y)` with a class for each chain, one-hot, `[chains, classes]`.
    Given(Tensor<2>),
}

/// `strength (F(z)[y] or f(z)) + log p0(z)`.
#[derive(Clone, Debug)]
pub struct PriorDensity<'a> {
    energy: InputGradient<'a>,
    target: Target,
    strength: f64,
}

impl PriorDensity<'_> {
    /// The class of each of some chains, if they have one.
    fn given(&self, chains: Range<usize>) -> Option<Tensor<2>> {
        match &self.target {
            Target::Marginal => None,
            Target::Given(y) => Some(y.clone().slice_dim(0, chains)),
        }
    }

    /// `F(z)`, and the gradient of what the target tilts by: that of `f` is that of `F(z)[y]` averaged under `p(y|z)` (svebm
    /// eq. 6), in closed form.
    fn tilted(&self, z: Tensor<2>, given: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<2>) {
        self.energy.at(z, |logits| match given {
            Some(y) => y.clone(),
            None => activation::softmax(logits.clone(), 1),
        })
    }
}

impl LogDensity for PriorDensity<'_> {
    fn evaluate(&self, z: Tensor<2>, chains: Range<usize>) -> Evaluation {
        let given = self.given(chains);
        let (logits, gradient) = self.tilted(z.clone(), given.as_ref());
        let tilt = match given {
            Some(y) => (logits * y).sum_dim(1).squeeze_dim::<1>(1),
            None => log_sum_exp(logits, 1),
        };
        Evaluation {
            log_density: tilt * self.strength + Gaussian::standard_log_prob(z.clone()),
            gradient: gradient * self.strength - z,
        }
    }

    fn gradient(&self, z: Tensor<2>, chains: Range<usize>) -> Tensor<2> {
        let (_, gradient) = self.tilted(z.clone(), self.given(chains).as_ref());
        gradient * self.strength - z
    }
}
