//! The parameters of a model, taken apart for an update and put together again.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use crate::module_path::ModulePath;

/// A copy of a model on a device, with parameters of its own: what is computed with one never meets the tape of another.
pub(super) fn fork<M: Module>(model: M, device: &Device) -> M {
    struct Fork<'a>(&'a Device);
    impl ModuleMapper for Fork<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|value| Tensor::from_inner(value.inner().to_device(self.0)).require_grad())
        }
    }
    model.map(&mut Fork(device))
}

/// One parameter and its gradients, one for each part of the batch; flattened, without autodiff.
#[derive(Debug)]
pub(super) struct Slot {
    pub path: String,
    pub value: Tensor<1>,
    pub gradients: Vec<Tensor<1>>,
}

#[cfg(feature = "cube")]
impl Slot {
    /// Path and value, and the sum of the gradients in the order of the parts.
    pub fn summed(&self) -> Option<((String, Tensor<1>), Tensor<1>)> {
        let sum = self.gradients.iter().cloned().reduce(|sum, gradient| sum + gradient)?;
        Some(((self.path.clone(), self.value.clone()), sum))
    }
}

/// Every parameter that has a gradient.
pub(super) fn slots<M: Module>(model: &M, parts: Vec<GradientsParams>) -> Vec<Slot> {
    let mut collect = Collect { path: ModulePath::default(), parts, slots: Vec::new() };
    model.visit(&mut collect);
    collect.slots
}

struct Collect {
    path: ModulePath,
    parts: Vec<GradientsParams>,
    slots: Vec<Slot>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let of_param = |part: &mut GradientsParams| part.remove::<D>(param.id);
        let gradients: Vec<_> = self.parts.iter_mut().filter_map(of_param).map(flat).collect();
        if !gradients.is_empty() {
            let value = flat(param.val().inner());
            self.slots.push(Slot { path: self.path.name(), value, gradients });
        }
    }
}

/// A tensor without its shape.
pub(super) fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let count = tensor.shape().num_elements();
    tensor.reshape([count])
}

/// The model with new values, by path, flattened.
pub(super) fn put_back<M: Module>(model: M, values: BTreeMap<String, Tensor<1>>) -> M {
    model.map(&mut PutBack { path: ModulePath::default(), values })
}

struct PutBack {
    path: ModulePath,
    values: BTreeMap<String, Tensor<1>>,
}

impl ModuleMapper for PutBack {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(new) = self.values.remove(&self.path.name()) else { return param };
        param.map(|old| Tensor::from_inner(new.reshape(old.dims())).require_grad())
    }
}

/// The sum of a parameter's gradients, in the order of the parts, and the sum of its squares, `[1]`.
pub(super) fn add_up(gradients: Vec<Tensor<1>>) -> Option<(Tensor<1>, Tensor<1>)> {
    let sum = gradients.into_iter().reduce(|sum, gradient| sum + gradient)?;
    let square = sum.clone().square().sum();
    Some((sum, square))
}
