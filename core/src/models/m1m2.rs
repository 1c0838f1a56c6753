//! M1+M2: an M2 of what an M1 makes of the examples (Kingma et al. 2014, section 2.3). M1 is trained first and
//! kept as it is; the dimensions that it does not use are left out, and its features are drawn afresh whenever
//! an example is looked at.
//!
//! ```text
//! f ~ q1(f | x)      q(y | f)      q(z | f, y)      p(f | y, z) Gaussian      p1(x | f)
//! ```

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::architecture::architecture;
use super::check::{at_least_one, layers, widths};
use super::common::{Common, configuration};
use super::generative::{Bound, Classify, Divergence, Generative, Look, Widths};
use super::m1::{M1, M1Config};
use super::m2::{M2, M2Config};
use super::observation::{Likelihood, Observation};
use crate::dist::Gaussian;
use crate::error::{Error, Result};
use crate::nets::{Classes, Training};
use crate::noise::Noise;

configuration! {
    /// Shape of an [`M1M2`].
    pub struct M1M2Config {
        /// What most configurations say; the hidden layers are those of M2's encoder and decoder, and `x` is given M1's features.
        pub common: Common,
        /// Dimensions of M1's latent variable.
        pub feature_latent: usize,
        /// Widths of the hidden layers of M1.
        pub feature_hidden: Vec<usize>,
        /// Which of M1's dimensions M2 sees; all where it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub active: Option<Vec<usize>>,
        /// Dimensions of `z`.
        pub latent: usize,
        /// Widths of the hidden layers of the classifier.
        pub classifier_hidden: Vec<usize>,
    }
}

architecture!(M1M2Config, baseline: classifier_hidden);

impl M1M2Config {
    /// The first model.
    pub fn features(&self) -> M1Config {
        M1Config {
            common: Common { hidden: self.feature_hidden.clone(), ..self.common.clone() },
            latent: self.feature_latent,
            convolution: None,
        }
    }

    /// The second model, of the first one's features.
    pub fn stacked(&self) -> M2Config {
        let shape = vec![self.active.as_ref().map_or(self.feature_latent, Vec::len)];
        M2Config {
            common: Common {
                shape,
                likelihood: Likelihood::Gaussian,
                columns: Vec::new(),
                masking: 0.0,
                ..self.common.clone()
            },
            latent: self.latent,
            classifier_hidden: self.classifier_hidden.clone(),
            convolution: None,
        }
    }

    fn check(&self) -> Result<()> {
        self.common.check()?;
        widths("model.classifier-hidden", &self.classifier_hidden)?;
        layers("model.feature-hidden", &self.feature_hidden)?;
        at_least_one("model.feature-latent", self.feature_latent)?;
        at_least_one("model.latent", self.latent)?;
        match &self.active {
            Some(active)
                if active.is_empty()
                    || active.len() > self.feature_latent
                    || active.iter().any(|&i| i >= self.feature_latent) =>
            {
                let rule =
                    format!("give some of M1's {} dimensions, counted from 0", self.feature_latent);
                Err(Error::config("model.active", format!("{active:?}"), rule))
            }
            _ => Ok(()),
        }
    }
}

/// The model. No gradient reaches M1.
#[derive(Module, Debug)]
pub struct M1M2 {
    /// `q1(f|x)` and `p1(x|f)`.
    pub features: M1,
    /// `q(y|f)`, `q(z|f,y)`, `p(f|y,z)`.
    pub stacked: M2,
    #[module(skip)]
    active: Option<Vec<usize>>,
}

impl M1M2 {
    /// Builds the model, with weights from `noise`.
    ///
    /// # Errors
    /// If a size is zero, there are fewer than two classes, or an active dimension is not one of M1's.
    pub fn new(config: &M1M2Config, noise: &Noise, device: &Device) -> Result<Self> {
        config.check()?;
        let features = M1::new(&config.features(), &noise.split("features"), device)?;
        Self::on(features, config, noise, device)
    }

