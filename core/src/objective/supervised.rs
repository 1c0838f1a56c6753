//! Cross-entropy on labelled examples alone: the baseline's objective.

use super::terms::{Objective, Terms, WarmUp};
use crate::data::SemiBatch;
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
    fn terms(
        &self,
        model: &Classifier,
        batch: &SemiBatch,
        _warm_up: WarmUp,
        noise: &Noise,
    ) -> Terms {
        let mut x = batch.labelled.x.clone();
        if self.input_noise > 0.0 {
            let draws = noise.split("labelled input").normal_tensor(x.dims(), &x.device());
            x = x + draws * self.input_noise;
        }
        let q = Categorical::from_logits(model.classify(x));
        Terms::new(q.log_prob(batch.labelled.y.clone()).neg().mean())
    }
}
