//! The published models, one per file, and what a checkpoint can hold.

mod adgm;
mod architecture;
mod auxiliary;
mod background;
mod blocks;
mod check;
mod classifier;
mod columns;
mod common;
mod generative;
mod ladder;
mod latent_ebm;
mod latent_posterior;
mod latent_prior;
mod latent_transfer;
mod m1;
mod m1m2;
mod m2;
mod observation;
mod sdgm;
mod shard;
mod untapped;
mod view;

pub use adgm::Adgm;
pub use architecture::Architecture;
pub use auxiliary::{AuxiliaryConfig, Recognition};
pub use background::{background, with_background};
pub use blocks::{Emission, GaussianNet};
pub use classifier::{Classifier, ClassifierConfig, ClassifierNet, ConvolutionalClassifier};
pub use columns::columns;
pub use common::Common;
pub use generative::{Bound, Classify, Divergence, Generative, Look, SharedPart, Widths};
pub use ladder::{Ladder, LadderConfig};
pub use latent_ebm::{Classified, LangevinConfig, LatentEbm, LatentEbmConfig};
pub use latent_posterior::PosteriorDensity;
pub use latent_prior::{Annealing, LatentPrior, PriorDensity, Target};
pub use m1::{M1, M1Config};
pub use m1m2::{M1M2, M1M2Config};
pub use m2::{M2, M2Config};
pub use observation::{Likelihood, Observation};
pub use sdgm::Sdgm;
pub use shard::Shard;
pub use untapped::{Untapped, UntappedConfig};
pub use view::View;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use delegate::delegate;
use serde::{Deserialize, Deserializer, Serialize};

use crate::dist::Gaussian;
use crate::error::Result;
use crate::nets::Classes;
use crate::noise::Noise;
use crate::workers::Workers;

