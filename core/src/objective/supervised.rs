//! Cross-entropy on labelled examples alone: the baseline's objective.

use burn::tensor::Tensor;

use super::terms::{Objective, Terms, WarmUp};
use crate::data::Part;
use crate::dist::Categorical;
use crate::models::Classifier;
use crate::noise::Noise;

/// Mean cross-entropy of the labelled half of a batch; the unlabelled half is ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct SupervisedObjective {
    /// Standard deviation of normal noise on the input; 0 is none.
    pub input_noise: f64,
}

impl Objective<Classifier> for SupervisedObjective {
    type Begun = ();

    fn begin(&self, _: &Classifier, _: &Part, _: &Noise) -> ((), Option<Tensor<1>>) {
        ((), None)
    }

    fn finish(
        &self,
        model: &Classifier,
        part: &Part,
        (): (),
        _sums: Option<Tensor<1>>,
        _warm_up: WarmUp,
        noise: &Noise,
    ) -> Terms {
        let mut x = part.batch.labelled.x.clone();
        if self.input_noise > 0.0 {
            let noise = noise.split("labelled input");
            let draws = noise.normal_by_example(part.first[0], x.dims(), 1, &x.device());
            x = x + draws * self.input_noise;
        }
        let q = Categorical::from_logits(model.classify(x));
        Terms::new(part.labelled_mean(q.log_prob(part.batch.labelled.y.clone()).neg()))
    }
}
