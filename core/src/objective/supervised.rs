//! Cross-entropy on labelled examples alone: the baseline's objective.

use burn::tensor::Tensor;

use super::augment::Augmentation;
use super::ramp::Elapsed;
use super::terms::{Objective, Terms};
use crate::data::{Labelled, Part};
use crate::dist::Categorical;
use crate::models::Classifier;
use crate::nets::Training;
use crate::noise::Noise;

/// Mean cross-entropy of the labelled half of a batch; the unlabelled half is ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct SupervisedObjective {
    /// How the input is disturbed.
    pub augmentation: Augmentation,
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
        _elapsed: Elapsed,
        noise: &Noise,
    ) -> Terms {
        let Labelled { x, y } = part.batch.labelled.clone();
        let x = self.augmentation.apply(x, part.first[0], &noise.split("labelled"));
        let training = Training { noise: noise.split("networks"), first: part.first[0] };
        let q = Categorical::from_logits(model.logits(x, Some(&training)));
        Terms::new(part.labelled_mean(q.log_prob(y).neg()))
    }
}
