//! Adam (Kingma and Ba 2015, algorithm 1; E13), and the two of its constants that recipes choose.
//!
//! Moments are kept by module path, so that a run can be saved and continued in another process without
//! carrying identities of parameters along.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
#[cfg(feature = "flex")]
use gleaner_kernels::adam;
#[cfg(any(feature = "flex", feature = "cube"))]
use gleaner_kernels::adam::Constants;
#[cfg(feature = "flex")]
use gleaner_kernels::simd::on_cpu;
#[cfg(feature = "cube")]
use gleaner_kernels::{adam_gpu, gpu, gpu::Places};
use serde::{Deserialize, Serialize};

const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// What a run may choose of Adam.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AdamSettings {
    /// What is kept of the first moment in a step; generators are often trained with 0.5 (Radford et al. 2016).
    pub beta_1: f64,
    /// Share of a parameter that is added to its gradient, after clipping: the slope of a penalty on its square.
    pub weight_decay: f64,
}

impl Default for AdamSettings {
    /// As published.
    fn default() -> Self {
        Self { beta_1: 0.9, weight_decay: 0.0 }
    }
}

/// First and second moment of one parameter's gradient, flattened: `[values]`, without autodiff.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Running mean of the gradient.
    pub first: Tensor<1>,
    /// Running mean of its square.
    pub second: Tensor<1>,
}

/// The optimiser's state. Cloning is cheap: tensors are shared.
#[derive(Clone, Debug, Default)]
pub struct Adam {
    /// Updates done.
    pub time: u64,
    /// Moments by module path.
    pub moments: BTreeMap<String, Moments>,
    /// On a GPU, the same as one vector each, in the order of the last update.
    #[cfg(feature = "cube")]
    packed: Option<Packed>,
}

impl Adam {
    /// A state with the moments of every parameter, after `time` updates.
    pub fn new(time: u64, moments: BTreeMap<String, Moments>) -> Self {
        Self {
            time,
            moments,
            #[cfg(feature = "cube")]
            packed: None,
        }
    }
}

/// All moments as two vectors.
#[cfg(feature = "cube")]
#[derive(Clone, Debug)]
struct Packed {
    paths: Vec<String>,
    places: Places,
    both: Moments,
}

/// What one update does to every parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update {
    rate: f64,
    epsilon: f64,
    settings: AdamSettings,
}

impl Update {
    /// The update at `time`, counted from one. Both corrections of the moments' bias are folded into the
    /// rate and epsilon (end of their section 2).
    pub fn at(settings: AdamSettings, time: u64, rate: f64) -> Self {
        let correction = (1.0 - BETA_2.powf(time as f64)).sqrt();
        Self {
            rate: rate * correction / (1.0 - settings.beta_1.powf(time as f64)),
            epsilon: EPSILON * correction,
            settings,
        }
    }

    /// New values and moments of all parameters, each a path, its flattened value and its gradient, as one on a GPU. The gradients are
    /// packed already.
    #[cfg(feature = "cube")]
    pub fn apply_packed(
        self,
        optimizer: Adam,
        parameters: Vec<(String, Tensor<1>)>,
        (gradient, places): (Tensor<1>, Places),
        factor: Tensor<1>,
    ) -> (Adam, Vec<(String, Tensor<1>)>) {
        let Adam { time, mut moments, packed } = optimizer;
        let (paths, values): (Vec<_>, Vec<_>) = parameters.into_iter().unzip();
        let known = packed.filter(|known| known.paths == paths && known.places == places);
        let before = known.map_or_else(
            || {
                let of = |pick: fn(&Moments) -> &Tensor<1>| {
                    let zeros = |value: &Tensor<1>| value.zeros_like();
                    let each = paths.iter().zip(&values).map(|(path, value)| {
                        moments.get(path).map_or_else(|| zeros(value), |m| pick(m).clone())
                    });
                    places.pack(&each.collect::<Vec<_>>())
                };
                Moments { first: of(|m| &m.first), second: of(|m| &m.second) }
            },
            |known| known.both,
        );
        let (value, both) = self.apply(places.pack(&values), Some(before), gradient, factor);
        let firsts = places.unpack(&both.first);
        let each = firsts.into_iter().zip(places.unpack(&both.second));
        for (path, (first, second)) in paths.iter().zip(each) {
            moments.insert(path.clone(), Moments { first, second });
        }
        let values = paths.iter().cloned().zip(places.unpack(&value)).collect();
        let packed = Some(Packed { paths, places, both });
        (Adam { time, moments, packed }, values)
    }

    /// New value and moments of a flattened parameter whose gradient is `gradient * factor`, weight decay apart.
    pub fn apply(
        self,
        value: Tensor<1>,
        moments: Option<Moments>,
        gradient: Tensor<1>,
        factor: Tensor<1>,
    ) -> (Tensor<1>, Moments) {
        let moments = moments.unwrap_or_else(|| Moments {
            first: gradient.zeros_like(),
            second: gradient.zeros_like(),
        });
        #[cfg(feature = "flex")]
        if on_cpu(&value.device()) {
            return self.apply_with(adam::updated, value, moments, gradient, factor);
        }
        #[cfg(feature = "cube")]
        if gpu::is_gpu(&value.device()) {
            return self.apply_with(adam_gpu::updated, value, moments, gradient, factor);
        }
        self.apply_composed(value, moments, gradient, factor)
    }

    #[cfg(any(feature = "flex", feature = "cube"))]
    fn apply_with(
        self,
        updated: fn([Tensor<1>; 4], Tensor<1>, Constants) -> [Tensor<1>; 3],
        value: Tensor<1>,
        moments: Moments,
        gradient: Tensor<1>,
        factor: Tensor<1>,
    ) -> (Tensor<1>, Moments) {
        let AdamSettings { beta_1, weight_decay } = self.settings;
        let Self { rate, epsilon, .. } = self;
        let constants = Constants { rate, epsilon, keep: [beta_1, BETA_2], decay: weight_decay };
        let Moments { first, second } = moments;
        let [value, first, second] = updated([value, first, second, gradient], factor, constants);
        (value, Moments { first, second })
    }

    fn apply_composed(
        self,
        value: Tensor<1>,
        moments: Moments,
        gradient: Tensor<1>,
        factor: Tensor<1>,
    ) -> (Tensor<1>, Moments) {
        let AdamSettings { beta_1, weight_decay } = self.settings;
        let gradient = gradient * factor + value.clone() * weight_decay;
        let first = moments.first * beta_1 + gradient.clone() * (1.0 - beta_1);
        let second = moments.second * BETA_2 + gradient.square() * (1.0 - BETA_2);
        let change = first.clone() / (second.clone().sqrt() + self.epsilon) * self.rate;
        (value - change, Moments { first, second })
    }
}
