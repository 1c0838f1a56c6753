//! The terms that an objective returns: a scalar to minimise, and the named means behind it.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::ramp::Elapsed;
use crate::data::Part;
use crate::noise::Noise;

/// A scalar to minimise and the named quantities that explain it.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What is minimised, `[1]`.
    pub total: Tensor<1>,
    /// Named means over the batch, each `[1]`, cut from the tape: for people, not for the optimiser.
    pub parts: Vec<(&'static str, Tensor<1>)>,
    /// Where the chains that were lent for the step are now, `[chains, dimensions]`, for an objective that has some.
    pub chains: Option<Tensor<2>>,
}

impl Terms {
    /// Starts from what is minimised, `[1]`.
    pub fn new(total: Tensor<1>) -> Self {
        let part = total.clone().detach();
        Self { total, parts: vec![("objective", part)], chains: None }
    }

    /// Only the named means, no longer tied to a tape.
    pub(crate) fn cut(self) -> Vec<(&'static str, Tensor<1>)> {
        let plain = |part: Tensor<1>| if part.device().is_autodiff() { part.inner() } else { part };
        self.parts.into_iter().map(|(name, part)| (name, plain(part))).collect()
    }

    /// The terms of a batch from its parts' contributions.
    pub(crate) fn add_up(contributions: Vec<Vec<(&'static str, Tensor<1>)>>) -> Self {
        let add = |a: Vec<_>, b: Vec<_>| {
            let pairs = a.into_iter().zip(b);
            pairs
                .map(|((name, a), (_, b)): ((_, Tensor<1>), (_, Tensor<1>))| (name, a + b))
                .collect()
        };
        let parts: Vec<_> = contributions.into_iter().reduce(add).unwrap_or_default();
        let total = parts.first().map(|(_, total)| total.clone());
        let total = total.unwrap_or_else(|| Tensor::zeros([1], &Device::default()));
        Self { total, parts, chains: None }
    }

    /// Adds the divergences of layers, each `[rows]` in nats, averaged by `mean`, and their sum as `kl`.
    #[must_use]
    pub fn with_layers(
        self,
        layers: Vec<(&'static str, Tensor<1>)>,
        mean: impl Fn(Tensor<1>) -> Tensor<1>,
    ) -> Self {
        let layers: Vec<_> = layers.into_iter().map(|(name, kl)| (name, mean(kl))).collect();
        let sum = layers.iter().map(|(_, kl)| kl.clone()).reduce(|a, b| a + b);
        let terms = match sum {
            Some(sum) => self.with("kl", sum),
            None => self,
        };
        match layers.len() {
            1 => terms,
            _ => layers.into_iter().fold(terms, |terms, (name, kl)| terms.with(name, kl)),
        }
    }

    /// Adds a mean that is minimised too, with a weight, under its name.
    #[must_use]
    pub(crate) fn plus(mut self, name: &'static str, value: Tensor<1>, weight: f64) -> Self {
        self.total = self.total + value.clone() * weight;
        if let Some((_, objective)) = self.parts.first_mut() {
            *objective = self.total.clone().detach();
        }
        self.with(name, value)
    }

    /// Adds a named mean, `[1]`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Tensor<1>) -> Self {
        self.parts.push((name, value.detach()));
        self
    }
}

/// Something a model is trained on, in parts of a batch that are worked on side by side.
///
/// What the examples of a batch must know of each other is a sum over all of them. So the work has two
/// halves: up to the sums, and on from there. The terms of the parts add up to those of the batch, and their
/// gradients to its gradient: a term that is not a mean over examples has to be shared out accordingly.
pub trait Objective<M: Module>: Sync {
    /// What the first half leaves for the second.
    type Begun: Send;

    /// The first half, with this part's share of the sums if there are any, `[sums]`.
    fn begin(&self, model: &M, part: &Part, noise: &Noise) -> (Self::Begun, Option<Tensor<1>>);

    /// The second half: this part's contribution. `sums` are those of the whole batch, held constant.
    fn finish(
        &self,
        model: &M,
        part: &Part,
        begun: Self::Begun,
        sums: Option<Tensor<1>>,
        elapsed: Elapsed,
        noise: &Noise,
    ) -> Terms;

    /// Factor of the learning rate for the parameter of that name.
    fn rate(&self, path: &str) -> f64 {
        let _ = path;
        1.0
    }

    /// What to do where a term is no number again and again, if it is not the usual.
    fn remedy(&self, term: &str) -> Option<String> {
        let _ = term;
        None
    }

    /// Chains that last from step to step, where they start: some for each of the `unlabelled` examples of a batch, which come
    /// in turn. `None` if there are none.
    fn chains(
        &self,
        model: &M,
        unlabelled: usize,
        noise: &Noise,
        device: &Device,
    ) -> Option<Tensor<2>> {
        let _ = (model, unlabelled, noise, device);
        None
    }
}
