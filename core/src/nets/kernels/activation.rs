//! Nonlinearities of hidden layers.

use burn::tensor::{Device, Tensor, activation};
use serde::{Deserialize, Serialize};

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

/// From here on `tanh` is 1 to the last bit of single precision, and minus 1 on the other side.
const TANH_ENDS: f64 = 20.0;

/// `tanh(x)`, for any `x`. A GPU may make it of `exp(2 x)`, which overflows from 45 on: then it answers NaN where 1 is meant.
pub fn tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if is_plain_cpu(&x.device()) {
        return x.tanh();
    }
    x.clamp(-TANH_ENDS, TANH_ENDS).tanh()
}

/// Below this, `log(1 + exp(x))` is nearer to `exp(x)` than to what is left of it once 1 was added: both are off by 2e-4 of it here.
const SOFTPLUS_TAIL: f64 = -8.0;

/// `log(1 + exp(x))` in a form that neither overflows nor loses small values.
///
/// Written through `log_sigmoid` because back ends have that as one kernel, forward and backward, where
/// their softplus is five. A GPU has no `log(1 + t)` that is good for small `t`, so there the tail is another one.
pub fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let value = activation::log_sigmoid(x.clone().neg()).neg();
    if is_plain_cpu(&x.device()) {
        return value;
    }
    let tail = x.clone().lower_elem(SOFTPLUS_TAIL);
    // Clamped, because a gradient of zero times an infinite slope is NaN.
    value.mask_where(tail, x.clamp_max(SOFTPLUS_TAIL).exp())
}

/// Whether functions of numbers are those of the standard library, exact to a few units in the last place.
fn is_plain_cpu(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    return *device == Device::flex();
    #[cfg(not(feature = "flex"))]
    {
        let _ = device;
        false
    }
}
