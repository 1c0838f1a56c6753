//! Nonlinearities of hidden layers.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

#[cfg(feature = "flex")]
use super::clamp;
#[cfg(feature = "cube")]
use super::nonlinear;
#[cfg(feature = "flex")]
use crate::simd::on_cpu;

/// The nonlinearity of every hidden layer of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `log(1 + exp(x))`, the choice of Kingma et al. 2014.
    #[default]
    Softplus,
    /// `max(0, x)`.
    Relu,
    /// `x` if positive, else `0.2 x`, the choice of Pang et al. for energies.
    LeakyRelu,
    /// `x sigmoid(x)`.
    Silu,
    /// Hyperbolic tangent.
    Tanh,
    /// None: networks are linear, and a Gaussian model has a marginal likelihood in closed form.
    Identity,
}

impl Activation {
    /// What [`Activation::LeakyRelu`] leaves of negative values.
    pub const LEAK: f32 = 0.2;

    /// Applies the nonlinearity to each element.
    pub fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Softplus => softplus(x),
            Self::Relu => activation::relu(x),
            Self::LeakyRelu => leaky_relu(x, Self::LEAK),
            Self::Silu => activation::silu(x),
            Self::Tanh => tanh(x),
            Self::Identity => x,
        }
    }

    /// The nonlinearity of each element, and its slope there.
    pub fn with_slope(self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let one_if_positive = |x: Tensor<2>| x.greater_elem(0.0).float();
        let value = self.forward(x.clone());
        let slope = match self {
            Self::Softplus => activation::sigmoid(x),
            Self::Relu => one_if_positive(x),
            Self::LeakyRelu => {
                let leak = f64::from(Self::LEAK);
                one_if_positive(x) * (1.0 - leak) + leak
            }
            Self::Silu => {
                let gate = activation::sigmoid(x);
                gate.clone() + value.clone() * (gate.neg() + 1.0)
            }
            Self::Tanh => value.clone().square().neg() + 1.0,
            Self::Identity => x.ones_like(),
        };
        (value, slope)
    }
}

/// `x` if positive, else `leak` of it. At 0 the slope is `leak`, as in PyTorch; in the framework's own operation it is 1 there.
pub fn leaky_relu<const D: usize>(x: Tensor<D>, leak: f32) -> Tensor<D> {
    let is_positive = x.clone().greater_elem(0.0);
    (x.clone() * leak).mask_where(is_positive, x)
}

/// `tanh(x)`, for any `x`, also where a GPU makes it of an exponential that overflows.
pub fn tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "cube")]
    if crate::gpu::is_gpu(&x.device()) {
        return nonlinear::apply(x, nonlinear::Rule::Tanh);
    }
    #[cfg(feature = "flex")]
    if on_cpu(&x.device()) {
        return clamp::soft_clamp(x, 1.0);
    }
    x.tanh()
}

/// `bound tanh(x / bound)`: never beyond `bound`, and near zero as good as `x`.
pub fn soft_clamp<const D: usize>(x: Tensor<D>, bound: f64) -> Tensor<D> {
    #[cfg(feature = "cube")]
    if crate::gpu::is_gpu(&x.device()) {
        return nonlinear::apply(x, nonlinear::Rule::SoftClamp((bound as f32).to_bits()));
    }
    #[cfg(feature = "flex")]
    if on_cpu(&x.device()) {
        return clamp::soft_clamp(x, bound as f32);
    }
    tanh(x / bound) * bound
}

/// `log(1 + exp(x))` in a form that neither overflows nor loses small values.
///
/// On the CPU it is written through `log_sigmoid` because the back end has that as one kernel, forward and backward, where
/// its softplus is five. A GPU has no `log(1 + t)` that is good for small `t`, so there it is a kernel of our own.
pub fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "cube")]
    if crate::gpu::is_gpu(&x.device()) {
        return nonlinear::apply(x, nonlinear::Rule::Softplus);
    }
    activation::log_sigmoid(x.neg()).neg()
}
