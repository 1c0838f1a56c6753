//! Class-conditional samples: `y` given, `z` from its prior, then the expected `x` under `p(x|y,z)` (E15). Where `z` depends on `y`,
//! as in an energy, chains draw it (E22).

use burn::tensor::{Device, Tensor};

use crate::models::Generative;
use crate::nets::Classes;
use crate::noise::Noise;
use crate::workers::Workers;

/// Class-conditional samples on a device, class-major: `per_class` rows of class 0, then of class 1, and
/// so on.
#[derive(Clone, Debug)]
pub struct Samples {
    /// Latent vectors, `[rows, latent]`.
    pub z: Tensor<2>,
    /// Expected observations, `[rows, features]`.
    pub x: Tensor<2>,
    /// Logits of `q(y|x)` at `x`, or of `p(y|z)` for a model that has it, `[rows, classes]`.
    pub logits: Tensor<2>,
}

/// Draws `per_class` samples of every class.
pub fn class_conditional(
    model: &impl Generative,
    per_class: usize,
    noise: &mut Noise,
    device: &Device,
    workers: &dyn Workers,
) -> Samples {
    let z = model.prior_by_class(per_class, noise, device, workers);
    let x = model.decode(z.clone(), &Classes::Every).mean();
    let logits = model.judge(z.clone(), x.clone());
    Samples { z, x, logits }
}
