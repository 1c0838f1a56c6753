//! Ladder VAE for semi-supervised learning (Sønderby et al. 2016; E19): several layers of latent variables, of
//! which each posterior merges what the example says, bottom-up, with what the layer above says, top-down.
//!
//! ```text
//! y ~ Cat(1/K)      z_L ~ N(0, I)      z_i ~ p(z_i | z_{i+1}, y)      x ~ p(x | z_1, y)
//! q(y | x)      q(z_L | x, y)          q(z_i | x, y, z_{i+1}) ∝ q'(z_i | x) p(z_i | z_{i+1}, y)
//! ```
//!
//! What is sampled, and passed down, is the merged posterior: so the data reach `x` through every layer.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::architecture::architecture;
use super::blocks::{Emission, GaussianNet};
use super::check::{at_least_one, widths};
use super::common::{Common, configuration};
use super::generative::{Bound, Classify, Divergence, Generative, Look, Widths};
use super::observation::Observation;
use super::view::View;
use crate::dist::Gaussian;
use crate::error::{Error, Result};
use crate::nets::{Classes, Fan, Inputs, Mlp, Training};
use crate::noise::Noise;

/// Names of the layers' divergences, the layer next to the data first; as many layers there can be.
const NAMES: [&str; 6] = ["kl_z1", "kl_z2", "kl_z3", "kl_z4", "kl_z5", "kl_z6"];

/// Names of the layers, in the same order.
const LAYERS: [&str; NAMES.len()] = ["z1", "z2", "z3", "z4", "z5", "z6"];

configuration! {
    /// Shape of a [`Ladder`].
    pub struct LadderConfig {
        /// What most configurations say; hidden layers have one width for each layer of `z`.
        pub common: Common,
        /// Dimensions of `z_1`, next to the data, to `z_L`.
        pub latent: Vec<usize>,
        /// Widths of the hidden layers of the classifier.
        pub classifier_hidden: Vec<usize>,
    }
}

architecture!(LadderConfig, baseline: classifier_hidden);

impl LadderConfig {
    fn check(&self) -> Result<()> {
        self.common.check()?;
        widths("model.classifier-hidden", &self.classifier_hidden)?;
        self.latent.iter().try_for_each(|&size| at_least_one("model.latent", size))?;
        if self.latent.is_empty() || self.latent.len() > NAMES.len() {
            let rule = format!("a ladder has 1 to {} layers", NAMES.len());
            return Err(Error::config("model.latent", format!("{:?}", self.latent), rule));
        }
        let hidden = &self.common.hidden;
        if hidden.len() != self.latent.len() {
            let rule = format!("give one width for each of the {} layers of z", self.latent.len());
            return Err(Error::config("model.hidden", format!("{hidden:?}"), rule));
        }
        Ok(())
    }
}

/// The model. Layers are in the order of their distance from the data.
#[derive(Module, Debug)]
pub struct Ladder {
    /// Logits of `q(y|x)`.
    pub classifier: Mlp,
    /// `q'(z_i|x)`, each on the hidden layer of the one before; the last one sees the class too.
    pub upwards: Vec<GaussianNet>,
    /// `p(z_i|z_{i+1},y)`, one fewer.
    pub downwards: Vec<GaussianNet>,
    /// `p(x|z_1,y)`.
    pub decoder: Emission,
    #[module(skip)]
    classes: usize,
    #[module(skip)]
    view: View,
}

impl Ladder {
    /// Builds the model, with weights from `noise`.
    ///
    /// # Errors
    /// If a size is zero, there are fewer than two classes, or layers do not fit each other.
    pub fn new(config: &LadderConfig, noise: &Noise, device: &Device) -> Result<Self> {
        config.check()?;
        let Common { classes, activation, ref hidden, .. } = config.common;
        let (latent, view) = (&config.latent, View::new(&config.common));
        let features = view.width(config.common.features());
        let gaussian = |purpose: &str, level: usize, fan| {
            let mut stream = noise.split(purpose).at(level as u64);
            let widths = &hidden[level..=level];
            GaussianNet::new(fan, widths, latent[level], activation, &mut stream, device)
        };
        let top = latent.len() - 1;
        let upwards = (0..=top).map(|level| {
            let below = if level == 0 { features } else { hidden[level - 1] };
            let classes = if level == top { classes } else { 0 };
            gaussian("upwards", level, Fan { features: below, beside: 0, classes })
        });
        let fan = |features| Fan { features, beside: 0, classes };
        let downwards = (0..top).map(|level| gaussian("downwards", level, fan(latent[level + 1])));
        Ok(Self {
            classifier: Mlp::new(
                features,
                &config.classifier_hidden,
                classes,
                activation,
                &mut noise.split("classifier"),
                device,
            ),
            upwards: upwards.collect(),
            downwards: downwards.collect(),
            decoder: Emission::new(
                fan(latent[0]),
                &hidden[..1],
                &config.common,
                &mut noise.split("decoder"),
                device,
            ),
            classes,
            view,
        })
    }