    /// Builds the model on an M1 that is there already.
    ///
    /// # Errors
    /// As [`M1M2::new`].
    pub fn on(features: M1, config: &M1M2Config, noise: &Noise, device: &Device) -> Result<Self> {
        config.check()?;
        let stacked = M2::new(&config.stacked(), noise, device)?;
        Ok(Self { features, stacked, active: config.active.clone() })
    }

    /// What M2 sees of M1's features: `[rows, feature latent]` to `[rows, active]`.
    fn seen(&self, f: Tensor<2>) -> Tensor<2> {
        match &self.active {
            None => f,
            Some(active) => {
                let indices: Vec<i32> = active.iter().map(|&i| i as i32).collect();
                let indices = TensorData::new(indices, [active.len()]);
                f.clone().select(1, Tensor::<1, Int>::from_data(indices, &f.device()))
            }
        }
    }

    /// `q1(f|x)`, held constant.
    fn posterior(&self, x: Tensor<2>, training: Option<&Training>) -> Gaussian {
        let Gaussian { mean, log_var } = self.features.posterior(x, training);
        Gaussian { mean: mean.detach(), log_var: log_var.detach() }
    }

    /// A draw of `q1(f|x)`; its mean where nothing is drawn.
    fn draw(&self, x: Tensor<2>, look: &Look) -> Tensor<2> {
        let q = self.posterior(x, look.training.as_ref());
        match &look.epsilon {
            Some(epsilon) => q.sample(epsilon.clone()),
            None => q.mean,
        }
    }
}

/// By the mean of the features.
impl Classify for M1M2 {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.stacked.classify(self.seen(self.posterior(x, None).mean))
    }
}

impl Generative for M1M2 {
    fn classes(&self) -> usize {
        self.stacked.classes()
    }

    fn widths(&self) -> Widths {
        Widths { example: self.features.latent(), row: self.stacked.latent() }
    }

    fn logits(&self, x: Tensor<2>, look: &Look) -> Tensor<2> {
        self.stacked.classify(self.seen(self.draw(x, look)))
    }

    fn features(&self, x: Tensor<2>) -> Tensor<2> {
        self.stacked.features(self.seen(self.posterior(x, None).mean))
    }

    /// M2's bound on the features that were drawn: what is trained. See [`Generative::frozen`] for the rest.
    fn bound(
        &self,
        x: Tensor<2>,
        look: &Look,
        y: &Classes,
        epsilon: Tensor<2>,
        divergence: Divergence,
    ) -> Bound {
        let f = self.seen(self.draw(x, look));
        self.stacked.bound(f, &Look::default(), y, epsilon, divergence)
    }

    /// `log p1(x|f) - log q1(f|x)`, and the prior of the dimensions that M2 does not see.
    fn frozen(&self, x: Tensor<2>, look: &Look) -> Option<Tensor<1>> {
        let q = self.posterior(x.clone(), look.training.as_ref());
        let f = self.draw(x.clone(), look);
        let unseen = Gaussian::standard_log_prob(f.clone())
            - Gaussian::standard_log_prob(self.seen(f.clone()));
        Some(self.features.emit(f.clone()).log_prob(x) - q.log_prob(f) + unseen)
    }

    fn latent(&self) -> usize {
        self.stacked.latent()
    }

    fn encode(&self, x: Tensor<2>, y: &Classes) -> Tensor<2> {
        self.stacked.encode(self.seen(self.posterior(x, None).mean), y)
    }

    /// Through the means of the features; those that M2 does not see are at their prior's mean.
    fn decode(&self, z: Tensor<2>, y: &Classes) -> Observation {
        let f = self.stacked.decode(z, y).mean();
        let f = match &self.active {
            None => f,
            Some(active) => {
                let ([rows, _], device) = (f.dims(), f.device());
                let every = (0..self.features.latent()).map(|dimension| {
                    match active.iter().position(|&i| i == dimension) {
                        Some(at) => f.clone().slice_dim(1, at..at + 1),
                        None => Tensor::zeros([rows, 1], &device),
                    }
                });
                Tensor::cat(every.collect(), 1)
            }
        };
        self.features.emit(f)
    }
}
