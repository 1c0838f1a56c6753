//! Cross-entropy on labelled examples alone: the baseline's objective.

use super::terms::{Objective, Terms};
use crate::data::SemiBatch;
use crate::dist::Categorical;
use crate::models::Classifier;
use crate::noise::Noise;

/// Mean cross-entropy of the labelled half of a batch; the unlabelled half is ignored.
#[derive(Clone, Copy, Debug)]
pub struct SupervisedObjective;

impl Objective<Classifier> for SupervisedObjective {
    fn terms(
        &self,
        model: &Classifier,
        batch: &SemiBatch,
        _kl_weight: f64,
        _noise: &Noise,
    ) -> Terms {
        let q = Categorical::from_logits(model.classify(batch.labelled.x.clone()));
        Terms::new(q.log_prob(batch.labelled.y.clone()).neg().mean())
    }
}
