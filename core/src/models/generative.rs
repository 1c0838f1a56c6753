//! The trait of generative models with a class: what objectives, evaluation and sampling ask of a model.

use burn::tensor::{Device, Tensor};

use super::observation::Observation;
use super::shard::Shard;
use crate::dist::Gaussian;
use crate::error::Result;
use crate::nets::{Classes, Training};
use crate::noise::Noise;
use crate::quantile::normal_quantile;
use crate::workers::Workers;

/// Anything that gives `q(y|x)`.
pub trait Classify {
    /// Logits: `[batch, features]` to `[batch, classes]`.
    fn classify(&self, x: Tensor<2>) -> Tensor<2>;
}

/// A model of examples with classes: `p(x, y)`, and what approximates its posterior.
pub trait Generative: Classify {
    /// Number of classes.
    fn classes(&self) -> usize;

    /// Standard normal numbers that one evaluation of the bounds takes.
    fn widths(&self) -> Widths;

    /// What is inferred of examples before their class is considered, one row for each that is looked at: what
    /// [`Generative::logits`] and [`Generative::bound`] both start from, so that it need not be worked out twice. `None`
    /// where they have nothing in common.
    fn infer(&self, x: Tensor<2>, look: &Look) -> Option<Gaussian> {
        let _ = (x, look);
        None
    }

    /// Logits of `q(y|x)` at one draw of whatever else they depend on: `[batch, classes]`.
    fn logits(&self, x: Tensor<2>, look: &Look) -> Tensor<2> {
        let _ = look;
        self.classify(x)
    }

    /// What the classifier decides from: its last hidden layer, or what it is given where it has none,
    /// `[batch, width]`. For a model that does not classify, the mean of what it infers.
    fn features(&self, x: Tensor<2>) -> Tensor<2>;

    /// The terms of `L(x, y)` for every example with each of its classes, in the rows' order.
    ///
    /// # Shapes
    /// - `x`: `[batch, features]`
    /// - `epsilon`: `[rows, widths().row]`, standard normal
    fn bound(
        &self,
        x: Tensor<2>,
        look: &Look,
        classes: &Classes,
        epsilon: Tensor<2>,
        divergence: Divergence,
    ) -> Bound;

    /// What `log p(x, y)` has beside [`Generative::bound`] and no training changes, `[batch]`; `None` where
    /// the bound is all of it.
    fn frozen(&self, x: Tensor<2>, look: &Look) -> Option<Tensor<1>> {
        let _ = (x, look);
        None
    }

    /// Measures what evaluation normalises by on some training examples, `[batch, features]`, in networks
    /// that normalise.
    fn measure(&mut self, x: Tensor<2>) {
        let _ = x;
    }

    /// What is estimated once and is a part of every bound, estimated with more work; `None` where there is nothing of the kind.
    fn shared_part(&self) -> Option<SharedPart> {
        None
    }

    /// Dimensions of all that is latent when an example is generated.
    fn latent(&self) -> usize;

    /// The latent variables that these belong to, by name, with the dimensions of each, in order.
    fn layers(&self) -> Vec<(&'static str, usize)> {
        vec![("z", self.latent())]
    }

    /// Draws of it from its prior, `[rows, latent]`. Standard normal unless a model says otherwise: where a
    /// latent variable depends on another, this is the noise that it is made of.
    fn prior(&self, rows: usize, noise: &mut Noise, device: &Device) -> Tensor<2> {
        noise.normal_tensor([rows, self.latent()], device)
    }

    /// Draws of it for the examples of a shard, class-major, `[classes * shard.each(), latent]`: the same as
    /// [`Generative::prior`] unless it depends on the class. Where it is drawn at once, a row is what it is in the whole draw; where
    /// chains draw it, it has the bits of the whole draw on the CPU.
    fn prior_by_class(
        &self,
        shard: &Shard,
        noise: &mut Noise,
        device: &Device,
        workers: &dyn Workers,
    ) -> Tensor<2> {
        let _ = workers;
        shard.drawn_in_order(self.classes(), |rows| self.prior(rows, noise, device))
    }

    /// Whether draws of it `[rows, latent]`, row-major, can be trusted: those of chains may have diverged.
    ///
    /// # Errors
    /// [`Error::Diverged`](crate::error::Error::Diverged).
    fn check_drawn(&self, z: &[f32]) -> Result<()> {
        let _ = z;
        Ok(())
    }

    /// Where a share of that prior lies below, the same in every dimension. `share` is between 0 and 1,
    /// neither of them.
    fn quantile(&self, share: f64) -> f64 {
        normal_quantile(share)
    }

    /// The centre of its posterior given examples and their classes: `[batch, features]` to
    /// `[batch, latent]`.
    fn encode(&self, x: Tensor<2>, y: &Classes) -> Tensor<2>;

    /// `z [rows, latent]` as it stands beside each class, class-major, `[classes * rows, latent]`: the same `z`, unless the class is
    /// in it.
    fn in_every_class(&self, z: Tensor<2>) -> Tensor<2> {
        z.repeat_dim(0, self.classes())
    }

