//! `p(z|x)` as a target of chains: the prior, and what the decoder says of the example (svebm eq. 7; E22).

use std::ops::Range;

use burn::tensor::Tensor;

use super::blocks::Emission;
use crate::nets::{Classes, Inputs};
use crate::sampler::{Evaluation, LogDensity};

/// `log p(z) + log p(x|z)`, an example for each chain. The prior is any other target, such as that of one class or of all.
#[derive(Clone, Debug)]
pub struct PosteriorDensity<'a, P> {
    prior: P,
    decoder: &'a Emission,
    x: Tensor<2>,
}

impl<'a, P: LogDensity> PosteriorDensity<'a, P> {
    /// With the examples `x [chains, features]`. Parameters and examples are on a device without autodiff.
    pub fn new(prior: P, decoder: &'a Emission, x: Tensor<2>) -> Self {
        Self { prior, decoder, x }
    }
}

impl<P: LogDensity> LogDensity for PosteriorDensity<'_, P> {
    /// The decoder's share of the gradient has a tape of its own, of first order, on which `z` is all that is tracked.
    fn evaluate(&self, z: Tensor<2>, chains: Range<usize>) -> Evaluation {
        let x = self.x.clone().slice_dim(0, chains.clone());
        let leaf = Tensor::from_inner(z.clone()).require_grad();
        let emission = self.decoder.forward(Inputs::own(leaf.clone(), &Classes::Every));
        let log_prob = emission.log_prob(x);
        let slopes = leaf.grad(&log_prob.clone().sum().backward());
        let prior = self.prior.evaluate(z, chains);
        Evaluation {
            log_density: prior.log_density + log_prob.inner(),
            gradient: match slopes {
                Some(slopes) => prior.gradient + slopes,
                None => prior.gradient,
            },
        }
    }
}
