//! One optimisation step, pure in its inputs: `(state, batch) -> (state, terms)`.

use burn::module::Module;
use burn::optim::GradientsParams;

use super::adam::Adam;
use super::clip::clip_global_norm;
use crate::data::SemiBatch;
use crate::noise::Noise;
use crate::objective::{Objective, Terms, WarmUp};

/// Everything that changes from step to step. Cloning is cheap: tensors are shared until they change.
#[derive(Clone, Debug)]
pub struct TrainState<M> {
    /// The model, on an autodiff device.
    pub model: M,
    /// Adam's moments.
    pub optimizer: Adam,
    /// Steps done.
    pub step: u64,
}

impl<M: Module> TrainState<M> {
    /// A state before the first step.
    pub fn new(model: M) -> Self {
        Self { model, optimizer: Adam::default(), step: 0 }
    }
}

/// What does not change from step to step.
#[derive(Clone, Debug)]
pub struct Learner<O> {
    /// What is minimised.
    pub objective: O,
    /// Largest global norm of the gradient.
    pub clip_norm: f64,
    /// Root of the noise of every step.
    pub noise: Noise,
}

impl<O> Learner<O> {
    /// Takes one step with learning rate `rate`. Nothing is read back.
    pub fn step<M: Module>(
        &self,
        state: TrainState<M>,
        batch: &SemiBatch,
        rate: f64,
        warm_up: WarmUp,
    ) -> (TrainState<M>, Terms)
    where
        O: Objective<M>,
    {
        let TrainState { model, optimizer, step } = state;
        let Self { objective, clip_norm, noise } = self;
        let terms = objective.terms(&model, batch, warm_up, &noise.split("step").at(step));
        let grads = GradientsParams::from_grads(terms.total.backward(), &model);
        let (grads, norm) = clip_global_norm(&model, grads, *clip_norm);
        let (optimizer, model) = optimizer.step(model, grads, rate);
        let terms = match norm {
            Some(norm) => terms.with("gradient_norm", norm),
            None => terms,
        };
        (TrainState { model, optimizer, step: step + 1 }, terms)
    }
}