    /// Logits of `p(y|...)` of something generated, `[rows, classes]`: from `x`, or from the `z` it was made of where the class
    /// follows from that.
    fn judge(&self, z: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let _ = z;
        self.classify(x)
    }

    /// What [`Generative::judge`] decides from: the last hidden layer, `[rows, width]`.
    fn judged_by(&self, z: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let _ = z;
        self.features(x)
    }

    /// Examples from `z [rows, latent]` and a class for each.
    fn decode(&self, z: Tensor<2>, y: &Classes) -> Observation;
}

/// How many standard normal numbers the bounds take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths {
    /// For each example, which its classes share.
    pub example: usize,
    /// For each example and class.
    pub row: usize,
}

/// How examples are looked at before their class is considered.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// `[batch, widths().example]`, standard normal; `None` where that is zero.
    pub epsilon: Option<Tensor<2>>,
    /// What training does to networks, if this is training.
    pub training: Option<Training>,
    /// What [`Generative::infer`] gives for these examples, if it is known already.
    pub inferred: Option<Gaussian>,
}

impl Look {
    /// Draws what the examples `first`, `first + 1`, ... of a batch take, for evaluation.
    pub fn draw(
        model: &(impl Generative + ?Sized),
        first: usize,
        rows: usize,
        noise: &Noise,
        device: &Device,
    ) -> Self {
        let width = model.widths().example;
        let epsilon = (width > 0).then(|| noise.normal_by_example(first, [rows, width], 1, device));
        Self { epsilon, training: None, inferred: None }
    }

    /// The same where what is inferred of the examples `x [rows, features]` is known.
    #[must_use]
    pub fn inferring(self, model: &(impl Generative + ?Sized), x: Tensor<2>) -> Self {
        Self { inferred: model.infer(x, &self), ..self }
    }

    /// How often each of `batch` examples is looked at.
    pub fn draws(&self, batch: usize) -> usize {
        self.epsilon.as_ref().map_or(1, |epsilon| epsilon.dims()[0] / batch.max(1))
    }

    /// The first of several draws for each of `batch` examples.
    #[must_use]
    pub fn first(&self, batch: usize) -> Self {
        let first = |rows: &Tensor<2>| rows.clone().slice_dim(0, 0..batch);
        let inferred = self.inferred.as_ref();
        Self {
            epsilon: self.epsilon.as_ref().map(first),
            training: self.training.clone(),
            inferred: inferred
                .map(|q| Gaussian { mean: first(&q.mean), log_var: first(&q.log_var) }),
        }
    }
}

/// How a divergence `E_q[log q - log p]` is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// In closed form where there is one.
    Closed,
    /// At the draw: what importance weights need.
    Drawn,
}

impl Divergence {
    /// `q` from `p`, at the draw `z` of `q`: `[rows]`, nats.
    pub fn between(self, q: &Gaussian, p: &Gaussian, z: &Tensor<2>) -> Tensor<1> {
        match self {
            Self::Closed => q.kl_from(p),
            Self::Drawn => q.log_prob(z.clone()) - p.log_prob(z.clone()),
        }
    }

    /// `q` from N(0, I), at the draw `z` of `q`: `[rows]`, nats.
    pub fn from_standard(self, q: &Gaussian, z: &Tensor<2>) -> Tensor<1> {
        match self {
            Self::Closed => q.kl_from_standard(),
            Self::Drawn => q.log_prob(z.clone()) - Gaussian::standard_log_prob(z.clone()),
        }
    }
}

/// What every bound has in it and was estimated quickly (`log Z` of a latent EBM, E39), and an estimate that took longer.
#[derive(Clone, Debug)]
pub struct SharedPart {
    /// What every bound has subtracted, `[1]`, nats.
    pub subtracted: Tensor<1>,
    /// Logarithms of weights, `[draws]`: that of their mean is the better estimate, and their spread says how well it is known.
    pub log_weights: Tensor<1>,
}

/// The terms of `L(x, y)` (E1), one value per row, in nats.
#[derive(Clone, Debug)]
pub struct Bound {
    /// `log p(x|...)` at one draw of the latent variables.
    pub reconstruction: Tensor<1>,
    /// The divergence of each layer of latent variables from its prior, by name.
    pub divergences: Vec<(&'static str, Tensor<1>)>,
    /// `log p(y)`, the same for every class.
    pub log_prior_y: f64,
}

impl Bound {
    /// The divergence of all layers, `[rows]`.
    pub fn kl(&self) -> Tensor<1> {
        let layers = self.divergences.iter().map(|(_, kl)| kl.clone());
        layers.reduce(|a, b| a + b).unwrap_or_else(|| self.reconstruction.zeros_like())
    }

    /// `L(x, y) = log p(x|...) + log p(y) - kl_weight KL` (E1), `[rows]`.
    pub fn value(&self, kl_weight: f64) -> Tensor<1> {
        let kl = match kl_weight {
            1.0 => self.kl(),
            weight => self.kl() * weight,
        };
        self.reconstruction.clone() - kl + self.log_prior_y
    }
}