/// Writes down the family once: a name, a configuration and a model for each.
macro_rules! family {
    ($($(#[$doc:meta])* $name:literal: $Variant:ident($Config:ty) => $Model:ty),+ $(,)?) => {
        /// The configuration of any model: what a checkpoint's metadata holds.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "model")]
        pub enum ModelConfig {
            $($(#[$doc])* #[serde(rename = $name)] $Variant($Config),)+
        }

        /// Any model.
        #[derive(Module, Debug)]
        pub enum Model {
            $($(#[$doc])* $Variant($Model),)+
        }

        impl ModelConfig {
            /// The names used on the command line and in checkpoints.
            pub const NAMES: &[&str] = &[$($name),+];

            /// Whether the model tells classes apart: M1 does not.
            pub fn classifies(&self) -> bool {
                !matches!(self, Self::M1(_))
            }

            /// The model's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$Variant(_) => $name,)+
                }
            }

            /// Reads the configuration of the model of that name; `None` if there is no such model.
            /// Errors name the setting that is wrong, which those of a tagged enum do not.
            pub fn read<'de, D: Deserializer<'de>>(
                name: &str,
                settings: D,
            ) -> Option<std::result::Result<Self, D::Error>> {
                match name {
                    $($name => Some(<$Config>::deserialize(settings).map(Self::$Variant)),)+
                    _ => None,
                }
            }

            /// Builds the model with weights from `noise`.
            ///
            /// # Errors
            /// If the configuration is not one a model can have.
            pub fn init(&self, noise: &Noise, device: &Device) -> Result<Model> {
                Ok(match self {
                    $(Self::$Variant(config) => {
                        Model::$Variant(<$Model>::new(config, noise, device)?)
                    })+
                })
            }

            /// Numbers that the model has to learn, counted without taking memory for them.
            ///
            /// # Errors
            /// As [`ModelConfig::init`].
            pub fn parameters(&self, device: &Device) -> Result<u64> {
                let mut count = Count(0);
                self.init(&Noise::silent(), device)?.visit(&mut count);
                Ok(count.0)
            }

            fn architecture(&self) -> &dyn Architecture {
                match self {
                    $(Self::$Variant(config) => config,)+
                }
            }
        }

        impl Model {
            fn inner(&self) -> &dyn Generative {
                match self {
                    $(Self::$Variant(model) => model,)+
                }
            }

            fn inner_mut(&mut self) -> &mut dyn Generative {
                match self {
                    $(Self::$Variant(model) => model,)+
                }
            }
        }
    };
}

family! {
    /// [`M1`].
    "m1": M1(M1Config) => M1,
    /// [`M2`].
    "m2": M2(M2Config) => M2,
    /// [`M1M2`].
    "m1m2": M1M2(M1M2Config) => M1M2,
    /// [`Adgm`].
    "adgm": Adgm(AuxiliaryConfig) => Adgm,
    /// [`Sdgm`].
    "sdgm": Sdgm(AuxiliaryConfig) => Sdgm,
    /// [`Ladder`].
    "ladder": Ladder(LadderConfig) => Ladder,
    /// [`Untapped`].
    "untapped": Untapped(UntappedConfig) => Untapped,
    /// [`LatentEbm`].
    "latent-ebm": LatentEbm(LatentEbmConfig) => LatentEbm,
}

impl Architecture for ModelConfig {
    delegate! {
        to self.architecture() {
            fn shape(&self) -> &[usize];
            fn classes(&self) -> usize;
            fn likelihood(&self) -> Likelihood;
            fn baseline(&self) -> ClassifierConfig;
        }
    }
}

impl Classify for Model {
    delegate! {
        to self.inner() {
            fn classify(&self, x: Tensor<2>) -> Tensor<2>;
        }
    }
}

// Every method, those with a default too: a model's own must be reached through the family.
impl Generative for Model {
    delegate! {
        to self.inner() {
            fn classes(&self) -> usize;
            fn widths(&self) -> Widths;
            fn infer(&self, x: Tensor<2>, look: &Look) -> Option<Gaussian>;
            fn logits(&self, x: Tensor<2>, look: &Look) -> Tensor<2>;
            fn features(&self, x: Tensor<2>) -> Tensor<2>;
            fn bound(&self, x: Tensor<2>, look: &Look, classes: &Classes, epsilon: Tensor<2>, divergence: Divergence) -> Bound;
            fn frozen(&self, x: Tensor<2>, look: &Look) -> Option<Tensor<1>>;
            fn shared_part(&self) -> Option<SharedPart>;
            fn latent(&self) -> usize;
            fn layers(&self) -> Vec<(&'static str, usize)>;
            fn prior(&self, rows: usize, noise: &mut Noise, device: &Device) -> Tensor<2>;
            fn prior_by_class(&self, shard: &Shard, noise: &mut Noise, device: &Device, workers: &dyn Workers) -> Tensor<2>;
            fn check_drawn(&self, z: &[f32]) -> Result<()>;
            fn quantile(&self, share: f64) -> f64;
            fn encode(&self, x: Tensor<2>, y: &Classes) -> Tensor<2>;
            fn in_every_class(&self, z: Tensor<2>) -> Tensor<2>;
            fn judge(&self, z: Tensor<2>, x: Tensor<2>) -> Tensor<2>;
            fn judged_by(&self, z: Tensor<2>, x: Tensor<2>) -> Tensor<2>;
            fn decode(&self, z: Tensor<2>, y: &Classes) -> Observation;
        }
        to self.inner_mut() {
            fn measure(&mut self, x: Tensor<2>);
        }
    }
}

/// Sums up the sizes of parameters. Burn's own count overflows.
struct Count(u64);

impl ModuleVisitor for Count {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let shape = parameter.lazy_shape();
        let size = shape.iter().fold(1, |all: u64, &size| all.saturating_mul(size as u64));
        self.0 = self.0.saturating_add(size);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The methods written down between `start` and the end of its block.
    fn methods<'a>(text: &'a str, start: &str) -> BTreeSet<&'a str> {
        let block = text.split(start).nth(1).and_then(|rest| rest.split("\n}\n").next());
        let lines = block.expect("the block is there").lines();
        lines.filter_map(|line| line.trim().strip_prefix("fn ")?.split('(').next()).collect()
    }

    /// A method with a default that the family does not pass on would be the default for every model, silently.
    #[test]
    fn the_family_passes_every_method_on() {
        let of_trait = methods(include_str!("generative.rs"), "pub trait Generative");
        assert!(of_trait.len() > 10 && of_trait.contains("judge"), "{of_trait:?}");
        assert_eq!(methods(include_str!("mod.rs"), "\nimpl Generative for Model"), of_trait);
    }
}
