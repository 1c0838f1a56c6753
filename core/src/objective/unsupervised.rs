//! The bound alone: what a model learns from examples without classes.

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::augment::{Augmentation, Shift};
use super::ramp::{Elapsed, Ramp};
use super::terms::{Objective, Terms};
use crate::data::Part;
use crate::models::{Divergence, Generative, Look};
use crate::nets::{Classes, Training};
use crate::noise::Noise;

/// `mean -L(x)` over the unlabelled half of a batch, for a model to which classes are all the same; the
/// labelled half is ignored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Unsupervised {
    /// Weight of the divergence from the prior.
    pub kl: Ramp,
    /// How images are moved before the model sees them, so that it knows those as well.
    pub shift: Option<Shift>,
}

impl<M: Module + Generative> Objective<M> for Unsupervised {
    type Begun = ();

    fn begin(&self, _: &M, _: &Part, _: &Noise) -> ((), Option<Tensor<1>>) {
        ((), None)
    }

    fn finish(
        &self,
        model: &M,
        part: &Part,
        (): (),
        _sums: Option<Tensor<1>>,
        elapsed: Elapsed,
        noise: &Noise,
    ) -> Terms {
        let first = part.first[1];
        let moved = Augmentation { shift: self.shift, noise: 0.0 };
        let x = moved.apply(part.batch.unlabelled.clone(), first, &noise.split("augmentation"));
        let ([rows, _], device) = (x.dims(), x.device());
        let row = model.widths().row;
        let epsilon = noise.split("unlabelled").normal_by_example(first, [rows, row], 1, &device);
        let training = Some(Training { noise: noise.split("networks"), first });
        let any = Classes::Given(Tensor::zeros([rows, model.classes()], &device));
        let look = Look { training, ..Look::default() };
        let bound = model.bound(x, &look, &any, epsilon, Divergence::Closed);
        // The class is worth nothing here: what it is expected to cost is taken off again.
        let value = bound.value(self.kl.at(elapsed)) - bound.log_prior_y;
        let value = part.unlabelled_mean(value);
        let terms = Terms::new(value.clone().neg()).with("unlabelled_bound", value);
        terms.with_layers(bound.divergences, |kl| part.unlabelled_mean(kl))
    }
}
