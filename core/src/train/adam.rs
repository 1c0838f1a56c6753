//! Adam (Kingma and Ba 2015, algorithm 1) with its published constants (E13).
//!
//! Moments are kept by module path, so that a run can be saved and continued in another process without
//! carrying identities of parameters along.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// First and second moment of one parameter's gradient, flattened: `[values]`, without autodiff.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Running mean of the gradient.
    pub first: Tensor<1>,
    /// Running mean of its square.
    pub second: Tensor<1>,
}

/// The optimiser's state. Cloning is cheap: tensors are shared.
#[derive(Clone, Debug, Default)]
pub struct Adam {
    /// Updates done.
    pub time: u64,
    /// Moments by module path.
    pub moments: BTreeMap<String, Moments>,
}

impl Adam {
    /// One update of every parameter that has a gradient.
    #[must_use]
    pub fn step<M: Module>(self, model: M, grads: GradientsParams, rate: f64) -> (Self, M) {
        let time = self.time + 1;
        // Both corrections of the moments' bias, folded into the rate and epsilon (end of their section 2).
        let correction = (1.0 - BETA_2.powf(time as f64)).sqrt();
        let mut update = Update {
            path: Vec::new(),
            moments: self.moments,
            grads,
            rate: rate * correction / (1.0 - BETA_1.powf(time as f64)),
            epsilon: EPSILON * correction,
        };
        let model = model.map(&mut update);
        (Self { time, moments: update.moments }, model)
    }
}

struct Update {
    path: Vec<String>,
    moments: BTreeMap<String, Moments>,
    grads: GradientsParams,
    rate: f64,
    epsilon: f64,
}

impl ModuleMapper for Update {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(grad) = self.grads.remove::<D>(param.id) else { return param };
        let shape = grad.dims();
        let grad: Tensor<1> = grad.reshape([shape.iter().product::<usize>()]);
        let path = self.path.join(".");
        let Moments { first, second } = self
            .moments
            .remove(&path)
            .unwrap_or_else(|| Moments { first: grad.zeros_like(), second: grad.zeros_like() });
        let first = first * BETA_1 + grad.clone() * (1.0 - BETA_1);
        let second = second * BETA_2 + grad.square() * (1.0 - BETA_2);
        let change = first.clone() / (second.clone().sqrt() + self.epsilon) * self.rate;
        self.moments.insert(path, Moments { first, second });
        param.map(|value| {
            let updated = value.inner() - change.reshape(shape);
            Tensor::from_inner(updated).require_grad()
        })
    }
}
