//! A module's parameters and gradients by path, on the host.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use gleaner_core::checkpoint::Parameter;
use gleaner_core::module_path::ModulePath;

use crate::values;

/// Every parameter of a module.
pub fn parameters<M: Module>(module: &M) -> BTreeMap<String, Parameter> {
    collect(module, None)
}

/// The gradient of every parameter of a module that has one.
pub fn gradients<M: Module>(module: &M, grads: GradientsParams) -> BTreeMap<String, Parameter> {
    collect(module, Some(grads))
}

fn collect<M: Module>(module: &M, grads: Option<GradientsParams>) -> BTreeMap<String, Parameter> {
    let mut collect = Collect { grads, path: ModulePath::default(), found: BTreeMap::new() };
    module.visit(&mut collect);
    collect.found
}

struct Collect {
    grads: Option<GradientsParams>,
    path: ModulePath,
    found: BTreeMap<String, Parameter>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.name();
        let tensor = match &mut self.grads {
            None => Some(param.val()),
            Some(grads) => grads.remove::<D>(param.id),
        };
        let Some(tensor) = tensor else { return };
        let shape = tensor.dims().to_vec();
        self.found.insert(path, Parameter { shape, values: values(tensor) });
    }
}
