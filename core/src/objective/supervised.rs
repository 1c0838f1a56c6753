//! Cross-entropy on labelled examples, and on generated ones if there are any: the objective of a classifier by itself.

use burn::tensor::Tensor;

use super::augment::Augmentation;
use super::ramp::Elapsed;
use super::terms::{Objective, Terms};
use crate::data::{Labelled, Part, Weighted};
use crate::dist::Categorical;
use crate::models::Classifier;
use crate::nets::Training;
use crate::noise::Noise;

/// Mean cross-entropy of the labelled half of a batch, and weighted that of the augmented examples; the unlabelled half is ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct SupervisedObjective {
    /// How the input is disturbed.
    pub augmentation: Augmentation,
    /// What an augmented example counts beside a labelled one.
    pub augment_weight: f64,
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
        let terms = Terms::new(part.labelled_mean(q.log_prob(y).neg()));
        let Some(Weighted { examples, weight }) = part.batch.augmented.clone() else {
            return terms;
        };
        let (noise, first) = (noise.split("augmented"), part.first[2]);
        let x = self.augmentation.apply(examples.x, first, &noise);
        let training = Training { noise: noise.split("networks"), first };
        let q = Categorical::from_logits(model.logits(x, Some(&training)));
        let cross_entropy = part.augmented_mean(q.log_prob(examples.y).neg() * weight);
        terms.plus("augmented_cross_entropy", cross_entropy, self.augment_weight)
    }
}