    /// `q'(z_i|x)` of every layer: `[batch, latent]` for all but the last, `[rows, latent]` for that.
    fn bottom_up(&self, x: Tensor<2>, y: &Classes, training: Option<&Training>) -> Vec<Gaussian> {
        let mut below = self.view.of(x, training);
        let level = |net: &GaussianNet| {
            let h = net.trunk(Inputs::shared(below.clone(), y));
            below = h.clone();
            net.at(h)
        };
        self.upwards.iter().map(level).collect()
    }

    /// From the top to the data. `draw` is given each layer's number, what the example says of it and what
    /// the layer above says, which the topmost has not, and returns a value of the layer.
    fn top_down(
        &self,
        y: &Classes,
        mut draw: impl FnMut(usize, Option<&Gaussian>) -> Tensor<2>,
    ) -> Tensor<2> {
        let top = draw(self.downwards.len(), None);
        self.downwards.iter().enumerate().rev().fold(top, |above, (level, net)| {
            let prior = net.forward(Inputs::own(above, y));
            draw(level, Some(&prior))
        })
    }

    /// What the example and the layer above say of a layer together (E19).
    fn posterior(&self, said: &Gaussian, prior: Option<&Gaussian>, y: &Classes) -> Gaussian {
        let each = |shared: &Tensor<2>| y.spread(shared.clone(), self.classes);
        match prior {
            None => said.clone(),
            Some(prior) => {
                let said = Gaussian { mean: each(&said.mean), log_var: each(&said.log_var) };
                said.merge(prior)
            }
        }
    }

    /// Cuts numbers of all layers, `[rows, latent]`, into those of each.
    fn by_layer(&self, all: &Tensor<2>) -> Vec<Tensor<2>> {
        let mut start = 0;
        let layer = |net: &GaussianNet| {
            let from = start;
            start += net.outputs();
            all.clone().slice_dim(1, from..start)
        };
        self.upwards.iter().map(layer).collect()
    }
}

impl Classify for Ladder {
    fn classify(&self, x: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(self.view.of(x, None))
    }
}

impl Generative for Ladder {
    fn classes(&self) -> usize {
        self.classes
    }

    fn widths(&self) -> Widths {
        Widths { example: 0, row: self.latent() }
    }

    fn logits(&self, x: Tensor<2>, look: &Look) -> Tensor<2> {
        self.classifier.forward(self.view.of(x, look.training.as_ref()))
    }

    fn features(&self, x: Tensor<2>) -> Tensor<2> {
        self.classifier.features(self.view.of(x, None))
    }

    fn bound(
        &self,
        x: Tensor<2>,
        look: &Look,
        y: &Classes,
        epsilon: Tensor<2>,
        divergence: Divergence,
    ) -> Bound {
        let said = self.bottom_up(x.clone(), y, look.training.as_ref());
        let epsilon = self.by_layer(&epsilon);
        let mut divergences = Vec::with_capacity(said.len());
        let z_1 = self.top_down(y, |level, prior| {
            let q = self.posterior(&said[level], prior, y);
            let z = q.sample(epsilon[level].clone());
            let kl = match prior {
                None => divergence.from_standard(&q, &z),
                Some(prior) => divergence.between(&q, prior, &z),
            };
            divergences.push((NAMES[level], kl));
            z
        });
        divergences.reverse();
        Bound {
            divergences,
            reconstruction: self.decoder.forward(Inputs::own(z_1, y)).log_prob(x),
            log_prior_y: -(self.classes as f64).ln(),
        }
    }

    /// The noise that each layer is made of, in the layers' order.
    fn latent(&self) -> usize {
        self.upwards.iter().map(GaussianNet::outputs).sum()
    }

    fn layers(&self) -> Vec<(&'static str, usize)> {
        LAYERS.into_iter().zip(self.upwards.iter().map(GaussianNet::outputs)).collect()
    }

    fn encode(&self, x: Tensor<2>, y: &Classes) -> Tensor<2> {
        let said = self.bottom_up(x, y, None);
        let mut noise = Vec::with_capacity(said.len());
        self.top_down(y, |level, prior| {
            let z = self.posterior(&said[level], prior, y).mean;
            noise.push(prior.map_or_else(|| z.clone(), |prior| prior.noise_of(z.clone())));
            z
        });
        noise.reverse();
        Tensor::cat(noise, 1)
    }

    fn decode(&self, z: Tensor<2>, y: &Classes) -> Observation {
        let noise = self.by_layer(&z);
        let z_1 = self.top_down(y, |level, prior| {
            let noise = noise[level].clone();
            prior.map_or_else(|| noise.clone(), |prior| prior.sample(noise.clone()))
        });
        self.decoder.forward(Inputs::own(z_1, y))
    }
}
