//! What is timed: a model in training, whichever it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use gleaner_core::checkpoint::Parameter;
use gleaner_core::data::{Examples, SemiBatch};
use gleaner_core::infer;
use gleaner_core::models::Generative;
use gleaner_core::noise::Noise;
use gleaner_core::objective::{Elapsed, Objective};
use gleaner_core::train::{Learner, TrainState};

use super::draws::Widths;
use crate::run::measure::measure;
use crate::system::threads::Threads;

/// A model in training, of any kind.
pub trait Subject {
    /// Takes some steps and returns the last one's objective, still on the device.
    fn steps(&mut self, steps: usize) -> Result<Option<Tensor<1>>>;

    /// The terms of the next step if it takes the batch whole; it is not taken.
    fn first_terms(&mut self) -> Result<BTreeMap<&'static str, f32>>;

    /// Every parameter by its path.
    fn parameters(&self) -> Result<BTreeMap<String, Parameter>>;

    /// Measures what evaluation normalises by on examples, `[batch, features]`.
    fn measure(&mut self, x: Tensor<2>) -> Result<()>;

    /// Tells the classes of examples as `gleaner eval` does, and returns the mean negative log-probability of the right ones, nats.
    fn predict(&self, examples: &Examples, classes: usize, device: &Device) -> Result<f64>;

    /// Standard normal numbers that a step draws.
    fn widths(&self) -> Widths;

    /// Chains that last, where they start, `[chains, latent]`, if the objective keeps some.
    fn chains(&self, unlabelled: usize, device: &Device) -> Result<Option<Tensor<2>>>;

    /// The noise of the next step.
    fn noise(&self) -> Result<Noise>;

    /// CPU threads.
    fn threads(&self) -> usize;
}

/// A model, its objective and a batch.
pub struct Training<M, O> {
    pub learner: Learner<O>,
    pub state: Option<TrainState<M>>,
    pub batch: SemiBatch,
    pub rate: f64,
    pub workers: Arc<Threads>,
    /// As evaluation takes it, once it was measured.
    pub measured: Option<M>,
}

impl<M: Module, O> Training<M, O> {
    fn state(&self) -> Result<&TrainState<M>> {
        self.state.as_ref().context("the last step did not end")
    }

    /// The model without autodiff.
    fn still(&self) -> Result<M> {
        Ok(match &self.measured {
            Some(model) => model.clone(),
            None => self.state()?.model.valid(),
        })
    }
}

impl<M: Module + Generative, O: Objective<M>> Subject for Training<M, O> {
    fn steps(&mut self, steps: usize) -> Result<Option<Tensor<1>>> {
        let mut objective = None;
        for _ in 0..steps {
            let state = self.state.take().context("the last step did not end")?;
            let (next, terms) = self.learner.step(state, &self.batch, self.rate, Elapsed::ALL);
            self.state = Some(next);
            objective = Some(terms.total);
        }
        Ok(objective)
    }

    fn first_terms(&mut self) -> Result<BTreeMap<&'static str, f32>> {
        let state = self.state()?.clone();
        let parts = std::mem::replace(&mut self.learner.parts, 1);
        let (_, terms) = self.learner.step(state, &self.batch, self.rate, Elapsed::ALL);
        self.learner.parts = parts;
        let read = |(name, value)| Ok((name, pollster::block_on(infer::read::<1>(value))?[0]));
        terms.parts.into_iter().map(read).collect()
    }

    fn parameters(&self) -> Result<BTreeMap<String, Parameter>> {
        Ok(pollster::block_on(infer::parameters(&self.still()?))?)
    }

    fn measure(&mut self, x: Tensor<2>) -> Result<()> {
        let mut model = self.still()?;
        model.measure(x);
        self.measured = Some(model);
        Ok(())
    }

    fn predict(&self, examples: &Examples, classes: usize, device: &Device) -> Result<f64> {
        let rows: Vec<usize> = (0..examples.len()).collect();
        let answered = measure(&self.still()?, examples, &rows, classes, device)?;
        Ok(answered.measured.nll)
    }

    fn widths(&self) -> Widths {
        match &self.state {
            Some(state) => state.model.widths(),
            None => Widths { example: 0, row: 0 },
        }
    }

    fn chains(&self, unlabelled: usize, device: &Device) -> Result<Option<Tensor<2>>> {
        let noise = self.learner.noise.split("persistent chains");
        Ok(self.learner.objective.chains(&self.state()?.model, unlabelled, &noise, device))
    }

    fn noise(&self) -> Result<Noise> {
        Ok(self.learner.noise.split("step").at(self.state()?.step))
    }

    fn threads(&self) -> usize {
        self.workers.count()
    }
}
