//! Overdamped Langevin dynamics (E22), with or without a Metropolis correction (E36).

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::density::{Evaluation, LogDensity};
use crate::noise::Streams;

/// What a step size means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Convention {
    /// `z + (s²/2) ∇ + s ε` (Pang et al.; svebm section 2.2).
    #[default]
    Pang,
    /// `z + s ∇ + √(2s) ε` (coreset eq. 2).
    Pooladzandi,
}

/// How far a step goes, whatever it is written in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSize {
    /// Factor of the gradient; the noise has the standard deviation `√(2 drift)` at temperature 1.
    pub drift: f64,
}

impl StepSize {
    /// A step size as one of the papers writes it.
    pub fn new(size: f64, convention: Convention) -> Self {
        let drift = match convention {
            Convention::Pang => size * size / 2.0,
            Convention::Pooladzandi => size,
        };
        Self { drift }
    }
}

/// The sampler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Langevin {
    /// How far a step goes.
    pub step: StepSize,
    /// `T`: the target is the density to the power `1/T`. At 0 a step is one of gradient ascent.
    pub temperature: f64,
    /// Whether moves are accepted by Metropolis and Hastings' rule (MALA; Roberts and Tweedie 1996), so that the target is
    /// met exactly at any step size; else its error grows with the step.
    pub adjusted: bool,
}

/// Where the chains are, `[chains, dimensions]`, and what the target is like there.
#[derive(Clone, Debug)]
pub struct ChainState {
    /// Positions.
    pub z: Tensor<2>,
    /// The target at them.
    pub at: Evaluation,
}

/// What a step did.
#[derive(Clone, Debug)]
pub struct StepInfo {
    /// Positions before and after.
    moved: [Tensor<2>; 2],
    /// The target before the step.
    before: Evaluation,
    /// The target after it.
    after: Tensor<1>,
    /// One where the move was accepted, `[chains]`; `None` if all were.
    accepted: Option<Tensor<1>>,
}

impl StepInfo {
    /// Euclidean length of each chain's move, `[chains]`.
    pub fn displacement(&self) -> Tensor<1> {
        let [before, after] = self.moved.clone();
        length(after - before)
    }

    /// Euclidean norm of the gradient that each chain started with, `[chains]`.
    pub fn gradient_norm(&self) -> Tensor<1> {
        length(self.before.gradient.clone())
    }

    /// How much the log-density rose in each chain, `[chains]`, nats: near zero on average in equilibrium.
    pub fn gap(&self) -> Tensor<1> {
        self.after.clone() - self.before.log_density.clone()
    }

    /// One where a chain moved, zero where its move was rejected, `[chains]`.
    pub fn accepted(&self) -> Tensor<1> {
        self.accepted.clone().unwrap_or_else(|| self.after.ones_like())
    }
}

impl Langevin {
    /// Chains at their start, `[chains, dimensions]`.
    pub fn init(
        &self,
        density: &(impl LogDensity + ?Sized),
        z: Tensor<2>,
        chains: Range<usize>,
    ) -> ChainState {
        ChainState { at: density.evaluate(z.clone(), chains), z }
    }

    /// One step of the chains that `noise` has a stream for.
    pub fn step(
        &self,
        density: &(impl LogDensity + ?Sized),
        state: ChainState,
        chains: Range<usize>,
        noise: &mut Streams,
    ) -> (ChainState, StepInfo) {
        let device = state.z.device();
        let z = self.disturbed(self.drifted(&state), noise);
        let proposed = ChainState { at: density.evaluate(z.clone(), chains), z };
        let accepted = (self.adjusted && self.temperature > 0.0)
            .then(|| self.accept(&state, &proposed, noise, &device));
        let next = match &accepted {
            Some(accepted) => choose(accepted, &proposed, &state),
            None => proposed,
        };
        let info = StepInfo {
            moved: [state.z, next.z.clone()],
            before: state.at,
            after: next.at.log_density.clone(),
            accepted,
        };
        (next, info)
    }

    /// Where chains of which every move is accepted go next, as [`Langevin::step`] has it, for those who do not look on.
    pub fn glide(
        &self,
        density: &(impl LogDensity + ?Sized),
        z: Tensor<2>,
        chains: Range<usize>,
        noise: &mut Streams,
    ) -> Tensor<2> {
        let gradient = density.gradient(z.clone(), chains);
        let drifted = z + gradient * self.step.drift;
        self.disturbed(drifted, noise)
    }

    fn disturbed(&self, drifted: Tensor<2>, noise: &mut Streams) -> Tensor<2> {
        if self.temperature <= 0.0 {
            return drifted;
        }
        let (device, [_, dimensions]) = (drifted.device(), drifted.dims());
        drifted + noise.normal(dimensions, &device) * (2.0 * self.variance_rate()).sqrt()
    }

    /// `T s`: half the variance that a step adds.
    fn variance_rate(&self) -> f64 {
        self.temperature * self.step.drift
    }

    fn drifted(&self, state: &ChainState) -> Tensor<2> {
        state.z.clone() + state.at.gradient.clone() * self.step.drift
    }

    /// One where a move is accepted: with probability `min(1, π(z') q(z|z') / π(z) q(z'|z))` (E36).
    fn accept(
        &self,
        from: &ChainState,
        to: &ChainState,
        noise: &mut Streams,
        device: &Device,
    ) -> Tensor<1> {
        let log_proposal = |start: &ChainState, end: &ChainState| {
            let apart = (end.z.clone() - self.drifted(start)).square().sum_dim(1);
            apart.squeeze_dim::<1>(1) / (-4.0 * self.variance_rate())
        };
        let gap = (to.at.log_density.clone() - from.at.log_density.clone()) / self.temperature;
        let log_ratio = gap + log_proposal(to, from) - log_proposal(from, to);
        // A draw of 0 would accept anything, and a number below the smallest normal one may be 0 on a GPU; NaN is accepted by
        // nothing.
        let log_uniform = noise.uniform(device).clamp_min(f32::MIN_POSITIVE).log();
        log_uniform.lower(log_ratio).float()
    }
}

/// Row by row the first state where `which` is one, else the second.
fn choose(which: &Tensor<1>, first: &ChainState, second: &ChainState) -> ChainState {
    let rows = which.clone().greater_elem(0.5);
    let matrix = |a: &Tensor<2>, b: &Tensor<2>| {
        let mask = rows.clone().unsqueeze_dim::<2>(1).expand(a.dims());
        b.clone().mask_where(mask, a.clone())
    };
    ChainState {
        z: matrix(&first.z, &second.z),
        at: Evaluation {
            log_density: second
                .at
                .log_density
                .clone()
                .mask_where(rows.clone(), first.at.log_density.clone()),
            gradient: matrix(&first.at.gradient, &second.at.gradient),
        },
    }
}

fn length(x: Tensor<2>) -> Tensor<1> {
    x.square().sum_dim(1).sqrt().squeeze_dim::<1>(1)
}
